//! How a change of an observable's value reaches the handlers: each change once, in the order stored, one after another.
//!
//! # Protocol
//!
//! Under the value's lock a setter stores, and looks whether somebody delivers: a thread that is calling handlers of this
//! observable at this moment, this one further down its stack or another.
//!
//! - Nobody delivers and nothing waits: the setter becomes the *deliverer*, in the same step. It unlocks and calls the
//!   handlers; then it takes along, one by one, the changes that were stored meanwhile; when none is left it ceases to be
//!   the deliverer, under the same lock under which it has found none.
//! - Otherwise the change, with the handlers of that moment and the setter's transaction, goes to the end of those that
//!   wait, again in the same step in which it is stored. Each is delivered inside its setter's transaction, which waits
//!   for it: it has got a *carrier*, a future that settles when the change has been delivered.
//!
//! A deliverer ceases after [`LIMIT`] changes, or when something unwinds through it. Then whoever comes first takes over:
//! the next setter, or the poll of a carrier of any change that waits. One carrier of each transaction tree is woken for
//! that (a tree only moves while somebody drives it, and nobody knows which one that will be); where all carriers are
//! gone (cancelled), the root gets a new one. So as long as anything waits, either there is a deliverer or a carrier that
//! is going to be polled.
//!
//! Who awaits a change on the stack of the thread that is to take it along would wait for himself: he is told so, and the
//! change is delivered later all the same. The carrier only waits: it is polled by who drives, not by who needs it.
//!
//! Values are stored in three ways: plainly, here; with care ([`careful`](crate::careful)), where there are rules, or in an
//! atomic transaction; and by a rollback ([`undo`](crate::undo)), which brings one back. All go this way from then on.
//!
//! What is prepared outside the lock (the transaction, the carrier) is prepared before the change is stored: if storing
//! unwinds, or finds nothing to store, the carrier is told that there is nothing to wait for.

use std::panic::Location;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, MutexGuard, OnceLock};
use std::task::Waker;

use settled::plumbing;
use settled::{Transaction, current};

use crate::carrier::{Awaited, Carrier};
use crate::handlers::Snapshot;
use crate::news::{By, News};
use crate::notification::Notification;
use crate::notify::tell;
use crate::options::Options;
use crate::parts::Parts;
use crate::rules::{More, Rules};
use crate::slot::Due;
use crate::source::Source;
use crate::state::{After, State};
use crate::store::Store;
use crate::this_thread;
use crate::tree::Tree;

/// So many changes a deliverer takes along.
const LIMIT: usize = 1024;

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

/// A change that waits to be taken along.
pub(crate) struct Change<T> {
    news: News<T>,
    /// The setter's.
    transaction: Transaction,
    /// The tree of that.
    tree: Option<Tree>,
    /// Where it was set.
    location: &'static Location<'static>,
    due: Due,
}

/// What a change needs that is to wait, made before it is stored.
pub(crate) struct Prepared {
    transaction: Transaction,
    tree: Option<Tree>,
    due: Due,
    parts: Parts<()>,
}

impl<T> Shared<T> {
    pub(crate) fn new(value: T, options: Options<T, ()>, name: Option<Arc<str>>) -> Arc<Self> {
        let (store, changed) = (Store::new(State::new(value)), Source::new(options));
        Arc::new(Shared { store, changed, more: OnceLock::new(), name, handles: AtomicUsize::new(1) })
    }

    pub(crate) fn more(&self) -> &More<T> {
        self.more.get_or_init(|| More::new(Rules::default(), None))
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
        state.deliverer = this_thread::id();
        drop(state);
        let deliverer = Deliverer { shared: self, delivers: true };
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
        let prepared = self.prepare(location);
        let mut state = self.store.lock(location);
        let Some(event) = alter(&mut state.value) else {
            drop(state);
            return prepared.in_vain();
        };
        let (after, stamp) = (state.stored(), state.version);
        let news = News { event: Some((handlers, event)), pair: None, published: None, stamp, by: By::Plain };
        self.line_up(state, prepared, news, after, location)
    }

    /// For a change that is to wait for who delivers.
    pub(crate) fn prepare(self: &Arc<Self>, location: &'static Location<'static>) -> Prepared {
        let due = Due::new();
        let slot = due.slot().clone();
        let ((transaction, tree, carrier), own) = plumbing::lazily(location, || {
            let transaction = current().unwrap_or_else(Transaction::root);
            let tree = Tree::current();
            let carrier = plumbing::add_at(Carrier { shared: self.clone(), slot: slot.clone() }, location);
            (transaction, tree, carrier)
        });
        let mut parts = Parts::new(location, Vec::new(), 1);
        parts.push_deferred(carrier, Box::new(Awaited { shared: self.clone(), slot }));
        parts.set_own(own);
        Prepared { transaction, tree, due, parts }
    }

    /// Has a change delivered that was stored just now: at once, if it was found at rest, and so nothing is prepared.
    pub(crate) fn pass_on(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State<T>>,
        prepared: Option<Prepared>,
        news: News<T>,
        after: After<T>,
        location: &'static Location<'static>,
    ) -> Notification<()> {
        if let Some(prepared) = prepared {
            return self.line_up(state, prepared, news, after, location);
        }
        state.deliverer = this_thread::id();
        drop(state);
        let deliverer = Deliverer { shared: self, delivers: true };
        let notification = news.tell(self, location);
        after.settle();
        deliverer.take_along(location);
        notification
    }

    fn line_up(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State<T>>,
        prepared: Prepared,
        news: News<T>,
        after: After<T>,
        location: &'static Location<'static>,
    ) -> Notification<()> {
        let Prepared { transaction, tree, due, parts } = prepared;
        state.waiting.push_back(Change { news, transaction, tree, location, due });
        let takes_over = state.deliverer == 0;
        if takes_over {
            state.deliverer = this_thread::id();
        }
        drop(state);
        let deliverer = takes_over.then(|| Deliverer { shared: self, delivers: true });
        after.settle();
        if let Some(deliverer) = deliverer {
            deliverer.take_along(location);
        }
        Notification::new(parts)
    }

    /// Delivers what waits, unless somebody does.
    pub(crate) fn take_over(self: &Arc<Self>, location: &'static Location<'static>) {
        let mut state = self.store.lock(location);
        if state.deliverer == 0 && !state.waiting.is_empty() {
            state.deliverer = this_thread::id();
            drop(state);
            Deliverer { shared: self, delivers: true }.take_along(location);
        }
    }

    /// Nobody delivers: tells those who may take over.
    pub(crate) fn hand_over(self: &Arc<Self>, location: &'static Location<'static>) {
        let mut wakers: Vec<Waker> = Vec::new();
        let mut orphan = None;
        {
            let state = self.store.lock(location);
            if state.deliverer != 0 || state.waiting.is_empty() {
                return;
            }
            let mut trees: Vec<&Option<Tree>> = Vec::new();
            for change in &state.waiting {
                let is_known = trees.last() == Some(&&change.tree) || trees.contains(&&change.tree);
                if !is_known && let Some(waker) = change.due.slot().carrier() {
                    wakers.extend(waker);
                    trees.push(&change.tree);
                }
            }
            if trees.is_empty() {
                orphan = state.waiting.front().map(|change| change.due.slot().clone());
            }
        }
        wakers.into_iter().for_each(Waker::wake);
        if let Some(slot) = orphan {
            slot.set_carried(true);
            // The root never closes.
            let _ = Transaction::root().add(Carrier { shared: self.clone(), slot });
        }
    }
}

/// Somebody delivers. Ceases when dropped.
struct Deliverer<'a, T: Clone + Send + Sync + 'static> {
    shared: &'a Arc<Shared<T>>,
    delivers: bool,
}

impl<T: Clone + Send + Sync + 'static> Deliverer<'_, T> {
    /// Delivers what was stored meanwhile.
    fn take_along(mut self, location: &'static Location<'static>) {
        for _ in 0..LIMIT {
            let change = {
                let mut state = self.shared.store.lock(location);
                let Some(change) = state.waiting.pop_front() else {
                    state.deliverer = 0;
                    self.delivers = false;
                    return;
                };
                change
            };
            let Change { news, transaction, location, due, .. } = change;
            let notification = transaction.enter(|| news.tell(self.shared, location));
            due.settle(notification.into_yield());
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Drop for Deliverer<'_, T> {
    fn drop(&mut self) {
        if self.delivers {
            let location = Location::caller();
            self.shared.store.lock(location).deliverer = 0;
            self.shared.hand_over(location);
        }
    }
}

impl Prepared {
    /// There was no change after all, which tells the carrier.
    pub(crate) fn in_vain(self) -> Notification<()> {
        drop(self.due);
        Notification::new(self.parts)
    }
}
