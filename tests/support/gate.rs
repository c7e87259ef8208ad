//! Futures that are pending for as long as a test wants.

use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// Closed until it is opened, by hand; then open for good.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    open: bool,
    waiting: Vec<Waker>,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens it and wakes who waits.
    pub fn open(&self) {
        let waiting = {
            let mut state = self.0.lock().unwrap();
            state.open = true;
            mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Wakes who waits, and stays closed: a wake for nothing.
    pub fn rattle(&self) {
        let waiting = self.0.lock().unwrap().waiting.clone();
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Has it been opened?
    pub fn is_open(&self) -> bool {
        self.0.lock().unwrap().open
    }

    /// Ready when the gate is open.
    pub fn pass(&self) -> Pass {
        Pass(self.clone())
    }
}

/// Made by [`Gate::pass`].
#[derive(Debug)]
#[must_use]
pub struct Pass(Gate);

impl Future for Pass {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.0.lock().unwrap();
        if state.open {
            return Poll::Ready(());
        }
        if !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// Pending `times` times, having woken itself each time.
pub fn yields(times: usize) -> Yields {
    Yields(times)
}

/// Made by [`yields`].
#[derive(Debug)]
#[must_use]
pub struct Yields(usize);

impl Future for Yields {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
