//! Which transaction tree something lives in.

use settled::plumbing::{self, Helper};

/// A transaction tree; it is not kept alive by this.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Tree(Helper);

impl Tree {
    /// That of the current transaction.
    pub(crate) fn current() -> Option<Self> {
        plumbing::helper().map(Tree)
    }

    /// Is it that of the current transaction?
    pub(crate) fn is_current(&self) -> bool {
        self.0.is_current()
    }

    /// To drive it from outside.
    pub(crate) fn helper(&self) -> Helper {
        self.0.clone()
    }
}
