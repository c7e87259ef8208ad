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

    /// With the engine of a tree that this thread drives below what is topmost.
    pub(crate) fn below<R>(&self, tree_id: u64, f: impl FnOnce(&mut Engine) -> R) -> Option<R> {
        let mut frames = self.frames.try_borrow_mut().ok()?;
        frames
            .iter_mut()
            .find_map(|frame| match frame {
                Frame::Drive { tree_id: id, engine, .. } if *id == tree_id => engine.as_deref_mut(),
                _ => None,
            })
            .map(f)
    }

    /// Is anything of a transaction being polled on this stack?
    pub(crate) fn is_polling(&self) -> bool {
        self.driving.get() != 0 || !self.frames.borrow().is_empty()
    }

    /// Would who waits for `node` wait for something that is being polled on this stack, and that waits for him?
    /// `strictly`: the node itself may be, only nothing below it.
    pub(crate) fn waits_for_itself(&self, node: &Arc<Node>, strictly: bool) -> bool {
        self.any_polled(|polled| match polled {
            // What the root has adopted counts as below it.
            Seen::Drive { engine, .. } if node.is_root() && engine.is_adopted_beside(&node.tree) => true,
            Seen::Body(body)
                if node.is_root() && body.tree.is_adopted() && body.tree.is_beside(&node.tree) =>
            {
                true
            }
            Seen::Drive { tree_id, engine, at } => {
                *tree_id == node.tree.id
                    && node.is_placed()
                    && !node.is_closed()
                    && engine.is_above(node.key(), *at, strictly)
            }
            Seen::Body(body) => node.is_above(body, strictly),
            Seen::Ticket(_) => false,
        })
    }

    /// Is the future with this ticket one of those?
    pub(crate) fn is_polled(&self, ticket: usize) -> bool {
        self.any_polled(|polled| match polled {
            Seen::Drive { engine, at, .. } => engine.ticket_of_polled(*at) == Some(ticket),
            Seen::Body(_) => false,
            Seen::Ticket(polled) => *polled == ticket,
        })
    }

    /// Does the test hold for anything that is being polled on this stack and waits for what is topmost?
    ///
    /// All that is polled in one drive waits for what it polls in turn. Who is below a nested drive waits for what that
    /// polls only if he drives for its sake: else he goes on without it, and it may well wait for him.
    pub(crate) fn any_polled(&self, test: impl Fn(&Seen<'_>) -> bool) -> bool {
        let top = self.engine.borrow();
        let (mut tree_id, mut engine) = (self.driving.get(), top.as_deref());
        let (mut polled, mut goal) = (self.polled.get(), self.goal.get());
        let holds = |tree_id, engine: Option<&Engine>, polled: Polled| match (engine, polled.at()) {
            (Some(engine), Some(at)) => test(&Seen::Drive { tree_id, engine, at }),
            _ => false,
        };
        if holds(tree_id, engine, polled) {
            return true;
        }
        for frame in self.frames.borrow().iter().rev() {
            let found = match frame {
                Frame::Drive { tree_id: id, engine: below, polled: before, goal: older, .. } => {
                    if !engine.zip(polled.at()).is_some_and(|(engine, at)| engine.serves(goal, at)) {
                        return false;
                    }
                    (tree_id, engine, polled, goal) = (*id, below.as_deref(), *before, *older);
                    holds(tree_id, engine, polled)
                }
                Frame::Polled(before) => {
                    polled = *before;
                    holds(tree_id, engine, polled)
                }
                Frame::Body(node) => test(&Seen::Body(node)),
                Frame::Ticket(ticket) => test(&Seen::Ticket(*ticket)),
            };
            if found {
                return true;
            }
        }
        false
    }
}

/// Something that is being polled on this stack.
pub(crate) enum Seen<'a> {
    /// In a drive: a slot, or `None` for what has none.
    Drive { tree_id: u64, engine: &'a Engine, at: Option<Key> },
    /// A body while its tree is not driven by this thread, or not topmost.
    Body(&'a Arc<Node>),
    /// The ticket of such a body.
    Ticket(usize),
}
