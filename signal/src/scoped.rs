//! What ends with a scope: a connection, or its being blocked.

use std::ops::Deref;

use crate::connection::Connection;

/// As long as it lives the handler is not called: see [`Connection::block`].
#[derive(Debug)]
#[must_use = "the handler is called again as soon as this is dropped"]
pub struct BlockGuard(pub(crate) Connection);

impl Drop for BlockGuard {
    fn drop(&mut self) {
        self.0.unblock();
    }
}

/// A [`Connection`] that owns its handler: dropped, it disconnects it. See [`Connection::scoped`].
///
/// ```
/// # use settled_signal::{ScopedConnection, Signal};
/// struct View { _connection: ScopedConnection }
/// let signal = Signal::<u32>::new();
/// let view = View { _connection: signal.connect(|x| println!("{x}")).scoped() };
/// drop(view);
/// assert!(signal.is_empty());
/// ```
#[derive(Debug)]
#[must_use = "the handler is disconnected as soon as this is dropped"]
pub struct ScopedConnection(pub(crate) Connection);

impl ScopedConnection {
    /// Gives the connection back: the handler stays connected.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32>::new();
    /// let connection = signal.connect(|_| {}).scoped().keep();
    /// assert!(connection.is_connected());
    /// ```
    pub fn keep(mut self) -> Connection {
        std::mem::take(&mut self.0)
    }
}

impl Deref for ScopedConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl Drop for ScopedConnection {
    fn drop(&mut self) {
        self.0.disconnect();
    }
}
