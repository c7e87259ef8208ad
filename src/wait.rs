//! Where the driver and who waits for a part of a transaction meet.

use std::sync::Arc;
use std::task::Waker;

use crate::error::Failures;
use crate::sync::{Mutex, lock};
use crate::waker::Wakers;

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
    /// Over, with these failures.
    done: Option<Failures>,
    waker: Option<Waker>,
    /// Nobody waits any more.
    abandoned: bool,
}

impl WaitCell {
    /// It is over. Returns the failures that were not taken.
    pub(crate) fn settle(&self, failures: Failures, wakers: &mut Wakers) -> Failures {
        let mut state = lock(&self.state);
        if state.abandoned {
            return failures;
        }
        state.done = Some(failures);
        wakers.extend(state.waker.take());
        Failures::default()
    }

    /// The failures, if it is over.
    pub(crate) fn take(&self) -> Option<Failures> {
        lock(&self.state).done.take()
    }

    pub(crate) fn listen(&self, waker: Waker) {
        let mut state = lock(&self.state);
        let old = if state.done.is_some() { Some(waker) } else { state.waker.replace(waker) };
        drop(state);
        drop(old);
    }

    /// Nobody waits any more. Returns what was not received.
    pub(crate) fn abandon(&self) -> Option<Failures> {
        let mut state = lock(&self.state);
        state.abandoned = true;
        let (done, waker) = (state.done.take(), state.waker.take());
        drop(state);
        drop(waker);
        done
    }
}
