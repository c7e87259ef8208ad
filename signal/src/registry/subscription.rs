//! A handler that is connected by name: to what is there, and to what comes.
//!
//! It has a connection to each thing whose name and type fit. Who blocks or disconnects it does so with all of them. The
//! registry keeps it; with that it goes.

use std::any::{Any, TypeId};
use std::panic::Location;
use std::sync::{Arc, Mutex, Weak};

use crate::connection::{Connected, Connection};
use crate::lock::lock;
use crate::rank::Key;
use crate::registry::Shared;
use crate::registry::entry::Entry;
use crate::registry::name::Pattern;

/// Connects a handler to what stands there, if the types fit. And what keeps that meanwhile.
pub(crate) type Connect = Box<dyn Fn(&Entry) -> Option<(Connection, Box<dyn Any>)> + Send + Sync>;

pub(crate) struct Subscription {
    pub(crate) pattern: Pattern,
    /// Its number, in the order of connecting.
    pub(crate) serial: u64,
    /// Under an exact name nothing else may be registered: the type of the source, and how it is called.
    pub(crate) wanted: Option<(TypeId, String)>,
    /// Where it was connected.
    pub(crate) location: &'static Location<'static>,
    pub(crate) connect: Connect,
    /// It is of no use any more when this object is gone.
    pub(crate) bound: Option<Weak<dyn Any + Send + Sync>>,
    pub(crate) registry: Weak<Shared>,
    pub(crate) state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    /// How many block it.
    blocked: u32,
    is_over: bool,
    /// With the numbers of the entries.
    connections: Vec<(u64, Connection)>,
    /// Those to what is gone are forgotten when there are as many as this.
    sweep_at: usize,
}

impl Subscription {
    /// May be asked under a lock.
    pub(crate) fn is_gone(&self) -> bool {
        self.bound.as_ref().is_some_and(|bound| bound.strong_count() == 0)
    }

    /// Connects to what stands there, if the types fit.
    pub(crate) fn attach(&self, entry: &Entry) {
        let Some((connection, kept)) = (self.connect)(entry) else { return };
        let is_over = {
            let mut state = lock(&self.state);
            // The list is kept, so that nothing of it is dropped under the lock.
            (0..state.blocked).for_each(|_| connection.block_once());
            state.push(entry.serial, &connection);
            state.is_over
        };
        if is_over {
            connection.disconnect();
        } else if entry.is_removed() {
            self.detach(entry.serial);
        }
        drop(kept);
    }

    /// That is registered no more.
    pub(crate) fn detach(&self, serial: u64) {
        let gone: Vec<_> = lock(&self.state).connections.extract_if(.., |(of, _)| *of == serial).collect();
        disconnect_all(gone);
    }

    fn end(&self) -> Option<Vec<(u64, Connection)>> {
        let mut state = lock(&self.state);
        let was_over = std::mem::replace(&mut state.is_over, true);
        (!was_over).then(|| std::mem::take(&mut state.connections))
    }

    fn connections(state: &State) -> Vec<Connection> {
        state.connections.iter().map(|(_, connection)| connection.clone()).collect()
    }
}

impl State {
    fn push(&mut self, serial: u64, connection: &Connection) {
        if self.connections.len() >= self.sweep_at {
            self.connections.retain(|(_, connection)| !connection.is_forgotten());
            self.sweep_at = 16.max(self.connections.len() * 2);
        }
        self.connections.push((serial, connection.clone()));
    }
}

impl Connected for Subscription {
    fn disconnect(self: Arc<Self>, _: Key) -> bool {
        let Some(connections) = self.end() else { return false };
        if let Some(registry) = self.registry.upgrade() {
            registry.forget(&self);
        }
        disconnect_all(connections);
        true
    }

    fn forget(&self, _: Key) {
        let connections = self.end();
        if let Some(registry) = self.registry.upgrade() {
            registry.forget(self);
        }
        connections.into_iter().flatten().for_each(|(_, connection)| connection.forget());
    }

    fn is_connected(&self, _: Key) -> bool {
        !self.is_gone() && !lock(&self.state).is_over
    }

    fn block(&self, _: Key) {
        let connections = {
            let mut state = lock(&self.state);
            state.blocked += 1;
            Self::connections(&state)
        };
        connections.iter().for_each(Connection::block_once);
    }

    fn unblock(&self, _: Key) {
        let connections = {
            let mut state = lock(&self.state);
            state.blocked -= 1;
            Self::connections(&state)
        };
        connections.iter().for_each(Connection::unblock);
    }

    fn name(&self, _: Key) -> Option<Arc<str>> {
        Some(self.pattern.text().clone())
    }
}

/// What it had connected goes with the registry.
impl Drop for Subscription {
    fn drop(&mut self) {
        let connections = self.end();
        disconnect_all(connections.unwrap_or_default());
    }
}

fn disconnect_all(connections: Vec<(u64, Connection)>) {
    for (_, connection) in connections {
        connection.disconnect();
    }
}
