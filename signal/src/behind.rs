//! Who awaits a delivery that cannot come before he has returned: waiting for oneself, found.
//!
//! A delivery waits behind the one in front of its handler's queue; where the asynchronous handlers of a notification run
//! one after another, it waits as well behind the one in front there (its [relay](crate::relay)). Either may in turn wait in
//! its other queue, which it is *linked* to. So from one front the next one is found, until one is being polled on this very
//! stack (or is above what is), or nothing is ahead. It comes to an end: each step goes to an earlier place of the same
//! handler's queue, or to an earlier handler.

use std::sync::Arc;

use settled::plumbing::Place;

use crate::held::Seat;
use crate::queue::Queued;

/// A place in a queue.
#[derive(Clone)]
pub(crate) struct Behind {
    /// Whose queue it is.
    pub(crate) of: Arc<dyn Queued>,
    pub(crate) seat: Seat,
}

impl Behind {
    /// The delivery at this place waits at that one besides.
    pub(crate) fn link(&self, other: Behind) {
        if let Some(ticket) = self.seat.ticket() {
            self.of.queue().link(ticket, Box::new(other));
        }
    }

    /// Is the delivery that it waits for, however indirectly, one of those that are being polled on this stack, or an
    /// ancestor of one?
    pub(crate) fn is_below_front(&self) -> bool {
        let mut next = Some(self.clone());
        while let Some(behind) = next {
            let Some((place, link)) = behind.seat.ticket().and_then(|ticket| behind.of.queue().ahead(ticket))
            else {
                return false;
            };
            if place.is_some_and(Place::is_above_here) {
                return true;
            }
            next = link;
        }
        false
    }
}
