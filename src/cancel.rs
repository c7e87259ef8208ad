//! Cancelling what is pending below a transaction: `abort`, `fail_fast`, `OnDrop::Cancel`.
//!
//! Nothing is dropped here: each future below gets the mark that [`Stashed::cancel`](crate::Stashed::cancel) sets, and a
//! turn. The next drive drops it in that turn and tells its handle and callbacks. The transaction's own body or future,
//! and bodies below it (an atomic one among them is aborted, and rolls back when its body is done), are not touched, nor is what others poll with `in_transaction`; what a future that is dropped owned itself (a scope that it awaited) goes with
//! it.
//!
//! # What destructors add meanwhile
//!
//! While a future is dropped for this reason, the nearest open transaction above the one that was cancelled is current:
//! its *home*; one that is not part of an atomic one. Where there is none it is the root. So a goodbye that a destructor adds is not cancelled with the rest.

use std::sync::Arc;

use crate::current::{self, Ambient, Current, Goal};
use crate::driver::{Drive, Left};
use crate::engine::Engine;
use crate::error::{Failure, Kind as Why};
use crate::node::Node;
use crate::ready::{Entry, Key};
use crate::root;
use crate::slot::{Kind, NONE, Slot};
use crate::ticket::Ticket;
use crate::tree::Tree;
use crate::until::only_listens;
use crate::waker::Wakers;

/// What is cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lasting {
    /// What is pending now.
    Once,
    /// What will be added, too.
    ForGood,
}

impl Engine {
    /// Marks all that is pending below this node. It costs a walk over what is below. What has no slot is marked when its
    /// turn comes (see `family`).
    #[cold]
    pub(crate) fn cancel_below(&mut self, top: Key, lasting: Lasting) {
        self.settle_last();
        self.stirred = true;
        if lasting == Lasting::Once && self.slot(top).cancelled_at() == self.ready.last_serial() {
            return; // Nothing has been added anywhere since.
        }
        let serial = self.ready.serial();
        let extra = self.slot(top).extra();
        extra.cancelled_at = serial;
        extra.cancels |= lasting == Lasting::ForGood;
        self.cancels |= lasting == Lasting::ForGood;
        if self.is_empty_below(top) {
            self.slot(top).gated |= lasting == Lasting::ForGood;
            return;
        }
        self.ready.suspect_all();
        if let Some(mut loose) = self.loose.filter(|loose| self.is_at_or_below(loose.parent, top)) {
            self.ticket_of(&mut loose).cancel_below();
            self.loose = Some(loose);
        }
        if let Some(holder) = self.nearest_holder(top) {
            self.cancel_held_below(holder, top);
        }
        let mut woken = Wakers::new();
        for key in self.at_or_below(top) {
            self.cancel_line(key);
            let slot = self.slot(key);
            // Also what is opened below from now on.
            slot.gated |= lasting == Lasting::ForGood;
            if key != top
                && slot.held_mut().is_some()
                && let Some(hooks) = slot.hooks()
            {
                // All or nothing: what it holds back goes with its rollback.
                let waker = hooks.abort();
                woken.extend(waker);
            }
            if key != top && slot.kind == Kind::Added && slot.live {
                let fresh = slot.ticket.get_or_insert_with(Ticket::unheld).cancel_below();
                // Who marked it before sees to its turn.
                if !self.cancel_outside(key) && fresh {
                    self.ready.wake(key);
                }
            }
        }
        self.outbox.append(&mut woken);
    }

    /// Then no walk is needed.
    fn is_empty_below(&self, top: Key) -> bool {
        let slot = &self.slots[top as usize];
        slot.pending == 0 && slot.extra.as_ref().is_none_or(|extra| extra.begun.is_empty())
    }

    /// Has what is in this slot dropped by who polls it, if somebody else does. It is cancelled with what is above it.
    pub(crate) fn cancel_outside(&mut self, key: Key) -> bool {
        let node = self.slot(key).node().filter(|node| node.outside.is_some()).cloned();
        let Some(node) = node else { return false };
        let home = match self.home(false, key) {
            NONE => None,
            home => Some(self.share(&node.tree, home)),
        };
        let failure = Failure::new(Why::Cancelled, node.location);
        let waker = node.outside.as_ref().and_then(|outside| outside.refuse_with_others(failure, home));
        self.outbox.extend(waker);
        true
    }

    pub(crate) fn is_at_or_below(&self, key: Key, top: Key) -> bool {
        let mut at = key;
        while at != NONE && at != top {
            at = self.slots[at as usize].parent;
        }
        at == top
    }

    /// Has all that is added here been cancelled in advance?
    pub(crate) fn is_cancelled_for_good(&self, key: Key) -> bool {
        if !self.cancels {
            return false;
        }
        let mut at = key;
        while let Some(slot) = self.slots.get(at as usize) {
            if slot.cancels() {
                return true;
            }
            at = slot.parent;
        }
        false
    }

    /// Has it dropped in its turn.
    pub(crate) fn refuse_at_once(&mut self, mut entry: Entry) {
        self.ticket_of(&mut entry.tag).cancel_below();
        self.queue(entry);
    }

    /// Where that goes which is added while what is being polled is dropped: `NONE` if nothing in the tree takes it.
    fn home(&self, loose: bool, key: Key) -> Key {
        let (parent, serial) = match &self.loose {
            Some(polled) if loose => (polled.parent, polled.serial),
            _ => {
                let slot = &self.slots[key as usize];
                (slot.parent, slot.serial)
            }
        };
        let (mut home, mut at) = (parent, parent);
        while let Some(slot) = self.slots.get(at as usize) {
            if slot.cancels() || slot.cancelled_at() >= serial {
                home = slot.parent;
            }
            at = slot.parent;
        }
        while let Some(holder) = self.nearest_holder(home) {
            home = self.slots[holder as usize].parent;
        }
        home
    }
}

impl Slot {
    /// The place in the order of adding at which what was below it was cancelled last.
    pub(crate) fn cancelled_at(&self) -> u64 {
        self.extra.as_ref().map_or(0, |extra| extra.cancelled_at)
    }

    /// Is all that is added below it cancelled at once?
    pub(crate) fn cancels(&self) -> bool {
        self.extra.as_ref().is_some_and(|extra| extra.cancels)
    }
}

/// While it lives, things of this tree are dropped as they were cancelled with what is above them.
struct Cancelling<'a> {
    ambient: &'a Ambient,
    /// What was so before.
    before: u64,
}

impl<'a> Cancelling<'a> {
    fn begin(ambient: &'a Ambient, tree: &Tree) -> Self {
        Cancelling { ambient, before: ambient.cancelling.replace(tree.id) }
    }
}

impl Drop for Cancelling<'_> {
    fn drop(&mut self) {
        self.ambient.cancelling.set(self.before);
    }
}

/// Runs `f`, which drops what is being polled as it was cancelled with what is above it.
#[cold]
pub(crate) fn dropping(ambient: &Ambient, tree: &Arc<Tree>, loose: bool, key: Key, f: impl FnOnce()) {
    let home = ambient
        .on_top(tree.id, |engine| match engine.home(loose, key) {
            NONE => None,
            home => Some(engine.share(tree, home)),
        })
        .flatten();
    let home = home.unwrap_or_else(|| root::of(tree));
    let _cancelling = Cancelling::begin(ambient, tree);
    ambient.enter(Current::Node(home), f);
}

/// Runs `f`, which drops something of this tree that others poll, as it was cancelled with what is above it.
#[cold]
pub(crate) fn at_home(tree: &Tree, home: &Arc<Node>, f: impl FnOnce()) {
    current::with(|ambient| {
        let _cancelling = Cancelling::begin(ambient, tree);
        current::enter(home, f);
    });
}

/// Drops the body of a scope that is given up: with its transaction current, unless what is pending there is cancelled, or
/// what is above it was and the body goes with that.
pub(crate) fn drop_body(ambient: &Ambient, node: &Arc<Node>, cancels: bool, f: impl FnOnce()) {
    if ambient.cancelling.get() == node.tree.id {
        return f();
    }
    if !cancels {
        return current::enter(node, f);
    }
    let above = node.parent.as_ref().and_then(Node::nearest_open);
    let home = above.unwrap_or_else(|| root::of(&node.tree));
    let _cancelling = Cancelling::begin(ambient, &node.tree);
    current::enter(&home, f);
}

/// Has what was cancelled in the whole tree dropped here, if nobody drives it.
pub(crate) fn drop_now(tree: &Arc<Tree>) {
    if only_listens(tree) {
        return;
    }
    let Some(engine) = tree.take_engine() else { return };
    current::with(|ambient| {
        let drive = Drive::start(ambient, engine, Goal::Nothing);
        while drive.run(None) == Left::Event {}
    });
}
