//! Looking upwards in a tree: who is above whom, and handles for all on the way.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::current::Goal;
use crate::engine::Engine;
use crate::node::{Node, State};
use crate::ready::Key;
use crate::slot::NONE;
use crate::tree::Tree;

impl Engine {
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
            self.extra(key).node = Some(made.clone());
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

    /// The ticket (its address) of what is being polled.
    pub(crate) fn ticket_of_polled(&self, from: Option<Key>) -> Option<usize> {
        let ticket = match (from, &self.loose) {
            (None, Some(loose)) => self.note(loose)?.ticket.as_ref(),
            (key, _) => self.slots.get(key.unwrap_or(self.loose_key) as usize)?.ticket.as_ref(),
        };
        ticket.map(|ticket| Arc::as_ptr(ticket) as usize)
    }

    /// Is polling this what the drive is for?
    pub(crate) fn serves(&self, goal: Goal, polled: Option<Key>) -> bool {
        match goal {
            Goal::Nothing => false,
            Goal::Node { key, strictly } => self.is_above(key, polled, strictly),
            Goal::Ticket(ticket) => self.ticket_of_polled(polled) == Some(ticket),
            Goal::Serial(serial) => self.serial_of(polled) == serial,
        }
    }

    /// Has the root of this tree adopted its tree? Only in a drive.
    pub(crate) fn is_adopted_beside(&self, root: &Tree) -> bool {
        self.tree.as_ref().is_some_and(|tree| tree.is_adopted() && tree.is_beside(root))
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
}
