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
    /// `None` for what was cancelled.
    pub(crate) entries: Vec<Option<HeldEntry>>,
    /// How many of them are gone, about.
    gone: usize,
}

impl Held {
    /// In the order of adding, whoever has handed it over.
    pub(crate) fn in_order(self) -> impl Iterator<Item = HeldEntry> {
        let mut entries: Vec<_> = self.entries.into_iter().flatten().collect();
        entries.sort_by_key(|held| held.entry.tag.serial);
        entries.into_iter()
    }
}

pub(crate) struct HeldEntry {
    pub(crate) entry: Entry,
    /// It survives a rollback.
    pub(crate) cleanup: bool,
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
                Some(Phase::Undoing | Phase::Undone) if below != Some(Kind::Added) => {
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
            // A cleanup is to be done also there, unless it is held by what is around that.
            Holder::Undone if cleanup => match self.nearest_holder(entry.tag.parent) {
                Some(holder) => self.hold_in(holder, entry, cleanup),
                None => return Some(entry),
            },
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
        let parent = entry.tag.parent;
        self.count_held(parent, true);
        // He may have awaited it when it was still on its way here.
        let ticket = self.note(&entry.tag).and_then(|note| note.ticket.clone());
        self.keep(holder, HeldEntry { entry, cleanup });
        self.outbox.extend(ticket.and_then(|ticket| ticket.take_waker()));
        self.tell_watchers(holder);
        self.hand_over_late(parent, holder);
    }

    pub(crate) fn keep(&mut self, holder: Key, held: HeldEntry) {
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

    /// Those that were added at or below `top` become due, with a mark that they are cancelled.
    pub(crate) fn cancel_held_below(&mut self, holder: Key, top: Key) {
        let Some(held) = self.slot(holder).held_mut() else { return };
        let mut entries = std::mem::take(&mut held.entries);
        let mut left = self.slots[top as usize].node().map_or(usize::MAX, |node| node.held());
        let mut gone = Vec::new();
        // The last ones, as a rule.
        for place in entries.iter_mut().rev() {
            if left == 0 {
                break;
            }
            // The others keep their places.
            if let Some(held) = place.take_if(|held| self.is_at_or_below(held.entry.tag.parent, top)) {
                left -= 1;
                gone.push(held);
            }
        }
        if let Some(held) = self.slot(holder).held_mut() {
            held.entries = entries;
        }
        self.forget_gone(holder, gone.len());
        for held in gone.into_iter().rev() {
            let entry = self.released(held);
            self.refuse_at_once(entry);
        }
    }

    fn let_go(&mut self, holder: Key, index: usize) {
        let taken = self.slot(holder).held_mut().and_then(|held| held.entries.get_mut(index)?.take());
        if let Some(held) = taken {
            self.forget_gone(holder, 1);
            let entry = self.released(held);
            self.due(entry);
        }
    }

    /// So many more have left: gives back their places once they are the most.
    fn forget_gone(&mut self, holder: Key, more: usize) {
        const KEPT: usize = 32;
        let Engine { slots, notes, .. } = self;
        let slot = &mut slots[holder as usize];
        let node = slot.node().cloned();
        let (Some(list), Some(node)) = (slot.held_mut(), node) else { return };
        list.gone += more;
        if list.gone < KEPT || list.gone < list.entries.len() / 2 {
            return;
        }
        list.gone = 0;
        list.entries.retain(Option::is_some);
        for (index, held) in list.entries.iter().flatten().enumerate() {
            let note = notes.get(held.entry.tag.note as usize);
            if let Some(ticket) = note.and_then(|note| note.ticket.as_ref()) {
                // One that was cancelled just now is told by an op that is on its way.
                let _cancelled = ticket.hold(node.clone(), index);
            }
        }
    }

    /// It is not held any more.
    pub(crate) fn released(&mut self, held: HeldEntry) -> Entry {
        self.count_held(held.entry.tag.parent, false);
        if let Some(ticket) = self.note(&held.entry.tag).and_then(|note| note.ticket.as_ref()) {
            ticket.release();
        }
        held.entry
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
    pub(crate) fn regate(&mut self, key: Key) {
        let parent = self.slot(key).parent;
        let gated = self.slots.get(parent as usize).is_some_and(|above| above.gated);
        let slot = self.slot(key);
        slot.gated = gated || slot.asks_for_gate();
    }
}
