//! The common case on its own: futures without slots whose handles are gone, in the middle of a round.
//!
//! They are polled one after the other with as little between two of them as can be: the ambient is set up once for all,
//! one `catch_unwind` is around the whole run (a panic ends it, and the driver begins another), and one look at a flag of
//! the engine tells that there is nothing to be done in between.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Context;

use crate::current::{Polled, Remains};
use crate::driver::Drive;
use crate::ready::Job;
use crate::sync::rarely;
use crate::turn::Done;
use crate::waker::SlotWakers;

/// What is being polled, out of the reach of a panic.
#[derive(Default)]
struct Hand {
    job: Option<Job>,
    /// What it left when it was done.
    remains: Option<Remains>,
}

impl Drive<'_> {
    /// Polls them until one needs more than that, or the round is over.
    #[inline]
    pub(crate) fn run_plain(&self, wakers: &SlotWakers) {
        let key = wakers.key();
        self.become_polled(true, key, false);
        let mut hand = Hand::default();
        let result = catch_unwind(AssertUnwindSafe(|| self.poll_plain(wakers, &mut hand)));
        let Hand { job, remains } = hand;
        if result.is_ok() && remains.is_none() {
            self.ambient.polled.set(Polled::Nothing);
            return;
        }
        self.settle_polled(Done {
            job,
            key,
            loose: true,
            kept: None,
            remains,
            panic: result.err(),
            refused: None,
        });
    }

    /// Leaves what is not settled yet in `hand`.
    fn poll_plain(&self, wakers: &SlotWakers, hand: &mut Hand) {
        let ambient = self.ambient;
        let key = wakers.key();
        let mut cx = Context::from_waker(&wakers.waker);
        // The driver has just looked at everything.
        hand.job = self.engine(|engine| engine.next_plain(key));
        while let Some(job) = &mut hand.job {
            ambient.budget.set(ambient.budget.get() - 1);
            ambient.self_woken.set(false);
            if job.as_mut().poll(&mut cx).is_ready() {
                // Taken first: the destructor may drive another tree.
                if ambient.has_remains() {
                    rarely();
                    hand.remains = ambient.take_remains();
                }
                drop(hand.job.take());
                if hand.remains.is_some() {
                    return;
                }
            }
            let pending = hand.job.take();
            hand.job = self.engine(|engine| {
                match pending {
                    None => {
                        if !engine.finish_quickly() {
                            rarely();
                            engine.finish_done(key);
                        }
                    }
                    Some(job) => engine.finish_pending(job, wakers, ambient.self_woken.get()),
                }
                if engine.stirred || engine.has_ops() || ambient.budget.get() == 0 {
                    rarely();
                    return None;
                }
                engine.next_plain(key)
            });
        }
    }
}
