//! One change, as it is told: to the handlers of `changed`, then to those of `replaced`.

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
        let is_sync = self.by.is_sync();
        let tell_event = |(handlers, event)| {
            tell(shared.changed.handlers(), handlers, event, location, self.stamp, is_sync)
        };
        let tell_pair = |(handlers, pair)| {
            let replaced = shared.more().replaced.handlers();
            tell(replaced, handlers, pair, location, self.stamp, is_sync)
        };
        match (self.event, self.pair) {
            (None, None) => Notification::done(Vec::new()),
            (Some(event), None) => tell_event(event),
            (None, Some(pair)) => tell_pair(pair),
            (Some(event), Some(pair)) => {
                let (told, own) = plumbing::lazily(location, || [tell_event(event), tell_pair(pair)]);
                let mut parts = Parts::new(location, Vec::new(), 2);
                told.into_iter().for_each(|told| parts.push(told.into_yield()));
                parts.set_own(own);
                Notification::new(parts)
            }
        }
    }
}
