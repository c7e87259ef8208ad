//! Letting go of what an atomic transaction holds back: to start, to the one around it, or to be dropped. See `hold`.

use std::sync::Arc;

use crate::cancel::Lasting;
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
            self.undo(node);
            return self.undone(node);
        }
        if node.hooks().is_aborted() {
            // When there was no way back any more: as if it had come just after the commit.
            self.cancel_below(key, Lasting::Once);
        }
        let Some(held) = self.slot(key).extra().held.take() else { return };
        match self.holder_around(key) {
            Holder::Slot(outer) => {
                if !held.entries.is_empty() {
                    node.set_deferred();
                }
                let to = self.still_going(parent, outer);
                self.hand_to(outer, key, to, held.in_order());
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
        let entries: Vec<Entry> = held.in_order().map(|held| self.released(held)).collect();
        self.regate(key);
        entries.into_iter().for_each(|entry| self.due(entry));
    }

    /// What is held by `key` is held by `outer` from now on; what was added to `key` becomes that
    /// of `to`.
    fn hand_to(&mut self, outer: Key, key: Key, to: Key, held: impl IntoIterator<Item = HeldEntry>) {
        for mut held in held {
            if held.entry.tag.parent == key {
                // Its owner closes it.
                let _settled = self.move_up(&mut held.entry, key, to);
            }
            self.keep(outer, held);
        }
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

    /// A scope inside of what holds is done: what was added to it becomes its parent's, as it cannot wait for that.
    pub(crate) fn hand_over(&mut self, key: Key) {
        let slot = &self.slots[key as usize];
        let (parent, Some(node)) = (slot.parent, slot.node().cloned()) else { return };
        let Some(holder) = self.nearest_holder(parent) else { return };
        let to = self.still_going(parent, holder);
        let mut deferred = self.hand_over_begun(key, to);
        let mut emptied = Vec::new();
        if node.held() > 0
            && let Some(mut list) = self.slot(holder).extra().held.take()
        {
            // The last ones, as a rule.
            for held in list.entries.iter_mut().rev().flatten() {
                let from = held.entry.tag.parent;
                if from != key && !self.is_left_by_dropped(from, key) {
                    continue;
                }
                deferred = true;
                if self.move_up(&mut held.entry, from, to) && from != key {
                    emptied.push(from);
                }
                if node.held() == 0 {
                    break;
                }
            }
            self.slot(holder).extra().held = Some(list);
        }
        emptied.into_iter().for_each(|child| self.settle(child));
        if deferred {
            node.set_deferred();
            self.tell_watchers(holder);
        }
    }

    /// What has been held back just now was added to a scope whose body is done, or below one: that has handed over, and is
    /// waited for by those who are to return before anything starts. So it hands over again.
    pub(crate) fn hand_over_late(&mut self, from: Key, holder: Key) {
        let mut at = from;
        while at != holder {
            let slot = &self.slots[at as usize];
            let (parent, done) = (slot.parent, slot.made_as() == Kind::Body && !slot.live && slot.ending);
            if done {
                self.hand_over(at);
                if self.slot(at).pending == 0 {
                    self.settle(at);
                }
            }
            at = parent;
        }
    }

    /// The nearest one that holds, this one or above it.
    pub(crate) fn nearest_holder(&self, from: Key) -> Option<Key> {
        let mut at = from;
        while let Some(slot) = self.slots.get(at as usize) {
            if slot.extra.as_ref().is_some_and(|extra| extra.held.is_some()) {
                return Some(at);
            }
            at = slot.parent;
        }
        None
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
        let Some(held) = self.slot(node.key()).extra().held.take() else { return };
        let mut cleanups = Vec::new();
        for held in held.in_order() {
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
            let held = cleanups.into_iter().map(|entry| HeldEntry { entry, cleanup: true });
            let to = self.still_going(parent, outer);
            return self.hand_to(outer, key, to, held);
        }
        let entries: Vec<Entry> =
            cleanups.into_iter().map(|entry| self.released(HeldEntry { entry, cleanup: true })).collect();
        // It stays gated, as it takes nothing more.
        entries.into_iter().for_each(|entry| self.due(entry));
    }
}
