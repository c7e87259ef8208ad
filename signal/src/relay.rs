//! The deliveries of one notification, one after another: each but the first waits in this queue, besides that of its handler.

use crate::delivery::Delivery;
use crate::queue::{Queue, Queued};

pub(crate) struct Relay(Queue);

impl Relay {
    pub(crate) fn new() -> Self {
        Relay(Queue::new(Delivery::Queued))
    }
}

impl Queued for Relay {
    fn queue(&self) -> &Queue {
        &self.0
    }
}
