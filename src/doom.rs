//! Dropping what was held back by an atomic transaction that is rolled back: unstarted, with its own transaction current.
//!
//! Who rolls back does it at once where he has the engine, or can have it; else whoever drives does it, before anything
//! else has its turn.

use std::sync::Arc;

use crate::current::{self, Ambient, Current, Frame, Goal, Polled};
use crate::driver::Drive;
use crate::engine::Engine;
use crate::error::{Failure, Kind as Why, Place};
use crate::frames::Framed;
use crate::ready::Entry;
use crate::slot::{Kind, Slot};
use crate::tree::Tree;
use crate::turn::Polling;

impl Engine {
    /// The next that is doomed, in a slot of its own, as one that is to be refused.
    pub(crate) fn next_doomed(&mut self) -> Option<(Polling, Place)> {
        let Entry { job, tag } = self.doomed.pop_front()?;
        let (ticket, epoch) = self.take_note(&tag).map_or((None, 0), |note| (note.ticket, note.epoch));
        let above = self.slot(tag.parent);
        let mut slot = Slot::new(tag.parent, Kind::Added, tag.location);
        slot.epoch = epoch;
        slot.depth = above.depth + 1;
        slot.deepest = above.deepest;
        slot.gated = above.gated;
        slot.serial = tag.serial;
        slot.counted = true;
        let kept = ticket.as_ref().filter(|ticket| ticket.is_kept()).cloned();
        slot.ticket = ticket;
        let key = self.insert(slot);
        Some((Polling { job, key, loose: false, kept }, tag.location))
    }
}

impl Drive<'_> {
    fn drop_doomed(&self) {
        while let Some((polling, location)) = self.engine(Engine::next_doomed) {
            self.refuse(polling, Failure::new(Why::Cancelled, location));
        }
    }
}

/// Drops what is doomed in this tree, if its engine is to be had.
pub(crate) fn drop_doomed(tree: &Arc<Tree>) {
    current::with(|ambient| {
        if ambient.driving.get() == tree.id {
            return ambient.drop_doomed_on_top(tree);
        }
        if tree.is_driven_by(ambient.thread()) {
            return; // Below another drive on this stack.
        }
        if let Some(engine) = tree.take_engine() {
            let drive = Drive::start(ambient, engine, Goal::Nothing);
            drive.drop_doomed();
        }
    });
}

impl Ambient {
    /// In the midst of a drive: what is being polled there goes on afterwards.
    fn drop_doomed_on_top(&self, tree: &Arc<Tree>) {
        let borrowed = self.on_top(tree.id, |engine| {
            // What is polled must have its slot before others take it.
            if engine.loose.is_some() {
                engine.materialise();
            }
        });
        if borrowed.is_none() {
            return;
        }
        let outer = self.polled.replace(Polled::Nothing);
        let (wakes, self_woken, kept) = (self.wakes.get(), self.self_woken.get(), self.kept.get());
        {
            let _frame = (outer != Polled::Nothing).then(|| Framed::push(self, Frame::Polled(outer)));
            self.enter(Current::Polled, || Drive::guest(self).drop_doomed());
        }
        self.polled.set(outer);
        self.wakes.set(wakes);
        self.self_woken.set(self_woken);
        self.kept.set(kept);
    }
}
