//! Ending in time: [`EndWithin`], [`EndError`].

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::end::End;
use crate::error::Failures;

pin_project! {
    /// Ends a transaction, but not longer than a timer takes. See
    /// [`Transaction::end_within`](crate::Transaction::end_within).
    ///
    /// ```
    /// use settled::EndError;
    ///
    /// let transaction = settled::begin();
    /// let gate = transaction.add(std::future::pending::<()>()).unwrap();
    /// let timer = std::future::ready(()); // over at once; any future will do
    /// assert!(matches!(settled::block_on(transaction.end_within(timer)), Err(EndError::Timeout)));
    /// gate.cancel();
    /// settled::block_on(transaction.end()).unwrap();
    /// ```
    #[must_use = "a transaction ends when this is awaited"]
    pub struct EndWithin<T> {
        end: End,
        #[pin]
        timer: T,
    }
}

impl<T> EndWithin<T> {
    pub(crate) fn new(end: End, timer: T) -> Self {
        EndWithin { end, timer }
    }
}

impl<T: Future<Output = ()>> Future for EndWithin<T> {
    type Output = Result<(), EndError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // First the end: where all has settled it does not matter what time it is.
        if let Poll::Ready(ended) = Pin::new(this.end).poll(cx) {
            return Poll::Ready(ended.map_err(EndError::Failed));
        }
        this.timer.poll(cx).map(|()| Err(EndError::Timeout))
    }
}

impl<T> fmt::Debug for EndWithin<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndWithin").field("end", &self.end).finish_non_exhaustive()
    }
}

/// Why [`Transaction::end_within`](crate::Transaction::end_within) did not return `Ok`.
///
/// ```
/// use settled::EndError;
///
/// let transaction = settled::begin();
/// transaction.add(async { Err::<(), _>("no") }).unwrap();
/// match settled::block_on(transaction.end_within(std::future::pending())) {
///     Err(EndError::Failed(failures)) => assert_eq!(failures.len(), 1),
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Clone)]
pub enum EndError {
    /// The time was over first: the transaction is left ending.
    Timeout,
    /// Everything has settled, and this has failed.
    Failed(Failures),
}

impl fmt::Display for EndError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EndError::Timeout => f.write_str("the transaction did not settle in time; it is left ending"),
            EndError::Failed(failures) => fmt::Display::fmt(failures, f),
        }
    }
}

/// Failures are printed as by [`Display`](fmt::Display): this is what `unwrap` and `main` print.
impl fmt::Debug for EndError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EndError::Timeout => f.write_str("Timeout"),
            EndError::Failed(failures) => fmt::Display::fmt(failures, f),
        }
    }
}

impl Error for EndError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            EndError::Timeout => None,
            EndError::Failed(failures) => failures.source(),
        }
    }
}
