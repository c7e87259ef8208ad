//! Where the driver and who waits for a part of a transaction meet.

use std::sync::Arc;
use std::task::Waker;

use crate::error::Failures;
use crate::sync::{Mutex, lock};
use crate::waker::{Wakers, drop_waker};

/// One `wait`, or several between which nothing was added.
pub(crate) struct WaitRecord {
    /// The node's epoch when it began: what was counted in it or before is waited for.
    pub(crate) epoch: u64,
    /// How much of that is left, beyond what older waits wait for.
    pub(crate) left: u32,
    pub(crate) cells: Vec<Arc<WaitCell>>,
}

impl WaitRecord {
    /// One more that waits for the same. Those who gave up are forgotten before the list grows.
    pub(crate) fn join(&mut self, cell: Arc<WaitCell>) {
        if self.cells.len() == self.cells.capacity() {
            self.cells.retain(|cell| Arc::strong_count(cell) > 1);
        }
        self.cells.push(cell);
    }

    /// Is anybody still there?
    pub(crate) fn is_awaited(&self) -> bool {
        self.cells.iter().any(|cell| Arc::strong_count(cell) > 1)
    }
}

#[derive(Default)]
pub(crate) struct WaitCell {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What was to settle has.
    over: bool,
    /// The failures, once they were asked for: not before, as who never asks must not take them from others.
    failures: Option<Failures>,
    waker: Option<Waker>,
    /// Nobody waits any more.
    abandoned: bool,
}

impl WaitCell {
    /// It is over.
    pub(crate) fn settle(&self, wakers: &mut Wakers) {
        let mut state = lock(&self.state);
        state.over = true;
        wakers.extend(state.waker.take());
    }

    pub(crate) fn is_over(&self) -> bool {
        lock(&self.state).over
    }

    /// Hands the failures over. Returns them if nobody is there any more.
    pub(crate) fn hand_over(&self, failures: Failures, wakers: &mut Wakers) -> Failures {
        let mut state = lock(&self.state);
        if state.abandoned {
            return failures;
        }
        state.failures = Some(failures);
        wakers.extend(state.waker.take());
        Failures::default()
    }

    /// The failures, if they were handed over.
    pub(crate) fn take(&self) -> Option<Failures> {
        lock(&self.state).failures.take()
    }

    /// Is woken by whatever happens next. Look again after it.
    pub(crate) fn listen(&self, waker: Waker) {
        let old = lock(&self.state).waker.replace(waker);
        drop_waker(old);
    }

    /// Nobody waits any more. Returns what was not received.
    pub(crate) fn abandon(&self) -> Option<Failures> {
        let mut state = lock(&self.state);
        state.abandoned = true;
        let (failures, waker) = (state.failures.take(), state.waker.take());
        drop(state);
        drop_waker(waker);
        failures
    }
}
