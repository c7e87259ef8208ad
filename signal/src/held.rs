//! A place in a queue that is taken only at the commit.
//!
//! What an atomic transaction holds back has no place yet: a rollback must leave nothing behind, and the order is that of
//! the commits. A hook of the commit takes the place; hooks run before anything that was held starts. A delivery that was
//! dropped before gets none, and one that starts without (it was added to what had been rolled back) comes to nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::crowd::Ticket;

/// A place, or where it will be found.
#[derive(Clone)]
pub(crate) enum Seat {
    Taken(Ticket),
    Held(Arc<Held>),
}

/// No place yet.
const NONE: u64 = u64::MAX;
/// Whoever was to have it is gone.
const GONE: u64 = u64::MAX - 1;
/// It may go on without one.
const FREE: u64 = u64::MAX - 2;

pub(crate) struct Held(AtomicU64);

impl Seat {
    pub(crate) fn ticket(&self) -> Option<Ticket> {
        match self {
            Seat::Taken(ticket) => Some(*ticket),
            Seat::Held(held) => held.ticket(),
        }
    }

    /// May it go on without a place?
    pub(crate) fn is_free(&self) -> bool {
        matches!(self, Seat::Held(held) if held.0.load(Ordering::Acquire) == FREE)
    }

    /// It is needed no more. The place that is to be given up.
    pub(crate) fn give_up(&self) -> Option<Ticket> {
        match self {
            Seat::Taken(ticket) => Some(*ticket),
            Seat::Held(held) => known(held.0.swap(GONE, Ordering::AcqRel)),
        }
    }
}

impl Held {
    /// Who waits for this needs no place: where nobody waits for anybody.
    pub(crate) fn free(&self) {
        let _ = self.0.compare_exchange(NONE, FREE, Ordering::AcqRel, Ordering::Acquire);
    }

    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Held(AtomicU64::new(NONE)))
    }

    fn ticket(&self) -> Option<Ticket> {
        known(self.0.load(Ordering::Acquire))
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.0.load(Ordering::Acquire) == GONE
    }

    /// The place has been taken. False if nobody wants it any more: then it is to be given up.
    pub(crate) fn take(&self, ticket: Ticket) -> bool {
        self.0.compare_exchange(NONE, ticket, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

fn known(value: u64) -> Option<Ticket> {
    (value < FREE).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::{Held, Seat};

    #[test]
    fn a_place_is_given_up_once_whoever_comes_first() {
        let (held, gone) = (Held::new(), Held::new());
        let (seat, early) = (Seat::Held(held.clone()), Seat::Held(gone.clone()));
        assert_eq!(early.give_up(), None);
        assert!(gone.is_gone() && !gone.take(7), "it is for the commit to give the place up");
        gone.free();
        assert!(early.ticket().is_none() && !early.is_free());
        assert_eq!(seat.ticket(), None);
        assert!(held.take(7) && !held.is_gone());
        assert_eq!((seat.ticket(), seat.give_up(), seat.give_up()), (Some(7), Some(7), None));
    }
}
