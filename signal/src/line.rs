//! Changes of one thing that are told one after another: each once, in the order stored, whoever stores them.
//!
//! # Protocol
//!
//! Under the lock of what it changes a setter stores, and looks whether somebody delivers: a thread that is calling
//! handlers of it at this moment, this one further down its stack or another.
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
use std::sync::{Arc, MutexGuard};
use std::task::Waker;

use settled::plumbing;
use settled::{Transaction, current};

use crate::carrier::{Awaited, Carrier};
use crate::notification::Notification;
use crate::parts::Parts;
use crate::slot::Due;
use crate::store::Store;
use crate::this_thread;
use crate::tree::Tree;

/// So many changes a deliverer takes along.
const LIMIT: usize = 1024;

/// Something whose changes are told in line.
pub(crate) trait Lined: Send + Sync + Sized + 'static {
    /// What is kept under the lock.
    type State: HasLine<News = Self::News> + Send;
    /// One change, as it is told.
    type News: Send;

    fn store(&self) -> &Store<Self::State>;

    /// Calls the handlers.
    fn tell(self: &Arc<Self>, news: Self::News, location: &'static Location<'static>) -> Notification<()>;
}

/// Keeps a line, among other things.
pub(crate) trait HasLine {
    type News;

    fn line(&mut self) -> &mut Line<Self::News>;
}

pub(crate) struct Line<N> {
    /// The thread that delivers; 0: none.
    pub(crate) deliverer: u64,
    /// Changes that wait to be taken along, in the order stored.
    waiting: VecDeque<Change<N>>,
}

/// A change that waits to be taken along.
struct Change<N> {
    news: N,
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

impl<N> Line<N> {
    pub(crate) fn new() -> Self {
        Line { deliverer: 0, waiting: VecDeque::new() }
    }

    #[inline]
    pub(crate) fn is_at_rest(&self) -> bool {
        self.deliverer == 0 && self.waiting.is_empty()
    }
}

/// For a change that is to wait for who delivers.
pub(crate) fn prepare<L: Lined>(of: &Arc<L>, location: &'static Location<'static>) -> Prepared {
    let due = Due::new();
    let slot = due.slot().clone();
    let ((transaction, tree, carrier), own) = plumbing::lazily(location, || {
        let transaction = current().unwrap_or_else(Transaction::root);
        let tree = Tree::current();
        let carrier = plumbing::add_at(Carrier { of: of.clone(), slot: slot.clone() }, location);
        (transaction, tree, carrier)
    });
    let mut parts = Parts::new(location, Vec::new());
    parts.push_deferred(carrier, Box::new(Awaited { of: of.clone(), slot }));
    parts.set_own(own);
    Prepared { transaction, tree, due, parts }
}

/// Has a change delivered that was stored just now: at once, if it was found at rest, and so nothing is prepared. `after` is
/// called when nothing is locked.
pub(crate) fn pass_on<L: Lined>(
    of: &Arc<L>,
    mut state: MutexGuard<'_, L::State>,
    prepared: Option<Prepared>,
    news: L::News,
    after: impl FnOnce(),
    location: &'static Location<'static>,
) -> Notification<()> {
    if let Some(prepared) = prepared {
        return line_up(of, state, prepared, news, after, location);
    }
    state.line().deliverer = this_thread::id();
    drop(state);
    let deliverer = Deliverer::new(of);
    let notification = of.tell(news, location);
    after();
    deliverer.take_along(location);
    notification
}

/// Has a change delivered behind others.
pub(crate) fn line_up<L: Lined>(
    of: &Arc<L>,
    mut state: MutexGuard<'_, L::State>,
    prepared: Prepared,
    news: L::News,
    after: impl FnOnce(),
    location: &'static Location<'static>,
) -> Notification<()> {
    let Prepared { transaction, tree, due, parts } = prepared;
    let line = state.line();
    line.waiting.push_back(Change { news, transaction, tree, location, due });
    let takes_over = line.deliverer == 0;
    if takes_over {
        line.deliverer = this_thread::id();
    }
    drop(state);
    let deliverer = takes_over.then(|| Deliverer::new(of));
    after();
    if let Some(deliverer) = deliverer {
        deliverer.take_along(location);
    }
    Notification::new(parts)
}

/// Delivers what waits, unless somebody does.
pub(crate) fn take_over<L: Lined>(of: &Arc<L>, location: &'static Location<'static>) {
    let mut state = of.store().lock(location);
    let line = state.line();
    if line.deliverer == 0 && !line.waiting.is_empty() {
        line.deliverer = this_thread::id();
        drop(state);
        Deliverer::new(of).take_along(location);
    }
}

/// Nobody delivers: tells those who may take over.
pub(crate) fn hand_over<L: Lined>(of: &Arc<L>, location: &'static Location<'static>) {
    let mut wakers: Vec<Waker> = Vec::new();
    let mut orphan = None;
    {
        let mut state = of.store().lock(location);
        let line = state.line();
        if line.deliverer != 0 || line.waiting.is_empty() {
            return;
        }
        let mut trees: Vec<&Option<Tree>> = Vec::new();
        for change in &line.waiting {
            let is_known = trees.last() == Some(&&change.tree) || trees.contains(&&change.tree);
            if !is_known && let Some(waker) = change.due.slot().carrier() {
                wakers.extend(waker);
                trees.push(&change.tree);
            }
        }
        if trees.is_empty() {
            orphan = line.waiting.front().map(|change| change.due.slot().clone());
        }
    }
    wakers.into_iter().for_each(Waker::wake);
    if let Some(slot) = orphan {
        slot.set_carried(true);
        // The root never closes.
        let _ = Transaction::root().add(Carrier { of: of.clone(), slot });
    }
}

/// Somebody delivers. Ceases when dropped.
pub(crate) struct Deliverer<'a, L: Lined> {
    of: &'a Arc<L>,
    delivers: bool,
}

impl<'a, L: Lined> Deliverer<'a, L> {
    /// Of whom the line says that it is this thread.
    #[inline]
    pub(crate) fn new(of: &'a Arc<L>) -> Self {
        Deliverer { of, delivers: true }
    }

    /// Delivers what was stored meanwhile.
    pub(crate) fn take_along(mut self, location: &'static Location<'static>) {
        for _ in 0..LIMIT {
            let change = {
                let mut state = self.of.store().lock(location);
                let line = state.line();
                let Some(change) = line.waiting.pop_front() else {
                    line.deliverer = 0;
                    self.delivers = false;
                    return;
                };
                change
            };
            let Change { news, transaction, location, due, .. } = change;
            let notification = transaction.enter(|| self.of.tell(news, location));
            due.settle(notification.into_yield());
        }
    }
}

impl<L: Lined> Drop for Deliverer<'_, L> {
    fn drop(&mut self) {
        if self.delivers {
            let location = Location::caller();
            self.of.store().lock(location).line().deliverer = 0;
            hand_over(self.of, location);
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
