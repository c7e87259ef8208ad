//! What `connect` gives back.

use std::fmt;
use std::sync::{Arc, Weak};

use crate::rank::Key;
use crate::scoped::{BlockGuard, ScopedConnection};

/// A list of handlers, whatever its events and results are.
pub(crate) trait Connected: Send + Sync {
    fn disconnect(self: Arc<Self>, key: Key) -> bool;
    /// As `disconnect`, but past the hook.
    fn forget(&self, key: Key);
    fn is_connected(&self, key: Key) -> bool;
    fn block(&self, key: Key);
    fn unblock(&self, key: Key);
    fn name(&self, key: Key) -> Option<Arc<str>>;
}

/// One handler's connection to its [`Source`](crate::Source).
///
/// It is a handle and no owner: when it is dropped the handler stays connected, and it keeps neither the signal nor the
/// handler alive.
///
/// ```
/// # use settled_signal::Signal;
/// let signal = Signal::<u32>::new();
/// let connection = signal.connect(|_| {});
/// assert!(connection.is_connected());
/// assert!(connection.disconnect());
/// assert!(!connection.is_connected());
/// assert!(!connection.disconnect());
/// ```
///
/// `Connection::default()` is the connection of nothing: what a [hook](crate::SignalBuilder::on_connect) gives back that
/// has connected nothing.
#[derive(Clone, Default)]
pub struct Connection {
    /// The list that the handler is in.
    list: Option<Weak<dyn Connected>>,
    /// The handler's place there.
    key: Key,
}

impl Connection {
    pub(crate) fn new(list: Weak<dyn Connected>, key: Key) -> Self {
        Connection { list: Some(list), key }
    }

    /// The place in this list, if it is a connection to it.
    pub(crate) fn key_in<L>(&self, list: *const L) -> Option<Key> {
        std::ptr::addr_eq(self.list.as_ref()?.as_ptr(), list).then_some(self.key)
    }

    fn list(&self) -> Option<Arc<dyn Connected>> {
        self.list.as_ref()?.upgrade()
    }

    /// Disconnects the handler and drops it; false if it was not connected any more.
    ///
    /// A handler that is being called at this moment is dropped when it returns. Deliveries to an asynchronous handler that
    /// have not begun do not begin any more: they settle without a result. One that has begun goes on.
    pub fn disconnect(&self) -> bool {
        self.list().is_some_and(|list| list.disconnect(self.key))
    }

    /// Is the handler still connected? A weak one is not when its object is gone.
    pub fn is_connected(&self) -> bool {
        self.list().is_some_and(|list| list.is_connected(self.key))
    }

    /// The [name](crate::ConnectBuilder::name) that the handler was given, as long as it is connected.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32>::new();
    /// let connection = signal.connect_with().name("log").sync(|_| {});
    /// assert_eq!(connection.name().as_deref(), Some("log"));
    /// ```
    pub fn name(&self) -> Option<Arc<str>> {
        self.list()?.name(self.key)
    }

    /// Leaves the handler out of every `notify` as long as the guard lives. It stays connected, and in its place.
    ///
    /// Several may block it, it is called again when all guards are gone. Deliveries that were made before are not affected.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32, u32>::new();
    /// let connection = signal.connect(|x| *x);
    /// {
    ///     let _guard = connection.block();
    ///     assert_eq!(signal.notify(1).results(), Some(&[][..]));
    /// }
    /// assert_eq!(signal.notify(2).results(), Some(&[2][..]));
    /// ```
    pub fn block(&self) -> BlockGuard {
        self.block_once();
        BlockGuard(self.clone())
    }

    /// Until it is unblocked.
    pub(crate) fn block_once(&self) {
        if let Some(list) = self.list() {
            list.block(self.key);
        }
    }

    /// Is the list gone? May be asked under a lock.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.list.as_ref().is_none_or(|list| list.strong_count() == 0)
    }

    pub(crate) fn forget(&self) {
        if let Some(list) = self.list() {
            list.forget(self.key);
        }
    }

    pub(crate) fn unblock(&self) {
        if let Some(list) = self.list() {
            list.unblock(self.key);
        }
    }

    /// Gives the handler an owner: it is disconnected when that is dropped.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32>::new();
    /// let scoped = signal.connect(|_| {}).scoped();
    /// assert_eq!(signal.len(), 1);
    /// drop(scoped);
    /// assert_eq!(signal.len(), 0);
    /// ```
    pub fn scoped(self) -> ScopedConnection {
        ScopedConnection(self)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut connection = f.debug_struct("Connection");
        if let Some(name) = self.name() {
            connection.field("name", &name);
        }
        connection.field("connected", &self.is_connected()).finish()
    }
}
