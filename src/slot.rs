//! One node of a tree, as the engine has it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::Place;
use crate::failures::FailureList;
use crate::hold::Held;
use crate::hooks::Hooks;
use crate::job::Job;
use crate::limit::Limit;
use crate::node::Node;
use crate::ready::{Entry, Key};
use crate::ticket::Ticket;
use crate::wait::WaitRecord;

/// No slot: the parent of a top node.
pub(crate) const NONE: Key = Key::MAX;

/// How deep futures may be nested, unless the builder says otherwise.
pub(crate) const DEPTH_LIMIT: u32 = 1024;

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A future that was added, and what it adds. Closes by itself.
    Added,
    /// A scope. Its owner takes the outcome; orphaned, it closes by itself.
    Body,
    /// A transaction that was begun: counts with its parent while it has work, closes when it is ended.
    Begun,
}

pub(crate) struct Slot {
    pub(crate) parent: Key,
    /// The parent's epoch when this was counted there.
    pub(crate) epoch: u64,
    /// How many are above it.
    pub(crate) depth: u32,
    /// How deep anything below may be.
    pub(crate) deepest: u32,
    /// Children that count: futures in a queue, slots that are `counted`.
    pub(crate) pending: u32,
    pub(crate) kind: Kind,
    /// Its own future or body is not done.
    pub(crate) live: bool,
    /// It closes as soon as nothing is pending, with all that was begun below it.
    pub(crate) ending: bool,
    /// A scope in its first poll: its owner closes it, as it may have nothing but the key.
    pub(crate) at_owner: bool,
    /// What is added to it does not become due at once, or not by itself (see `gate`). Of one above it, too.
    pub(crate) gated: bool,
    /// It has one of the places of its parent (see `limit`).
    pub(crate) placed: bool,
    /// It counts in its parent's `pending`.
    pub(crate) counted: bool,
    /// Its place in the order of adding.
    pub(crate) serial: u64,
    pub(crate) location: Place,
    /// The future, while it is not being polled.
    pub(crate) job: Option<Job>,
    pub(crate) ticket: Option<Arc<Ticket>>,
    /// What few nodes have.
    pub(crate) extra: Option<Box<Extra>>,
}

#[derive(Default)]
pub(crate) struct Extra {
    /// What handles hold.
    pub(crate) node: Option<Arc<Node>>,
    /// Of children, not received by anybody yet.
    pub(crate) failures: FailureList,
    /// Raised by each `wait`: tells what was counted before it.
    pub(crate) epoch: u64,
    /// Waits under way, oldest first.
    pub(crate) waits: VecDeque<WaitRecord>,
    /// What waits for the commit, of an atomic transaction that has not come so far.
    pub(crate) held: Option<Box<Held>>,
    /// What survives the rollback that is under way.
    pub(crate) cleanups: Vec<Entry>,
    /// Transactions that were begun in this one and are open.
    pub(crate) begun: Vec<Key>,
    /// Where this one, if it was begun, stands in its parent's list.
    pub(crate) begun_at: usize,
    /// How many children may run at once.
    pub(crate) limit: Option<Box<Limit>>,
    /// How many failures are kept here and below, unless it is said there.
    pub(crate) max_failures: Option<usize>,
    /// The first failure cancels the rest.
    pub(crate) fail_fast: bool,
    /// What stands below it at a place up to this in the order of adding has been cancelled (see `cancel`).
    pub(crate) cancelled_at: u64,
    /// And so is all that is added later.
    pub(crate) cancels: bool,
    /// How many of the pending ones are waited for.
    pub(crate) awaited: u32,
}

impl Extra {
    /// Makes it ready for another node, whose own is gone. False if there is more in it than that needs.
    pub(crate) fn clear(&mut self) -> bool {
        let Extra {
            node,
            failures,
            epoch,
            waits,
            held,
            cleanups,
            begun,
            begun_at,
            limit,
            max_failures,
            fail_fast,
            cancelled_at,
            cancels,
            awaited,
        } = self;
        (*epoch, *begun_at, *max_failures) = (0, 0, None);
        (*fail_fast, *cancelled_at, *cancels, *awaited) = (false, 0, false, 0);
        node.is_none()
            && failures.is_empty()
            && waits.is_empty()
            && held.is_none()
            && cleanups.is_empty()
            && begun.is_empty()
            && limit.is_none()
            && waits.capacity().max(cleanups.capacity()).max(begun.capacity()) <= 64
    }
}

impl Slot {
    pub(crate) fn new(parent: Key, kind: Kind, location: Place) -> Self {
        Slot {
            parent,
            epoch: 0,
            depth: 0,
            deepest: DEPTH_LIMIT,
            pending: 0,
            kind,
            live: kind != Kind::Begun,
            ending: false,
            at_owner: kind == Kind::Body,
            gated: false,
            placed: false,
            counted: false,
            serial: 0,
            location,
            job: None,
            ticket: None,
            extra: None,
        }
    }

    /// Does it want what is added to pass the gate, apart from what is held back?
    pub(crate) fn asks_for_gate(&self) -> bool {
        self.extra.as_ref().is_some_and(|extra| {
            let spawns = extra.node.as_ref().is_some_and(|node| node.spawner.is_some());
            spawns || extra.limit.is_some() || extra.fail_fast || extra.cancels
        })
    }

    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        self.extra.as_ref()?.node.as_ref()
    }

    /// What it was made as: a scope whose owner is gone goes by another kind since.
    pub(crate) fn made_as(&self) -> Kind {
        self.node().map_or(self.kind, |node| node.kind)
    }

    /// Those of an atomic transaction.
    pub(crate) fn hooks(&self) -> Option<&Hooks> {
        self.node()?.hooks.as_deref()
    }

    pub(crate) fn held_mut(&mut self) -> Option<&mut Held> {
        self.extra.as_mut()?.held.as_deref_mut()
    }

    pub(crate) fn extra(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }
}
