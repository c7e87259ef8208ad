//! A task of the [`Executor`](super::Executor), as the test holds it.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::sync::lock;

/// What is counted of a task.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) polls: AtomicUsize,
    pub(super) wakes: AtomicUsize,
}

/// What a task comes to, and who waits for that.
pub(super) struct Outcome<T> {
    result: Option<Result<T, Box<dyn Any + Send>>>,
    done: bool,
    waker: Option<Waker>,
}

pub(super) type Shared<T> = Arc<Mutex<Outcome<T>>>;

impl<T> Default for Outcome<T> {
    fn default() -> Self {
        Outcome { result: None, done: false, waker: None }
    }
}

/// Leaves the outcome.
pub(super) fn finish<T>(shared: &Shared<T>, result: Result<T, Box<dyn Any + Send>>) {
    let waker = {
        let mut outcome = lock(shared);
        outcome.result = Some(result);
        outcome.done = true;
        outcome.waker.take()
    };
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// A task that was [spawned](super::Executor::spawn). It is a future of the output; dropped, the task goes on.
///
/// ```
/// let executor = settled::testing::Executor::new();
/// let task = executor.spawn(async { 7 });
/// assert!(!task.is_done()); // nothing runs by itself
/// executor.run_until_stalled();
/// assert_eq!((task.polls(), task.take()), (1, Some(7)));
/// ```
#[must_use = "dropped, nobody can tell what the task came to"]
pub struct Task<T> {
    pub(super) shared: Shared<T>,
    pub(super) counts: Arc<Counts>,
}

impl<T> Task<T> {
    /// Is it done (or has it panicked)?
    ///
    /// ```
    /// let executor = settled::testing::Executor::new();
    /// let task = executor.spawn(async { 7 });
    /// assert!(!task.is_done());
    /// executor.run_until_stalled();
    /// assert!(task.is_done());
    /// ```
    pub fn is_done(&self) -> bool {
        lock(&self.shared).done
    }

    /// The output, once it is there; then no more.
    ///
    /// # Panics
    ///
    /// With the panic of the task, if it panicked.
    ///
    /// ```
    /// let executor = settled::testing::Executor::new();
    /// let task = executor.spawn(async { 7 });
    /// assert_eq!(task.take(), None);
    /// executor.run_until_stalled();
    /// assert_eq!((task.take(), task.take()), (Some(7), None));
    /// ```
    pub fn take(&self) -> Option<T> {
        let result = lock(&self.shared).result.take()?;
        Some(result.unwrap_or_else(|payload| resume_unwind(payload)))
    }

    /// How often it was polled so far.
    ///
    /// ```
    /// let executor = settled::testing::Executor::new();
    /// let (give, take) = futures::channel::oneshot::channel::<u32>();
    /// let task = executor.spawn(take);
    /// executor.run_until_stalled();
    /// assert_eq!(task.polls(), 1);
    /// give.send(7).unwrap();
    /// executor.run_until_stalled();
    /// assert_eq!(task.polls(), 2);
    /// ```
    pub fn polls(&self) -> usize {
        self.counts.polls.load(Ordering::Relaxed)
    }

    /// How often it was woken so far, also where it was woken already. Being spawned is none.
    ///
    /// ```
    /// let executor = settled::testing::Executor::new();
    /// let (give, take) = futures::channel::oneshot::channel::<u32>();
    /// let task = executor.spawn(take);
    /// executor.run_until_stalled();
    /// assert_eq!(task.wakes(), 0);
    /// give.send(7).unwrap();
    /// assert_eq!(task.wakes(), 1);
    /// ```
    pub fn wakes(&self) -> usize {
        self.counts.wakes.load(Ordering::Relaxed)
    }
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let waker = cx.waker().clone();
        let mut outcome = lock(&self.shared);
        if let Some(result) = outcome.result.take() {
            drop(outcome);
            drop(waker);
            return Poll::Ready(result.unwrap_or_else(|payload| resume_unwind(payload)));
        }
        let taken = outcome.done;
        let old = outcome.waker.replace(waker);
        drop(outcome);
        drop(old);
        assert!(!taken, "the output of a task was taken before");
        Poll::Pending
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("done", &self.is_done())
            .field("polls", &self.polls())
            .field("wakes", &self.wakes())
            .finish()
    }
}
