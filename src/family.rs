//! Who is below whom, seen from above: kept only in a tree in which something has been cancelled.
//!
//! A slot knows its parent, and for all but cancelling that is enough. The first time that something is cancelled the
//! children are looked up in one walk over the slots, and from then on kept as lists, so that cancelling costs what is below,
//! however large the rest of the tree is.
//!
//! What has no slot yet is in no list. When its turn comes it is looked whether something above it has been cancelled since
//! it was added: for two rounds after each time, as all that stood in a queue then has had its turn by then. What came into
//! the queue later than it was added (it was held back, or waited in line) is not concerned by what was cancelled before.

use std::collections::HashMap;

use slab::Slab;

use crate::engine::Engine;
use crate::ready::{Key, Tag};
use crate::slot::{NONE, Slot};

/// One slot in the list of its parent's children, and the first of its own.
#[derive(Clone, Copy)]
struct Link {
    first: Key,
    next: Key,
    before: Key,
}

const ALONE: Link = Link { first: NONE, next: NONE, before: NONE };

/// By the index of the slot.
pub(crate) struct Family {
    links: Vec<Link>,
    /// By the place in the order of adding of what came into the queue later: the place at which it did.
    late: HashMap<u64, u64>,
}

impl Family {
    fn of(slots: &Slab<Slot>) -> Box<Self> {
        let mut family = Family { links: Vec::new(), late: HashMap::new() };
        for (key, slot) in slots {
            family.join(key as Key, slot.parent);
        }
        Box::new(family)
    }

    /// This slot's. Also of one that has not joined yet: a parent may have a higher index than its child.
    fn link(&mut self, key: Key) -> &mut Link {
        let index = key as usize;
        if index >= self.links.len() {
            self.links.resize(index + 1, ALONE);
        }
        &mut self.links[index]
    }

    /// A slot has got this parent.
    #[cold]
    fn join(&mut self, key: Key, parent: Key) {
        if parent == NONE {
            return;
        }
        let next = std::mem::replace(&mut self.link(parent).first, key);
        if next != NONE {
            self.link(next).before = key;
        }
        let link = self.link(key);
        (link.next, link.before) = (next, NONE);
    }

    /// A slot has this parent no more. Its own children stay with it.
    #[cold]
    fn leave(&mut self, key: Key, parent: Key) {
        if parent == NONE {
            return;
        }
        let link = self.link(key);
        let Link { next, before, .. } = *link;
        (link.next, link.before) = (NONE, NONE);
        match before {
            NONE => self.link(parent).first = next,
            before => self.link(before).next = next,
        }
        if next != NONE {
            self.link(next).before = before;
        }
    }

    fn children(&self, key: Key) -> impl Iterator<Item = Key> {
        let link = |key: Key| self.links.get(key as usize).copied().unwrap_or(ALONE);
        let mut at = link(key).first;
        std::iter::from_fn(move || {
            let child = at;
            at = link(at).next;
            (child != NONE).then_some(child)
        })
    }
}

impl Engine {
    /// An entry comes into the queue that may have been added before something above it was cancelled.
    pub(crate) fn note_late(&mut self, tag: &mut Tag) {
        if self.family.is_some() {
            // So it is taken as what needs examination.
            self.noted(tag);
            let now = self.ready.serial();
            if let Some(family) = &mut self.family {
                family.late.insert(tag.serial, now);
            }
        }
    }

    /// In its turn: marks it if it was cancelled with something above it. True if it came late into its queue.
    #[cold]
    pub(crate) fn examine_above(&mut self, tag: &mut Tag) -> bool {
        let late = self.family.as_mut().and_then(|family| family.late.remove(&tag.serial));
        if self.ready.is_suspect() && self.is_cancelled_above(tag.parent, late.unwrap_or(tag.serial)) {
            self.ticket_of(tag).cancel_below();
        }
        late.is_some()
    }

    fn is_cancelled_above(&self, parent: Key, since: u64) -> bool {
        let mut at = parent;
        while let Some(slot) = self.slots.get(at as usize) {
            if slot.cancelled_at() >= since {
                return true;
            }
            at = slot.parent;
        }
        false
    }

    /// This slot and all below it, in the order of adding.
    pub(crate) fn at_or_below(&mut self, top: Key) -> Vec<Key> {
        let Engine { family, slots, .. } = self;
        let family = family.get_or_insert_with(|| Family::of(slots));
        let (mut found, mut seen) = (vec![top], 0);
        while let Some(key) = found.get(seen).copied() {
            found.extend(family.children(key));
            seen += 1;
        }
        found.sort_unstable_by_key(|key| slots[*key as usize].serial);
        found
    }

    /// A slot has been made.
    #[inline]
    pub(crate) fn join_family(&mut self, key: Key) {
        if let Some(family) = &mut self.family {
            family.join(key, self.slots[key as usize].parent);
        }
    }

    /// A slot is about to go, or to get another parent.
    #[inline]
    pub(crate) fn leave_family(&mut self, key: Key) {
        if let Some(family) = &mut self.family {
            family.leave(key, self.slots[key as usize].parent);
        }
    }
}
