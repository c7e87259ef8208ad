//! What others want done, done by who has the engine.

use std::sync::Arc;

use crate::engine::Engine;
use crate::error::Failures;
use crate::node::Node;
use crate::ready::Key;
use crate::slot::{Kind, NONE};
use crate::tree::{Op, Tree};

impl Engine {
    /// Does what somebody else wants done.
    pub(crate) fn apply(&mut self, tree: &Arc<Tree>, op: Op) {
        self.stirred = true;
        match op {
            Op::Add(node, added) => {
                self.add(node.key(), added);
                self.done_with(node);
            }
            Op::AddCleanup(node, entry) => {
                self.as_cleanup = true;
                self.add(node.key(), entry);
                self.as_cleanup = false;
                self.done_with(node);
            }
            Op::Commit(node) => self.commit(&node),
            Op::Undo(node) => self.undo(&node),
            Op::Undone(node) => self.undone(&node),
            Op::CancelHeld(node, ticket) => {
                self.cancel_held(&node, &ticket);
                self.done_with(node);
                // Its future has another.
                self.trash.tickets.push(ticket);
            }
            Op::Begin(node) => {
                let parent = node.parent.as_ref().map_or(NONE, |parent| parent.key());
                let (kind, limit, location) = (node.kind, node.depth_limit, node.location);
                let limits = node.limits;
                let key = self.open_below(parent, kind, location, Some(node.clone()), limit);
                self.apply_limits(key, limits);
                // Where it is polled by others, from now on.
                self.refuse_if_too_deep(key, &node);
                if self.is_cancelled_for_good(parent) {
                    self.cancel_outside(key);
                }
                self.count_if_held(parent, &node);
            }
            Op::Wake(key) => self.ready.wake(key),
            Op::Cancel(key) => self.look_at_ticket(key),
            Op::Unqueue(key) => self.unqueue(key),
            Op::CancelBelow(node, lasting) => {
                if !node.is_closed() {
                    self.cancel_below(node.key(), lasting);
                }
                self.done_with(node);
            }
            Op::Release(node) => {
                self.release(&node);
                self.done_with(node);
            }
            Op::Done(node, failures) => {
                self.release(&node);
                let slot = self.slot(node.key());
                let (parent, serial) = (slot.parent, slot.serial);
                self.fail_with(parent, Some(serial), failures);
                self.finish_slot(node.key());
                self.stop = true;
                self.done_with(node);
            }
            Op::End(node) => {
                self.end(&node, |_| ());
                self.done_with(node);
            }
            Op::BodyDone(node) => {
                self.end(&node, |slot| slot.live = false);
                self.done_with(node);
            }
            Op::Orphan(node) => {
                self.end(&node, |slot| {
                    slot.live = false;
                    if slot.kind == Kind::Body {
                        slot.kind = Kind::Added;
                    }
                });
                self.done_with(node);
            }
            Op::Wait(node, cell) => {
                self.wait(&node, cell);
                self.done_with(node);
            }
            Op::Collect(node, cell) => {
                self.collect(&node, &cell);
                self.done_with(node);
            }
            Op::Fail(node, failures) => {
                self.fail_with(node.key(), None, failures);
                self.done_with(node);
            }
            Op::Survey(survey) => survey.answer(tree, self),
            Op::Look(node, answer) => {
                answer.give(self.look(&node), &mut self.outbox);
                self.done_with(node);
            }
        }
    }

    /// Records failures with a node: of a child with this place in the order of adding, or of now.
    fn fail_with(&mut self, key: Key, serial: Option<u64>, failures: Failures) {
        for failure in &failures {
            let serial = serial.unwrap_or_else(|| self.ready.serial());
            self.fail(key, serial, failure.clone());
        }
        if failures.omitted() > 0 {
            self.slot(key).extra().failures.omit(failures.omitted());
        }
        // As the clones are in the list or the trash, this drops nothing of the user's.
        drop(failures);
    }

    /// The last reference to a node drops failures, and so values of the user's: that is left to others. While it is open,
    /// its slot has another.
    fn done_with(&mut self, node: Arc<Node>) {
        if node.is_closed() {
            self.trash.nodes.push(node);
        }
    }
}
