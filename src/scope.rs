//! The faces of a body: [`scope`], [`try_scope`], and what they resolve with.

use std::fmt;
use std::future::Future;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::body::{Body, Settled};
use crate::error::{Failure, Failures, Place, ScopeError};
use crate::node::Node;
use crate::open::Options;
use crate::root;

/// Runs `body` in a transaction of its own, and resolves when the body is done and everything that it set going has
/// settled.
///
/// While the body is suspended, what was added makes progress. The parent is what is current at the first poll. Costs no
/// allocation by itself as long as it is not suspended.
///
/// If the scope is dropped half-way, the body is dropped and what is pending is adopted by the nearest open transaction
/// above, else by the root.
///
/// # Errors
///
/// [`Failures`] has every failure that nobody has received; the body's value is lost then
/// ([`outcome`](Scope::outcome) loses nothing).
///
/// # Panics
///
/// If the body panics, the panic goes on when everything it set going has settled.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
///
/// let saved = Arc::new(AtomicU32::new(0));
/// let set_level = |level: u32| {
///     let saved = saved.clone();
///     settled::add(async move { saved.store(level, Ordering::Relaxed) });
/// };
/// settled::block_on(settled::scope(async {
///     set_level(7); // synchronous: nothing has run yet
/// }))
/// .unwrap();
/// assert_eq!(saved.load(Ordering::Relaxed), 7);
/// ```
#[track_caller]
pub fn scope<F: Future>(body: F) -> Scope<F> {
    Scope::new(body, Options::default(), Location::caller())
}

/// As [`scope`], for a body that returns a `Result`: one `?` for both.
///
/// # Errors
///
/// [`ScopeError::Body`] is the body's own error: what it had set going has settled all the same. If some of that failed, too,
/// those failures go to the transaction above, or to the [root](crate::Transaction::root) and so to
/// [`wait_all`](crate::wait_all); [`outcome`](TryScope::outcome) has both. [`ScopeError::Failed`] has the failures of what
/// the body set going, where the body itself returned `Ok`.
///
/// # Panics
///
/// As [`scope`].
///
/// ```
/// use settled::ScopeError;
///
/// let result = settled::block_on(settled::try_scope(async { Err::<(), _>("refused") }));
/// assert!(matches!(result, Err(ScopeError::Body("refused"))));
/// ```
#[track_caller]
pub fn try_scope<F, T, E>(body: F) -> TryScope<F>
where
    F: Future<Output = Result<T, E>>,
{
    TryScope::new(body, Options::default(), Location::caller())
}

/// What a scope came to, with nothing lost.
///
/// ```
/// let outcome = settled::block_on(
///     settled::scope(async {
///         settled::add(async { Err::<(), _>("disk full") });
///         3
///     })
///     .outcome(),
/// );
/// assert_eq!((outcome.value, outcome.failures.len()), (3, 1));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome<T> {
    /// What the body returned.
    pub value: T,
    /// The failures of what it set going.
    pub failures: Failures,
    /// What it set going was handed over to the atomic transaction around it, and has not started.
    pub deferred: bool,
}

pin_project! {
    /// The future of [`scope`].
    ///
    /// ```
    /// let scope = settled::scope(async { 5 });
    /// assert_eq!(settled::block_on(scope).unwrap(), 5);
    /// ```
    #[must_use = "a scope does nothing unless it is awaited"]
    pub struct Scope<F: Future> {
        #[pin]
        body: Body<F>,
    }
}

pin_project! {
    /// The future of [`try_scope`].
    ///
    /// ```
    /// let scope = settled::try_scope(async { "5".parse::<u32>() });
    /// assert_eq!(settled::block_on(scope).unwrap(), 5);
    /// ```
    #[must_use = "a scope does nothing unless it is awaited"]
    pub struct TryScope<F: Future> {
        #[pin]
        body: Body<F>,
    }
}

pin_project! {
    /// The future of [`Scope::outcome`].
    ///
    /// ```
    /// let outcome = settled::block_on(settled::scope(async { 5 }).outcome());
    /// assert_eq!((outcome.value, outcome.failures.len()), (5, 0));
    /// ```
    #[must_use = "a scope does nothing unless it is awaited"]
    pub struct ScopeOutcome<F: Future> {
        #[pin]
        body: Body<F>,
    }
}

pin_project! {
    /// The future of [`TryScope::outcome`].
    ///
    /// ```
    /// let outcome = settled::block_on(settled::try_scope(async { "x".parse::<u32>() }).outcome());
    /// assert!(outcome.value.is_err() && outcome.failures.is_empty());
    /// ```
    #[must_use = "a scope does nothing unless it is awaited"]
    pub struct TryScopeOutcome<F: Future> {
        #[pin]
        body: Body<F>,
    }
}

impl<F: Future> Scope<F> {
    pub(crate) fn new(body: F, options: Options, location: Place) -> Self {
        Scope { body: Body::new(body, options, location) }
    }

    /// Resolves with the value and the failures.
    ///
    /// ```
    /// let scope = settled::scope(async {
    ///     settled::add(async { Err::<(), _>("disk full") });
    ///     5
    /// });
    /// let outcome = settled::block_on(scope.outcome());
    /// assert_eq!((outcome.value, outcome.failures.len()), (5, 1));
    /// ```
    pub fn outcome(self) -> ScopeOutcome<F> {
        ScopeOutcome { body: self.body }
    }
}

impl<F: Future> TryScope<F> {
    pub(crate) fn new(body: F, options: Options, location: Place) -> Self {
        TryScope { body: Body::new(body, options, location) }
    }

    /// Resolves with what the body returned (also where something that it set going failed) and the failures.
    ///
    /// ```
    /// let scope = settled::try_scope(async {
    ///     settled::add(async { Err::<(), _>("disk full") });
    ///     "5".parse::<u32>()
    /// });
    /// let outcome = settled::block_on(scope.outcome());
    /// assert_eq!((outcome.value.unwrap(), outcome.failures.len()), (5, 1));
    /// ```
    pub fn outcome(self) -> TryScopeOutcome<F> {
        TryScopeOutcome { body: self.body }
    }
}

/// Polls the body to its end. A panic of it goes on; the failures are left to who is above then.
pub(crate) fn poll_body<F: Future>(body: Pin<&mut Body<F>>, cx: &mut Context<'_>) -> Poll<(F::Output, Rest)> {
    let Settled { output, failures, node, refused } = ready!(body.poll_settled(cx));
    let rest = Rest { failures, node, refused };
    match output {
        Ok(value) => Poll::Ready((value, rest)),
        Err(panic) => {
            rest.hand_up();
            resume_unwind(panic)
        }
    }
}

/// The failures of what a body set going.
pub(crate) struct Rest {
    failures: Failures,
    node: Option<Arc<Node>>,
    /// Why an atomic transaction did not commit, though its body returned well.
    pub(crate) refused: Option<Failure>,
}

impl Rest {
    /// They go to who awaited the scope.
    #[inline]
    pub(crate) fn receive(self) -> Failures {
        self.failures.receive();
        self.failures
    }

    /// They have no place in what the scope resolves with.
    pub(crate) fn hand_up(self) {
        if !self.failures.is_empty() {
            self.node.as_ref().unwrap_or_else(|| root::node()).hand_up(&self.failures);
        }
    }
}

pub(crate) fn outcome<T>(value: T, rest: Rest) -> Outcome<T> {
    let deferred = rest.node.as_ref().is_some_and(|node| node.is_deferred());
    Outcome { value, failures: rest.receive(), deferred }
}

impl<F: Future> Future for Scope<F> {
    type Output = Result<F::Output, Failures>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (value, rest) = ready!(poll_body(self.project().body, cx));
        Poll::Ready(rest.receive().into_result().map(|()| value))
    }
}

impl<F, T, E> Future for TryScope<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, ScopeError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (result, rest) = ready!(poll_body(self.project().body, cx));
        Poll::Ready(match result {
            Ok(value) => rest.receive().into_result().map(|()| value).map_err(ScopeError::Failed),
            Err(error) => {
                rest.hand_up();
                Err(ScopeError::Body(error))
            }
        })
    }
}

impl<F: Future> Future for ScopeOutcome<F> {
    type Output = Outcome<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (value, rest) = ready!(poll_body(self.project().body, cx));
        Poll::Ready(outcome(value, rest))
    }
}

impl<F, T, E> Future for TryScopeOutcome<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Outcome<Result<T, ScopeError<E>>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (result, rest) = ready!(poll_body(self.project().body, cx));
        Poll::Ready(outcome(result.map_err(ScopeError::Body), rest))
    }
}

macro_rules! debug {
    ($($name:ident),*) => {$(
        impl<F: Future> fmt::Debug for $name<F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.body).finish()
            }
        }
    )*};
}

debug!(Scope, TryScope, ScopeOutcome, TryScopeOutcome);
