//! Counting what is pending, and what follows when nothing is: settling, closing, waits.
//!
//! A node has settled when its own future (or body) is done and nothing counts below it. Then it is closed and its parent
//! has one less to wait for, and so on upwards: a loop, not a recursion. A transaction that was begun counts in its
//! parent while it has work; settling does not close it, ending does, its own or that of one above it.
//!
//! A `wait` settles what was counted before it. Each raises the node's epoch; a child remembers the epoch in which it
//! was counted. A wait is over when no child of its epoch or an older one is left. Without waits this costs nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::engine::Engine;
use crate::node::{Node, State};
use crate::ready::Key;
use crate::slot::{Kind, NONE, Slot};
use crate::sync::rarely;
use crate::tree::Tree;
use crate::wait::{WaitCell, WaitRecord};
use crate::watch;

impl Engine {
    /// Counts one more child. Returns the epoch that the child is to remember.
    #[inline]
    pub(crate) fn count(&mut self, parent: Key) -> u64 {
        let slot = self.slot(parent);
        slot.pending += 1;
        if slot.extra.is_none() && slot.kind != Kind::Begun {
            return 0;
        }
        self.count_slowly(parent)
    }

    fn count_slowly(&mut self, parent: Key) -> u64 {
        let epoch = self.slot(parent).publish_pending();
        let mut child = parent;
        while self.slot(child).kind == Kind::Begun && !self.slot(child).counted {
            self.slot(child).counted = true;
            let above = self.slot(child).parent;
            if above == NONE {
                break;
            }
            self.slot(above).pending += 1;
            self.slot(child).epoch = self.slot(above).publish_pending();
            child = above;
        }
        epoch
    }

    /// One child less; settles the parent if it was the last.
    #[inline]
    pub(crate) fn uncount(&mut self, parent: Key, epoch: u64) {
        if self.uncount_one(parent, epoch) {
            self.settle(parent);
        }
    }

    /// True if nothing is left for the parent to wait for.
    #[inline(always)]
    pub(crate) fn uncount_one(&mut self, parent: Key, epoch: u64) -> bool {
        let slot = self.slot(parent);
        slot.pending -= 1;
        let settled = slot.pending == 0 && !slot.live;
        if slot.extra.is_some() {
            slot.publish_pending();
            self.advance_waits(parent, epoch);
        }
        settled
    }

    /// The node's own part is done and nothing counts below it.
    pub(crate) fn settle(&mut self, key: Key) {
        self.stirred = true;
        let mut key = key;
        loop {
            let slot = self.slot(key);
            debug_assert!(slot.pending == 0 && !slot.live);
            let (parent, epoch) = (slot.parent, slot.epoch);
            match slot.kind {
                Kind::Body if slot.at_owner => {
                    // It is being polled right now, and looks.
                    self.stop = true;
                    return;
                }
                Kind::Begun if !slot.ending => {
                    let counted = std::mem::take(&mut slot.counted);
                    self.stop |= parent == NONE;
                    if !counted {
                        return;
                    }
                }
                _ if slot.node().is_some() => return self.closing.push(key),
                _ => self.close(key),
            }
            if parent == NONE || !self.uncount_one(parent, epoch) {
                return;
            }
            key = parent;
        }
    }

    /// Removes a scope that nobody else can hold, and that has left nothing.
    pub(crate) fn close_body(&mut self, key: Key) {
        if self.slots.len() == 1 && self.top == Some(key) {
            // Mostly: then it is dropped where it stands.
            self.top = None;
            return self.slots.clear();
        }
        let Slot { parent, epoch, .. } = self.remove(key);
        if parent == NONE {
            self.top = None;
        } else {
            self.uncount(parent, epoch);
        }
    }

    /// Removes a node that nobody else can hold; its failures go to the parent.
    fn close(&mut self, key: Key) {
        let mut slot = self.remove(key);
        if slot.parent == NONE {
            self.top = None;
        }
        if let Some(extra) = slot.extra.take()
            && slot.parent != NONE
            && !extra.failures.is_empty()
        {
            let max = self.max_failures(slot.parent);
            let above = &mut self.slots[slot.parent as usize];
            above.extra().failures.merge(extra.failures, max, &mut self.trash);
            if above.gated {
                self.failed(slot.parent);
            }
        }
    }

    /// Closes what has settled and is held by others. Under the lock of the tree, while no op is left.
    pub(crate) fn close_settled(&mut self, tree: &Arc<Tree>) {
        while let Some(key) = self.closing.pop() {
            let Some(slot) = self.slots.get_mut(key as usize) else { continue };
            let settled = slot.pending == 0
                && !slot.live
                && !slot.at_owner
                && (slot.ending || slot.kind == Kind::Added);
            if !settled {
                continue;
            }
            let ending = slot.ending;
            let Some(extra) = slot.extra.as_deref_mut().filter(|extra| extra.node.is_some()) else {
                continue;
            };
            if extra.begun.is_empty() {
                self.close_shared(tree, key);
                continue;
            }
            let begun = std::mem::take(&mut extra.begun);
            if ending {
                // First those below, so that their failures are among its own.
                self.closing.push(key);
                for below in &begun {
                    self.mark_ending(*below);
                }
                self.closing.extend(&begun);
            } else {
                // A future that is done ends nothing: what was begun in it goes on, with the parent.
                let parent = self.slot(key).parent;
                begun.into_iter().for_each(|below| self.begin_in(parent, below));
                self.closing.push(key);
            }
        }
    }

    fn close_shared(&mut self, tree: &Arc<Tree>, key: Key) {
        let mut slot = self.remove(key);
        let Some(mut extra) = slot.extra.take() else { return };
        let Some(node) = extra.node.take() else { return };
        if slot.parent == NONE {
            self.top = None;
        } else if slot.kind == Kind::Begun {
            self.begun_no_more(key, slot.parent, extra.begun_at);
        }
        debug_assert!(Arc::ptr_eq(&node.tree, tree));
        let max = self.max_failures(slot.parent);
        let Engine { slots, outbox, trash, .. } = self;
        let failures = std::mem::take(&mut extra.failures);
        let holds_nothing = failures.is_empty() && node.holds_nothing();
        let mut went_up = false;
        let outcome = |claimed| {
            let mut failures = failures;
            if claimed || slot.parent == NONE {
                return failures.take(trash);
            }
            let above = &mut slots[slot.parent as usize];
            went_up = above.gated && !failures.is_empty();
            above.extra().failures.merge(failures, max, trash);
            Default::default()
        };
        node.close(outcome, outbox);
        if went_up {
            self.failed(slot.parent);
        }
        self.recycle_extra(extra);
        if !holds_nothing || watch::is_on() {
            // Not dropped here: the last reference drops the outcome, and those who watch are to hear of it.
            self.trash.nodes.push(node);
        }
        self.stop = true;
        if slot.counted && slot.parent != NONE {
            self.uncount(slot.parent, slot.epoch);
        }
    }

    /// Remembers a transaction that was begun with the one that it was begun in.
    pub(crate) fn begin_in(&mut self, parent: Key, begun: Key) {
        let siblings = &mut self.slot(parent).extra().begun;
        let index = siblings.len();
        siblings.push(begun);
        let before = self.slot(begun).parent;
        if before != parent {
            self.leave_family(begun);
            self.slot(begun).parent = parent;
            self.join_family(begun);
        }
        self.slot(begun).extra().begun_at = index;
    }

    fn begun_no_more(&mut self, key: Key, parent: Key, index: usize) {
        let siblings = &mut self.slot(parent).extra().begun;
        if siblings.get(index) != Some(&key) {
            return; // The parent is closing and has taken the list.
        }
        siblings.swap_remove(index);
        if let Some(moved) = siblings.get(index).copied() {
            self.slot(moved).extra().begun_at = index;
        }
    }

    pub(crate) fn mark_ending(&mut self, key: Key) {
        let slot = self.slot(key);
        slot.ending = true;
        if let Some(node) = slot.node() {
            node.set_state(State::Ending);
        }
    }

    /// From now on the node closes when it has settled. `change` says what else is new.
    pub(crate) fn end(&mut self, node: &Arc<Node>, change: impl FnOnce(&mut Slot)) {
        if node.is_closed() {
            return;
        }
        let key = node.key();
        self.mark_ending(key);
        let slot = self.slot(key);
        change(slot);
        if slot.gated && slot.made_as() == Kind::Body && !slot.live {
            self.hand_over(key);
        }
        let slot = self.slot(key);
        if slot.pending == 0 && !slot.live {
            self.settle(key);
        }
    }

    /// Lets the cell know when what counts now has settled.
    pub(crate) fn wait(&mut self, node: &Arc<Node>, cell: Arc<WaitCell>) {
        if node.is_closed() {
            return cell.settle(&mut self.outbox);
        }
        let slot = self.slot(node.key());
        let pending = slot.pending;
        let extra = slot.extra();
        if extra.waits.len() == extra.waits.capacity() {
            extra.awaited -= forget_abandoned(&mut extra.waits);
        }
        match extra.waits.back_mut() {
            Some(last) if extra.awaited == pending => last.join(cell),
            _ => {
                let left = pending - extra.awaited;
                extra.waits.push_back(WaitRecord { epoch: extra.epoch, left, cells: vec![cell] });
                extra.awaited = pending;
                extra.epoch += 1;
            }
        }
        self.complete_waits(node.key());
    }

    /// A child that was counted in this epoch is gone.
    fn advance_waits(&mut self, key: Key, epoch: u64) {
        let Some(extra) = self.slot(key).extra.as_mut() else { return };
        if extra.waits.is_empty() {
            return;
        }
        let index = extra.waits.partition_point(|wait| wait.epoch < epoch);
        if let Some(wait) = extra.waits.get_mut(index) {
            wait.left -= 1;
            extra.awaited -= 1;
            self.complete_waits(key);
        }
    }

    fn complete_waits(&mut self, key: Key) {
        let Engine { slots, outbox, stop, stirred, .. } = self;
        *stirred = true;
        let extra = slots[key as usize].extra();
        while extra.waits.front().is_some_and(|wait| wait.left == 0) {
            let Some(wait) = extra.waits.pop_front() else { return };
            *stop = true;
            wait.cells.iter().for_each(|cell| cell.settle(outbox));
        }
    }

    /// Hands the failures that nobody has received to who waited.
    pub(crate) fn collect(&mut self, node: &Arc<Node>, cell: &WaitCell) {
        let Engine { slots, outbox, trash, tree_id, .. } = self;
        if node.is_closed() {
            // They are in the outcome, or went up.
            cell.hand_over(Default::default(), outbox);
            return;
        }
        let list = &mut slots[node.key() as usize].extra().failures;
        let left = cell.hand_over(list.take(trash), outbox);
        list.put_back(*tree_id, left);
    }
}

/// Before the list grows: what only waits that were given up waited for is left to the next one. Returns how many that is
/// where there is none.
fn forget_abandoned(waits: &mut VecDeque<WaitRecord>) -> u32 {
    let mut left = 0;
    waits.retain_mut(|wait| {
        wait.left += std::mem::take(&mut left);
        let awaited = wait.is_awaited();
        if !awaited {
            left = wait.left;
        }
        awaited
    });
    left
}

impl Slot {
    /// Counts one more child, if that is all there is to adding one: it becomes due at once, is not too deep, no `wait` has
    /// been, and the parent counts in what is above it already.
    #[inline]
    pub(crate) fn count_quickly(&mut self) -> bool {
        if self.gated || self.depth >= self.deepest {
            rarely();
            return false;
        }
        if self.kind == Kind::Begun && !self.counted {
            if self.parent != NONE {
                rarely();
                return false;
            }
            self.counted = self.extra.as_ref().is_none_or(|extra| extra.epoch == 0);
        }
        if let Some(extra) = &self.extra {
            if extra.epoch > 0 {
                rarely();
                return false;
            }
            if let Some(node) = &extra.node {
                node.set_pending(self.pending + 1);
            }
        }
        self.pending += 1;
        true
    }

    /// That one is not added after all.
    #[cold]
    pub(crate) fn count_no_more(&mut self) {
        self.pending -= 1;
        self.publish_pending();
    }

    /// One child less, if that is all: others are pending, and nobody waits.
    #[inline]
    pub(crate) fn uncount_quickly(&mut self) -> bool {
        if self.pending == 1 {
            return false;
        }
        if let Some(extra) = &self.extra {
            if !extra.waits.is_empty() {
                return false;
            }
            if let Some(node) = &extra.node {
                node.set_pending(self.pending - 1);
            }
        }
        self.pending -= 1;
        true
    }

    /// The last child less, if only the owner looks: a scope that nobody else can hold, whose body is done.
    #[inline]
    pub(crate) fn uncount_last_quickly(&mut self) -> bool {
        if !self.at_owner || self.live || self.extra.is_some() {
            rarely();
            return false;
        }
        self.pending = 0;
        true
    }

    /// Lets handles on other threads see it. Returns the epoch of now.
    #[inline]
    fn publish_pending(&self) -> u64 {
        let Some(extra) = &self.extra else { return 0 };
        if let Some(node) = &extra.node {
            node.set_pending(self.pending);
        }
        extra.epoch
    }
}
