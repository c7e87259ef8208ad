//! Signals that reach beyond the process: [`ExternalSignaller`] is told of each named signal and of each notification, and
//! brings in events from elsewhere.

use std::any::{Any, type_name};
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use futures::future::BoxFuture;
use settled::{Failures, Handled};

use crate::handlers::Handlers;
use crate::notify;

/// An event whose type is known to who sends and who receives it.
pub type AnyEvent = Arc<dyn Any + Send + Sync>;

/// Carries events out of the process, and into it: a message bus, a log, a test.
///
/// A signal that is built with a name and [`external`](crate::SignalBuilder::external) is registered when it is built; from
/// then on each of its notifications is published. The future of that joins the transaction, as those of asynchronous
/// handlers do (and waits for its commit, if it is atomic), and its failure is one of the notification. So it is with the
/// changes of an observable ([`ObservableBuilder::external`](crate::ObservableBuilder::external)).
/// [`notify_unpublished`](crate::Signal::notify_unpublished) leaves it out.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use async_trait::async_trait;
/// use settled_signal::{AnyEvent, ExternalSignal, ExternalSignaller, Signal, transaction::Handled};
///
/// /// What leaves one signal comes back into all others of that name.
/// #[derive(Default)]
/// struct Bus(Mutex<Vec<ExternalSignal>>);
///
/// #[async_trait]
/// impl ExternalSignaller for Bus {
///     fn register_signal(&self, signal: ExternalSignal) {
///         self.0.lock().unwrap().push(signal);
///     }
///     async fn publish(&self, from: &ExternalSignal, event: AnyEvent) -> Handled {
///         let signals = self.0.lock().unwrap().clone();
///         for signal in signals.iter().filter(|signal| signal.name() == from.name() && !signal.same(from)) {
///             signal.notify(&*event).await?;
///         }
///         Ok(())
///     }
/// }
///
/// settled::block_on(async {
///     let bus = Arc::new(Bus::default());
///     let [here, there] = [(); 2].map(|()| Signal::<u32>::builder().name("tick").external(bus.clone()).build());
///     let seen = Arc::new(Mutex::new(vec![]));
///     there.connect({ let seen = seen.clone(); move |x| seen.lock().unwrap().push(*x) });
///     here.notify(1).await.unwrap();
///     here.notify_unpublished(2).await.unwrap();
///     assert_eq!(*seen.lock().unwrap(), [1]);
/// });
/// ```
#[async_trait]
pub trait ExternalSignaller: Send + Sync {
    /// A signal with a name has been built. To be kept by who brings events in: it does not keep the signal alive.
    fn register_signal(&self, signal: ExternalSignal);

    /// The handlers of that signal are being notified of this event, which is an `Arc` of the signal's event type.
    ///
    /// # Errors
    ///
    /// What it returns is a failure of the notification, and of its transaction.
    async fn publish(&self, signal: &ExternalSignal, event: AnyEvent) -> Handled;
}

/// A named signal, or a named observable, whatever its event is: for an [`ExternalSignaller`]. A handle that does not keep the signal alive.
#[derive(Clone)]
pub struct ExternalSignal {
    name: Arc<str>,
    event: &'static str,
    inbound: Weak<dyn Inbound>,
}

/// Takes an event of a type that is not known here.
pub(crate) trait Inbound: Send + Sync {
    /// `None` if the event is of another type.
    fn notify(self: Arc<Self>, event: &dyn Any, location: &'static Location<'static>) -> Option<Settling>;
}

/// Until its handlers are done.
pub(crate) type Settling = BoxFuture<'static, Result<(), Failures>>;

impl<E, R> Inbound for Handlers<E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    fn notify(self: Arc<Self>, event: &dyn Any, location: &'static Location<'static>) -> Option<Settling> {
        let event = event.downcast_ref::<E>()?.clone();
        let notification = notify::to_all(&self, event, false, location);
        Some(Box::pin(async move { notification.await.map(drop) }))
    }
}

impl ExternalSignal {
    pub(crate) fn new<E, R>(name: Arc<str>, handlers: Weak<Handlers<E, R>>) -> Self
    where
        E: Clone + Send + Sync + 'static,
        R: Send + 'static,
    {
        ExternalSignal { name, event: type_name::<E>(), inbound: handlers as _ }
    }

    /// Whatever takes events of this type.
    pub(crate) fn of<E>(name: Arc<str>, inbound: Weak<dyn Inbound>) -> Self {
        ExternalSignal { name, event: type_name::<E>(), inbound }
    }

    /// The signal's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the type of its events, to be shown.
    pub fn event_type(&self) -> &'static str {
        self.event
    }

    /// Is it the same signal, not only one of the same name?
    pub fn same(&self, other: &Self) -> bool {
        Weak::ptr_eq(&self.inbound, &other.inbound)
    }

    /// Runs the handlers for an event from elsewhere: without echo, and past validator and hook. The synchronous ones are
    /// called now; what is given back is to be awaited, or dropped, as a [`Notification`](crate::Notification).
    ///
    /// Where it is an observable that this tells of, it is set, validators are asked, and what they refuse is a failure.
    ///
    /// Nothing is to be done where the signal is gone.
    ///
    /// # Errors
    ///
    /// The failures of the handlers; or that the event is of another type than the signal's.
    #[track_caller]
    pub fn notify(&self, event: &(dyn Any + Send + Sync)) -> impl Future<Output = Handled> + Send + use<> {
        let location = Location::caller();
        let known = self.inbound.upgrade().map(|handlers| handlers.notify(event, location));
        let name = self.name.clone();
        let expected = self.event;
        async move {
            match known {
                None => Ok(()),
                Some(Some(settling)) => settling.await.map_err(Into::into),
                Some(None) => Err(format!("an event for `{name}` is not of its type, `{expected}`").into()),
            }
        }
    }
}

impl fmt::Debug for ExternalSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalSignal").field("name", &self.name).field("event", &self.event).finish()
    }
}

/// Publishes the events of one signal.
pub(crate) struct Publish<E> {
    signal: ExternalSignal,
    signaller: Arc<dyn ExternalSignaller>,
    event: PhantomData<fn(E)>,
}

impl<E: Clone + Send + Sync + 'static> Publish<E> {
    pub(crate) fn new(signal: ExternalSignal, signaller: Arc<dyn ExternalSignaller>) -> Self {
        Publish { signal, signaller, event: PhantomData }
    }

    /// To be awaited.
    pub(crate) fn begin(&self, event: &E) -> impl Future<Output = Handled> + Send + 'static + use<E> {
        let event: AnyEvent = Arc::new(event.clone());
        let (signal, signaller) = (self.signal.clone(), self.signaller.clone());
        async move { signaller.publish(&signal, event).await }
    }
}
