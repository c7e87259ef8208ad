//! What tells an external signaller of an observable's changes, and brings in values from elsewhere.
//!
//! Changes go out by a handler like any other asynchronous one, but in a list of its own: it is held back by atomic
//! transactions, hears of what was committed, in that order, and nobody else can disconnect it. A mere source has no such
//! list: there it is one of the handlers, and nothing comes in.

use std::any::Any;
use std::panic::Location;
use std::sync::{Arc, Weak};

use crate::change::Shared;
use crate::connection::Connection;
use crate::external::{AnyEvent, ExternalSignal, ExternalSignaller, Inbound, NotTaken, Settling};
use crate::options::Options;
use crate::outcome::HandlerOutcome;
use crate::registry::Stop;
use crate::source::Source;

/// Publishes from now on.
pub(crate) fn connect<T: Clone + Send + Sync + 'static>(
    shared: &Arc<Shared<T>>,
    name: Arc<str>,
    signaller: Arc<dyn ExternalSignaller>,
) -> (ExternalSignal, Connection) {
    let inbound: Weak<Shared<T>> = Arc::downgrade(shared);
    let signal = ExternalSignal::of::<T>(name, inbound as _);
    let published = shared.more().published.get_or_init(|| Source::new(Options::default()));
    let connection = telling(published, signal.clone(), signaller);
    (signal, connection)
}

/// The same of a source of whatever kind.
pub(crate) fn publish_source<E, R>(
    source: &Source<E, R>,
    name: Arc<str>,
    signaller: Arc<dyn ExternalSignaller>,
) -> (ExternalSignal, Stop)
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    let inbound = Arc::new(OnlyTells);
    let signal = ExternalSignal::of::<E>(name, Arc::downgrade(&inbound) as _);
    let connection = telling(source, signal.clone(), signaller);
    let stop = move || {
        drop(inbound);
        connection.disconnect();
    };
    (signal, Box::new(stop))
}

/// Connects what tells this one.
fn telling<E, R>(
    source: &Source<E, R>,
    signal: ExternalSignal,
    signaller: Arc<dyn ExternalSignaller>,
) -> Connection
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    source.connect_async(move |value: E| {
        let (signal, signaller) = (signal.clone(), signaller.clone());
        let event: AnyEvent = Arc::new(value);
        async move {
            let told = signaller.publish(&signal, event).await;
            told.map_or_else(HandlerOutcome::error, |()| HandlerOutcome::nothing())
        }
    })
}

impl<T: Clone + Send + Sync + 'static> Inbound for Shared<T> {
    fn notify(
        self: Arc<Self>,
        event: &dyn Any,
        location: &'static Location<'static>,
    ) -> Result<Settling, NotTaken> {
        let value = event.downcast_ref::<T>().ok_or(NotTaken::OfAnotherType)?.clone();
        // What is published is always stored with care.
        let mut careful = self.careful(location).ok_or(NotTaken::OnlyTells)?;
        careful.publishes = false;
        let (notification, _) = careful.put(value).told(location);
        Ok(Box::pin(async move { notification.await.map(drop) }))
    }
}

/// A source that only its owner can change.
struct OnlyTells;

impl Inbound for OnlyTells {
    fn notify(self: Arc<Self>, _: &dyn Any, _: &'static Location<'static>) -> Result<Settling, NotTaken> {
        Err(NotTaken::OnlyTells)
    }
}
