//! Where something stands with regard to the atomic transactions around it: held back, or part of what was rolled back.

use std::sync::Arc;
use std::task::Waker;

use crate::current::{self, Current};
use crate::hooks::Phase;
use crate::node::Node;
use crate::slot::Kind;

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

    /// That of something of this kind in it.
    pub(crate) fn standing_below(self: &Arc<Self>, below: Kind) -> Standing {
        self.standing_of(Some(below))
    }

    fn standing_of(self: &Arc<Self>, below: Option<Kind>) -> Standing {
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

    /// Is woken when more is held back, if he is inside of what holds it back.
    pub(crate) fn watch(self: &Arc<Self>, waker: &Waker) {
        if let Some(holder) = self.holder_polled_here()
            && let Some(hooks) = &holder.hooks
        {
            hooks.watch(waker.clone());
        }
    }

    /// An atomic transaction at or above it that waits for what is being polled on this stack.
    pub(crate) fn holder_polled_here(self: &Arc<Self>) -> Option<&Arc<Node>> {
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
