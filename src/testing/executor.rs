//! An executor that is driven by hand, on virtual time: [`Executor`].

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::future::BoxFuture;

use super::task::{self, Counts, Task};
use super::time::{Clock, Sleep};
use crate::sync::lock;

/// Polls its tasks when the test says, on the thread that says it, in the order in which they were woken; its time stands
/// still until it is moved. Clones are the same executor.
///
/// A task is polled only if it was woken: so a wake that got lost is seen, as a task that is not
/// [done](Task::is_done) where nothing is left to run. [`spawner`](Executor::spawner) makes it the spawner of a transaction
/// or of the root.
///
/// ```
/// use settled::testing::Executor;
/// use std::time::Duration;
///
/// let executor = Executor::new();
/// let timer = executor.clone();
/// let task = executor.spawn(async move {
///     timer.sleep(Duration::from_secs(5)).await;
///     "awake"
/// });
/// executor.run_until_stalled();
/// assert!(!task.is_done());
/// executor.advance(Duration::from_secs(5));
/// assert_eq!(task.take(), Some("awake"));
/// ```
#[derive(Clone, Default)]
pub struct Executor {
    queue: Arc<Queue>,
    clock: Arc<Clock>,
}

#[derive(Default)]
struct Queue {
    /// To be polled, in the order of waking.
    woken: Mutex<VecDeque<Arc<Spawned>>>,
}

/// A task, as it is queued.
struct Spawned {
    /// Until it is done; taken out while it is polled.
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    /// It is in the queue.
    queued: AtomicBool,
    counts: Arc<Counts>,
    /// Weak: a waker that is kept for ever keeps no tasks.
    queue: Weak<Queue>,
}

impl Wake for Spawned {
    fn wake(self: Arc<Self>) {
        self.counts.wakes.fetch_add(1, Ordering::Relaxed);
        self.enqueue();
    }
}

impl Spawned {
    fn enqueue(self: Arc<Self>) {
        if let Some(queue) = self.queue.upgrade()
            && !self.queued.swap(true, Ordering::AcqRel)
        {
            lock(&queue.woken).push_back(self);
        }
    }

    fn poll(self: &Arc<Self>) {
        self.queued.swap(false, Ordering::AcqRel);
        let Some(mut future) = lock(&self.future).take() else { return };
        self.counts.polls.fetch_add(1, Ordering::Relaxed);
        let waker = Waker::from(self.clone());
        let pending = future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending();
        if pending {
            *lock(&self.future) = Some(future);
        }
    }
}

impl Executor {
    /// Without tasks, at time zero.
    ///
    /// ```
    /// let executor = settled::testing::Executor::new();
    /// assert!(executor.now().is_zero());
    /// assert!(!executor.step()); // nothing to do
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a task. It is not polled in here. Its panic is kept for who takes the output.
    ///
    /// ```
    /// let executor = settled::testing::Executor::new();
    /// let task = executor.spawn(async { 7 });
    /// assert_eq!(task.polls(), 0);
    /// assert_eq!(executor.block_on(task), 7);
    /// ```
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let shared = task::Shared::default();
        let left = shared.clone();
        let mut future = Some(Box::pin(future));
        let counts = self.enqueue(Box::pin(std::future::poll_fn(move |cx| {
            let polled = catch_unwind(AssertUnwindSafe(|| {
                let polled = match &mut future {
                    Some(future) => future.as_mut().poll(cx),
                    None => Poll::Pending,
                };
                if polled.is_ready() {
                    future = None;
                }
                polled
            }));
            match polled {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(output)) => task::finish(&left, Ok(output)),
                Err(payload) => task::finish(&left, Err(payload)),
            }
            Poll::Ready(())
        })));
        Task { shared, counts }
    }

    fn enqueue(&self, future: BoxFuture<'static, ()>) -> Arc<Counts> {
        let counts = Arc::<Counts>::default();
        let spawned = Spawned {
            future: Mutex::new(Some(future)),
            queued: AtomicBool::new(false),
            counts: counts.clone(),
            queue: Arc::downgrade(&self.queue),
        };
        Arc::new(spawned).enqueue();
        counts
    }

    /// A spawner that has its futures polled here, for transactions and
    /// [`set_root_spawner`](crate::set_root_spawner).
    ///
    /// ```
    /// let executor = settled::testing::Executor::new();
    /// settled::set_root_spawner(executor.spawner());
    /// let saved = settled::add_value(async { "saved" });
    /// assert!(!saved.is_settled());
    /// executor.run_until_stalled();
    /// assert!(saved.is_settled());
    /// ```
    pub fn spawner(&self) -> impl Fn(BoxFuture<'static, ()>) + Send + Sync + Clone + use<> + 'static {
        let executor = self.clone();
        move |future| drop(executor.enqueue(future))
    }

    /// Polls the task that was woken first. False if none was.
    ///
    /// ```
    /// let executor = settled::testing::Executor::new();
    /// let tasks = [1, 2].map(|number| executor.spawn(async move { number }));
    /// assert!(executor.step());
    /// assert_eq!(tasks.map(|task| task.take()), [Some(1), None]);
    /// assert!(executor.step() && !executor.step());
    /// ```
    pub fn step(&self) -> bool {
        let next = lock(&self.queue.woken).pop_front();
        next.inspect(Spawned::poll).is_some()
    }

    /// Polls tasks until none is woken. Returns how many polls that took.
    ///
    /// # Panics
    ///
    /// After a million polls: something there wakes itself for ever.
    ///
    /// ```
    /// let executor = settled::testing::Executor::new();
    /// let tasks = [1, 2].map(|number| executor.spawn(async move { number }));
    /// assert_eq!(executor.run_until_stalled(), 2);
    /// assert_eq!(tasks.map(|task| task.take()), [Some(1), Some(2)]);
    /// ```
    pub fn run_until_stalled(&self) -> usize {
        const RESTLESS: usize = 1_000_000;
        let mut polls = 0;
        while self.step() {
            polls += 1;
            assert!(polls < RESTLESS, "the tasks never come to rest");
        }
        polls
    }

    /// The virtual time since the executor was made.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let executor = settled::testing::Executor::new();
    /// executor.advance(Duration::from_secs(3600)); // takes no time
    /// assert_eq!(executor.now(), Duration::from_secs(3600));
    /// ```
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Is ready when so much virtual time has passed from now on.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let executor = settled::testing::Executor::new();
    /// executor.block_on(executor.sleep(Duration::from_secs(60)));
    /// assert_eq!(executor.now(), Duration::from_secs(60));
    /// ```
    pub fn sleep(&self, length: Duration) -> Sleep {
        self.clock.sleep(length)
    }

    /// Lets so much time pass: stops at every timer on the way, in order, and runs what that woke until it stalls.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let executor = settled::testing::Executor::new();
    /// let (timer, log) = (executor.clone(), settled::testing::Log::new());
    /// for seconds in [2, 1, 3] {
    ///     let (sleep, note) = (timer.sleep(Duration::from_secs(seconds)), log.clone());
    ///     drop(executor.spawn(async move {
    ///         sleep.await;
    ///         note.note(format!("{seconds} s"));
    ///     }));
    /// }
    /// executor.advance(Duration::from_secs(2));
    /// log.expect(["1 s", "2 s"]);
    /// ```
    pub fn advance(&self, length: Duration) {
        let end = self.now().saturating_add(length);
        self.run_until_stalled();
        while let Some(due) = self.clock.next().filter(|due| *due <= end) {
            self.clock.move_to(due);
            self.run_until_stalled();
        }
        self.clock.move_to(end);
    }

    /// Runs this future, and the tasks, until it is done. Where everything waits, the time moves on to the next timer. The
    /// future may borrow, and need not be `Send`.
    ///
    /// # Panics
    ///
    /// If all wait and no timer is left: a wake got lost, or they wait for each other.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let executor = settled::testing::Executor::new();
    /// let greeting = String::from("hello");
    /// let length = executor.block_on(async {
    ///     executor.sleep(Duration::from_secs(1)).await;
    ///     greeting.len() // borrowed
    /// });
    /// assert_eq!(length, 5);
    /// ```
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(woken.clone());
        loop {
            if woken.0.swap(false, Ordering::AcqRel) {
                if let Poll::Ready(output) = Pin::new(&mut future).poll(&mut Context::from_waker(&waker)) {
                    return output;
                }
            } else if !self.step() && !woken.0.load(Ordering::Acquire) {
                match self.clock.next() {
                    Some(due) => self.clock.move_to(due),
                    None => panic!("stalled: all wait, nobody wakes them, and no timer is left"),
                }
            }
        }
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let woken = lock(&self.queue.woken).len();
        f.debug_struct("Executor").field("woken", &woken).field("now", &self.now()).finish()
    }
}
