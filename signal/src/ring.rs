//! What a stream of events has not taken yet: so many at most, the oldest are dropped for new ones, and counted.
//!
//! Events, wakers and what they drop are the user's: nothing of that under the lock.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use crate::lock::lock;
use crate::stream::Lagged;

pub(crate) struct Ring<E> {
    capacity: usize,
    state: Mutex<State<E>>,
    /// The stream has been dropped.
    is_dropped: AtomicBool,
}

struct State<E> {
    events: VecDeque<E>,
    /// How many have been dropped since the stream was last told.
    missed: u64,
    /// Nothing comes any more.
    is_closed: bool,
    waker: Option<Waker>,
}

impl<E> Ring<E> {
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { events: VecDeque::new(), missed: 0, is_closed: false, waker: None };
        Ring { capacity, state: Mutex::new(state), is_dropped: AtomicBool::new(false) }
    }

    pub(crate) fn push(&self, event: E) {
        let mut state = lock(&self.state);
        if self.is_dropped() {
            drop(state);
            return drop(event);
        }
        let oldest = if state.events.len() == self.capacity { state.events.pop_front() } else { None };
        state.missed += u64::from(oldest.is_some());
        state.events.push_back(event);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        drop(oldest);
    }

    /// Nothing comes any more.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.is_closed = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Result<E, Lagged>>> {
        if let Some(next) = lock(&self.state).next() {
            return Poll::Ready(next);
        }
        let waker = cx.waker().clone();
        let mut state = lock(&self.state);
        if let Some(next) = state.next() {
            drop(state);
            drop(waker);
            return Poll::Ready(next);
        }
        let old = state.waker.replace(waker);
        drop(state);
        drop(old);
        Poll::Pending
    }

    pub(crate) fn is_over(&self) -> bool {
        let state = lock(&self.state);
        state.is_closed && state.missed == 0 && state.events.is_empty()
    }

    pub(crate) fn is_dropped(&self) -> bool {
        self.is_dropped.load(Ordering::Acquire)
    }

    /// The stream is being dropped: what it has not taken, nobody will.
    pub(crate) fn abandon(&self) {
        let mut state = lock(&self.state);
        self.is_dropped.store(true, Ordering::Release);
        let left = (std::mem::take(&mut state.events), state.waker.take());
        drop(state);
        drop(left);
    }
}

impl<E> State<E> {
    /// The gap comes before what came after it.
    fn next(&mut self) -> Option<Option<Result<E, Lagged>>> {
        if self.missed > 0 {
            return Some(Some(Err(Lagged::new(std::mem::take(&mut self.missed)))));
        }
        match self.events.pop_front() {
            None if self.is_closed => Some(None),
            None => None,
            event => Some(event.map(Ok)),
        }
    }
}
