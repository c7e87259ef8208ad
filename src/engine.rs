//! The exclusive part of a transaction tree: a slab of nodes, counts of what is pending below each, and the queues.
//!
//! Whoever owns the engine (see [`tree`](crate::tree)) calls these methods; none of them runs code of the user's. What
//! is to be woken or dropped as a consequence is collected, and taken with [`hand_out`](Engine::hand_out).
//!
//! A future that was added has a slot only from when it needs one: it stays pending, has children, or somebody asked for
//! its transaction. Until then it is an entry of a queue (*loose*), and what is polled first is known as the loose one.

use std::sync::Arc;

use slab::Slab;
use smallvec::SmallVec;

use crate::error::{Failure, Kind as Why, Place};
use crate::failures::{FailureList, Trash};
use crate::node::{Node, State};
use crate::ready::{Entry, Job, Key, Next, Ready};
use crate::ticket::Ticket;
use crate::tree::{Op, Tree};
use crate::wait::WaitRecord;
use crate::waker::{BodyWaker, SlotWakers, Wakers};

/// No slot: the parent of a top node.
pub(crate) const NONE: Key = Key::MAX;

/// How deep futures may be nested, unless the builder says otherwise.
pub(crate) const DEPTH_LIMIT: u32 = 1024;

/// What is kept of an engine that waits for its next transaction.
const POOLED: usize = 256;

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
    pub(crate) waits: std::collections::VecDeque<WaitRecord>,
    /// Transactions that were begun in this one and are open.
    pub(crate) begun: Vec<Key>,
    /// Where this one, if it was begun, stands in its parent's list.
    pub(crate) begun_at: usize,
}

/// What is being polled without a slot: its entry, without the future.
struct Loose {
    ticket: Option<Arc<Ticket>>,
    location: Place,
    parent: Key,
    epoch: u64,
    serial: u64,
}

/// What the driver is to do next.
pub(crate) enum Turn {
    Poll(Polling),
    /// Drop it unpolled: it was cancelled, or is nested too deep.
    Refuse(Polling, Failure),
    /// Something has happened that a driver may wait for.
    Event,
    /// A body waits for its turn, and a round is over.
    Body,
    Idle,
    /// There is more, but not now.
    Budget,
}

/// A future taken out for its turn.
pub(crate) struct Polling {
    pub(crate) job: Job,
    /// Its slot, or the one that it gets if it needs one.
    pub(crate) key: Key,
    pub(crate) loose: bool,
    /// There is somebody to be told of the outcome.
    pub(crate) kept: Option<Arc<Ticket>>,
}

#[derive(Default)]
pub(crate) struct Engine {
    /// Whose engine it is.
    pub(crate) tree_id: u64,
    /// Its tree, while it is driven.
    pub(crate) tree: Option<Arc<Tree>>,
    pub(crate) slots: Slab<Slot>,
    /// By the index of the slot; they outlive the slots.
    wakers: Vec<Option<SlotWakers>>,
    pub(crate) ready: Ready,
    loose: Option<Loose>,
    /// The slot that the loose one gets when it needs one.
    loose_key: Key,
    /// Something has happened that a driver may wait for: it looks.
    pub(crate) stop: bool,
    /// Settled, and to be closed under the lock of the tree.
    pub(crate) closing: Vec<Key>,
    /// The slot of the top node, while that is open.
    pub(crate) top: Option<Key>,
    /// For the next handle. Most handles are dropped where they were made: then the same one serves again.
    spare: Option<Arc<Ticket>>,
    /// The future that was added last has it, if its handle still has.
    spare_given: bool,
    bodies: Vec<Arc<BodyWaker>>,
    /// To be woken, outside.
    pub(crate) outbox: Wakers,
    /// To be dropped, outside.
    pub(crate) trash: Trash,
}

impl Slot {
    fn new(parent: Key, kind: Kind, location: Place) -> Self {
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
            counted: false,
            serial: 0,
            location,
            job: None,
            ticket: None,
            extra: None,
        }
    }

    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        self.extra.as_ref()?.node.as_ref()
    }

    pub(crate) fn extra(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }
}

impl Engine {
    pub(crate) fn new(tree: &Tree) -> Box<Self> {
        Box::new(Engine { tree_id: tree.id, ..Engine::default() })
    }

    #[inline]
    pub(crate) fn slot(&mut self, key: Key) -> &mut Slot {
        &mut self.slots[key as usize]
    }

    #[inline]
    pub(crate) fn has_work(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.top.is_some()
    }

    /// Adds a future to a node.
    #[inline]
    pub(crate) fn add(&mut self, parent: Key, mut entry: Entry) {
        self.settle_spare();
        entry.parent = parent;
        entry.epoch = self.count(parent);
        self.ready.add(entry);
    }

    /// Adds a future to a node. Returns what its handle shares with the driver. That costs an allocation only if the
    /// handle is kept until the next future is added, or this one is polled.
    #[inline]
    pub(crate) fn add_with_ticket(&mut self, parent: Key, job: Job, location: Place) -> Arc<Ticket> {
        self.settle_spare();
        if self.spare.is_none() {
            self.renew_spare(None);
        }
        self.add_with_spare(parent, job, location)
    }

    /// The same, where the engine is not driven.
    pub(crate) fn add_with_ticket_in(
        &mut self,
        tree: &Arc<Tree>,
        parent: Key,
        job: Job,
        location: Place,
    ) -> Arc<Ticket> {
        self.renew_spare(Some(tree));
        self.add_with_spare(parent, job, location)
    }

    #[inline]
    fn add_with_spare(&mut self, parent: Key, job: Job, location: Place) -> Arc<Ticket> {
        let epoch = self.count(parent);
        self.ready.add(Entry { job, ticket: None, location, parent, epoch, serial: 0 });
        self.spare_given = true;
        match &self.spare {
            Some(spare) => spare.clone(),
            None => unreachable!("it was renewed"),
        }
    }

    /// Has a ticket ready for the next future.
    #[cold]
    fn renew_spare(&mut self, tree: Option<&Arc<Tree>>) {
        self.settle_spare();
        if self.spare.is_none()
            && let Some(tree) = tree.or(self.tree.as_ref())
        {
            self.spare = Some(Ticket::new(tree));
        }
    }

    /// Is the handle of what was added last still there? Then the ticket is that future's.
    #[inline(always)]
    fn settle_spare(&mut self) {
        if std::mem::take(&mut self.spare_given) && self.spare.as_ref().is_some_and(|spare| spare.is_kept()) {
            self.give_spare();
        }
    }

    fn give_spare(&mut self) {
        if let Some(last) = self.ready.last_mut() {
            last.ticket = self.spare.take();
        }
    }

    /// Applies what others left. Only in a drive.
    pub(crate) fn apply_ops_here(&mut self) {
        if let Some(tree) = self.tree.clone() {
            tree.apply_ops(self);
        }
    }

    /// The waker of a body that is done.
    pub(crate) fn pooled_body(&mut self) -> Option<Arc<BodyWaker>> {
        self.bodies.pop()
    }

    /// Takes back the waker of a body that is done, if only its owner, who goes now, still holds it.
    pub(crate) fn recycle_body(&mut self, waker: Arc<BodyWaker>) {
        if self.bodies.len() < POOLED && Arc::strong_count(&waker) == 2 {
            waker.reset();
            self.bodies.push(waker);
        }
    }

    /// Opens the top node of a new tree.
    pub(crate) fn open(
        &mut self,
        kind: Kind,
        location: Place,
        node: Option<Arc<Node>>,
        depth_limit: u32,
    ) -> Key {
        let mut slot = Slot::new(NONE, kind, location);
        slot.deepest = depth_limit;
        slot.serial = self.ready.serial();
        let key = self.insert(slot);
        self.top = Some(key);
        self.place_node(key, node);
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
        if kind == Kind::Body {
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

    fn insert(&mut self, slot: Slot) -> Key {
        let key = self.slots.insert(slot) as Key;
        assert!(key < NONE - 8, "too many futures in one transaction tree");
        key
    }

    fn place_node(&mut self, key: Key, node: Option<Arc<Node>>) {
        if let Some(node) = node {
            let slot = self.slot(key);
            node.place(key, slot.serial);
            slot.at_owner = false;
            slot.extra().node = Some(node);
        }
    }

    /// The slot of what is being polled without one, made now if need be.
    pub(crate) fn materialise(&mut self) -> Key {
        if let Some(loose) = self.loose.take() {
            let above = self.slot(loose.parent);
            let mut slot = Slot::new(loose.parent, Kind::Added, loose.location);
            slot.epoch = loose.epoch;
            slot.depth = above.depth + 1;
            slot.deepest = above.deepest;
            slot.serial = loose.serial;
            slot.counted = true;
            slot.ticket = loose.ticket;
            let key = self.insert(slot);
            debug_assert_eq!(key, self.loose_key);
        }
        self.loose_key
    }

    /// The handle part of a node, made now if need be; so are those of its ancestors.
    pub(crate) fn share(&mut self, tree: &Arc<Tree>, key: Key) -> Arc<Node> {
        let mut unshared: SmallVec<[Key; 8]> = SmallVec::new();
        let mut above = key;
        let mut node = loop {
            if above == NONE {
                break None;
            }
            let slot = self.slot(above);
            if let Some(node) = slot.node() {
                break Some(node.clone());
            }
            unshared.push(above);
            above = slot.parent;
        };
        for key in unshared.into_iter().rev() {
            let slot = self.slot(key);
            let made = Node::new(tree.clone(), slot.kind, node.take(), slot.location);
            made.place(key, slot.serial);
            made.set_pending(slot.pending);
            if slot.ending {
                made.set_state(State::Ending);
            }
            // A scope takes its own outcome, a future's handle none.
            slot.extra().node = Some(made.clone());
            node = Some(made);
        }
        node.unwrap_or_else(|| unreachable!("the slot itself is shared or made so"))
    }

    /// As `share`, for the owner of a scope: from now on it is closed as any other.
    pub(crate) fn share_with_owner(&mut self, tree: &Arc<Tree>, key: Key) -> Arc<Node> {
        self.slot(key).at_owner = false;
        self.share(tree, key)
    }

    /// Is `key` the node `from`, or above it? `None`: what is being polled without a slot.
    pub(crate) fn is_above(&self, key: Key, from: Option<Key>, strictly: bool) -> bool {
        let mut at = match (from, &self.loose) {
            (None, Some(loose)) => loose.parent,
            (from, _) => {
                let from = from.unwrap_or(self.loose_key);
                if strictly { self.slots.get(from as usize).map_or(NONE, |slot| slot.parent) } else { from }
            }
        };
        while at != NONE && at != key {
            at = self.slots.get(at as usize).map_or(NONE, |slot| slot.parent);
        }
        at == key
    }

    /// Does the node with this serial stand at or above what is being polled (`None`: without a slot)?
    pub(crate) fn is_serial_above(&self, serial: u64, from: Option<Key>) -> bool {
        let mut at = match (from, &self.loose) {
            (None, Some(loose)) if loose.serial == serial => return true,
            (None, Some(loose)) => loose.parent,
            (from, _) => from.unwrap_or(self.loose_key),
        };
        while let Some(slot) = self.slots.get(at as usize) {
            if slot.serial == serial {
                return true;
            }
            at = slot.parent;
        }
        false
    }

    /// The serial of what is being polled.
    pub(crate) fn serial_of(&self, polled: Option<Key>) -> u64 {
        match (polled, &self.loose) {
            (None, Some(loose)) => loose.serial,
            (key, _) => self.slots[key.unwrap_or(self.loose_key) as usize].serial,
        }
    }

    /// Takes what is to be polled next out of its queue, and the slot's wakers into `wakers`.
    #[inline]
    pub(crate) fn next(&mut self, tree: &Arc<Tree>, wakers: &mut Option<SlotWakers>) -> Turn {
        self.settle_spare();
        loop {
            if std::mem::take(&mut self.stop) {
                return Turn::Event;
            }
            match self.ready.next() {
                None => return Turn::Idle,
                Some(Next::Entry(entry)) => return self.take_loose(tree, entry, wakers),
                Some(Next::Slot(key)) => {
                    if let Some(turn) = self.take_slot(tree, key, wakers) {
                        return turn;
                    }
                }
            }
        }
    }

    /// The next of this round that has no slot, if there is nothing to be said about it: its handle is gone, the slot that
    /// it would get is the one whose wakers the driver holds.
    #[inline(always)]
    pub(crate) fn next_plain(&mut self, held: Key) -> Option<Job> {
        self.settle_spare();
        if self.stop || self.slots.vacant_key() != held as usize {
            return None;
        }
        let entry = self.ready.entry_of_round()?;
        let above = &self.slots[entry.parent as usize];
        if entry.ticket.is_some() || above.depth >= above.deepest {
            return None;
        }
        let Entry { job, ticket, location, parent, epoch, serial } = self.ready.take_entry()?;
        self.loose_key = held;
        self.loose = Some(Loose { ticket, location, parent, epoch, serial });
        Some(job)
    }

    #[inline]
    fn take_loose(&mut self, tree: &Arc<Tree>, entry: Entry, wakers: &mut Option<SlotWakers>) -> Turn {
        let Entry { job, ticket, location, parent, epoch, serial } = entry;
        let key = self.slots.vacant_key() as Key;
        self.take_wakers(tree, key, wakers);
        self.loose_key = key;
        let above = &self.slots[parent as usize];
        let plain = ticket.is_none() && above.depth < above.deepest;
        self.loose = Some(Loose { ticket, location, parent, epoch, serial });
        if plain {
            return Turn::Poll(Polling { job, key, loose: true, kept: None });
        }
        self.examine(Polling { job, key, loose: true, kept: None }, parent, location)
    }

    /// Refuses what was cancelled or is too deep.
    fn examine(&mut self, mut polling: Polling, parent: Key, location: Place) -> Turn {
        let ticket = self.loose.as_ref().and_then(|loose| loose.ticket.as_ref());
        polling.kept = ticket.filter(|ticket| ticket.is_kept()).cloned();
        let above = &self.slots[parent as usize];
        if above.depth >= above.deepest {
            let failure = self.too_deep(parent, location);
            return Turn::Refuse(polling, failure);
        }
        Self::unless_cancelled(polling, location)
    }

    fn take_slot(&mut self, tree: &Arc<Tree>, key: Key, wakers: &mut Option<SlotWakers>) -> Option<Turn> {
        self.take_wakers(tree, key, wakers);
        if let Some(wakers) = wakers {
            wakers.inner.clear();
        }
        // None after a stale wake: of an earlier owner of the slot, or of one that is done but has children.
        let slot = self.slots.get_mut(key as usize)?;
        let job = slot.job.take()?;
        let location = slot.location;
        let kept = slot.ticket.as_ref().filter(|ticket| ticket.is_kept()).cloned();
        Some(Self::unless_cancelled(Polling { job, key, loose: false, kept }, location))
    }

    #[inline]
    fn unless_cancelled(polling: Polling, location: Place) -> Turn {
        match &polling.kept {
            Some(ticket) if ticket.is_cancelled() => {
                let failure = Failure::new(Why::Cancelled, location);
                Turn::Refuse(polling, failure)
            }
            _ => Turn::Poll(polling),
        }
    }

    /// Has the driver hold the wakers of this slot. It holds one pair at a time.
    #[inline]
    fn take_wakers(&mut self, tree: &Arc<Tree>, key: Key, held: &mut Option<SlotWakers>) {
        if held.as_ref().is_none_or(|held| held.key() != key) {
            self.change_wakers(tree, key, held);
        }
    }

    fn change_wakers(&mut self, tree: &Arc<Tree>, key: Key, held: &mut Option<SlotWakers>) {
        if let Some(held) = held.take() {
            self.keep_wakers(held);
        }
        let kept = self.wakers.get_mut(key as usize).and_then(Option::take);
        *held = Some(kept.unwrap_or_else(|| SlotWakers::new(tree, key)));
    }

    /// Takes back the wakers that a driver held.
    pub(crate) fn keep_wakers(&mut self, wakers: SlotWakers) {
        let index = wakers.key() as usize;
        if index >= self.wakers.len() {
            self.wakers.resize_with(index + 1, || None);
        }
        self.wakers[index] = Some(wakers);
    }

    #[cold]
    fn too_deep(&self, parent: Key, location: Place) -> Failure {
        const NAMED: usize = 16;
        let (mut chain, mut at) = (Vec::new(), parent);
        while let Some(slot) = self.slots.get(at as usize)
            && chain.len() < NAMED
        {
            chain.push(slot.location);
            at = slot.parent;
        }
        let depth = self.slots[parent as usize].depth + 1;
        Failure::new(Why::TooDeep(chain, depth), location)
    }

    /// After a poll that left the future pending.
    #[inline]
    pub(crate) fn finish_pending(&mut self, job: Job, wakers: &SlotWakers, self_woken: bool) {
        if self.loose.is_some() {
            if self_woken && !wakers.is_kept() {
                if let Some(Loose { ticket, location, parent, epoch, serial }) = self.loose.take() {
                    self.ready.poll_again(Entry { job, ticket, location, parent, epoch, serial });
                }
                return;
            }
            self.materialise();
        }
        self.rest(wakers.key(), job, wakers, self_woken);
    }

    /// After a poll that the future is done with.
    #[inline]
    pub(crate) fn finish_done(&mut self, key: Key) {
        if let Some(loose) = &self.loose {
            let (parent, epoch) = (loose.parent, loose.epoch);
            self.loose = None;
            return self.uncount(parent, epoch);
        }
        let slot = self.slot(key);
        slot.live = false;
        slot.ticket = None;
        if slot.pending == 0 {
            self.settle(key);
        }
    }

    /// Puts a pending future into its slot.
    fn rest(&mut self, key: Key, job: Job, wakers: &SlotWakers, mut woken: bool) {
        let slot = self.slot(key);
        slot.job = Some(job);
        if let Some(ticket) = &slot.ticket {
            woken |= ticket.place(key);
        }
        if woken && wakers.inner.queue_locally() {
            self.ready.wake(key);
        }
    }

    /// Where what is being polled was added.
    pub(crate) fn location_of_polled(&self, loose: bool, key: Key) -> Place {
        match &self.loose {
            Some(polled) if loose => polled.location,
            _ => self.slots[key as usize].location,
        }
    }

    /// Records a failure of what is being polled with its parent.
    pub(crate) fn fail_polled(&mut self, loose: bool, failure: Failure, key: Key) {
        let (parent, serial) = self.parent_of_polled(loose, key);
        self.fail(parent, serial, failure);
    }

    /// Counts failures of what is being polled that nobody has kept.
    pub(crate) fn omit_polled(&mut self, loose: bool, count: usize, key: Key) {
        let (parent, _) = self.parent_of_polled(loose, key);
        self.slot(parent).extra().failures.omit(count);
    }

    fn parent_of_polled(&mut self, loose: bool, key: Key) -> (Key, u64) {
        match &self.loose {
            Some(polled) if loose => (polled.parent, polled.serial),
            _ => {
                let slot = self.slot(key);
                (slot.parent, slot.serial)
            }
        }
    }

    /// Records a failure with a node.
    pub(crate) fn fail(&mut self, node: Key, serial: u64, failure: Failure) {
        let serial = failure.serial_in(self.tree_id, serial);
        let Engine { slots, trash, .. } = self;
        slots[node as usize].extra().failures.push(serial, failure, trash);
    }

    /// Does what somebody else wants done.
    pub(crate) fn apply(&mut self, tree: &Arc<Tree>, op: Op) {
        match op {
            Op::Add(node, entry) => {
                self.add(node.key(), entry);
                self.done_with(node);
            }
            Op::Begin(node) => {
                let parent = node.parent.as_ref().map_or(NONE, |parent| parent.key());
                let (kind, limit, location) = (node.kind, node.depth_limit, node.location);
                self.open_below(parent, kind, location, Some(node), limit);
            }
            Op::Wake(key) => self.ready.wake(key),
            Op::End(node) => {
                self.end(&node, |_| ());
                self.done_with(node);
            }
            Op::BodyDone(node) => {
                self.end(&node, |slot| slot.live = false);
                self.done_with(node);
            }
            Op::Orphan(node) => {
                self.end(&node, |slot| {
                    slot.live = false;
                    if slot.kind == Kind::Body {
                        slot.kind = Kind::Added;
                    }
                });
                self.done_with(node);
            }
            Op::Wait(node, cell) => {
                self.wait(&node, cell);
                self.done_with(node);
            }
            Op::Collect(node, cell) => {
                self.collect(&node, &cell);
                self.done_with(node);
            }
            Op::Fail(node, failures) => {
                for failure in &failures {
                    let serial = self.ready.serial();
                    self.fail(node.key(), serial, failure.clone());
                }
                if failures.omitted() > 0 {
                    self.slot(node.key()).extra().failures.omit(failures.omitted());
                }
                // As the clones are in the list, this drops nothing of the user's.
                drop(failures);
                self.done_with(node);
            }
            Op::Survey(survey) => survey.answer(tree, self),
        }
    }

    /// The last reference to a node drops failures, and so values of the user's: that is left to others. While it is open,
    /// its slot has another.
    fn done_with(&mut self, node: Arc<Node>) {
        if node.is_closed() {
            self.trash.nodes.push(node);
        }
    }

    /// Takes what is to be woken and dropped outside.
    pub(crate) fn hand_out(&mut self, wakers: &mut Wakers, trash: &mut Trash) {
        wakers.extend(self.outbox.drain(..));
        trash.failures.extend(self.trash.failures.drain(..));
        trash.nodes.extend(self.trash.nodes.drain(..));
    }

    /// Is there anything to hand out?
    #[inline]
    pub(crate) fn has_mail(&self) -> bool {
        !self.outbox.is_empty() || !self.trash.is_empty()
    }

    /// Is there nothing for the driver to do before the next poll?
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        self.closing.is_empty() && !self.has_mail()
    }

    /// Is nothing in it?
    pub(crate) fn is_blank(&self) -> bool {
        self.slots.is_empty() && self.ready.is_empty() && self.is_quiet()
    }

    /// Makes it ready for its next transaction, with what a burst needed given back.
    pub(crate) fn trim(&mut self) {
        self.ready.trim();
        self.stop = false;
        if self.wakers.len() > POOLED {
            self.wakers.truncate(POOLED);
            self.wakers.shrink_to(POOLED);
        }
        if self.slots.capacity() > POOLED {
            self.slots = Slab::new();
        }
    }
}
