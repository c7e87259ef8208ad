//! The face of an atomic transaction: [`atomic`].

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::body::Body;
use crate::error::{Place, ScopeError};
use crate::open::Options;
use crate::scope::{Outcome, outcome, poll_body};

/// Runs `body` in a transaction that is all or nothing: what was added starts when the body has returned `Ok` and every
/// [check](crate::Transaction::before_commit) has passed, and not at all otherwise.
///
/// On the commit, [`on_commit`](crate::on_commit) hooks are called in order, then what was added starts, in order, and is
/// waited for as in a [`scope`](crate::scope). On a rollback (the body returned `Err` or panicked, a check refused, the
/// transaction was [aborted](crate::Transaction::abort), or this future is dropped) what was added is dropped unstarted, and
/// told that it [is cancelled](crate::Failure::is_cancelled); [`on_rollback`](crate::on_rollback) hooks are called, the last
/// one first; what was added with [`add_cleanup`](crate::add_cleanup) runs all the same. What destructors add in a rollback
/// goes to the nearest open transaction above that is not atomic, else to the root.
///
/// Inside another atomic transaction it is a part of that: on its commit it hands over what it holds, and nothing starts
/// before the outer one commits ([`Outcome::deferred`] tells); a rollback is of its own part alone. So is a plain scope
/// inside: it hands over when its body is done.
///
/// Awaiting in the body what was added there would wait for ever: it is a failure at once, which
/// [is uncommitted](crate::Failure::is_uncommitted).
///
/// # Errors
///
/// [`ScopeError::Body`] is the body's own error, and [`ScopeError::Refused`] what a check returned, or a cancellation where
/// the transaction was aborted: it has been rolled back. [`ScopeError::Failed`] has the failures of what started after the
/// commit: what was done stands ([`outcome`](Atomic::outcome) has the value, too).
///
/// # Panics
///
/// If the body panics, the panic goes on after the rollback.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
/// use settled::{ScopeError, add, atomic, block_on};
///
/// let letters = Arc::new(AtomicU32::new(0));
/// let order = |in_stock: bool| {
///     let letters = letters.clone();
///     atomic(async move {
///         add(async move { letters.fetch_add(1, Ordering::Relaxed); }); // a letter, if the order stands
///         if in_stock { Ok(17) } else { Err("out of stock") }
///     })
/// };
/// assert!(matches!(block_on(order(false)), Err(ScopeError::Body("out of stock"))));
/// assert_eq!(letters.load(Ordering::Relaxed), 0);
/// assert_eq!(block_on(order(true)).unwrap(), 17);
/// assert_eq!(letters.load(Ordering::Relaxed), 1);
/// ```
#[track_caller]
pub fn atomic<F, T, E>(body: F) -> Atomic<F>
where
    F: Future<Output = Result<T, E>>,
{
    Atomic::new(body, Options::default(), Location::caller())
}

pin_project! {
    /// The future of [`atomic`].
    ///
    /// ```
    /// let order = settled::atomic(async { Ok::<_, String>(17) });
    /// assert_eq!(settled::block_on(order).unwrap(), 17);
    /// ```
    #[must_use = "an atomic transaction does nothing unless it is awaited"]
    pub struct Atomic<F: Future> {
        #[pin]
        body: Body<F>,
    }
}

pin_project! {
    /// The future of [`Atomic::outcome`].
    ///
    /// ```
    /// let outcome = settled::block_on(settled::atomic(async { Err::<(), _>("sold out") }).outcome());
    /// assert!(outcome.value.is_err() && outcome.failures.is_empty());
    /// ```
    #[must_use = "an atomic transaction does nothing unless it is awaited"]
    pub struct AtomicOutcome<F: Future> {
        #[pin]
        body: Body<F>,
    }
}

impl<F, T, E> Atomic<F>
where
    F: Future<Output = Result<T, E>>,
{
    pub(crate) fn new(body: F, options: Options, location: Place) -> Self {
        Atomic { body: Body::atomic(body, options, Result::is_ok, location) }
    }

    /// Resolves with the value (also where something that started after the commit failed), or why it was rolled back, and
    /// the failures.
    ///
    /// ```
    /// let order = settled::atomic(async {
    ///     settled::add(async { Err::<(), _>("no paper") }); // the letter fails, the order stands
    ///     Ok::<_, String>(17)
    /// });
    /// let outcome = settled::block_on(order.outcome());
    /// assert_eq!((outcome.value.unwrap(), outcome.failures.len()), (17, 1));
    /// ```
    pub fn outcome(self) -> AtomicOutcome<F> {
        AtomicOutcome { body: self.body }
    }
}

impl<F, T, E> Future for Atomic<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, ScopeError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (result, mut rest) = ready!(poll_body(self.project().body, cx));
        let error = match (result, rest.refused.take()) {
            (Ok(value), None) => {
                return Poll::Ready(rest.receive().into_result().map(|()| value).map_err(ScopeError::Failed));
            }
            (Ok(_), Some(failure)) => ScopeError::Refused(failure),
            (Err(error), _) => ScopeError::Body(error),
        };
        rest.hand_up();
        Poll::Ready(Err(error))
    }
}

impl<F, T, E> Future for AtomicOutcome<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Outcome<Result<T, ScopeError<E>>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (result, mut rest) = ready!(poll_body(self.project().body, cx));
        let value = match (result, rest.refused.take()) {
            (Ok(value), None) => Ok(value),
            (Ok(_), Some(failure)) => Err(ScopeError::Refused(failure)),
            (Err(error), _) => Err(ScopeError::Body(error)),
        };
        Poll::Ready(outcome(value, rest))
    }
}

impl<F: Future> fmt::Debug for Atomic<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Atomic").field(&self.body).finish()
    }
}

impl<F: Future> fmt::Debug for AtomicOutcome<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AtomicOutcome").field(&self.body).finish()
    }
}
