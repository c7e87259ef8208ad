//! Signals that reach beyond the process: [`ExternalSignaller`] is told of each named signal and of each notification, and
//! brings in events from elsewhere.

use std::any::{Any, type_name};
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use async_trait::async_trait;
use futures::future::BoxFuture;
use settled::{Failures, Handled};

use crate::external_model::ExternalModel;
use crate::handlers::Handlers;
use crate::lock::lock;
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
/// Hung on a [`SignalRegistry`](crate::SignalRegistry::add_signaller) it is told of all that is registered there, each under
/// the name that it has there, and of models. How an event is written down is its own affair: it gets, and gives, the event
/// itself.
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

    /// A model has been registered in a [`SignalRegistry`](crate::SignalRegistry) that this one hangs on; its signals have been
    /// told of before. It may [take](crate::ExternalHandler::take) handlers whose names are its own.
    fn register_model(&self, model: ExternalModel) {
        drop(model);
    }

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
    fn notify(
        self: Arc<Self>,
        event: &dyn Any,
        location: &'static Location<'static>,
    ) -> Result<Settling, NotTaken>;
}

/// Why an event from elsewhere is not taken.
pub(crate) enum NotTaken {
    /// It is of another type.
    OfAnotherType,
    /// This only tells.
    OnlyTells,
}

/// Until its handlers are done.
pub(crate) type Settling = BoxFuture<'static, Result<(), Failures>>;

impl<E, R> Inbound for Handlers<E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    fn notify(
        self: Arc<Self>,
        event: &dyn Any,
        location: &'static Location<'static>,
    ) -> Result<Settling, NotTaken> {
        let event = event.downcast_ref::<E>().ok_or(NotTaken::OfAnotherType)?.clone();
        let notification = notify::to_all(&self, event, false, location);
        Ok(Box::pin(async move { notification.await.map(drop) }))
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
                Some(Ok(settling)) => settling.await.map_err(Into::into),
                Some(Err(NotTaken::OfAnotherType)) => {
                    Err(format!("an event for `{name}` is not of its type, `{expected}`").into())
                }
                Some(Err(NotTaken::OnlyTells)) => {
                    Err(format!("`{name}` only tells what it is: it takes no events").into())
                }
            }
        }
    }
}

impl fmt::Debug for ExternalSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalSignal").field("name", &self.name).field("event", &self.event).finish()
    }
}

/// Who is told of the notifications of one signal.
pub(crate) struct Publishers<E> {
    /// Is there any? To be looked at without the lock.
    any: AtomicBool,
    list: Mutex<Arc<Vec<Publish<E>>>>,
}

/// Tells one of them.
pub(crate) struct Publish<E> {
    signal: ExternalSignal,
    signaller: Arc<dyn ExternalSignaller>,
    event: PhantomData<fn(E)>,
}

impl<E> Default for Publishers<E> {
    fn default() -> Self {
        Publishers { any: AtomicBool::new(false), list: Mutex::default() }
    }
}

impl<E> Publishers<E> {
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Those who are to be told now.
    pub(crate) fn now(&self) -> Option<Arc<Vec<Publish<E>>>> {
        self.any().then(|| lock(&self.list).clone())
    }

    pub(crate) fn add(&self, signal: ExternalSignal, signaller: Arc<dyn ExternalSignaller>) {
        self.change(|list| {
            let added = Publish { signal, signaller, event: PhantomData };
            list.iter().cloned().chain([added]).collect()
        });
    }

    /// It was added by this name.
    pub(crate) fn remove(&self, name: &str, signaller: &Arc<dyn ExternalSignaller>) {
        let is_it = |publish: &Publish<E>| {
            publish.signal.name() == name && Arc::ptr_eq(&publish.signaller, signaller)
        };
        self.change(|list| list.iter().filter(|publish| !is_it(publish)).cloned().collect());
    }

    /// The old list is dropped when the lock is open again: it may hold the last of a signaller.
    fn change(&self, f: impl FnOnce(&[Publish<E>]) -> Vec<Publish<E>>) {
        let mut list = lock(&self.list);
        let new = Arc::new(f(&list));
        self.any.store(!new.is_empty(), Ordering::Relaxed);
        let old = std::mem::replace(&mut *list, new);
        drop(list);
        drop(old);
    }
}

impl<E> Clone for Publish<E> {
    fn clone(&self) -> Self {
        Publish { signal: self.signal.clone(), signaller: self.signaller.clone(), event: PhantomData }
    }
}

impl<E> Publish<E> {
    /// To be awaited.
    pub(crate) fn begin(&self, event: AnyEvent) -> impl Future<Output = Handled> + Send + 'static + use<E> {
        let (signal, signaller) = (self.signal.clone(), self.signaller.clone());
        async move { signaller.publish(&signal, event).await }
    }
}
