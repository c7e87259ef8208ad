//! What wraps `notify`, `connect` and `disconnect`: the contexts that the hooks of a [`SignalBuilder`](crate::SignalBuilder)
//! get. Each has the inner operation, to be called when and if the hook wants; what the hook returns goes to the caller.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::connection::Connection;
use crate::delivery::{Deliver, Delivery};
use crate::handler::{Connectable, Later, Plain};
use crate::handlers::{AnyEntry, Candidate};
use crate::notification::Notification;
use crate::notify;
use crate::outcome::IntoOutcome;
use crate::rank::{Key, Place};
use crate::source::Source;

/// What an [`on_notify`](crate::SignalBuilder::on_notify) hook can do.
pub struct Notifying<'a, E, R = ()> {
    pub(crate) source: &'a Source<E, R>,
    /// Is it published?
    pub(crate) publishes: bool,
    pub(crate) location: &'static Location<'static>,
}

impl<E, R> Notifying<'_, E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    /// The inner operation: calls the handlers, with this event.
    pub fn notify(&self, event: E) -> Notification<R> {
        notify::to_all(self.source.handlers(), event, self.publishes, self.location)
    }

    /// The signal's face to subscribers: how many there are, for example.
    pub fn source(&self) -> &Source<E, R> {
        self.source
    }
}

/// What an [`on_connect`](crate::SignalBuilder::on_connect) hook can do.
pub struct Connecting<'a, E, R = ()> {
    pub(crate) source: &'a Source<E, R>,
}

impl<E, R> Connecting<'_, E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    /// The inner operation: connects this handler.
    pub fn connect(&self, subscriber: Subscriber<E, R>) -> Connection {
        self.source.connect_candidate(subscriber.0)
    }

    /// Notifies just this one, connected or not yet.
    #[track_caller]
    pub fn notify_one(&self, subscriber: &Subscriber<E, R>, event: E) -> Notification<R> {
        notify::to_one(self.source.handlers(), &subscriber.0.entry, event, Location::caller())
    }

    /// The signal's face to subscribers. To connect by way of this would call the hook again.
    pub fn source(&self) -> &Source<E, R> {
        self.source
    }
}

/// What an [`on_disconnect`](crate::SignalBuilder::on_disconnect) hook can do.
pub struct Disconnecting<'a, E, R = ()> {
    pub(crate) source: &'a Source<E, R>,
    pub(crate) key: Key,
    pub(crate) subscriber: Subscriber<E, R>,
}

impl<E, R> Disconnecting<'_, E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    /// The inner operation: disconnects the handler; false if it is not connected any more.
    pub fn disconnect(&self) -> bool {
        self.source.handlers().disconnect(self.key)
    }

    /// Notifies just the one that is to be disconnected. Once it has been, it is not called any more, nor is a delivery
    /// begun: to say goodbye, notify it first, and await that, or let the handler be synchronous.
    #[track_caller]
    pub fn notify_one(&self, event: E) -> Notification<R> {
        notify::to_one(self.source.handlers(), &self.subscriber.0.entry, event, Location::caller())
    }

    /// The handler.
    pub fn subscriber(&self) -> &Subscriber<E, R> {
        &self.subscriber
    }

    /// The signal's face to subscribers. To disconnect by way of this would call the hook again.
    pub fn source(&self) -> &Source<E, R> {
        self.source
    }
}

/// A handler, for a hook: connected, or to be connected.
pub struct Subscriber<E, R = ()>(pub(crate) Candidate<E, R>);

impl<E, R> Subscriber<E, R> {
    pub(crate) fn of(entry: AnyEntry<E, R>) -> Self {
        Subscriber(Candidate { entry, place: Place::default(), is_weak: false, object: None })
    }

    /// The name that it was given.
    pub fn name(&self) -> Option<&str> {
        self.0.entry.name().map(|name| &**name)
    }
}

impl<E, R> Subscriber<E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    /// Another handler for the same place, synchronous: where a hook connects it instead.
    pub fn replace<F, O>(self, f: F) -> Self
    where
        F: Fn(&E) -> O + Send + Sync + 'static,
        O: IntoOutcome<R>,
    {
        let name = self.0.entry.name().cloned();
        let entry = Connectable::new(Plain(f), name);
        Subscriber(Candidate { entry, is_weak: false, object: None, ..self.0 })
    }

    /// The same, asynchronous.
    pub fn replace_async<F, Fut>(self, f: F) -> Self
    where
        F: Fn(E) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoOutcome<R>,
    {
        let name: Option<Arc<str>> = self.0.entry.name().cloned();
        let entry = Connectable::new(Later(Deliver::new(f, Delivery::Queued)), name);
        Subscriber(Candidate { entry, is_weak: false, object: None, ..self.0 })
    }
}

impl<E, R> fmt::Debug for Notifying<'_, E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifying").field("source", self.source).finish_non_exhaustive()
    }
}

impl<E, R> fmt::Debug for Connecting<'_, E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting").field("source", self.source).finish()
    }
}

impl<E, R> fmt::Debug for Disconnecting<'_, E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut disconnecting = f.debug_struct("Disconnecting");
        disconnecting.field("source", self.source).field("subscriber", &self.subscriber).finish()
    }
}

impl<E, R> fmt::Debug for Subscriber<E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("name", &self.name()).finish_non_exhaustive()
    }
}
