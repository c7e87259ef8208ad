//! What those need to know who settle something once for a transaction: which one is current, and which future is polled.

use crate::current::{self, Ambient, Current, Frame, Polled};
use crate::engine::Engine;
use crate::slot::Kind;

/// A number for the current transaction, unlike that of any other; none where none is current (or is to be begun when it
/// is needed).
pub fn current_number() -> Option<(u64, u64)> {
    current::with(|ambient| match ambient.current() {
        Current::Nothing | Current::Lazy(_) => None,
        Current::Node(node) => Some((node.tree.id, node.serial())),
        Current::Slot(key) => number_of(ambient, Some(key)),
        Current::Polled => number_of(ambient, ambient.polled.get().at()?),
    })
}

fn number_of(ambient: &Ambient, at: Option<crate::ready::Key>) -> Option<(u64, u64)> {
    let engine = ambient.engine.try_borrow().ok()?;
    Some((ambient.driving.get(), engine.as_ref()?.serial_of(at)))
}

/// A number for the added future that is polled innermost on this thread: in the body of a scope that it awaits, too, but not
/// in what that drives.
pub fn polled_number() -> Option<(u64, u64)> {
    fn added(tree_id: u64, engine: Option<&Engine>, polled: Polled) -> Option<(u64, u64)> {
        let (engine, at) = (engine?, polled.at()?);
        let is_body =
            at.is_some_and(|key| engine.slots.get(key as usize).is_none_or(|slot| slot.kind == Kind::Body));
        (!is_body).then(|| (tree_id, engine.serial_of(at)))
    }
    current::with(|ambient| {
        let top = ambient.engine.try_borrow().ok()?;
        let frames = ambient.frames.borrow();
        let (mut tree_id, mut engine) = (ambient.driving.get(), top.as_deref());
        // What stands behind the last frame is older than that, unless it is a body outside of any drive.
        if !matches!(frames.last(), Some(Frame::Body(_) | Frame::Ticket(_)))
            && let Some(number) = added(tree_id, engine, ambient.polled.get())
        {
            return Some(number);
        }
        for frame in frames.iter().rev() {
            let number = match frame {
                Frame::Drive { tree_id: id, engine: below, polled, .. } => {
                    (tree_id, engine) = (*id, below.as_deref());
                    added(tree_id, engine, *polled)
                }
                Frame::Polled(polled) => added(tree_id, engine, *polled),
                Frame::Body(node) => (node.kind != Kind::Body).then(|| (node.tree.id, node.serial())),
                Frame::Ticket(_) => None,
            };
            if number.is_some() {
                return number;
            }
        }
        None
    })
}
