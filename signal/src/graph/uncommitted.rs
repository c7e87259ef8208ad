//! Sources that an atomic transaction has changed, as long as it is not decided.
//!
//! Such a change marks like any other, but nothing as dirty: when it is taken back, what has not been run meanwhile is as it
//! was. For that a source gets back, with the old value, also the epoch at which that had come to stand; then it seems
//! unchanged to all that was run before, and is looked at no more. What was run since is dirty, and due if it is a watcher.
//!
//! A computation that is run while anything of its graph is uncommitted keeps the value before, *beneath* the new one. If a
//! later run comes to that again, it is a restoration as well: what reads it and has been run since is dirty, the rest is as it
//! was. Watchers below it are due, though nothing may have changed for them: in its run it may have read other things than
//! before, so that they would not hear of changes of what it is to read again.
//!
//! Where several such transactions have changed one source, or it is read from another graph, some may be run that need not
//! be.

use std::collections::HashSet;
use std::sync::Arc;

use super::arena::{Arena, Beneath, DIRTY, MAYBE, NIL, RUNNING, UNCOMMITTED, Uncommitted, WATCHER};
use super::mark::Met;
use super::{Due, Graph, Tracked, foreign};

impl Arena {
    /// Nothing of it is uncommitted.
    pub(super) fn committed(&mut self, node: u32) {
        self.slots[node as usize].flags &= !UNCOMMITTED;
        if self.colds[node as usize].uncommitted.take().is_some() {
            self.uncommitted -= 1;
        }
    }

    /// Of what this source has marked: all that has been run since, but for watchers.
    fn run_since(&self, source: u32, since: u64) -> Vec<u32> {
        let (mut known, mut found, mut left) = (HashSet::new(), Vec::new(), vec![source]);
        while let Some(node) = left.pop() {
            let mut at = self.slots[node as usize].subs;
            while at != NIL {
                let link = &self.links[at as usize];
                let reader = &self.slots[link.sub as usize];
                if reader.flags & WATCHER == 0 && known.insert(link.sub) {
                    left.push(link.sub);
                    if reader.run_at > since {
                        found.push(link.sub);
                    }
                }
                at = link.next_sub;
            }
        }
        found
    }

    /// The number of the time in which something is uncommitted; 0: nothing is.
    #[inline]
    pub(super) fn period(&self) -> u64 {
        if self.uncommitted == 0 { 0 } else { self.periods }
    }

    fn one_more(&mut self) {
        self.periods += u64::from(self.uncommitted == 0);
        self.uncommitted += 1;
    }

    /// A computation has come to another value.
    #[inline]
    pub(super) fn changed(&mut self, node: u32, epoch: u64) {
        let slot = &mut self.slots[node as usize];
        let before = std::mem::replace(&mut slot.changed_at, epoch);
        let period = self.period();
        let beneath = &mut self.colds[node as usize].beneath;
        if period == 0 {
            if beneath.is_some() {
                *beneath = None;
            }
        } else if beneath.as_ref().is_none_or(|beneath| beneath.period != period) {
            *beneath = Some(Box::new(Beneath { period, before, since: epoch }));
        }
    }

    /// A computation has come to the value that it had before what was uncommitted.
    #[cold]
    pub(super) fn restored(&mut self, node: u32, epoch: u64) {
        match self.colds[node as usize].beneath.take() {
            Some(beneath) => {
                let Beneath { before, since, .. } = *beneath;
                self.colds[node as usize].restored_at = epoch;
                self.slots[node as usize].changed_at = before;
                self.soil_since(node, since);
            }
            None => self.changed(node, epoch),
        }
    }
}

impl Graph {
    /// The source has been changed by an atomic transaction; `is_first`: for the first time by this one.
    pub(crate) fn change_for_now(
        self: &Arc<Self>,
        node: &Tracked,
        is_first: bool,
        settle: u64,
        due: &mut Due,
    ) {
        let mut arena = self.lock();
        let since = arena.epoch;
        let epoch = self.next_epoch(&mut arena);
        let slot = &mut arena.slots[node.node as usize];
        let before = std::mem::replace(&mut slot.changed_at, epoch);
        let unread = slot.run_at.saturating_sub(1);
        slot.flags |= UNCOMMITTED;
        let has_readers = slot.subs != NIL;
        let uncommitted = &mut arena.colds[node.node as usize].uncommitted;
        match uncommitted {
            Some(uncommitted) => uncommitted.is_mixed |= is_first,
            // If nobody had read it when it was changed first, whoever has by now has read what is uncommitted.
            None => {
                let since = if is_first { since } else { unread };
                *uncommitted = Some(Box::new(Uncommitted { since, before, is_mixed: false }));
                arena.one_more();
            }
        }
        if has_readers {
            self.mark(arena, node.node, MAYBE, settle, due);
        }
    }

    /// The source was made when its value was uncommitted already.
    pub(crate) fn born_uncommitted(&self, node: &Tracked) {
        let mut arena = self.lock();
        let since = arena.slots[node.node as usize].run_at.saturating_sub(1);
        let uncommitted = &mut arena.colds[node.node as usize].uncommitted;
        if uncommitted.is_none() {
            *uncommitted = Some(Box::new(Uncommitted { since, before: 0, is_mixed: false }));
            arena.one_more();
        }
        arena.slots[node.node as usize].flags |= UNCOMMITTED;
    }

    /// Nothing of it is uncommitted any more.
    pub(crate) fn stands(&self, node: &Tracked) {
        self.lock().committed(node.node);
    }

    /// What stood before stands again. `is_last`: nothing is uncommitted any more. `settle` is one of two numbers.
    pub(crate) fn restore(self: &Arc<Self>, node: &Tracked, is_last: bool, settle: u64, due: &mut Due) {
        let mut arena = self.lock();
        let epoch = self.next_epoch(&mut arena);
        let cold = &mut arena.colds[node.node as usize];
        let uncommitted = cold.uncommitted.as_deref().copied();
        if is_last {
            arena.committed(node.node);
        }
        let slot = &mut arena.slots[node.node as usize];
        let since = uncommitted.map_or(slot.run_at.saturating_sub(1), |uncommitted| uncommitted.since);
        slot.changed_at = match uncommitted {
            Some(Uncommitted { before, is_mixed: false, .. }) if is_last => before,
            _ => epoch,
        };
        let mut at = slot.subs;
        if at == NIL {
            return;
        }
        while at != NIL {
            let (sub, next) = (arena.links[at as usize].sub, arena.links[at as usize].next_sub);
            let read_at = arena.colds[sub as usize].read_at;
            let reader = &mut arena.slots[sub as usize];
            if reader.run_at > since || read_at > since || reader.flags & RUNNING != 0 {
                reader.flags |= DIRTY;
            }
            // So that what is below it is marked in any case.
            reader.marked_for = 0;
            at = next;
        }
        let (mut met, mut portals) = (std::mem::take(&mut arena.met), Vec::new());
        let mut to = Met { due: &mut met, since: since + 1, portals: &mut portals };
        arena.mark(node.node, MAYBE, settle, &mut to);
        to.since = 0;
        for node in arena.run_since(node.node, since) {
            // Passed once more: now all that is below is due.
            arena.mark(node, MAYBE, settle + 1, &mut to);
        }
        if !met.is_empty() {
            due.of(self).append(&mut met);
        }
        arena.met = met;
        if !portals.is_empty() {
            foreign::pass_on(arena, portals, settle, due);
        }
    }
}
