//! What `connect` gives back.

use std::fmt;
use std::sync::Weak;

/// Where a handler stands in its list. Ordered as the handlers are called.
pub(crate) type Key = u64;

/// A list of handlers, whatever its events and results are.
pub(crate) trait Connected: Send + Sync {
    fn disconnect(&self, key: Key) -> bool;
    fn is_connected(&self, key: Key) -> bool;
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
#[derive(Clone)]
pub struct Connection {
    /// The list that the handler is in.
    list: Weak<dyn Connected>,
    /// The handler's place there.
    key: Key,
}

impl Connection {
    pub(crate) fn new(list: Weak<dyn Connected>, key: Key) -> Self {
        Connection { list, key }
    }

    /// The place in this list, if it is a connection to it.
    pub(crate) fn key_in<L>(&self, list: *const L) -> Option<Key> {
        std::ptr::addr_eq(self.list.as_ptr(), list).then_some(self.key)
    }

    /// Disconnects the handler and drops it; false if it was not connected any more.
    ///
    /// A handler that is being called at this moment is dropped when it returns. Deliveries to an asynchronous handler that
    /// have not begun do not begin any more: they settle without a result. One that has begun goes on.
    pub fn disconnect(&self) -> bool {
        self.list.upgrade().is_some_and(|list| list.disconnect(self.key))
    }

    /// Is the handler still connected? A weak one is not when its object is gone.
    pub fn is_connected(&self) -> bool {
        self.list.upgrade().is_some_and(|list| list.is_connected(self.key))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("connected", &self.is_connected()).finish()
    }
}
