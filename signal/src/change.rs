//! How a change of an observable's value is made and reaches the handlers.
//!
//! Values are stored in three ways: plainly, here; with care ([`careful`](crate::careful)), where there are rules, or in an
//! atomic transaction; and by a rollback ([`undo`](crate::undo)), which brings one back. All go the same [`line`](crate::line)
//! from then on: each handler hears of each change once, in the order stored.

use std::panic::Location;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use crate::flush::Settling;
use crate::graph::{Origin, current_graph};
use crate::handlers::Snapshot;
use crate::line::{self, Deliverer, Lined};
use crate::news::{By, News};
use crate::notification::Notification;
use crate::notify::tell;
use crate::options::Options;
use crate::rules::{More, Rules};
use crate::source::Source;
use crate::state::State;
use crate::store::Store;
use crate::this_thread;

/// What an observable's handles share.
pub(crate) struct Shared<T> {
    pub(crate) store: Store<State<T>>,
    pub(crate) changed: Source<T>,
    /// Where it is there, values are stored with care.
    pub(crate) more: OnceLock<Box<More<T>>>,
    pub(crate) name: Option<Arc<str>>,
    /// How many handles there are.
    pub(crate) handles: AtomicUsize,
    /// Its node in a graph, once somebody has read it whose reads are tracked.
    pub(crate) origin: OnceLock<Origin>,
}

impl<T> Shared<T> {
    pub(crate) fn new(value: T, options: Options<T, ()>, name: Option<Arc<str>>) -> Arc<Self> {
        let (store, changed) = (Store::new(State::new(value)), Source::new(options));
        let (more, handles, origin) = (OnceLock::new(), AtomicUsize::new(1), OnceLock::new());
        Arc::new(Shared { store, changed, more, name, handles, origin })
    }

    /// It is read, where reads are tracked.
    #[cold]
    pub(crate) fn track(&self) {
        let origin = self.origin.get().or_else(|| {
            let graph = current_graph()?;
            let mut is_new = false;
            let origin = self.origin.get_or_init(|| {
                is_new = true;
                Origin::new(&graph)
            });
            if is_new && self.store.lock(Location::caller()).has_layers() {
                origin.graph().born_uncommitted(origin);
            }
            Some(origin)
        });
        if let Some(origin) = origin {
            origin.track();
        }
    }

    /// Its value is another one now: to be said under the lock. The end of it when nothing is locked.
    #[inline]
    pub(crate) fn moved(&self, location: &'static Location<'static>) -> Option<Settling> {
        let origin = self.origin.get()?;
        Some(Settling::of(location, |settle, due| origin.graph().change(origin, settle, due)))
    }

    pub(crate) fn more(&self) -> &More<T> {
        self.more.get_or_init(|| More::new(Rules::default()))
    }
}

impl<T: Clone + Send + Sync + 'static> Shared<T> {
    /// Changes the value where nobody is to hear of it. `alter` tells whether there was a change.
    #[inline]
    pub(crate) fn store(
        &self,
        location: &'static Location<'static>,
        alter: impl FnOnce(&mut T) -> bool,
    ) -> Notification<()> {
        let mut state = self.store.lock(location);
        let mut notification = Notification::done(Vec::new());
        if alter(&mut state.value) {
            let (after, settling) = (state.stored(), self.moved(location));
            drop(state);
            after.settle();
            if let Some(settling) = settling {
                notification = settling.end(notification);
            }
        }
        notification
    }

    /// Changes the value and has the change delivered to these handlers.
    ///
    /// `alter` runs under the lock, and gives the event if there is a change that anybody is to hear of.
    #[inline]
    pub(crate) fn change(
        self: &Arc<Self>,
        handlers: Snapshot<T, ()>,
        location: &'static Location<'static>,
        alter: impl FnOnce(&mut T) -> Option<T>,
    ) -> Notification<()> {
        let mut state = self.store.lock(location);
        if !state.is_at_rest() {
            drop(state);
            return self.change_in_line(handlers, location, alter);
        }
        let Some(event) = alter(&mut state.value) else { return Notification::done(Vec::new()) };
        let (after, stamp, settling) = (state.stored(), state.version, self.moved(location));
        state.line.deliverer = this_thread::id();
        drop(state);
        let deliverer = Deliverer::new(self);
        let notification = tell(self.changed.handlers(), handlers, event, location, stamp, false);
        after.settle();
        deliverer.take_along(location);
        match settling {
            None => notification,
            Some(settling) => settling.end(notification),
        }
    }

    /// The same where others are ahead.
    #[cold]
    fn change_in_line(
        self: &Arc<Self>,
        handlers: Snapshot<T, ()>,
        location: &'static Location<'static>,
        alter: impl FnOnce(&mut T) -> Option<T>,
    ) -> Notification<()> {
        let prepared = line::prepare(self, location);
        let mut state = self.store.lock(location);
        let Some(event) = alter(&mut state.value) else {
            drop(state);
            return prepared.in_vain();
        };
        let (after, stamp, settling) = (state.stored(), state.version, self.moved(location));
        let news = News { event: Some((handlers, event)), pair: None, published: None, stamp, by: By::Plain };
        let notification = line::line_up(self, state, prepared, news, || after.settle(), location);
        match settling {
            None => notification,
            Some(settling) => settling.end(notification),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Lined for Shared<T> {
    type State = State<T>;
    type News = News<T>;

    #[inline]
    fn store(&self) -> &Store<State<T>> {
        &self.store
    }

    fn tell(self: &Arc<Self>, news: News<T>, location: &'static Location<'static>) -> Notification<()> {
        news.tell(self, location)
    }
}
