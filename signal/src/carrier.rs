//! What a setter's transaction and notification have of a change that waits to be taken along.

use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::line::{self, HasLine, Lined};
use crate::parts::{Deferred, Yield};
use crate::slot::Slot;
use crate::this_thread;

/// In the setter's transaction: there until the change has been delivered, by this one if nobody else does it.
pub(crate) struct Carrier<L: Lined> {
    pub(crate) of: Arc<L>,
    pub(crate) slot: Arc<Slot>,
}

impl<L: Lined> Future for Carrier<L> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Before it takes over: where that ends at the limit, this one may be the one that is to be woken.
        if self.slot.wait(cx.waker().clone()) {
            return Poll::Ready(());
        }
        line::take_over(&self.of, Location::caller());
        if self.slot.is_settled() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<L: Lined> Drop for Carrier<L> {
    fn drop(&mut self) {
        if !self.slot.is_settled() {
            self.slot.set_carried(false);
            // Within an update of it: that one finds the change waiting, and takes over.
            if self.of.store().own_update().is_none() {
                line::hand_over(&self.of, Location::caller());
            }
        }
    }
}

/// In the setter's notification.
pub(crate) struct Awaited<L> {
    pub(crate) of: Arc<L>,
    pub(crate) slot: Arc<Slot>,
}

impl<L: Lined> Deferred<()> for Awaited<L> {
    fn has_settled(&self) -> bool {
        self.slot.is_settled()
    }

    fn take(&self) -> Option<Yield<()>> {
        self.slot.take()
    }

    fn waits_for_this_stack(&self) -> bool {
        let deliverer = self.of.store().lock(Location::caller()).line().deliverer;
        deliverer == this_thread::id() && !self.slot.is_settled()
    }
}
