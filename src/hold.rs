//! Holding back what is added to an atomic transaction, and letting it go: to the queue, to the transaction around it, or
//! to be dropped.
//!
//! # Protocol
//!
//! What is added at or below an atomic transaction that has not committed is kept in its slot, counted with its parent
//! like anything else that is pending. Four ways lead out, all of them ops, so that they keep their order with adds:
//!
//! - *commit* ([`Op::Commit`](crate::tree::Op)): nothing holds around it: all of it goes on with the next stage of the
//!   gate, in order. Otherwise it is handed over to what holds around it.
//! - *hand over*: a plain scope inside whose body is done does not wait for what cannot start: what was added to it
//!   becomes its parent's, and is held as before.
//! - *undo*: all but cleanups are doomed: dropped unstarted with the next turn (see `doom`). When the hooks have been
//!   called, the cleanups go the way of a commit.
//! - *cancel*: that future alone becomes due, to be refused there.
//!
//! What the destructors of doomed and cancelled futures add does not come back in: see `exiling`.
//!
//! Each node counts what is held at or below it (`Node::held`): who would wait for that from inside is told so.

use std::sync::Arc;

use crate::engine::Engine;
use crate::hooks::Phase;
use crate::node::Node;
use crate::ready::{Entry, Key};
use crate::slot::{Kind, Slot};
use crate::ticket::Ticket;

/// What an atomic transaction holds back.
#[derive(Default)]
pub(crate) struct Held {
    /// In the order of adding; `None` for what was cancelled.
    entries: Vec<Option<HeldEntry>>,
}

struct HeldEntry {
    entry: Entry,
    /// It survives a rollback.
    cleanup: bool,
}

/// What becomes of what is added to a node.
pub(crate) enum Holder {
    /// It may start.
    Nobody,
    /// This atomic transaction holds it back.
    Slot(Key),
    /// It is part of what was rolled back: it never starts.
    Undone,
}

impl Slot {
    /// What this atomic transaction holds back, here or below; and what survives its rollback.
    pub(crate) fn held_back(&self) -> impl Iterator<Item = &Entry> {
        let extra = self.extra.as_deref();
        let held = extra.and_then(|extra| extra.held.as_deref()).map(|held| &held.entries);
        let cleanups = extra.map(|extra| &extra.cleanups);
        let held = held.into_iter().flatten().flatten().map(|held| &held.entry);
        held.chain(cleanups.into_iter().flatten())
    }
}

impl Engine {
    /// What becomes of what is added to this node?
    pub(crate) fn holder(&self, node: Key) -> Holder {
        let (mut at, mut below) = (node, None);
        while let Some(slot) = self.slots.get(at as usize) {
            match slot.hooks().map(|hooks| hooks.phase()) {
                // The engine's view counts: it has let go of what it held when the commit reaches it.
                _ if slot.extra.as_ref().is_some_and(|extra| extra.held.is_some()) => {
                    return Holder::Slot(at);
                }
                Some(Phase::Undoing | Phase::Undone) if matches!(below, Some(Kind::Body | Kind::Begun)) => {
                    return Holder::Undone;
                }
                _ => {}
            }
            below = Some(slot.made_as());
            at = slot.parent;
        }
        Holder::Nobody
    }

    /// Holds an entry back, or dooms it. Gives it back if it may start.
    pub(crate) fn hold(&mut self, entry: Entry, cleanup: bool) -> Option<Entry> {
        match self.holder(entry.tag.parent) {
            Holder::Nobody => return Some(entry),
            Holder::Undone => {
                self.doomed.push_back(entry);
                self.stirred = true;
            }
            Holder::Slot(holder) => self.hold_in(holder, entry, cleanup),
        }
        None
    }

    fn hold_in(&mut self, holder: Key, mut entry: Entry, cleanup: bool) {
        entry.tag.serial = self.ready.serial();
        self.count_held(entry.tag.parent, true);
        self.keep(holder, HeldEntry { entry, cleanup });
        self.tell_watchers(holder);
    }

    fn keep(&mut self, holder: Key, held: HeldEntry) {
        let ticket = self.note(&held.entry.tag).and_then(|note| note.ticket.clone());
        let slot = self.slot(holder);
        let (Some(node), Some(list)) = (slot.node().cloned(), slot.held_mut()) else {
            unreachable!("an atomic transaction is held by its owner, and holds")
        };
        let index = list.entries.len();
        list.entries.push(Some(held));
        // Its entry has another reference: this one is not the last.
        let cancelled = ticket.is_some_and(|ticket| ticket.hold(node, index));
        if cancelled {
            self.let_go(holder, index);
        }
    }

    pub(crate) fn tell_watchers(&mut self, holder: Key) {
        let Engine { slots, outbox, .. } = self;
        if let Some(hooks) = slots[holder as usize].hooks() {
            hooks.take_watchers(outbox);
        }
    }

    /// One more is held at this node, or one less; so it is with all above that may be held back.
    pub(crate) fn count_held(&mut self, node: Key, more: bool) {
        let mut at = node;
        while let Some(slot) = self.slots.get(at as usize).filter(|slot| slot.gated) {
            if let Some(node) = slot.node() {
                node.count_held(if more { 1 } else { -1 });
            }
            at = slot.parent;
        }
    }

    /// One that was cancelled becomes due: it is refused there.
    pub(crate) fn cancel_held(&mut self, holder: &Arc<Node>, ticket: &Arc<Ticket>) {
        if holder.is_closed() {
            return;
        }
        let key = holder.key();
        let Some(index) = ticket.held_at() else { return };
        let tag =
            self.slot(key).held_mut().and_then(|held| Some(held.entries.get(index)?.as_ref()?.entry.tag));
        let note = tag.and_then(|tag| self.note(&tag));
        let stands =
            note.and_then(|note| note.ticket.as_ref()).is_some_and(|other| Arc::ptr_eq(other, ticket));
        if stands {
            self.let_go(key, index);
        }
    }

    /// Those that were added to certain nodes become due, with a mark that they are cancelled.
    pub(crate) fn cancel_held_below(&mut self, holder: Key, is_below: impl Fn(Key) -> bool) {
        let Some(held) = self.slot(holder).held_mut() else { return };
        let entries = std::mem::take(&mut held.entries);
        let (mut gone, mut left) = (Vec::new(), Vec::with_capacity(entries.len()));
        for held in entries {
            match held {
                Some(held) if is_below(held.entry.tag.parent) => {
                    gone.push(held);
                    left.push(None); // The others keep their places.
                }
                held => left.push(held),
            }
        }
        if let Some(held) = self.slot(holder).held_mut() {
            held.entries = left;
        }
        for held in gone {
            let entry = self.released(held);
            self.refuse_at_once(entry);
        }
    }

    fn let_go(&mut self, holder: Key, index: usize) {
        let taken = self.slot(holder).held_mut().and_then(|held| held.entries.get_mut(index)?.take());
        if let Some(held) = taken {
            let entry = self.released(held);
            self.due(entry);
        }
    }

    /// It is not held any more.
    fn released(&mut self, held: HeldEntry) -> Entry {
        self.count_held(held.entry.tag.parent, false);
        if let Some(ticket) = self.note(&held.entry.tag).and_then(|note| note.ticket.as_ref()) {
            ticket.release();
        }
        held.entry
    }

    /// The atomic transaction commits: what it holds may start, or is handed over. Where the one around has been rolled
    /// back meanwhile, so is this.
    pub(crate) fn commit(&mut self, node: &Arc<Node>) {
        let key = node.key();
        let parent = self.slot(key).parent;
        if let Holder::Undone = self.holder_around(key) {
            return self.undo(node);
        }
        let Some(held) = self.slot(key).extra().held.take() else { return };
        match self.holder_around(key) {
            Holder::Slot(outer) => {
                if !held.entries.is_empty() {
                    node.set_deferred();
                }
                let to = self.still_going(parent, outer);
                self.hand_to(outer, key, to, *held);
                if self.hand_over_begun(key, to) {
                    node.set_deferred();
                }
            }
            _ => self.start(key, *held),
        }
    }

    /// The one around an atomic transaction: not itself.
    fn holder_around(&self, key: Key) -> Holder {
        let slot = &self.slots[key as usize];
        let mut at = slot.parent;
        let mut below = slot.made_as();
        while let Some(slot) = self.slots.get(at as usize) {
            if slot.extra.as_ref().is_some_and(|extra| extra.held.is_some()) {
                return Holder::Slot(at);
            }
            if slot.hooks().is_some_and(|hooks| matches!(hooks.phase(), Phase::Undoing | Phase::Undone))
                && below != Kind::Added
            {
                return Holder::Undone;
            }
            below = slot.made_as();
            at = slot.parent;
        }
        Holder::Nobody
    }

    /// All of it goes on, in order.
    fn start(&mut self, key: Key, held: Held) {
        let entries: Vec<Entry> =
            held.entries.into_iter().flatten().map(|held| self.released(held)).collect();
        self.regate(key);
        entries.into_iter().for_each(|entry| self.due(entry));
    }

    /// What is held by `key` is held by `outer` from now on, in the order of adding; what was added to `key` becomes that
    /// of `to`.
    fn hand_to(&mut self, outer: Key, key: Key, to: Key, held: Held) {
        let before = self.slot(outer).held_mut().map_or(0, |list| list.entries.len());
        for mut held in held.entries.into_iter().flatten() {
            if held.entry.tag.parent == key {
                // Its owner closes it.
                let _settled = self.move_up(&mut held.entry, key, to);
            }
            self.keep(outer, held);
        }
        self.sort_held(outer, before);
        self.tell_watchers(outer);
    }

    fn move_up(&mut self, entry: &mut Entry, from: Key, to: Key) -> bool {
        self.held_no_more(from, to, 1);
        entry.tag.parent = to;
        let epoch = self.count(to);
        let before = self.note_epoch(&mut entry.tag, epoch);
        self.uncount_one(from, before)
    }

    /// So much less is held at `from`, and at what is above it up to `to`.
    fn held_no_more(&mut self, from: Key, to: Key, count: usize) {
        let mut at = from;
        while at != to {
            let slot = self.slot(at);
            if let Some(node) = slot.node() {
                node.count_held(-(count as isize));
            }
            at = slot.parent;
        }
    }

    /// Sorts what came in from `before` on, if it was added before what stood there.
    fn sort_held(&mut self, holder: Key, before: usize) {
        let Some(list) = self.slot(holder).held_mut() else { return };
        let serial = |held: &Option<HeldEntry>| held.as_ref().map_or(0, |held| held.entry.tag.serial);
        let last = list.entries[..before].last().map_or(0, serial);
        if list.entries.get(before).is_none_or(|first| serial(first) >= last) {
            return;
        }
        list.entries.retain(Option::is_some);
        list.entries.sort_by_key(serial);
        let Engine { slots, notes, .. } = self;
        let slot = &mut slots[holder as usize];
        let node = slot.node().cloned();
        let entries = slot.held_mut().into_iter().flat_map(|list| &list.entries).flatten();
        for (index, held) in entries.enumerate() {
            let note = notes.get(held.entry.tag.note as usize);
            if let (Some(node), Some(ticket)) = (&node, note.and_then(|note| note.ticket.as_ref())) {
                // One that was cancelled just now is refused when its turn comes.
                let _cancelled = ticket.hold(node.clone(), index);
            }
        }
    }

    /// A scope inside of what holds is done: what was added to it becomes its parent's, as it cannot wait for that.
    pub(crate) fn hand_over(&mut self, key: Key) {
        let (parent, mut left) = (self.slot(key).parent, self.slot(key).pending);
        let Holder::Slot(holder) = self.holder_around(key) else { return };
        let to = self.still_going(parent, holder);
        let Some(mut list) = self.slot(holder).extra().held.take() else { return };
        let (mut deferred, mut emptied) = (false, Vec::new());
        // The last ones, as a rule.
        for held in list.entries.iter_mut().rev().flatten() {
            if left == 0 {
                break;
            }
            let from = held.entry.tag.parent;
            if from != key && !self.is_left_by_dropped(from, key) {
                continue;
            }
            deferred = true;
            if self.move_up(&mut held.entry, from, to) && from != key {
                emptied.push(from);
            }
            left -= u32::from(from == key);
        }
        self.slot(holder).extra().held = Some(list);
        emptied.into_iter().for_each(|child| self.settle(child));
        deferred |= self.hand_over_begun(key, to);
        if deferred {
            if let Some(node) = self.slot(key).node() {
                node.set_deferred();
            }
            self.tell_watchers(holder);
        }
    }

    /// Is it below `key` by way of futures that were dropped unstarted, and left something?
    fn is_left_by_dropped(&self, from: Key, key: Key) -> bool {
        let mut at = from;
        while let Some(slot) = self.slots.get(at as usize).filter(|slot| slot.made_as() == Kind::Added) {
            at = slot.parent;
            if at == key {
                return true;
            }
        }
        false
    }

    /// The nearest one from `at` upwards that does not hand over itself.
    fn still_going(&mut self, at: Key, holder: Key) -> Key {
        let mut at = at;
        while at != holder {
            let slot = self.slot(at);
            if slot.kind != Kind::Body || slot.live {
                break;
            }
            at = slot.parent;
        }
        at
    }

    /// What was begun in it and has work that is held back ends with its parent.
    fn hand_over_begun(&mut self, key: Key, to: Key) -> bool {
        let begun = std::mem::take(&mut self.slot(key).extra().begun);
        let (held, idle): (Vec<Key>, Vec<Key>) = begun.into_iter().partition(|below| {
            let slot = &self.slots[*below as usize];
            slot.counted && slot.node().is_some_and(|node| node.held() > 0)
        });
        for (index, below) in idle.iter().enumerate() {
            self.slot(*below).extra().begun_at = index;
        }
        self.slot(key).extra().begun = idle;
        for below in &held {
            let epoch = self.slot(*below).epoch;
            let count = self.slots[*below as usize].node().map_or(0, |node| node.held());
            self.held_no_more(key, to, count);
            self.mark_ending(*below);
            self.begin_in(to, *below);
            let epoch_there = self.count(to);
            self.slot(*below).epoch = epoch_there;
            let _settled = self.uncount_one(key, epoch);
        }
        !held.is_empty()
    }

    /// The atomic transaction is rolled back: what it holds is doomed, but for cleanups.
    pub(crate) fn undo(&mut self, node: &Arc<Node>) {
        let Some(mut held) = self.slot(node.key()).extra().held.take() else { return };
        let mut cleanups = Vec::new();
        for held in std::mem::take(&mut held.entries).into_iter().flatten() {
            if held.cleanup {
                cleanups.push(held.entry);
                continue;
            }
            let entry = self.released(held);
            self.doomed.push_back(entry);
        }
        self.slot(node.key()).extra().cleanups = cleanups;
        self.stirred = true;
    }

    /// The hooks of the rollback have been called: cleanups go on. Inside of another one they are held by that.
    pub(crate) fn undone(&mut self, node: &Arc<Node>) {
        let key = node.key();
        let parent = self.slot(key).parent;
        let cleanups = std::mem::take(&mut self.slot(key).extra().cleanups);
        let around = self.holder_around(key);
        if let Holder::Slot(outer) = around {
            if !cleanups.is_empty() {
                node.set_deferred();
            }
            let held = cleanups.into_iter().map(|entry| Some(HeldEntry { entry, cleanup: true })).collect();
            let to = self.still_going(parent, outer);
            return self.hand_to(outer, key, to, Held { entries: held });
        }
        let entries: Vec<Entry> =
            cleanups.into_iter().map(|entry| self.released(HeldEntry { entry, cleanup: true })).collect();
        self.regate(key);
        entries.into_iter().for_each(|entry| self.due(entry));
    }

    /// The atomic transaction, this one or above it, that does not take what destructors add here: it is being rolled back
    /// just now, or what it held here was cancelled and is being dropped.
    pub(crate) fn exiling(&self, from: Key) -> Option<Key> {
        let (mut at, mut below, mut below_added) = (from, Kind::Added, false);
        while let Some(slot) = self.slots.get(at as usize) {
            match slot.hooks().map(|hooks| hooks.phase()) {
                // Nothing that was added runs in one that holds.
                Some(Phase::Holding) => return below_added.then_some(at),
                Some(Phase::Undoing) => return Some(at),
                // But for cleanups, nor in one that was rolled back.
                Some(Phase::Undone) if below_added && below != Kind::Added => return Some(at),
                _ => {}
            }
            below = slot.made_as();
            below_added |= below == Kind::Added;
            at = slot.parent;
        }
        None
    }

    /// May what is added there be held back?
    pub(crate) fn is_gated(&self, at: Option<Key>) -> bool {
        let key = match (at, &self.loose) {
            (None, Some(loose)) => loose.parent,
            (at, _) => at.unwrap_or(self.loose_key),
        };
        self.slots.get(key as usize).is_some_and(|slot| slot.gated)
    }

    /// It holds nothing back any more: what is around it may.
    fn regate(&mut self, key: Key) {
        let parent = self.slot(key).parent;
        let gated = self.slots.get(parent as usize).is_some_and(|above| above.gated);
        let slot = self.slot(key);
        slot.gated = gated || slot.asks_for_gate();
    }
}
