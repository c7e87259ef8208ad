//! How a change of an observable's value is made and reaches the handlers.
//!
//! Values are stored in three ways: plainly, here; with care ([`careful`](crate::careful)), where there are rules, or in an
//! atomic transaction; and by a rollback ([`undo`](crate::undo)), which brings one back. All go the same [`line`](crate::line)
//! from then on: each handler hears of each change once, in the order stored.

use std::panic::Location;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

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
}

impl<T> Shared<T> {
    pub(crate) fn new(value: T, options: Options<T, ()>, name: Option<Arc<str>>) -> Arc<Self> {
        let (store, changed) = (Store::new(State::new(value)), Source::new(options));
        Arc::new(Shared { store, changed, more: OnceLock::new(), name, handles: AtomicUsize::new(1) })
    }

    pub(crate) fn more(&self) -> &More<T> {
        self.more.get_or_init(|| More::new(Rules::default()))
    }
}

impl<T: Clone + Send + Sync + 'static> Shared<T> {
    /// Changes the value where nobody is to hear of it. `alter` tells whether there was a change.
    #[inline]
    pub(crate) fn store(&self, location: &'static Location<'static>, alter: impl FnOnce(&mut T) -> bool) {
        let mut state = self.store.lock(location);
        if alter(&mut state.value) {
            let after = state.stored();
            drop(state);
            after.settle();
        }
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
        let (after, stamp) = (state.stored(), state.version);
        state.line.deliverer = this_thread::id();
        drop(state);
        let deliverer = Deliverer::new(self);
        let notification = tell(self.changed.handlers(), handlers, event, location, stamp, false);
        after.settle();
        deliverer.take_along(location);
        notification
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
        let (after, stamp) = (state.stored(), state.version);
        let news = News { event: Some((handlers, event)), pair: None, published: None, stamp, by: By::Plain };
        line::line_up(self, state, prepared, news, || after.settle(), location)
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
