//! The runs of an asynchronous effect.
//!
//! # Protocol
//!
//! Each run is a *generation*, and a future ([`Running`]) in the transaction that has asked for it. The effect's own future is
//! not in that, but with the effect: at most one at a time, polled by the [`Running`] that *owns* it, the newest. So a new
//! generation drops what runs, at once, or, where it is being polled at that moment, when that poll is over; only then is the
//! next begun. Those of older generations stay and wait: they are done when a newer one is. If the owner is dropped
//! (cancelled), one that waits becomes the owner, and begins anew.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures::future::BoxFuture;
use settled::{BoxError, plumbing};

use crate::flush;
use crate::flush::CHAIN;
use crate::lock::lock;
use crate::outcome::HandlerOutcome;
use crate::parts::Yield;
use crate::reaction::{Kind, Owning, Reaction};

type Run = BoxFuture<'static, HandlerOutcome<()>>;

/// What an asynchronous effect has beyond others.
pub(crate) struct Rerun {
    make: Box<dyn Fn() -> Run + Send + Sync>,
    /// What runs is finished before it is begun anew.
    finishes: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The newest generation.
    wanted: u64,
    /// The newest one that is done.
    done: u64,
    /// The one that runs, or is to; 0: none.
    owner: u64,
    /// What runs, unless it is being polled.
    future: Option<Run>,
    is_polled: bool,
    is_stopped: bool,
    /// Of those who wait, by generation.
    wakers: Vec<(u64, Waker)>,
}

impl Rerun {
    pub(crate) fn new(make: Box<dyn Fn() -> Run + Send + Sync>, finishes: bool) -> Self {
        Rerun { make, finishes, state: Mutex::default() }
    }

    /// A new generation.
    pub(crate) fn again(&self) -> u64 {
        let mut state = lock(&self.state);
        state.wanted += 1;
        let wanted = state.wanted;
        if self.finishes && state.owner != 0 {
            return wanted;
        }
        state.owner = wanted;
        let old = state.future.take();
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        // By the rules of a closure of the user's: what unwinds here is caught by who drives, or by the flush's caller.
        drop_quietly(old);
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
        wanted
    }

    pub(crate) fn stop(&self) {
        let mut state = lock(&self.state);
        state.is_stopped = true;
        let old = state.future.take();
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        drop_quietly(old);
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

/// A panic in a destructor of what is cancelled is recorded with what is current.
fn drop_quietly(old: Option<Run>) {
    if let Some(old) = old
        && let Err(payload) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(old)))
    {
        plumbing::panic_at(payload, Location::caller());
    }
}

/// One generation, in its transaction.
pub(crate) struct Running {
    reaction: Arc<Reaction>,
    generation: u64,
    /// How many flushes it follows from.
    pub(crate) chain: u32,
}

/// What to do next.
enum Turn {
    Done,
    Wait,
    /// Poll it; none: begin it.
    Poll(Option<Run>),
}

impl Running {
    pub(crate) fn new(reaction: Arc<Reaction>, generation: u64) -> Self {
        Running { reaction, generation, chain: 0 }
    }

    pub(crate) fn location(&self) -> &'static Location<'static> {
        self.reaction.location
    }

    fn rerun(&self) -> &Rerun {
        match &self.reaction.kind {
            Kind::Async(rerun) => rerun,
            Kind::Sync(_) => unreachable!("only asynchronous effects are polled"),
        }
    }

    fn turn(&self, cx: &mut Context<'_>) -> Turn {
        let waker = cx.waker().clone();
        let mut state = lock(&self.rerun().state);
        if state.is_stopped || state.done >= self.generation {
            return Turn::Done;
        }
        if state.owner == 0 {
            state.owner = self.generation;
        }
        // Also where it is polled now: a newer one is to be heard of.
        let old = match state.wakers.iter_mut().find(|(generation, _)| *generation == self.generation) {
            Some((_, old)) => Some(std::mem::replace(old, waker)),
            None => {
                state.wakers.push((self.generation, waker));
                None
            }
        };
        let turn = if state.owner == self.generation && !state.is_polled {
            state.is_polled = true;
            Turn::Poll(state.future.take())
        } else {
            Turn::Wait
        };
        drop(state);
        drop(old);
        turn
    }
}

/// It is being polled. Whatever unwinds, it is not any more when this is dropped.
struct Polling<'a> {
    running: &'a Running,
    /// What is to go on.
    future: Option<Run>,
    is_done: bool,
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.running.rerun().state);
        state.is_polled = false;
        let mut wakers = Vec::new();
        let is_over = state.is_stopped || state.owner != self.running.generation;
        if self.is_done && !is_over {
            state.done = state.owner;
            state.owner = 0;
        } else if !is_over {
            state.future = self.future.take();
        }
        if self.is_done || is_over {
            wakers = std::mem::take(&mut state.wakers);
        }
        drop(state);
        drop_quietly(self.future.take());
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl Future for Running {
    type Output = Result<Yield<()>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let future = match self.turn(cx) {
                Turn::Done => return Poll::Ready(Ok(Yield::Nothing)),
                Turn::Wait => return Poll::Pending,
                Turn::Poll(future) => future,
            };
            let Reaction { tracked, location, .. } = &*self.reaction;
            let is_first = future.is_none();
            // A panic ends it: it is done, and the failure is its transaction's.
            let mut polling = Polling { running: &self, future, is_done: true };
            let chain = Chained(CHAIN.replace(self.chain));
            let owning = Owning::begin(self.reaction.clone());
            let site = plumbing::polled_number()
                .map(|number| (plumbing::polled_number as fn() -> Option<(u64, u64)>, number));
            let (polled, is_marked) = tracked.graph().run_part(tracked, is_first, site, || {
                polling.future.get_or_insert_with(|| (self.rerun().make)()).as_mut().poll(cx)
            });
            drop((owning, chain));
            if polled.is_pending() {
                polling.is_done = false;
            } else {
                self.reaction.is_valid_again();
            }
            drop(polling);
            if is_marked {
                flush::owe(tracked, location);
            }
            match polled {
                Poll::Ready(HandlerOutcome(outcome)) => return Poll::Ready(outcome),
                // Looks again: it may have been superseded meanwhile.
                Poll::Pending if self.is_superseded() => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Running {
    fn is_superseded(&self) -> bool {
        let state = lock(&self.rerun().state);
        state.is_stopped || state.owner != self.generation
    }
}

struct Chained(u32);

impl Drop for Chained {
    fn drop(&mut self) {
        CHAIN.set(self.0);
    }
}

impl Drop for Running {
    /// Before it was done: another one that waits is to run it.
    fn drop(&mut self) {
        let mut state = lock(&self.rerun().state);
        let own: Vec<_> =
            state.wakers.extract_if(.., |(generation, _)| *generation == self.generation).collect();
        if state.owner != self.generation || state.done >= self.generation {
            drop(state);
            drop(own);
            return;
        }
        state.owner = 0;
        let old = state.future.take();
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        drop_quietly(old);
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
    }
}
