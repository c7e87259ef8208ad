//! The face of a signal that notifies.

use std::fmt;
use std::ops::Deref;
use std::panic::Location;

use crate::notification::Notification;
use crate::notify::notify;
use crate::source::Source;

/// An event that handlers connect to: synchronous ones are called at once, asynchronous ones go into the current
/// transaction.
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
        Signal { source: Source::new() }
    }

    /// Calls the handlers that are connected now, in the order of connection: synchronous ones before it returns,
    /// asynchronous ones when the current transaction settles (or the notification is awaited).
    ///
    /// It is never deferred: called by a handler it calls the handlers again, inside. Between threads there is no order.
    /// A handler that fails or panics does not keep the others from being called. The failure is in the
    /// [`Notification`] and, if nobody awaits that, in the transaction's [`Failures`](settled::Failures).
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
        match handlers.snapshot() {
            Some(snapshot) => notify(handlers, snapshot, event, Location::caller()),
            None => Notification::done(Vec::new()),
        }
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
        f.debug_struct("Signal").field("handlers", &self.source.len()).finish()
    }
}
