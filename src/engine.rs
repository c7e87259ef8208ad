//! The exclusive part of a transaction tree: a slab of nodes, counts of what is pending below each, and the queues.
//!
//! Whoever owns the engine (see [`tree`](crate::tree)) calls these methods; none of them runs code of the user's. What
//! is to be woken or dropped as a consequence is collected, and taken with [`hand_out`](Engine::hand_out).
//!
//! A future that was added has a slot only from when it needs one: it stays pending, has children, or somebody asked for
//! its transaction. Until then it is an entry of a queue (*loose*), and what is polled first is known as the loose one.

use std::collections::VecDeque;
use std::sync::Arc;

use slab::Slab;

use crate::clock::Clock;
use crate::error::{Failure, Place};
use crate::failures::Trash;
use crate::family::Family;
use crate::job::Empty;
use crate::lend::Lending;
use crate::node::Node;
use crate::note::Note;
use crate::ready::{Added, Entry, Key, Ready, Tag};
use crate::slot::{Extra, Kind, NONE, Slot};
use crate::spares::Spares;
use crate::tree::{Mail, Tree};
use crate::waker::{BodyWakers, SlotWakers, Wakers};

/// What is kept of an engine that waits for its next transaction.
const POOLED: usize = 256;

/// So few adds and transactions leave an engine as small as it was.
const FEW: u64 = 32;

#[derive(Default)]
pub(crate) struct Engine {
    /// Whose engine it is.
    pub(crate) tree_id: u64,
    /// Its tree, while it is not in there.
    pub(crate) tree: Option<Arc<Tree>>,
    pub(crate) slots: Slab<Slot>,
    /// By the index of the slot; they outlive the slots.
    pub(crate) wakers: Vec<Option<SlotWakers>>,
    /// Of the slot that was polled last, while no drive has them: mostly the next first poll takes the same.
    pub(crate) last_wakers: Option<SlotWakers>,
    pub(crate) ready: Ready,
    /// What is being polled without a slot: its entry, without the future.
    pub(crate) loose: Option<Tag>,
    /// What few entries have.
    pub(crate) notes: Slab<Note>,
    /// For futures to come.
    pub(crate) cells: Spares<Empty>,
    /// The slot that the loose one gets when it needs one.
    pub(crate) loose_key: Key,
    /// Something has happened that a driver may wait for: it looks.
    pub(crate) stop: bool,
    /// There may be something to do for the driver before the next poll. Set by whatever does more than to add, or to
    /// count down; so between most polls this is all that is looked at.
    pub(crate) stirred: bool,
    /// Part of what was rolled back: to be dropped unstarted, before anything else has its turn.
    pub(crate) doomed: VecDeque<Entry>,
    /// Transactions with a line in which something has been cancelled.
    pub(crate) stale_lines: Vec<Key>,
    /// What is being added is a cleanup.
    pub(crate) as_cleanup: bool,
    /// Settled, and to be closed under the lock of the tree.
    pub(crate) closing: Vec<Key>,
    /// The slot of the top node, while that is open.
    pub(crate) top: Option<Key>,
    /// For the next handle (see `lend`).
    pub(crate) lending: Lending,
    bodies: Vec<BodyWakers>,
    /// For the next node that needs one.
    spare: Option<Box<Extra>>,
    /// When what was added was there.
    pub(crate) clock: Clock,
    /// Some transaction says how many failures are kept.
    pub(crate) bounds: bool,
    /// In some transaction all that is added is cancelled at once.
    pub(crate) cancels: bool,
    /// The place in the order of adding that was the last one when it was trimmed.
    trimmed: u64,
    /// There may be more to be given back than was.
    large: bool,
    /// Who is below whom, once something has been cancelled.
    pub(crate) family: Option<Box<Family>>,
    /// To be woken, outside.
    pub(crate) outbox: Wakers,
    /// To be dropped, outside.
    pub(crate) trash: Trash,
}

impl Engine {
    /// Not in its tree yet.
    pub(crate) fn new(tree: &Arc<Tree>) -> Box<Self> {
        Box::new(Engine { tree_id: tree.id, tree: Some(tree.clone()), ..Engine::default() })
    }

    #[inline]
    pub(crate) fn slot(&mut self, key: Key) -> &mut Slot {
        &mut self.slots[key as usize]
    }

    #[inline]
    pub(crate) fn has_work(&self) -> bool {
        !self.ready.is_empty() || !self.doomed.is_empty() || !self.stale_lines.is_empty()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.top.is_some()
    }

    /// Adds a future to a node.
    pub(crate) fn add(&mut self, parent: Key, added: Added) {
        self.settle_last();
        let epoch = self.count(parent);
        let entry = self.entry(parent, epoch, added);
        if self.slot(parent).gated {
            return self.gate(entry);
        }
        self.ready.add(entry);
    }

    /// Has anybody left an op? Only while it is not in its tree.
    #[inline]
    pub(crate) fn has_ops(&self) -> bool {
        self.tree.as_ref().is_some_and(|tree| tree.has_ops())
    }

    /// Applies what others left. Only while it is not in its tree.
    #[cold]
    pub(crate) fn apply_ops_here(&mut self) {
        if let Some(tree) = self.tree.clone() {
            tree.apply_ops(self);
        }
    }

    /// Closes what has settled. Only while it is not in its tree.
    #[cold]
    pub(crate) fn close_settled_here(&mut self) {
        if let Some(tree) = self.tree.clone() {
            tree.close_settled(self);
        }
    }

    /// The waker of a body that is done.
    #[inline]
    pub(crate) fn pooled_body(&mut self) -> Option<BodyWakers> {
        self.bodies.pop()
    }

    /// Takes back the waker of a body that is done, if nobody else holds it.
    #[inline]
    pub(crate) fn recycle_body(&mut self, wakers: BodyWakers) {
        if self.bodies.len() < POOLED && !wakers.is_kept() {
            wakers.inner.reset();
            self.bodies.push(wakers);
        }
    }

    /// What few nodes have, of this one.
    pub(crate) fn extra(&mut self, key: Key) -> &mut Extra {
        let Engine { slots, spare, .. } = self;
        slots[key as usize].extra.get_or_insert_with(|| spare.take().unwrap_or_default())
    }

    /// Takes back what a node had that is closed.
    pub(crate) fn recycle_extra(&mut self, mut extra: Box<Extra>) {
        if extra.clear() {
            self.spare = Some(extra);
        }
    }

    /// Opens the top node of a new tree.
    #[inline]
    pub(crate) fn open(&mut self, kind: Kind, location: Place, node: Option<Arc<Node>>) -> Key {
        let mut slot = Slot::new(NONE, kind, location);
        slot.serial = self.ready.serial();
        let key = self.insert(slot);
        self.top = Some(key);
        if node.is_some() {
            self.place_node(key, node);
        }
        key
    }

    /// Opens a transaction below another one. `depth_limit` counts from it.
    pub(crate) fn open_below(
        &mut self,
        parent: Key,
        kind: Kind,
        location: Place,
        node: Option<Arc<Node>>,
        depth_limit: Option<u32>,
    ) -> Key {
        self.materialise();
        let serial = self.ready.serial();
        let above = self.slot(parent);
        let mut slot = Slot::new(parent, kind, location);
        slot.serial = serial;
        slot.depth = above.depth + 1;
        slot.deepest = depth_limit.map_or(above.deepest, |limit| slot.depth.saturating_add(limit));
        slot.gated = above.gated;
        if kind != Kind::Begun {
            slot.counted = true;
            slot.epoch = self.count(parent);
        }
        let key = self.insert(slot);
        if kind == Kind::Begun {
            self.begin_in(parent, key);
        }
        self.place_node(key, node);
        key
    }

    pub(crate) fn insert(&mut self, slot: Slot) -> Key {
        let key = self.slots.insert(slot) as Key;
        assert!(key < NONE - 8, "too many futures in one transaction tree");
        self.join_family(key);
        key
    }

    #[inline]
    pub(crate) fn remove(&mut self, key: Key) -> Slot {
        self.leave_family(key);
        self.slots.remove(key as usize)
    }

    pub(crate) fn place_node(&mut self, key: Key, node: Option<Arc<Node>>) {
        if let Some(node) = node {
            self.extra(key);
            let slot = self.slot(key);
            node.place(key, slot.serial);
            slot.at_owner = false;
            slot.gated |= node.spawner.is_some();
            if node.hooks.is_some() {
                slot.gated = true;
                slot.extra().held = Some(Box::default());
            }
            slot.extra().node = Some(node);
        }
    }

    /// The slot of what is being polled without one, made now if need be.
    pub(crate) fn materialise(&mut self) -> Key {
        if let Some(loose) = self.loose.take() {
            let note = self.take_note(&loose);
            let above = self.slot(loose.parent);
            let mut slot = Slot::new(loose.parent, Kind::Added, loose.location);
            slot.depth = above.depth + 1;
            slot.deepest = above.deepest;
            slot.gated = above.gated;
            slot.serial = loose.serial;
            slot.counted = true;
            if let Some(note) = note {
                slot.epoch = note.epoch;
                slot.ticket = note.ticket;
            }
            let key = self.insert(slot);
            debug_assert_eq!(key, self.loose_key);
        }
        self.loose_key
    }

    /// Records a failure with a node.
    pub(crate) fn fail(&mut self, node: Key, serial: u64, failure: Failure) {
        let serial = failure.serial_in(self.tree_id, serial);
        self.stirred = true;
        let max = self.max_failures(node);
        let Engine { slots, trash, .. } = self;
        let slot = &mut slots[node as usize];
        slot.extra().failures.push(serial, failure, max, trash);
        if slot.gated {
            self.failed(node);
        }
    }

    /// Notes the time for what is pending. For who leaves it so.
    #[inline]
    pub(crate) fn mark_time(&mut self) {
        if let Some(top) = self.top {
            self.clock.mark(self.ready.last_serial(), self.slots[top as usize].serial);
        }
    }

    /// Takes what is to be woken and dropped outside.
    #[inline]
    pub(crate) fn hand_out(&mut self) -> Option<Mail> {
        self.has_mail().then(|| Mail {
            wakers: std::mem::take(&mut self.outbox),
            trash: std::mem::take(&mut self.trash),
        })
    }

    /// Is there anything to hand out?
    #[inline]
    pub(crate) fn has_mail(&self) -> bool {
        !self.outbox.is_empty() || !self.trash.is_empty()
    }

    /// Is there nothing for the driver to do before the next poll?
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        self.closing.is_empty() && self.doomed.is_empty() && !self.has_mail()
    }

    /// Is nothing in it?
    pub(crate) fn is_blank(&self) -> bool {
        self.slots.is_empty() && self.ready.is_empty() && (!self.stirred || self.is_quiet())
    }

    /// Makes it ready for its next transaction, with what a burst needed given back.
    #[inline]
    pub(crate) fn trim(&mut self) {
        self.stop = false;
        self.bounds = false;
        self.cancels = false;
        self.family = None;
        self.stale_lines.clear();
        // All that takes room takes a place in the order of adding.
        let added = self.ready.last_serial() - self.trimmed;
        if self.large || added > FEW {
            self.trim_slowly();
        }
    }

    #[inline(never)]
    fn trim_slowly(&mut self) {
        self.trimmed = self.ready.last_serial();
        self.ready.trim();
        self.cells.trim();
        if self.wakers.len() > POOLED {
            self.wakers.truncate(POOLED);
            self.wakers.shrink_to(POOLED);
        }
        if self.slots.capacity() > POOLED {
            self.slots = Slab::new();
        }
        if self.notes.capacity() > POOLED {
            self.notes = Slab::new();
        }
        // Then the next transaction tells how much of it is needed.
        self.large = self.cells.is_large() || self.ready.is_large();
    }
}
