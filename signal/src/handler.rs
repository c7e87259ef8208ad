//! One connected handler, of whatever type its closure is: four kinds, by whether it is synchronous and whether it is
//! bound to an object weakly. And [`Handler`], for those that are objects themselves.

use std::sync::atomic::{AtomicBool, Ordering};
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
    fn call(&self, event: &E, round: &mut Round<R>);

    /// The same for the last of the round, which may keep the event.
    fn call_last(&self, event: E, round: &mut Round<R>);

    /// Is the object that it is bound to gone?
    fn is_gone(&self) -> bool;

    /// No call begins any more.
    fn disconnect(&self);
}

/// A handler that is, or was, connected.
pub(crate) struct Connectable<H> {
    /// Looked at before each call.
    connected: AtomicBool,
    handler: H,
}

impl<H> Connectable<H> {
    pub(crate) fn new(handler: H) -> Arc<Self> {
        Arc::new(Connectable { connected: AtomicBool::new(true), handler })
    }
}

impl<E, R, H: Handle<E, R>> Entry<E, R> for Connectable<H> {
    #[inline]
    fn call(&self, event: &E, round: &mut Round<R>) {
        if self.connected.load(Ordering::Acquire) {
            self.handler.call(event, round);
        }
    }

    #[inline]
    fn call_last(&self, event: E, round: &mut Round<R>) {
        if self.connected.load(Ordering::Acquire) {
            self.handler.call_last(event, round);
        }
    }

    fn is_gone(&self) -> bool {
        self.handler.is_gone()
    }

    fn disconnect(&self) {
        self.connected.store(false, Ordering::Release);
        self.handler.disconnected();
    }
}

/// One of the four kinds.
pub(crate) trait Handle<E, R>: Send + Sync {
    /// Calls it, or, if it is asynchronous, has it called when its turn comes.
    fn call(&self, event: &E, round: &mut Round<R>);

    /// The same with the event itself.
    #[inline]
    fn call_last(&self, event: E, round: &mut Round<R>) {
        self.call(&event, round);
    }

    /// Is the object that it is bound to gone?
    fn is_gone(&self) -> bool {
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
    fn call(&self, event: &E, round: &mut Round<R>) {
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
    fn call(&self, event: &E, round: &mut Round<R>) {
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
    fn call(&self, event: &E, round: &mut Round<R>) {
        deliver(&self.0, event.clone(), round);
    }

    fn call_last(&self, event: E, round: &mut Round<R>) {
        deliver(&self.0, event, round);
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
    fn call(&self, event: &E, round: &mut Round<R>) {
        match self.model.upgrade() {
            Some(model) => deliver(&self.deliver, (model, event.clone()), round),
            None => round.met_gone = true,
        }
    }

    fn call_last(&self, event: E, round: &mut Round<R>) {
        match self.model.upgrade() {
            Some(model) => deliver(&self.deliver, (model, event), round),
            None => round.met_gone = true,
        }
    }

    fn is_gone(&self) -> bool {
        self.model.strong_count() == 0
    }

    fn disconnected(&self) {
        self.deliver.disconnect();
    }
}
