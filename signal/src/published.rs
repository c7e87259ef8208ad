//! An observable beyond the process: an external signaller is told of its changes, and brings in values from elsewhere.
//!
//! Changes go out by a handler like any other asynchronous one, but in a list of its own: it is held back by atomic
//! transactions, hears of what was committed, in that order, and nobody can disconnect it.

use std::any::Any;
use std::panic::Location;
use std::sync::{Arc, Weak};

use crate::change::Shared;
use crate::external::{AnyEvent, ExternalSignal, ExternalSignaller, Inbound, Settling};
use crate::options::Options;
use crate::rules::{More, Rules};
use crate::source::Source;

/// Begins to publish, and registers it.
pub(crate) fn publish<T: Clone + Send + Sync + 'static>(
    shared: &Arc<Shared<T>>,
    name: Arc<str>,
    signaller: Arc<dyn ExternalSignaller>,
    rules: Rules<T>,
) {
    let inbound: Weak<Shared<T>> = Arc::downgrade(shared);
    let signal = ExternalSignal::of::<T>(name, inbound as _);
    let published = Source::new(Options::default());
    let (known, to) = (signal.clone(), signaller.clone());
    published.connect_async(move |value: T| {
        let (signal, signaller) = (known.clone(), to.clone());
        let event: AnyEvent = Arc::new(value);
        async move { signaller.publish(&signal, event).await }
    });
    shared.more.get_or_init(|| More::new(rules, Some(published)));
    signaller.register_signal(signal);
}

impl<T: Clone + Send + Sync + 'static> Inbound for Shared<T> {
    fn notify(self: Arc<Self>, event: &dyn Any, location: &'static Location<'static>) -> Option<Settling> {
        let value = event.downcast_ref::<T>()?.clone();
        let mut careful = self.careful(location)?;
        careful.publishes = false;
        let (notification, _) = careful.put(value).told(location);
        Some(Box::pin(async move { notification.await.map(drop) }))
    }
}
