//! Where something stands with regard to the atomic transactions around it: held back, or part of what was rolled back.

use std::sync::Arc;
use std::task::Waker;

use crate::current::{self, Current};
use crate::hooks::Phase;
use crate::node::Node;
use crate::slot::Kind;
use crate::waker::Seat;

/// Where something stands with regard to the atomic transactions around it.
pub(crate) enum Standing {
    /// Nothing holds it back.
    Plain,
    /// This one does.
    Held(Arc<Node>),
    /// It is part of one that has been rolled back.
    Undone,
}

impl Node {
    /// Is it an atomic transaction that has not committed, nor been rolled back?
    pub(crate) fn holds(&self) -> bool {
        self.hooks.as_ref().is_some_and(|hooks| hooks.phase() == Phase::Holding)
    }

    pub(crate) fn standing(self: &Arc<Self>) -> Standing {
        self.standing_of(None)
    }

    /// That of a hook that somebody has it called by its handle: one that has been rolled back takes none any more.
    pub(crate) fn standing_by_handle(self: &Arc<Self>) -> Standing {
        match self.hooks.as_ref().map(|hooks| hooks.phase()) {
            Some(Phase::Undoing | Phase::Undone) => Standing::Undone,
            _ => self.standing(),
        }
    }

    /// That of something of this kind in it.
    pub(crate) fn standing_below(self: &Arc<Self>, below: Kind) -> Standing {
        self.standing_of(Some(below))
    }

    fn standing_of(self: &Arc<Self>, below: Option<Kind>) -> Standing {
        if !self.is_in_atomic() {
            return Standing::Plain;
        }
        let (mut at, mut below) = (Some(self), below);
        while let Some(node) = at {
            match node.hooks.as_ref().map(|hooks| hooks.phase()) {
                Some(Phase::Holding) => return Standing::Held(node.clone()),
                Some(Phase::Undoing | Phase::Undone) if matches!(below, Some(Kind::Body | Kind::Begun)) => {
                    return Standing::Undone;
                }
                _ => {}
            }
            below = Some(node.kind);
            at = node.parent.as_ref();
        }
        Standing::Plain
    }

    /// Would who waits for this, here, wait for what cannot start before he has returned?
    pub(crate) fn waits_for_commit(self: &Arc<Self>) -> bool {
        self.held() > 0 && self.holder_polled_here().is_some()
    }

    /// An atomic transaction at or above it that waits for what is being polled on this stack.
    pub(crate) fn holder_polled_here(self: &Arc<Self>) -> Option<&Arc<Node>> {
        if !self.is_in_atomic() {
            return None;
        }
        let mut at = Some(self);
        while let Some(node) = at {
            if node.holds() && current::with(|ambient| ambient.waits_for_itself(node, false)) {
                return Some(node);
            }
            at = node.parent.as_ref();
        }
        None
    }
}

/// Who waits inside of what holds, and is to look again when more is held back.
#[derive(Default)]
pub(crate) struct Watching {
    holder: Option<Arc<Node>>,
    seat: Seat,
}

impl Watching {
    /// From now on he is woken with this, if what he waits for is inside of what holds it back.
    pub(crate) fn watch(&mut self, node: &Arc<Node>, waker: &Waker) {
        let holder = node.holder_polled_here();
        if self.holder.as_ref().map(Arc::as_ptr) != holder.map(Arc::as_ptr) {
            self.leave();
            self.holder = holder.cloned();
        }
        if let Some(holder) = &self.holder {
            holder.hooks().watch(&mut self.seat, waker.clone());
        }
    }

    fn leave(&mut self) {
        if let Some(holder) = self.holder.take() {
            holder.hooks().leave(&mut self.seat);
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The node that is current, if it may be held back.
pub(crate) fn current_gated() -> Option<Arc<Node>> {
    current::with(|ambient| match ambient.current_here() {
        Some(here) => {
            let gated = ambient.engine.borrow().as_ref().is_some_and(|engine| engine.is_gated(here));
            gated.then(|| ambient.engine_here(|engine, tree, key| engine.share(tree, key)))
        }
        None => match ambient.current() {
            Current::Node(node) => Some(node),
            _ => None,
        },
    })
}
