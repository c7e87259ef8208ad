//! What becomes of one change that waits to be taken along: from who delivers it to who waits for it.

use std::sync::{Arc, Mutex};
use std::task::Waker;

use crate::lock::lock;
use crate::parts::Yield;

pub(crate) struct Slot(Mutex<Stage>);

enum Stage {
    Waiting {
        /// Of the future that waits in the setter's transaction.
        waker: Option<Waker>,
        /// Is there such a future?
        is_carried: bool,
    },
    Delivered(Yield<()>),
    Taken,
}

impl Slot {
    fn replace(&self, stage: Stage) -> Stage {
        std::mem::replace(&mut *lock(&self.0), stage)
    }

    /// It has been delivered, or will not be.
    pub(crate) fn is_settled(&self) -> bool {
        !matches!(*lock(&self.0), Stage::Waiting { .. })
    }

    /// What the handlers gave, once.
    pub(crate) fn take(&self) -> Option<Yield<()>> {
        let mut stage = lock(&self.0);
        match &*stage {
            Stage::Waiting { .. } | Stage::Taken => None,
            Stage::Delivered(_) => match std::mem::replace(&mut *stage, Stage::Taken) {
                Stage::Delivered(given) => Some(given),
                _ => None,
            },
        }
    }

    /// Waits with this waker from now on. True if there is nothing to wait for.
    pub(crate) fn wait(&self, new: Waker) -> bool {
        let mut stage = lock(&self.0);
        match &mut *stage {
            Stage::Waiting { waker, .. } => {
                let old = waker.replace(new);
                drop(stage);
                drop(old);
                false
            }
            _ => {
                drop(stage);
                drop(new);
                true
            }
        }
    }

    /// Nobody waits any more (or again).
    pub(crate) fn set_carried(&self, carried: bool) {
        let mut stage = lock(&self.0);
        if let Stage::Waiting { waker, is_carried } = &mut *stage {
            *is_carried = carried;
            let old = waker.take();
            drop(stage);
            drop(old);
        }
    }

    /// Is there somebody who waits? His waker, if he has left one since he was last woken.
    pub(crate) fn carrier(&self) -> Option<Option<Waker>> {
        match &mut *lock(&self.0) {
            Stage::Waiting { waker, is_carried: true } => Some(waker.take()),
            _ => None,
        }
    }
}

/// The obligation to settle a slot. Dropped unfulfilled (something has unwound) it says that there was nothing.
pub(crate) struct Due(Arc<Slot>);

impl Due {
    pub(crate) fn new() -> Self {
        Due(Arc::new(Slot(Mutex::new(Stage::Waiting { waker: None, is_carried: true }))))
    }

    pub(crate) fn slot(&self) -> &Arc<Slot> {
        &self.0
    }

    /// The handlers have been called, and this is what they gave.
    pub(crate) fn settle(self, given: Yield<()>) {
        self.settle_with(given);
    }

    fn settle_with(&self, given: Yield<()>) {
        if let Stage::Waiting { waker: Some(waker), .. } = self.0.replace(Stage::Delivered(given)) {
            waker.wake();
        }
    }
}

impl Drop for Due {
    fn drop(&mut self) {
        if !self.0.is_settled() {
            self.settle_with(Yield::Nothing);
        }
    }
}
