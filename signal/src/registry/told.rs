//! Who listens to whatever it is: events without their types.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::connection::Connection;
use crate::external::AnyEvent;
use crate::outcome::HandlerOutcome;
use crate::registry::name::short;
use crate::source::Source;

/// An event of something in a [`SignalRegistry`](crate::SignalRegistry), for who listens to many things:
/// see [`subscribe`](crate::SignalRegistry::subscribe).
#[derive(Clone)]
pub struct Told {
    name: Arc<str>,
    type_name: &'static str,
    event: AnyEvent,
}

impl Told {
    fn new<E: Clone + Send + Sync + 'static>(name: &Arc<str>, event: E) -> Self {
        Told { name: name.clone(), type_name: type_name::<E>(), event: Arc::new(event) }
    }

    /// The name that it is registered under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the event's type, to be shown.
    pub fn event_type(&self) -> String {
        short(self.type_name)
    }

    /// The event, if it is of this type.
    pub fn event<E: 'static>(&self) -> Option<&E> {
        self.event.downcast_ref()
    }

    /// The event, whatever its type is.
    pub fn any(&self) -> &AnyEvent {
        &self.event
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told")
            .field("name", &self.name)
            .field("event", &self.event_type())
            .finish_non_exhaustive()
    }
}

/// Whom to tell, and how.
#[derive(Clone)]
pub(crate) enum Teller {
    Now(Arc<Now>),
    Later(Arc<Later>),
}

type Now = dyn Fn(&Told) -> HandlerOutcome<()> + Send + Sync;
type Later = dyn Fn(Told) -> BoxFuture<'static, HandlerOutcome<()>> + Send + Sync;

/// Connects it here.
pub(crate) fn tell<E, R>(source: &Source<E, R>, name: &Arc<str>, teller: &Teller) -> Connection
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    let (name, teller) = (name.clone(), teller.clone());
    match teller {
        Teller::Now(f) => source.connect(move |event: &E| silent(f(&Told::new(&name, event.clone())))),
        Teller::Later(f) => source.connect_async(move |event: E| {
            let told = f(Told::new(&name, event));
            async move { silent(told.await) }
        }),
    }
}

/// Whatever it is, it is no result of the signal. What a notification that was returned still has to do is in the
/// transaction.
fn silent<R>(outcome: HandlerOutcome<()>) -> HandlerOutcome<R> {
    match outcome.0 {
        Ok(_) => HandlerOutcome::nothing(),
        Err(error) => HandlerOutcome(Err(error)),
    }
}
