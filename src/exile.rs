//! Where that goes which destructors add while what an atomic transaction held is dropped: not back into it.
//!
//! Nothing that was added runs below a transaction that holds, nor (but for cleanups) below one that was rolled back. So a
//! future that is polled there is being dropped, and what is added then goes to the nearest open transaction that is part
//! of no atomic one, else to the root.

use std::sync::Arc;

use crate::engine::Engine;
use crate::hooks::Phase;
use crate::node::Node;
use crate::ready::Key;
use crate::slot::Kind;

impl Engine {
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
}

impl Node {
    /// Is it, or what it is part of, being rolled back just now, or was it cancelled before the commit?
    pub(crate) fn is_exiling(self: &Arc<Self>) -> bool {
        if !self.is_in_atomic() {
            return false;
        }
        let (mut at, mut below, mut below_added) = (Some(self), Kind::Added, false);
        while let Some(node) = at {
            match node.hooks.as_ref().map(|hooks| hooks.phase()) {
                // Nothing that was added runs in one that holds: it is being dropped.
                Some(Phase::Holding) => return below_added,
                Some(Phase::Undoing) => return true,
                // But for cleanups, nor in one that was rolled back.
                Some(Phase::Undone) if below_added && below != Kind::Added => return true,
                _ => {}
            }
            below = node.kind;
            below_added |= below == Kind::Added;
            at = node.parent.as_ref();
        }
        false
    }

    /// The nearest open one above all atomic ones that are not through: it takes what destructors add in a rollback.
    pub(crate) fn exile(self: &Arc<Self>) -> Option<Arc<Node>> {
        let (mut at, mut found, mut below) = (Some(self), None, None);
        while let Some(node) = at {
            match node.hooks.as_ref().map(|hooks| hooks.phase()) {
                Some(Phase::Holding | Phase::Undoing) => found = None,
                // One that was rolled back takes nothing more, nor does what is part of it; but what its cleanups do is.
                Some(Phase::Undone) if below != Some(Kind::Added) => found = None,
                Some(Phase::Undone) => {}
                _ if found.is_none() => found = Some(node),
                _ => {}
            }
            found = found.filter(|node| !node.is_closed());
            below = Some(node.kind);
            at = node.parent.as_ref();
        }
        found.cloned()
    }
}
