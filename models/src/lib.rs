//! What the models are written with. See the README beside this package.
#![cfg(loom)]
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use loom::sync::{Condvar, Mutex};
use loom::thread;
use settled::{Failures, Transaction};

/// Runs a model in every order of its threads' steps, with as many preemptions as `LOOM_MAX_PREEMPTIONS` says (else three).
/// Returns what it came to, each outcome once: so a test can say which ones are to be met.
pub fn check<T: Ord + Send + 'static>(model: impl Fn() -> T + Send + Sync + 'static) -> BTreeSet<T> {
    check_within(3, model)
}

/// As `check`, for a model with so many steps that fewer preemptions have to do, unless the environment says otherwise.
pub fn check_within<T: Ord + Send + 'static>(
    preemptions: usize,
    model: impl Fn() -> T + Send + Sync + 'static,
) -> BTreeSet<T> {
    settled::set_reporter(|_| ());
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.max_branches = builder.max_branches.max(20_000);
    let met = Arc::new(std::sync::Mutex::new((0_u64, BTreeSet::new())));
    let meets = met.clone();
    let start = Instant::now();
    builder.check(move || {
        let outcome = model();
        let mut met = meets.lock().unwrap();
        met.0 += 1;
        met.1.insert(outcome);
    });
    let (executions, outcomes) = std::mem::take(&mut *met.lock().unwrap());
    let name = std::thread::current().name().map(String::from).unwrap_or_default();
    println!("{executions:8} executions, {:6.2?} {name}", start.elapsed());
    outcomes
}

/// Runs `f` on another thread of the model.
pub fn spawn<T: 'static>(f: impl FnOnce() -> T + 'static) -> thread::JoinHandle<T> {
    thread::spawn(f)
}

/// Blocks until the future is done. It is polled again only when its waker was woken, so that a lost wake is a deadlock.
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let parker = Arc::<Parker>::default();
    let waker = Waker::from(parker.clone());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        parker.park();
    }
}

// Not `thread::park`: loom's `unpark` also frees a thread that is blocked in a `join` or for a lock.
#[derive(Default)]
struct Parker {
    woken: Mutex<bool>,
    wakes: Condvar,
}

impl Parker {
    #[track_caller]
    fn park(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !std::mem::take(&mut *woken) {
            woken = self.wakes.wait(woken).unwrap();
        }
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.woken.lock().unwrap() = true;
        self.wakes.notify_one();
    }
}

/// Polls once, with a waker that wakes nobody.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Pends until it is opened. Opening wakes who pends.
#[derive(Default)]
pub struct Gate {
    state: Mutex<(bool, Option<Waker>)>,
}

impl Gate {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn open(&self) {
        let waker = {
            let mut state = self.state.lock().unwrap();
            state.0 = true;
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub fn pass(self: &Arc<Self>) -> impl Future<Output = ()> + Send + Unpin + 'static {
        let gate = self.clone();
        poll_fn(move |cx| {
            let mut state = gate.state.lock().unwrap();
            if state.0 {
                return Poll::Ready(());
            }
            let old = state.1.replace(cx.waker().clone());
            drop(state);
            drop(old);
            Poll::Pending
        })
    }
}

/// Pends once, having woken itself.
pub fn yield_now() -> impl Future<Output = ()> + Send + Unpin + 'static {
    let mut yielded = false;
    poll_fn(move |cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

/// What happened, in order. Not one of the model's own steps: looking at it hides no race and orders nothing.
#[derive(Clone, Default)]
pub struct Log(Arc<std::sync::Mutex<Vec<u32>>>);

impl Log {
    pub fn note(&self, what: u32) {
        self.0.lock().unwrap().push(what);
    }

    pub fn noted(&self) -> Vec<u32> {
        self.0.lock().unwrap().clone()
    }

    pub fn has(&self, what: u32) -> bool {
        self.noted().contains(&what)
    }
}

/// A future that fails.
pub async fn failing() -> Result<(), &'static str> {
    Err("no")
}

/// How many failures a `wait` or an `end` told of.
pub fn told(result: &Result<(), Failures>) -> usize {
    result.as_ref().map_or_else(Failures::len, |()| 0)
}

/// How many failures came to the root. To be asked when all else is done.
pub fn told_to_root() -> usize {
    told(&block_on(Transaction::root().wait()))
}
