//! `fail_fast`: the first failure that reaches a transaction cancels the rest.
//!
//! A failure reaches a transaction when nobody below is left who could receive it by waiting: when the futures between
//! are done. A scope, and a transaction that was begun, keep theirs for who awaits them until they close.

use crate::cancel::Lasting;
use crate::engine::Engine;
use crate::ready::Key;
use crate::slot::Kind;

impl Engine {
    /// Failures have been recorded with this node, which is gated, or have come from below.
    #[cold]
    pub(crate) fn failed(&mut self, node: Key) {
        let mut at = node;
        while let Some(slot) = self.slots.get(at as usize) {
            let (parent, passes) = (slot.parent, slot.kind == Kind::Added && !slot.live);
            let fails_fast = slot.extra.as_ref().is_some_and(|extra| extra.fail_fast);
            if fails_fast && !slot.cancels() {
                self.cancel_below(at, Lasting::ForGood);
            }
            if !passes {
                return;
            }
            at = parent;
        }
    }

    /// The future in a gated slot is done.
    #[cold]
    pub(crate) fn finish_gated(&mut self, key: Key) {
        self.vacate(key);
        let slot = &self.slots[key as usize];
        if slot.pending > 0 && slot.extra.as_ref().is_some_and(|extra| !extra.failures.is_empty()) {
            self.failed(key);
        }
    }
}
