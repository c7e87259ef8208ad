//! One change while it is being made: what it does to the contents, and what is told and noted of it.

use std::panic::Location;

use settled::Transaction;

use crate::collections::apart::Apart;
use crate::collections::core::Base;
use crate::collections::log::{Log, Trash};

/// Has the collection to itself.
pub(crate) struct Edit<'a, C: Base> {
    pub(crate) contents: &'a mut C,
    /// Does anybody hear of it?
    pub(crate) is_heard: bool,
    /// What has been done.
    pub(crate) log: Log<C::Diff>,
    pub(crate) trash: &'a mut Trash,
    /// There is something uncommitted, or is going to be.
    pub(crate) apart: Option<Noted<'a, C>>,
}

/// What is noted of it beside.
pub(crate) struct Noted<'a, C: Base> {
    pub(crate) pile: &'a mut C::Pile,
    /// The atomic transaction that it is undone with.
    pub(crate) by: Option<Transaction>,
    pub(crate) location: &'static Location<'static>,
    /// What has been done to what is committed.
    pub(crate) late: Log<C::Diff>,
}

impl<'a, C: Base> Edit<'a, C> {
    #[inline]
    pub(crate) fn new(
        contents: &'a mut C,
        is_heard: bool,
        apart: Option<&'a mut Apart<C>>,
        by: Option<Transaction>,
        location: &'static Location<'static>,
        trash: &'a mut Trash,
    ) -> Self {
        let apart = apart.map(|apart| Noted { pile: &mut apart.pile, by, location, late: Log::new() });
        Edit { contents, is_heard, log: Log::new(), trash, apart }
    }

    /// What is to be told: of what is read, and of what is committed.
    #[inline]
    pub(crate) fn finish(self) -> (Option<C::Diff>, Option<C::Diff>) {
        let Edit { contents, log, trash, apart, .. } = self;
        let diff = log.finish(contents.len(), || contents.reset(), trash);
        // What is committed is not here as a whole.
        let late = apart.and_then(|noted| noted.late.finish_steps());
        (diff, late)
    }
}
