//! One connected handler, of whatever type its closure is: four kinds, by whether it is synchronous and whether it is
//! bound to an object weakly; each may be for one call only. And [`Handler`], for those that are objects themselves.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use settled::BoxError;

use crate::delivery::{Deliver, deliver};
use crate::outcome::IntoOutcome;
use crate::round::Round;

/// An asynchronous handler that is an object: see [`connect_handler`](crate::Source::connect_handler).
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use settled_signal::{Handler, Signal, transaction::BoxError};
///
/// struct Limit(u32);
///
/// #[async_trait]
/// impl Handler<u32> for Limit {
///     async fn handle(self: Arc<Self>, event: u32) -> Result<(), BoxError> {
///         if event > self.0 { Err("too much".into()) } else { Ok(()) }
///     }
/// }
///
/// let signal = Signal::<u32>::new();
/// signal.connect_handler(Arc::new(Limit(3)));
/// assert!(settled::block_on(signal.notify(3)).is_ok());
/// assert!(settled::block_on(signal.notify(4)).is_err());
/// ```
#[async_trait]
pub trait Handler<E, R = ()>: Send + Sync {
    /// Handles one event.
    ///
    /// # Errors
    ///
    /// What it returns is a failure of the notification, and of its transaction.
    async fn handle(self: Arc<Self>, event: E) -> Result<R, BoxError>;
}

/// What is connected, in a list: a handler of any type.
pub(crate) trait Entry<E, R>: Send + Sync {
    /// Calls the handler, if it is still connected.
    fn call(&self, event: &E, round: &mut Round<'_, R>);

    /// The same for the last of the round, which may keep the event.
    fn call_last(&self, event: E, round: &mut Round<'_, R>);

    /// Is the object that it is bound to gone?
    fn is_gone(&self) -> bool;

    /// Is it asynchronous?
    fn is_late(&self) -> bool;

    /// No call begins any more.
    fn disconnect(&self);

    /// No call begins until it is unblocked as often.
    fn block(&self);

    fn unblock(&self);

    fn name(&self) -> Option<&Arc<str>>;
}

/// A handler that is, or was, connected.
pub(crate) struct Connectable<H> {
    /// Looked at before each call, which begins only at 0: how many block it, and whether it is disconnected.
    barred: AtomicU32,
    name: Option<Arc<str>>,
    handler: H,
}

/// In `barred`, beside the number of those who block it.
const DISCONNECTED: u32 = 1 << 31;

impl<H> Connectable<H> {
    pub(crate) fn new(handler: H, name: Option<Arc<str>>) -> Arc<Self> {
        Arc::new(Connectable { barred: AtomicU32::new(0), name, handler })
    }
}

impl<E, R, H: Handle<E, R>> Entry<E, R> for Connectable<H> {
    #[inline]
    fn call(&self, event: &E, round: &mut Round<'_, R>) {
        if self.barred.load(Ordering::Acquire) == 0 {
            self.handler.call(event, round);
        }
    }

    #[inline]
    fn call_last(&self, event: E, round: &mut Round<'_, R>) {
        if self.barred.load(Ordering::Acquire) == 0 {
            self.handler.call_last(event, round);
        }
    }

    fn is_gone(&self) -> bool {
        self.handler.is_gone()
    }

    fn is_late(&self) -> bool {
        self.handler.is_late()
    }

    fn disconnect(&self) {
        self.barred.fetch_or(DISCONNECTED, Ordering::Release);
        self.handler.disconnected();
    }

    fn block(&self) {
        self.barred.fetch_add(1, Ordering::Release);
    }

    fn unblock(&self) {
        self.barred.fetch_sub(1, Ordering::Release);
    }

    fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }
}

/// One of the four kinds.
pub(crate) trait Handle<E, R>: Send + Sync {
    /// Calls it, or, if it is asynchronous, has it called when its turn comes.
    fn call(&self, event: &E, round: &mut Round<'_, R>);

    /// The same with the event itself.
    #[inline]
    fn call_last(&self, event: E, round: &mut Round<'_, R>) {
        self.call(&event, round);
    }

    /// Is the object that it is bound to gone?
    fn is_gone(&self) -> bool {
        false
    }

    /// Is it asynchronous?
    fn is_late(&self) -> bool {
        false
    }

    /// It has been disconnected.
    fn disconnected(&self) {}
}

/// Synchronous.
pub(crate) struct Plain<F>(pub(crate) F);

impl<E, R, F, O> Handle<E, R> for Plain<F>
where
    F: Fn(&E) -> O + Send + Sync,
    O: IntoOutcome<R>,
{
    #[inline]
    fn call(&self, event: &E, round: &mut Round<'_, R>) {
        round.push((self.0)(event).into_outcome().0);
    }
}

/// Synchronous, bound to an object.
pub(crate) struct Bound<M: ?Sized, F> {
    pub(crate) model: Weak<M>,
    pub(crate) f: F,
}

impl<E, R, M, F, O> Handle<E, R> for Bound<M, F>
where
    M: ?Sized + Send + Sync,
    F: Fn(&M, &E) -> O + Send + Sync,
    O: IntoOutcome<R>,
{
    fn call(&self, event: &E, round: &mut Round<'_, R>) {
        let Some(model) = self.model.upgrade() else {
            round.met_gone = true;
            return;
        };
        round.push((self.f)(&model, event).into_outcome().0);
    }

    fn is_gone(&self) -> bool {
        self.model.strong_count() == 0
    }
}

/// Asynchronous.
pub(crate) struct Later<F>(pub(crate) Arc<Deliver<F>>);

impl<E, R, F, Fut> Handle<E, R> for Later<F>
where
    E: Clone + Send + 'static,
    R: Send + 'static,
    F: Fn(E) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: IntoOutcome<R>,
{
    fn call(&self, event: &E, round: &mut Round<'_, R>) {
        deliver(&self.0, event.clone(), round);
    }

    fn call_last(&self, event: E, round: &mut Round<'_, R>) {
        deliver(&self.0, event, round);
    }

    fn is_late(&self) -> bool {
        true
    }

    fn disconnected(&self) {
        self.0.disconnect();
    }
}

/// Asynchronous, bound to an object. The object lives until what it is owed has been delivered.
pub(crate) struct BoundLater<M: ?Sized, F> {
    pub(crate) model: Weak<M>,
    pub(crate) deliver: Arc<Deliver<F>>,
}

impl<E, R, M, F, Fut> Handle<E, R> for BoundLater<M, F>
where
    E: Clone + Send + 'static,
    R: Send + 'static,
    M: ?Sized + Send + Sync + 'static,
    F: Fn((Arc<M>, E)) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: IntoOutcome<R>,
{
    fn call(&self, event: &E, round: &mut Round<'_, R>) {
        match self.model.upgrade() {
            Some(model) => deliver(&self.deliver, (model, event.clone()), round),
            None => round.met_gone = true,
        }
    }

    fn call_last(&self, event: E, round: &mut Round<'_, R>) {
        match self.model.upgrade() {
            Some(model) => deliver(&self.deliver, (model, event), round),
            None => round.met_gone = true,
        }
    }

    fn is_gone(&self) -> bool {
        self.model.strong_count() == 0
    }

    fn is_late(&self) -> bool {
        true
    }

    fn disconnected(&self) {
        self.deliver.disconnect();
    }
}

/// Any kind, for one call.
pub(crate) struct Once<H> {
    used: AtomicBool,
    handler: H,
}

impl<H> Once<H> {
    pub(crate) fn new(handler: H) -> Self {
        Once { used: AtomicBool::new(false), handler }
    }

    /// True for the first who asks. It is gone then, also where the call panics.
    fn is_first<R>(&self, round: &mut Round<'_, R>) -> bool {
        round.met_gone = true;
        !self.used.swap(true, Ordering::AcqRel)
    }
}

impl<E, R, H: Handle<E, R>> Handle<E, R> for Once<H> {
    fn call(&self, event: &E, round: &mut Round<'_, R>) {
        if self.is_first(round) {
            self.handler.call(event, round);
        }
    }

    fn call_last(&self, event: E, round: &mut Round<'_, R>) {
        if self.is_first(round) {
            self.handler.call_last(event, round);
        }
    }

    fn is_gone(&self) -> bool {
        self.used.load(Ordering::Acquire) || self.handler.is_gone()
    }

    fn is_late(&self) -> bool {
        self.handler.is_late()
    }

    fn disconnected(&self) {
        self.handler.disconnected();
    }
}
