//! The face of a signal that notifies.

use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};

use crate::builder::SignalBuilder;
use crate::graph::Untracked;
use crate::hooks::Notifying;
use crate::notification::Notification;
use crate::notify::{notify, to_all, to_nobody};
use crate::options::Options;
use crate::refused::{Reason, Rejected};
use crate::source::Source;

/// An event that handlers connect to: synchronous ones are called at once, asynchronous ones go into the current
/// transaction.
///
/// A handler takes one event, by reference or as its own; one that needs only a part of it, or nothing, is a closure that
/// takes just that. (Where a signal has several arguments, the event is a tuple or a struct.)
///
/// A handle: clones are the same signal. It derefs to its [`Source`], where handlers connect. Where a signal is a field
/// of a model, each instance has its own.
///
/// ```
/// use settled_signal::{Signal, transaction};
///
/// transaction::block_on(async {
///     let clicked = Signal::<&str>::new();
///     clicked.connect(|button| println!("{button} was clicked"));
///     clicked.connect_async(|button| async move { println!("{button} is saved") });
///
///     transaction::scope(async {
///         clicked.notify("left");            // prints that it was clicked
///     }).await.unwrap();                     // prints that it is saved
/// });
/// ```
pub struct Signal<E, R = ()> {
    source: Source<E, R>,
}

impl<E, R> Signal<E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    /// A signal without handlers.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32, String>::new();
    /// assert!(signal.is_empty());
    /// ```
    pub fn new() -> Self {
        Signal { source: Source::new(Options::default()) }
    }

    pub(crate) fn of(source: Source<E, R>) -> Self {
        Signal { source }
    }

    /// To make a signal with more to it: a name, a validator, hooks, an order of its own.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal: Signal<u32> = Signal::builder().name("level").sequential().build();
    /// assert_eq!(signal.name(), Some("level"));
    /// ```
    pub fn builder() -> SignalBuilder<E, R> {
        SignalBuilder::new()
    }

    /// Calls the handlers that are connected now, in the order of connection: synchronous ones before it returns,
    /// asynchronous ones when the current transaction settles (or the notification is awaited).
    ///
    /// It is never deferred: called by a handler it calls the handlers again, inside. Between threads there is no order.
    /// A handler that fails or panics does not keep the others from being called. The failure is in the
    /// [`Notification`] and, if nobody awaits that, in the transaction's [`Failures`](settled::Failures).
    ///
    /// Refused by the [validator](SignalBuilder::validate): no handler is called, the notification carries the failure, and
    /// so the transaction; see [`try_notify`](Signal::try_notify).
    ///
    /// Where all handlers are synchronous and give no results it allocates nothing.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32, u32>::new();
    /// signal.connect(|x| x * 10);
    /// signal.connect(|x| x * 100);
    /// assert_eq!(signal.notify(3).results(), Some(&[30, 300][..]));
    /// ```
    #[track_caller]
    pub fn notify(&self, event: E) -> Notification<R> {
        let handlers = self.source.handlers();
        if handlers.options.is_wrapped() {
            return self.notify_wrapped(event, true, Location::caller());
        }
        match handlers.snapshot() {
            Some(snapshot) => notify(handlers, snapshot, event, Location::caller()),
            None => Notification::done(Vec::new()),
        }
    }

    /// As [`notify`](Signal::notify), but an event that is refused by the [validator](SignalBuilder::validate) is given back,
    /// and is no failure of the transaction.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let even = Signal::<u32>::builder().validate(|x| if x % 2 == 0 { Ok(()) } else { Err("odd") }).build();
    /// assert!(even.try_notify(2).is_ok());
    /// assert_eq!(even.try_notify(3).unwrap_err().value, 3);
    /// ```
    ///
    /// # Errors
    ///
    /// The event, and what the validator said.
    #[track_caller]
    pub fn try_notify(&self, event: E) -> Result<Notification<R>, Rejected<E>> {
        let location = Location::caller();
        match self.source.handlers().options.validate(&event) {
            Ok(()) => Ok(self.notify_valid(event, true, location)),
            Err(reason) => Err(Rejected { value: event, reason: reason.into_error(location) }),
        }
    }

    /// As [`notify`](Signal::notify), but the [external signaller](SignalBuilder::external) is not told.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32, u32>::new();
    /// signal.connect(|x| *x);
    /// assert_eq!(signal.notify_unpublished(1).results(), Some(&[1][..]));
    /// ```
    #[track_caller]
    pub fn notify_unpublished(&self, event: E) -> Notification<R> {
        self.notify_wrapped(event, false, Location::caller())
    }

    /// The signal as a function that notifies, for who takes one. (Rust lets no type of ours be called itself.)
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32, u32>::new();
    /// signal.connect(|x| x + 1);
    /// let results: Vec<u32> = [1, 2].map(signal.as_fn()).iter().flat_map(|n| n.results().unwrap().to_vec()).collect();
    /// assert_eq!(results, [2, 3]);
    /// ```
    pub fn as_fn(&self) -> impl Fn(E) -> Notification<R> + Clone + Send + Sync + use<E, R> + 'static {
        let signal = self.clone();
        move |event| signal.notify(event)
    }

    /// Where there is a validator, a hook, or somebody else to be told.
    #[cold]
    fn notify_wrapped(
        &self,
        event: E,
        publishes: bool,
        location: &'static Location<'static>,
    ) -> Notification<R> {
        match self.source.handlers().options.validate(&event) {
            Ok(()) => self.notify_valid(event, publishes, location),
            Err(reason) => to_nobody(reason, location),
        }
    }

    fn notify_valid(
        &self,
        event: E,
        publishes: bool,
        location: &'static Location<'static>,
    ) -> Notification<R> {
        let Some(hook) = &self.source.handlers().options.on_notify else {
            return to_all(self.source.handlers(), event, publishes, location);
        };
        let _untracked = Untracked::begin();
        let inner = Notifying { source: &self.source, publishes, location };
        catch_unwind(AssertUnwindSafe(|| hook(&inner, event)))
            .unwrap_or_else(|payload| to_nobody(Reason::Panic(payload), location))
    }

    /// Disconnects all handlers, and drops them.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32>::new();
    /// let connection = signal.connect(|_| {});
    /// signal.clear();
    /// assert!(signal.is_empty() && !connection.is_connected());
    /// ```
    pub fn clear(&self) {
        self.source.handlers().clear();
    }
}

impl<E, R> Signal<E, R> {
    /// The name that it was given.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// assert_eq!(Signal::<u32>::new().name(), None);
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.source.handlers().options.name.as_deref()
    }
}

impl<E, R> Deref for Signal<E, R> {
    type Target = Source<E, R>;

    fn deref(&self) -> &Source<E, R> {
        &self.source
    }
}

impl<E, R> Clone for Signal<E, R> {
    fn clone(&self) -> Self {
        Signal { source: self.source.clone() }
    }
}

impl<E, R> Default for Signal<E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    fn default() -> Self {
        Signal::new()
    }
}

impl<E, R> fmt::Debug for Signal<E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut signal = f.debug_struct("Signal");
        if let Some(name) = self.name() {
            signal.field("name", &name);
        }
        signal.field("handlers", &self.source.len()).finish()
    }
}
