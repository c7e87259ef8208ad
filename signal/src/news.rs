//! One change, as it is told: to the handlers of `changed`, then to those of `replaced`, then to an external
//! signaller.

use std::panic::Location;

use settled::Transaction;
use settled::plumbing::{self, Fate};

use crate::change::Shared;
use crate::handlers::Snapshot;
use crate::notification::Notification;
use crate::notify::tell;
use crate::parts::Parts;

/// An event, with those who were connected when the value was stored.
type Told<E> = Option<(Snapshot<E, ()>, E)>;

pub(crate) struct News<T> {
    /// The new value.
    pub(crate) event: Told<T>,
    /// The old and the new one.
    pub(crate) pair: Told<(T, T)>,
    /// The new value, for an external signaller.
    pub(crate) published: Told<T>,
    /// The version.
    pub(crate) stamp: u64,
    pub(crate) by: By,
}

/// How it was stored.
pub(crate) enum By {
    Plain,
    /// In this atomic transaction. Asynchronous handlers are held back by that; where it has been rolled back before the
    /// change is delivered, they never hear of it.
    Atomic(Transaction),
    /// A rollback has brought it back. Asynchronous handlers have not heard of anything else.
    Restored,
}

impl By {
    /// Do synchronous handlers alone hear of it?
    fn is_sync(&self) -> bool {
        match self {
            By::Plain => false,
            By::Atomic(atomic) => plumbing::fate(atomic) == Fate::Undone,
            By::Restored => true,
        }
    }
}

impl<T: Clone + Send + Sync + 'static> News<T> {
    pub(crate) fn tell(self, shared: &Shared<T>, location: &'static Location<'static>) -> Notification<()> {
        let News { event, pair, published, stamp, by } = self;
        let is_sync = by.is_sync();
        let tell_event = |(handlers, event)| {
            let list = shared.changed.handlers();
            tell(list, handlers, event, location, stamp, is_sync)
        };
        match (event, pair, published) {
            (Some(event), None, None) => tell_event(event),
            (event, pair, published) => {
                let more = shared.more();
                let (told, own) = plumbing::lazily(location, || {
                    let event = event.map(tell_event);
                    let pair = pair.map(|(handlers, pair)| {
                        tell(more.replaced.handlers(), handlers, pair, location, stamp, is_sync)
                    });
                    let published = published.zip(more.published.get());
                    let published = published.map(|((handlers, event), source)| {
                        tell(source.handlers(), handlers, event, location, stamp, is_sync)
                    });
                    [event, pair, published]
                });
                let mut parts = Parts::new(location, Vec::new());
                told.into_iter().flatten().for_each(|told| parts.push(told.into_yield()));
                parts.set_own(own);
                Notification::new(parts)
            }
        }
    }
}
