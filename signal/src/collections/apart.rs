//! While an atomic transaction that has changed a collection is open, there are two truths: what is read, and what would
//! stand if all that is open were rolled back. What sets them apart is a *pile*, kept as long as there is anything.

use settled::Transaction;
use settled::plumbing::share_fate;

use crate::collections::contents::Contents;
use crate::collections::core::Base;
use crate::collections::log::{Log, Trash};

pub(crate) struct Apart<C: Base> {
    pub(crate) pile: C::Pile,
    /// The transaction that has changed it last.
    pub(crate) last: Option<Transaction>,
}

/// What is uncommitted of a collection.
pub(crate) trait Pile<C: Contents>: Send {
    /// Nothing is, of these.
    fn open(contents: &C) -> Self;

    fn is_empty(&self) -> bool;

    /// What this one has changed stands. Gives what changes by that of what is committed.
    fn commit(&mut self, by: &Transaction, contents: &C, trash: &mut Trash) -> Log<C::Diff>;

    /// What this one has changed goes. Gives what changes by that of what is read.
    fn roll_back(&mut self, by: &Transaction, contents: &mut C, trash: &mut Trash) -> Log<C::Diff>;
}

impl<C: Base> Apart<C> {
    pub(crate) fn open(contents: &C) -> Self {
        Apart { pile: C::Pile::open(contents), last: None }
    }

    /// Does the collection take part in this one, as far as it can be told at once?
    pub(crate) fn is_known(&self, of: &Transaction) -> bool {
        self.last.as_ref().is_some_and(|last| share_fate(last, of))
    }
}
