//! A future, polled by hand.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

/// Enough for every test here; who needs more polls than these never comes to rest.
const RESTLESS: usize = 5_000;

/// A waker that counts.
#[derive(Debug, Default)]
pub struct Wakes(AtomicUsize);

impl Wakes {
    /// How often it was woken so far.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Calls its closure when it is woken.
struct OnWake<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for OnWake<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

/// A waker that calls `f`.
pub fn on_wake(f: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(OnWake(f)))
}

/// A future with a counting waker of its own. It is polled where and when the test says, on whatever thread.
pub struct Task<F> {
    future: Pin<Box<F>>,
    wakes: Arc<Wakes>,
    waker: Waker,
    /// Wakes that the last poll has answered; `None` before the first one.
    answered: Option<usize>,
}

impl<F: Future> Task<F> {
    /// Nothing is polled yet.
    pub fn new(future: F) -> Self {
        let wakes = Arc::<Wakes>::default();
        let waker = Waker::from(wakes.clone());
        Task { future: Box::pin(future), wakes, waker, answered: None }
    }

    /// Polls once, woken or not.
    pub fn poll(&mut self) -> Poll<F::Output> {
        self.answered = Some(self.wakes.count());
        self.future.as_mut().poll(&mut Context::from_waker(&self.waker))
    }

    /// Wakes since the last poll began.
    pub fn wakes(&self) -> usize {
        self.wakes.count() - self.answered.unwrap_or(0)
    }

    /// Was it woken since the last poll began?
    pub fn is_woken(&self) -> bool {
        self.wakes() > 0
    }

    /// What an executor does: polls for the first time, and then only as long as it was woken. A lost wake is thus seen
    /// as `Pending`, never as a test that hangs.
    pub fn run(&mut self) -> Poll<F::Output> {
        let mut polls = 0;
        while self.answered.is_none() || self.is_woken() {
            if let ready @ Poll::Ready(_) = self.poll() {
                return ready;
            }
            polls += 1;
            assert!(polls < RESTLESS, "never comes to rest");
        }
        Poll::Pending
    }
}

impl<F> fmt::Debug for Task<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("wakes", &self.wakes).finish_non_exhaustive()
    }
}

/// Runs a future to its end on this thread; panics when nobody wakes it any more.
pub fn finish<F: Future>(future: F) -> F::Output {
    match Task::new(future).run() {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("stalled: pending, and nobody wakes it"),
    }
}

/// Calls `f` on another thread and waits for it; its panic goes on here.
pub fn elsewhere<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    thread::scope(|s| match s.spawn(f).join() {
        Ok(result) => result,
        Err(payload) => std::panic::resume_unwind(payload),
    })
}
