//! Which outputs a future given to [`add`](crate::add) may have.

use crate::BoxError;

/// An output that says whether its future has failed: `()`, `!` and `Result<T, E: Into<BoxError>>`.
///
/// An `Err` becomes a [`Failure`](crate::Failure) of the transaction. A future with any other output is added with
/// [`add_value`](crate::add_value), which takes the output as it is.
///
/// ```
/// use settled::Settles;
///
/// assert!(().settle().is_ok());
/// assert_eq!("7".parse::<u32>().settle().unwrap(), 7);
/// let error = "x".parse::<u32>().settle().unwrap_err(); // as any error
/// assert_eq!(error.to_string(), "invalid digit found in string");
/// ```
#[diagnostic::on_unimplemented(
    message = "a future with the output `{Self}` cannot be given to `add`",
    label = "this future's output is `{Self}`",
    note = "`add` takes futures whose output is `()`, `!` or `Result<T, E>` with `E: Into<BoxError>`",
    note = "use `add_value` to have any other output taken as it is"
)]
pub trait Settles {
    /// What the [`Stashed`](crate::Stashed) handle resolves with.
    type Value: Send + 'static;

    /// The value, or the error that becomes a failure.
    ///
    /// # Errors
    ///
    /// The error of a future that failed.
    fn settle(self) -> Result<Self::Value, BoxError>;
}

impl Settles for () {
    type Value = ();

    fn settle(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<T: Send + 'static, E: Into<BoxError>> Settles for Result<T, E> {
    type Value = T;

    fn settle(self) -> Result<T, BoxError> {
        self.map_err(Into::into)
    }
}

/// Names the never type, which has no stable name of its own outside a return position.
#[allow(unreachable_pub)] // Part of a public signature, and for nobody to name.
pub trait Ret {
    /// What it returns.
    type Out;
}

impl<R> Ret for fn() -> R {
    type Out = R;
}

impl Settles for <fn() -> ! as Ret>::Out {
    type Value = ();

    fn settle(self) -> Result<(), BoxError> {
        self
    }
}
