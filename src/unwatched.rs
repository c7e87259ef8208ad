//! `watch`, where no feature that needs it is on: nothing, and compiled to nothing.

use std::sync::Arc;

use crate::error::Place;
use crate::job::Job;
use crate::node::Node;

/// A future on its way into a transaction.
pub(crate) struct Adding;

#[inline(always)]
pub(crate) fn is_on() -> bool {
    false
}

#[inline(always)]
pub(crate) fn has_heard(_node: &Node) -> bool {
    false
}

/// While it lives, nothing is different.
pub(crate) struct Entered;

#[inline(always)]
pub(crate) fn enter(_node: Option<&Arc<Node>>) -> Entered {
    Entered
}

#[inline(always)]
pub(crate) fn adding(_node: &Arc<Node>, _location: Place) -> Adding {
    Adding
}

#[inline(always)]
pub(crate) fn added_here(job: Job, _location: Place) -> Job {
    job
}

impl Adding {
    #[inline(always)]
    pub(crate) fn wrap(&mut self, job: Job) -> Job {
        job
    }

    #[inline(always)]
    pub(crate) fn refused(self) {}
}

#[inline(always)]
pub(crate) fn begun(_node: Option<&Arc<Node>>) {}

#[inline(always)]
pub(crate) fn ending(_node: &Arc<Node>) {}

#[inline(always)]
pub(crate) fn committed(_node: &Arc<Node>, _deferred: bool) {}

#[inline(always)]
pub(crate) fn rolled_back(_node: &Arc<Node>) {}

#[inline(always)]
pub(crate) fn left_open(_node: &Arc<Node>) {}

#[inline(always)]
pub(crate) fn adopted(_node: &Arc<Node>) {}

#[inline(always)]
pub(crate) fn closed(_node: &Arc<Node>) {}
