//! What a setter's transaction and notification have of a change that waits to be taken along.

use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::change::Shared;
use crate::parts::{Deferred, Yield};
use crate::slot::Slot;
use crate::this_thread;

/// In the setter's transaction: there until the change has been delivered, by this one if nobody else does it.
pub(crate) struct Carrier<T: Clone + Send + Sync + 'static> {
    pub(crate) shared: Arc<Shared<T>>,
    pub(crate) slot: Arc<Slot>,
}

impl<T: Clone + Send + Sync + 'static> Future for Carrier<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Before it takes over: where that ends at the limit, this one may be the one that is to be woken.
        if self.slot.wait(cx.waker().clone()) {
            return Poll::Ready(());
        }
        self.shared.take_over(Location::caller());
        if self.slot.is_settled() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<T: Clone + Send + Sync + 'static> Drop for Carrier<T> {
    fn drop(&mut self) {
        if !self.slot.is_settled() {
            self.slot.set_carried(false);
            // Within an update of this observable: that one finds the change waiting, and takes over.
            if self.shared.store.own_update().is_none() {
                self.shared.hand_over(Location::caller());
            }
        }
    }
}

/// In the setter's notification.
pub(crate) struct Awaited<T> {
    pub(crate) shared: Arc<Shared<T>>,
    pub(crate) slot: Arc<Slot>,
}

impl<T: Clone + Send + Sync + 'static> Deferred<()> for Awaited<T> {
    fn has_settled(&self) -> bool {
        self.slot.is_settled()
    }

    fn take(&self) -> Option<Yield<()>> {
        self.slot.take()
    }

    fn waits_for_this_stack(&self) -> bool {
        let deliverer = self.shared.store.lock(Location::caller()).deliverer;
        deliverer == this_thread::id() && !self.slot.is_settled()
    }
}
