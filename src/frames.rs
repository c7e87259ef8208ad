//! What is polled on this thread's stack, below what is topmost: to find who would wait for himself.

use std::sync::Arc;

use crate::current::{Ambient, Frame, Polled};
use crate::engine::Engine;
use crate::node::Node;
use crate::ready::Key;

/// What is polled below, for the length of a poll.
pub(crate) struct Framed<'a>(&'a Ambient);

impl<'a> Framed<'a> {
    pub(crate) fn push(ambient: &'a Ambient, frame: Frame) -> Self {
        ambient.push_frame(frame);
        Framed(ambient)
    }
}

impl Drop for Framed<'_> {
    fn drop(&mut self) {
        let frame = self.0.pop_frame();
        drop(frame);
    }
}

impl Ambient {
    /// Something is polled on top of what was.
    pub(crate) fn push_frame(&self, frame: Frame) {
        self.frames.borrow_mut().push(frame);
    }

    /// It is over. As the ambient is never dropped, it keeps no memory either.
    pub(crate) fn pop_frame(&self) -> Option<Frame> {
        let mut frames = self.frames.borrow_mut();
        let frame = frames.pop();
        if frames.is_empty() {
            *frames = Vec::new();
        }
        frame
    }

    /// Is anything of a transaction being polled on this stack?
    pub(crate) fn is_polling(&self) -> bool {
        self.driving.get() != 0 || !self.frames.borrow().is_empty()
    }

    /// Would who waits for `node` wait for something that is being polled on this stack? `strictly`: the node itself
    /// may be, only nothing below it.
    pub(crate) fn waits_for_itself(&self, node: &Arc<Node>, strictly: bool) -> bool {
        if node.is_root() && self.polls_adopted() {
            return true;
        }
        let tree_id = node.tree.id;
        self.any_polled(
            tree_id,
            |engine, at| node.is_placed() && !node.is_closed() && engine.is_above(node.key(), at, strictly),
            |body| node.is_above(body, strictly),
        )
    }

    /// Is something of a tree that the root has adopted being polled on this stack? It counts as below the root.
    fn polls_adopted(&self) -> bool {
        let is_adopted = |engine: &Option<Box<Engine>>| {
            engine.as_ref().and_then(|engine| engine.tree.as_ref()).is_some_and(|tree| tree.is_adopted())
        };
        (self.polled.get() != Polled::Nothing && is_adopted(&self.engine.borrow()))
            || self.frames.borrow().iter().any(|frame| match frame {
                Frame::Drive { engine, polled, .. } => *polled != Polled::Nothing && is_adopted(engine),
                Frame::Polled(..) => false,
                Frame::Body(node) => node.tree.is_adopted(),
            })
    }

    /// Is there a node of this tree among those polled on this stack for which one of the tests holds?
    pub(crate) fn any_polled(
        &self,
        tree_id: u64,
        in_drive: impl Fn(&Engine, Option<Key>) -> bool,
        in_body: impl Fn(&Arc<Node>) -> bool,
    ) -> bool {
        let top = self.engine.borrow();
        let mut engine = top.as_deref().filter(|_| self.driving.get() == tree_id);
        let holds = |engine: Option<&Engine>, polled: Polled| match (engine, polled.at()) {
            (Some(engine), Some(at)) => in_drive(engine, at),
            _ => false,
        };
        if holds(engine, self.polled.get()) {
            return true;
        }
        for frame in self.frames.borrow().iter().rev() {
            let found = match frame {
                Frame::Drive { tree_id: id, engine: below, polled } if *id == tree_id => {
                    engine = below.as_deref();
                    holds(engine, *polled)
                }
                Frame::Polled(id, polled) if *id == tree_id => holds(engine, *polled),
                Frame::Body(node) => node.tree.id == tree_id && in_body(node),
                _ => false,
            };
            if found {
                return true;
            }
        }
        false
    }
}
