//! What a validator refuses.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::Location;

use settled::{BoxError, plumbing};

/// A validator has refused a value: here it is again, with the reason.
///
/// ```
/// # use settled_signal::Signal;
/// let signal = Signal::<i32>::builder().validate(|x: &i32| if *x < 0 { Err("negative") } else { Ok(()) }).build();
/// let rejected = signal.try_notify(-1).unwrap_err();
/// assert_eq!(rejected.value, -1);
/// assert_eq!(rejected.to_string(), "refused: negative");
/// ```
pub struct Rejected<E> {
    /// What was refused.
    pub value: E,
    /// What the validator said; if it panicked, a [`Failure`](settled::Failure) that tells so.
    pub reason: BoxError,
}

impl<E> fmt::Display for Rejected<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}", self.reason)
    }
}

impl<E> fmt::Debug for Rejected<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected").field("reason", &self.reason).finish_non_exhaustive()
    }
}

impl<E> Error for Rejected<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.reason)
    }
}

/// Why something was refused.
pub(crate) enum Reason {
    Error(BoxError),
    Panic(Box<dyn Any + Send>),
}

impl Reason {
    /// For who gets it back, and tells no transaction.
    pub(crate) fn into_error(self, location: &'static Location<'static>) -> BoxError {
        match self {
            Reason::Error(error) => error,
            Reason::Panic(payload) => Box::new(plumbing::panic_unrecorded(payload, location)),
        }
    }
}
