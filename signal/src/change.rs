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
//! What is prepared outside the lock (the transaction, the carrier) is prepared before the change is stored: if storing
//! unwinds, or finds nothing to store, the carrier is told that there is nothing to wait for.

use std::collections::VecDeque;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use settled::plumbing;
use settled::{Transaction, current};

use crate::handlers::Snapshot;
use crate::notification::Notification;
use crate::notify::notify;
use crate::parts::{Deferred, Parts, Yield};
use crate::slot::{Due, Slot};
use crate::source::Source;
use crate::store::Store;
use crate::this_thread;
use crate::tree::Tree;

/// So many changes a deliverer takes along.
const LIMIT: usize = 1024;

/// What an observable's handles share.
pub(crate) struct Shared<T> {
    pub(crate) store: Store<State<T>>,
    pub(crate) changed: Source<T>,
}

pub(crate) struct State<T> {
    pub(crate) value: T,
    /// The thread that delivers; 0: none.
    deliverer: u64,
    /// Changes that wait to be taken along, in the order stored.
    waiting: VecDeque<Change<T>>,
}

/// A change that waits to be taken along.
struct Change<T> {
    event: T,
    /// Those who were connected when it was stored.
    handlers: Snapshot<T, ()>,
    /// The setter's.
    transaction: Transaction,
    /// The tree of that.
    tree: Option<Tree>,
    /// Where it was set.
    location: &'static Location<'static>,
    due: Due,
}

impl<T> State<T> {
    pub(crate) fn new(value: T) -> Self {
        State { value, deliverer: 0, waiting: VecDeque::new() }
    }

    fn is_at_rest(&self) -> bool {
        self.deliverer == 0 && self.waiting.is_empty()
    }
}

impl<T: Clone + Send + Sync + 'static> Shared<T> {
    /// Changes the value where nobody is to hear of it.
    #[inline]
    pub(crate) fn store(&self, location: &'static Location<'static>, alter: impl FnOnce(&mut T)) {
        alter(&mut self.store.lock(location).value);
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
        state.deliverer = this_thread::id();
        drop(state);
        let deliverer = Deliverer { shared: self, delivers: true };
        let notification = notify(self.changed.handlers(), handlers, event, location);
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
        let due = Due::new();
        let slot = due.slot().clone();
        let (prepared, own) = plumbing::lazily(location, || {
            let transaction = current().unwrap_or_else(Transaction::root);
            let tree = Tree::current();
            let carrier = plumbing::add_at(Carrier { shared: self.clone(), slot: slot.clone() }, location);
            (transaction, tree, carrier)
        });
        let (transaction, tree, carrier) = prepared;
        let mut parts = Parts::new(location, Vec::new(), 1);
        parts.push_deferred(carrier, Box::new(Awaited { shared: self.clone(), slot }));
        parts.set_own(own);

        let mut state = self.store.lock(location);
        let Some(event) = alter(&mut state.value) else {
            drop(state);
            // There was no change after all, which tells the carrier.
            drop(due);
            return Notification::new(parts);
        };
        state.waiting.push_back(Change { event, handlers, transaction, tree, location, due });
        let takes_over = state.deliverer == 0;
        if takes_over {
            state.deliverer = this_thread::id();
        }
        drop(state);
        if takes_over {
            Deliverer { shared: self, delivers: true }.take_along(location);
        }
        Notification::new(parts)
    }

    /// Delivers what waits, unless somebody does.
    fn take_over(self: &Arc<Self>, location: &'static Location<'static>) {
        let mut state = self.store.lock(location);
        if state.deliverer == 0 && !state.waiting.is_empty() {
            state.deliverer = this_thread::id();
            drop(state);
            Deliverer { shared: self, delivers: true }.take_along(location);
        }
    }

    /// Nobody delivers: tells those who may take over.
    fn hand_over(self: &Arc<Self>, location: &'static Location<'static>) {
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
            let Change { event, handlers, transaction, location, due, .. } = change;
            let list = self.shared.changed.handlers();
            let notification = transaction.enter(|| notify(list, handlers, event, location));
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

/// In the setter's transaction: there until the change has been delivered, by this one if nobody else does it.
struct Carrier<T: Clone + Send + Sync + 'static> {
    shared: Arc<Shared<T>>,
    slot: Arc<Slot>,
}

impl<T: Clone + Send + Sync + 'static> Future for Carrier<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Before it takes over: where that ends at the limit, this one may be the one that is to be woken.
        if self.slot.wait(cx.waker().clone()) {
            return Poll::Ready(());
        }
        self.shared.take_over(Location::caller());
        if self.slot.is_settled() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<T: Clone + Send + Sync + 'static> Drop for Carrier<T> {
    fn drop(&mut self) {
        if !self.slot.is_settled() {
            self.slot.set_carried(false);
            // Within an update of this observable: that one finds the change waiting, and takes over.
            if self.shared.store.own_update().is_none() {
                self.shared.hand_over(Location::caller());
            }
        }
    }
}

/// In the setter's notification.
struct Awaited<T> {
    shared: Arc<Shared<T>>,
    slot: Arc<Slot>,
}

impl<T: Clone + Send + Sync + 'static> Deferred<()> for Awaited<T> {
    fn has_settled(&self) -> bool {
        self.slot.is_settled()
    }

    fn take(&self) -> Option<Yield<()>> {
        self.slot.take()
    }

    fn waits_for_this_stack(&self) -> bool {
        let deliverer = self.shared.store.lock(Location::caller()).deliverer;
        deliverer == this_thread::id() && !self.slot.is_settled()
    }
}
