//! What a handler may return: [`IntoOutcome`].

use std::fmt;

use settled::BoxError;

use crate::notification::Notification;
use crate::parts::Yield;

/// What a handler of a signal with results of type `R` may return.
///
/// | returned | means |
/// | --- | --- |
/// | `R` | a result (where `R` is `()`: nothing to say) |
/// | `Result<R, E>`, `E: Into<BoxError>` | a result, or a failure |
/// | `Option<R>` | a result, or none: it is left out of the results |
/// | [`Notification<R>`] | the results and failures of another notification, flattened in this place |
///
/// ```
/// # use settled_signal::Signal;
/// let even = Signal::<u32, u32>::new();
/// even.connect(|x| if x % 2 == 0 { Some(*x) } else { None });
/// let all = Signal::<u32, u32>::new();
/// all.connect(|x| x + 1);
/// all.connect(|x| x.checked_mul(2).ok_or("too much"));
/// all.connect({ let even = even.clone(); move |x| even.notify(*x) });
/// assert_eq!(all.notify(3).results(), Some(&[4, 6][..]));
/// assert_eq!(all.notify(4).results(), Some(&[5, 8, 4][..]));
/// ```
///
/// What has none of these types does not compile:
///
/// ```compile_fail
/// # use settled_signal::Signal;
/// Signal::<u32, u32>::new().connect(|x| x.to_string());
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}` where the signal's results are `{R}`",
    label = "this handler returns `{Self}`",
    note = "it may return `{R}`, `Result<{R}, E>` with `E: Into<BoxError>`, `Option<{R}>` or `Notification<{R}>`",
    note = "if what the last expression gives does not matter, end it with `;`"
)]
pub trait IntoOutcome<R> {
    /// As the one type that the signal understands.
    fn into_outcome(self) -> HandlerOutcome<R>;
}

/// What became of one handler: results or an error. Made by who implements [`IntoOutcome`] for a type of his own.
///
/// ```
/// # use settled_signal::{HandlerOutcome, IntoOutcome, Signal};
/// enum Answer { Yes(u32), No }
/// impl IntoOutcome<u32> for Answer {
///     fn into_outcome(self) -> HandlerOutcome<u32> {
///         match self {
///             Answer::Yes(answer) => HandlerOutcome::result(answer),
///             Answer::No => HandlerOutcome::nothing(),
///         }
///     }
/// }
/// let signal = Signal::<u32, u32>::new();
/// signal.connect(|x| if *x > 2 { Answer::Yes(*x) } else { Answer::No });
/// assert_eq!(signal.notify(3).results(), Some(&[3][..]));
/// assert_eq!(signal.notify(1).results(), Some(&[][..]));
/// ```
pub struct HandlerOutcome<R>(pub(crate) Result<Yield<R>, BoxError>);

impl<R> HandlerOutcome<R> {
    /// A result.
    pub fn result(result: R) -> Self {
        HandlerOutcome(Ok(Yield::One(result)))
    }

    /// No result.
    pub fn nothing() -> Self {
        HandlerOutcome(Ok(Yield::Nothing))
    }

    /// A failure.
    pub fn error(error: impl Into<BoxError>) -> Self {
        HandlerOutcome(Err(error.into()))
    }
}

impl<R> fmt::Debug for HandlerOutcome<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Ok(Yield::Nothing) => "HandlerOutcome(nothing)",
            Ok(_) => "HandlerOutcome(result)",
            Err(_) => "HandlerOutcome(error)",
        })
    }
}

impl<R> IntoOutcome<R> for R {
    #[inline]
    fn into_outcome(self) -> HandlerOutcome<R> {
        HandlerOutcome(Ok(Yield::One(self)))
    }
}

impl<R, E: Into<BoxError>> IntoOutcome<R> for Result<R, E> {
    #[inline]
    fn into_outcome(self) -> HandlerOutcome<R> {
        HandlerOutcome(self.map(Yield::One).map_err(Into::into))
    }
}

impl<R> IntoOutcome<R> for Option<R> {
    #[inline]
    fn into_outcome(self) -> HandlerOutcome<R> {
        HandlerOutcome(Ok(self.map_or(Yield::Nothing, Yield::One)))
    }
}

impl<R> IntoOutcome<R> for Notification<R> {
    fn into_outcome(self) -> HandlerOutcome<R> {
        HandlerOutcome(Ok(self.into_yield()))
    }
}

impl<R> IntoOutcome<R> for HandlerOutcome<R> {
    fn into_outcome(self) -> HandlerOutcome<R> {
        self
    }
}

/// Names the never type, which has no stable name of its own outside a return position.
trait Ret {
    type Out;
}

impl<R> Ret for fn() -> R {
    type Out = R;
}

/// For handlers that only panic. (For other results than `()` it would be at odds with `R` itself being `!`.)
#[expect(private_interfaces, reason = "the alias is private, the type that it names is not")]
impl IntoOutcome<()> for <fn() -> ! as Ret>::Out {
    fn into_outcome(self) -> HandlerOutcome<()> {
        self
    }
}
