//! Local futures in atomic transactions: held back by hooks, as their list is no place of the engine's.
//!
//! One that is added below an atomic transaction that has not committed counts at once, as a child of the outermost one
//! between it and its list, and is not polled before that commits. Its hooks go the way of all hooks: an inner commit hands
//! them over, a rollback calls the one that has it dropped.
//!
//! Where the list itself belongs to something inside of the atomic transaction, its owner would have to wait for the commit
//! that waits for him: there nothing is taken.

use std::rc::Rc;
use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{Failure, Kind as Why, Place};
use crate::local::Locals;
use crate::node::Node;
use crate::on_commit::{at_commit, at_rollback};
use crate::outside::Part;
use crate::ready::Key;
use crate::standing::Standing;
use crate::tree::Op;

impl Locals {
    /// A part for what is added to this node; `None` if that is closed.
    ///
    /// # Errors
    ///
    /// What is told of a future that could not start.
    pub(crate) fn open_part(
        self: &Rc<Self>,
        node: &Arc<Node>,
        location: Place,
    ) -> Result<Option<Part>, Failure> {
        match node.standing() {
            Standing::Plain => return Ok(Part::open(node, location, true)),
            Standing::Undone => return Err(Failure::new(Why::Cancelled, location)),
            Standing::Held(_) => {}
        }
        let (mut outermost, mut at, mut inside) = (None, Some(node), true);
        while let Some(above) = at {
            inside &= !self.is_of(above);
            if above.holds() {
                if !inside {
                    return Err(Failure::new(Why::Uncommitted, location));
                }
                outermost = Some(above);
            }
            at = above.parent.as_ref();
        }
        let Some(part) = Part::open_held(outermost.unwrap_or(node), location) else { return Ok(None) };
        let (released, refused) = (part.node().clone(), part.node().clone());
        at_commit(
            || node.standing_by_handle(),
            move || released.tree.submit(Op::Release(released.clone())),
            location,
        );
        at_rollback(|| node.standing_by_handle(), move || refused.cancel_outside(), location);
        Ok(Some(part))
    }
}

impl Node {
    /// Has what is polled by others dropped.
    pub(crate) fn cancel_outside(self: &Arc<Self>) {
        let cancelled = Failure::new(Why::Cancelled, self.location);
        if let Some(waker) = self.outside.as_ref().and_then(|outside| outside.refuse(cancelled)) {
            waker.wake();
        }
    }

    /// Would who waits for it here wait for a commit that waits for him?
    pub(crate) fn is_held_from_here(self: &Arc<Self>) -> bool {
        self.outside.as_ref().is_some_and(|outside| outside.is_held()) && self.holder_polled_here().is_some()
    }
}

impl Engine {
    /// What is polled by others has been opened: counts it with what is held back here.
    pub(crate) fn count_if_held(&mut self, parent: Key, node: &Node) {
        if node.outside.as_ref().is_some_and(|outside| outside.is_held()) {
            self.count_held(parent, true);
            self.tell_watchers(parent);
        }
    }

    /// It may be polled, or is done.
    pub(crate) fn release(&mut self, node: &Node) {
        let Some(outside) = &node.outside else { return };
        let (was_held, waker) = outside.release();
        self.outbox.extend(waker);
        if was_held && !node.is_closed() {
            let parent = self.slot(node.key()).parent;
            self.count_held(parent, false);
        }
    }
}
