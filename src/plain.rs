//! The common case on its own: futures without slots whose handles are gone, in the middle of a round.
//!
//! They are polled one after the other with as little between two of them as can be: the ambient is set up once for all,
//! one `catch_unwind` is around the whole run (a panic ends it, and the driver begins another), and one look at a flag of
//! the engine tells that there is nothing to be done in between.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Context;

use futures::future::BoxFuture;

use crate::current::{Polled, Remains};
use crate::driver::Drive;
use crate::engine::Engine;
use crate::job::{Cell, Job, empty, poll_in};
use crate::ready::Key;
use crate::sync::rarely;
use crate::turn::Done;
use crate::waker::SlotWakers;

/// What is being polled, out of the reach of a panic: one of the first two.
#[derive(Default)]
struct Hand {
    boxed: Option<BoxFuture<'static, ()>>,
    in_cell: Option<Cell>,
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
        let Hand { boxed, in_cell, remains } = hand;
        if result.is_ok() && remains.is_none() {
            self.ambient.polled.set(Polled::Nothing);
            return;
        }
        self.settle_polled(Done {
            job: boxed.map(Job::Boxed).or(in_cell.map(Job::InCell)),
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
        let mut next = self.engine(|engine| engine.next_plain(key));
        while let Some(job) = next {
            ambient.budget.set(ambient.budget.get() - 1);
            ambient.self_woken.set(false);
            next = match job {
                Job::Boxed(boxed) => {
                    if hand.boxed.insert(boxed).as_mut().poll(&mut cx).is_ready() {
                        self.take_remains(hand);
                        hand.boxed = None;
                        if hand.remains.is_some() {
                            return;
                        }
                        self.engine(|engine| self.after_last(engine, key))
                    } else {
                        let job = hand.boxed.take().map(Job::Boxed);
                        self.engine(|engine| self.after_pending(engine, wakers, job))
                    }
                }
                Job::InCell(cell) => {
                    if poll_in(hand.in_cell.insert(cell), &mut cx).is_ready() {
                        self.take_remains(hand);
                        let spare = hand.in_cell.take().map(empty);
                        self.engine(|engine| {
                            engine.keep_cell(spare);
                            if hand.remains.is_some() {
                                return None;
                            }
                            self.after_last(engine, key)
                        })
                    } else {
                        let job = hand.in_cell.take().map(Job::InCell);
                        self.engine(|engine| self.after_pending(engine, wakers, job))
                    }
                }
            };
        }
    }

    /// What a future has left that is done. Taken before that is dropped: the destructor may drive another tree.
    #[inline(always)]
    fn take_remains(&self, hand: &mut Hand) {
        if self.ambient.has_remains() {
            rarely();
            hand.remains = self.ambient.take_remains();
        }
    }

    #[inline(always)]
    fn after_last(&self, engine: &mut Engine, key: Key) -> Option<Job> {
        if !engine.finish_quickly() {
            rarely();
            engine.finish_done(key);
        }
        self.next_of_round(engine, key)
    }

    #[inline(always)]
    fn after_pending(&self, engine: &mut Engine, wakers: &SlotWakers, job: Option<Job>) -> Option<Job> {
        if let Some(job) = job {
            engine.finish_pending(job, wakers, self.ambient.self_woken.get());
        }
        self.next_of_round(engine, wakers.key())
    }

    #[inline(always)]
    fn next_of_round(&self, engine: &mut Engine, key: Key) -> Option<Job> {
        if engine.stirred || engine.has_ops() || self.ambient.budget.get() == 0 {
            rarely();
            return None;
        }
        engine.next_plain(key)
    }
}
