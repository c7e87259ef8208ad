//! The face of a signal to which one subscribes.

use std::fmt;
use std::sync::Arc;

use crate::connect_with::ConnectBuilder;
use crate::connection::Connection;
use crate::delivery::Deliver;
use crate::external::{ExternalSignal, ExternalSignaller};
use crate::graph::Untracked;
use crate::handler::{Connectable, Handler, Later};
use crate::handlers::{Candidate, Handlers};
use crate::hooks::{Connecting, Disconnecting, Subscriber};
use crate::options::Options;
use crate::outcome::IntoOutcome;
use crate::rank::{Key, Place};
use crate::registry::Stop;

/// Where handlers connect: what a [`Signal`](crate::Signal) shows to those who may listen but not notify.
///
/// A handle: clones are the same source. `E` is the event, `R` what handlers give back.
///
/// Handlers are called in the order of connection (but see [`connect_with`](Source::connect_with)). One that is connected while handlers are being called is not called
/// in that round; one that is disconnected meanwhile is not called any more. No lock is held while one runs, so that
/// handlers may connect, disconnect, notify and drop what they like.
///
/// ```
/// # use settled_signal::{Signal, Source};
/// let signal = Signal::<u32, u32>::new();
/// let source: Source<u32, u32> = (*signal).clone();
/// source.connect(|x| x + 1);
/// assert_eq!(signal.notify(1).results(), Some(&[2][..]));
/// ```
pub struct Source<E, R = ()> {
    /// Shared by all clones.
    handlers: Arc<Handlers<E, R>>,
}

impl<E, R> Source<E, R> {
    pub(crate) fn new(options: Options<E, R>) -> Self {
        Source { handlers: Arc::new(Handlers::new(options)) }
    }

    pub(crate) fn of(handlers: Arc<Handlers<E, R>>) -> Self {
        Source { handlers }
    }

    #[inline]
    pub(crate) fn handlers(&self) -> &Arc<Handlers<E, R>> {
        &self.handlers
    }
}

impl<E, R> Source<E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    /// Of a signal: its notifications are published from now on, until that is stopped.
    pub(crate) fn publish(
        &self,
        name: Arc<str>,
        signaller: Arc<dyn ExternalSignaller>,
    ) -> (ExternalSignal, Stop) {
        let signal = ExternalSignal::new(name.clone(), Arc::downgrade(&self.handlers));
        self.handlers.options.publishers.add(signal.clone(), signaller.clone());
        let handlers = Arc::downgrade(&self.handlers);
        let stop = move || {
            if let Some(handlers) = handlers.upgrade() {
                handlers.options.publishers.remove(&name, &signaller);
            }
        };
        (signal, Box::new(stop))
    }

    /// The handlers that are connected, with their names.
    pub(crate) fn connections(&self) -> Vec<(Option<Arc<str>>, Connection)> {
        let named = self.handlers.named();
        named.into_iter().map(|(name, key)| (name, self.connection(key))).collect()
    }

    /// The connection of the first handler that was given this [name](ConnectBuilder::name).
    ///
    /// Costs a look at each.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32, u32>::new();
    /// signal.connect_with().name("ten").sync(|x| x * 10);
    /// signal.connect_with().name("hundred").sync(|x| x * 100);
    /// let _guard = signal.find("ten").unwrap().block();
    /// assert_eq!(signal.notify(1).results(), Some(&[100][..]));
    /// assert!(signal.find("thousand").is_none());
    /// ```
    pub fn find(&self, name: &str) -> Option<Connection> {
        let mut connections = self.connections().into_iter();
        connections.find(|(of, _)| of.as_deref() == Some(name)).map(|(_, connection)| connection)
    }

    /// Connects a synchronous handler: it is called inside `notify`.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32>::new();
    /// signal.connect(|x| if *x > 3 { Err("too much") } else { Ok(()) });
    /// let failures = settled::block_on(signal.notify(4)).unwrap_err();
    /// assert!(failures.to_string().ends_with("too much"));
    /// ```
    pub fn connect<F, O>(&self, f: F) -> Connection
    where
        F: Fn(&E) -> O + Send + Sync + 'static,
        O: IntoOutcome<R>,
    {
        self.connect_with().sync(f)
    }

    /// Connects an asynchronous handler: its future goes into the transaction that is current at `notify`.
    ///
    /// Its deliveries are made one after another, in the order of `notify`, also where they belong to different
    /// transactions: it never overlaps itself. One to a handler at rest whose event and future are small allocates nothing
    /// beyond the event's clone; any other costs an allocation or two.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// # settled::block_on(async {
    /// let signal = Signal::<u32>::new();
    /// signal.connect_async(|x| async move { if x > 3 { Err("too much") } else { Ok(()) } });
    /// let failures = settled::scope(async { signal.notify(4); }).await.unwrap_err();
    /// assert!(failures.to_string().ends_with("too much"));
    /// # });
    /// ```
    pub fn connect_async<F, Fut>(&self, f: F) -> Connection
    where
        F: Fn(E) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoOutcome<R>,
    {
        self.connect_with().run(f)
    }

    /// Connects a synchronous handler that is bound to an object, without keeping that alive: when the object is gone the
    /// handler is skipped and forgotten.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// # use std::sync::{Arc, Mutex};
    /// struct Log(Mutex<Vec<u32>>);
    /// impl Log {
    ///     fn on_value(&self, value: &u32) { self.0.lock().unwrap().push(*value); }
    /// }
    /// let signal = Signal::<u32>::new();
    /// let log = Arc::new(Log(Mutex::default()));
    /// signal.connect_weak(&log, Log::on_value);
    /// signal.notify(1);
    /// assert_eq!(*log.0.lock().unwrap(), [1]);
    /// drop(log);
    /// signal.notify(2);
    /// assert_eq!(signal.len(), 0);
    /// ```
    pub fn connect_weak<M, F, O>(&self, model: &Arc<M>, f: F) -> Connection
    where
        M: ?Sized + Send + Sync + 'static,
        F: Fn(&M, &E) -> O + Send + Sync + 'static,
        O: IntoOutcome<R>,
    {
        self.connect_with().weak(model).sync(f)
    }

    /// Connects an asynchronous handler that is bound to an object, without keeping that alive: when the object is gone
    /// the handler is skipped and forgotten. What it is owed by then it still gets: a delivery keeps the object.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// # use std::sync::{Arc, Mutex};
    /// struct Store(Mutex<Vec<u32>>);
    /// impl Store {
    ///     async fn save(self: Arc<Self>, value: u32) { self.0.lock().unwrap().push(value); }
    /// }
    /// # settled::block_on(async {
    /// let signal = Signal::<u32>::new();
    /// let store = Arc::new(Store(Mutex::default()));
    /// signal.connect_async_weak(&store, Store::save);
    /// settled::scope(async { signal.notify(1); }).await.unwrap();
    /// assert_eq!(*store.0.lock().unwrap(), [1]);
    /// # });
    /// ```
    pub fn connect_async_weak<M, F, Fut>(&self, model: &Arc<M>, f: F) -> Connection
    where
        M: ?Sized + Send + Sync + 'static,
        F: Fn(Arc<M>, E) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoOutcome<R>,
    {
        self.connect_with().weak(model).run(f)
    }

    /// Connects an object as an asynchronous handler. The same object (the same `Arc`) is connected once: as long as it is,
    /// this gives back the connection that there is.
    ///
    /// The signal keeps the object.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use settled_signal::{Handler, Signal, transaction::BoxError};
    /// struct Audit;
    /// #[async_trait::async_trait]
    /// impl Handler<u32> for Audit {
    ///     async fn handle(self: Arc<Self>, _: u32) -> Result<(), BoxError> { Ok(()) }
    /// }
    /// let (signal, audit) = (Signal::<u32>::new(), Arc::new(Audit));
    /// signal.connect_handler(audit.clone());
    /// signal.connect_handler(audit);
    /// assert_eq!(signal.len(), 1);
    /// ```
    pub fn connect_handler(&self, handler: Arc<dyn Handler<E, R>>) -> Connection {
        // The entry keeps the object, so that its address is its own as long as it is connected.
        let object = Arc::as_ptr(&handler).cast::<()>() as usize;
        if let Some(key) = self.handlers.connected_object(object) {
            return self.connection(key);
        }
        let delivery = self.handlers.options.delivery;
        let deliver = Deliver::new(move |event| handler.clone().handle(event), delivery);
        let entry = Connectable::new(Later(deliver), None);
        self.attach(Candidate { entry, place: Place::default(), is_weak: false, object: Some(object) })
    }

    /// Connects a handler with more to say of it: its place among the others, how often it is called, how its deliveries
    /// are made. It ends in [`sync`](ConnectBuilder::sync) or [`run`](ConnectBuilder::run).
    ///
    /// ```
    /// # use settled_signal::{Delivery, Signal};
    /// let search = Signal::<String>::new();
    /// search.connect_with().first().once().sync(|what| println!("the first search is for {what}"));
    /// search.connect_with().delivery(Delivery::Latest).run(|what| async move { println!("results for {what}") });
    /// assert_eq!(search.len(), 2);
    /// ```
    pub fn connect_with(&self) -> ConnectBuilder<'_, E, R> {
        ConnectBuilder::new(self)
    }

    /// Disconnects the handler and drops it; false if it is not connected here (any more).
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let (signal, other) = (Signal::<u32>::new(), Signal::<u32>::new());
    /// let connection = signal.connect(|_| {});
    /// assert!(!other.disconnect(&connection));
    /// assert!(signal.disconnect(&connection));
    /// assert!(!signal.disconnect(&connection));
    /// ```
    pub fn disconnect(&self, connection: &Connection) -> bool {
        let key = connection.key_in(Arc::as_ptr(&self.handlers));
        key.is_some_and(|key| self.disconnect_key(key))
    }

    /// By way of the hook, if there is one.
    pub(crate) fn disconnect_key(&self, key: Key) -> bool {
        match &self.handlers.options.on_disconnect {
            None => self.handlers.disconnect(key),
            Some(hook) => {
                let Some(entry) = self.handlers.entry(key) else { return false };
                let _untracked = Untracked::begin();
                hook(&Disconnecting { source: self, key, subscriber: Subscriber::of(entry) })
            }
        }
    }

    /// By way of the hook, if there is one.
    pub(crate) fn attach(&self, candidate: Candidate<E, R>) -> Connection {
        match &self.handlers.options.on_connect {
            None => self.connect_candidate(candidate),
            Some(hook) => {
                let _untracked = Untracked::begin();
                hook(&Connecting { source: self }, Subscriber(candidate))
            }
        }
    }

    pub(crate) fn connect_candidate(&self, candidate: Candidate<E, R>) -> Connection {
        self.connection(self.handlers.connect(candidate))
    }

    fn connection(&self, key: Key) -> Connection {
        Connection::new(Arc::downgrade(&self.handlers) as _, key)
    }
}

impl<E, R> Source<E, R> {
    /// How many handlers are connected. Weak ones whose objects are gone do not count; finding them costs a look at each.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32>::new();
    /// signal.connect(|_| {});
    /// assert_eq!(signal.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.handlers.len()
    }

    /// Is no handler connected?
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// assert!(Signal::<u32>::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<E, R> Clone for Source<E, R> {
    fn clone(&self) -> Self {
        Source { handlers: self.handlers.clone() }
    }
}

impl<E, R> fmt::Debug for Source<E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("handlers", &self.len()).finish()
    }
}
