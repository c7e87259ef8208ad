//! Letting go of what an atomic transaction holds back: to start, to the one around it, or to be dropped. See `hold`.

use std::sync::Arc;

use crate::engine::Engine;
use crate::hold::{Held, HeldEntry, Holder};
use crate::hooks::Phase;
use crate::node::Node;
use crate::ready::{Entry, Key};
use crate::slot::Kind;

impl Engine {
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
}
