//! When effects are run: at the next settle point of the transaction that has changed something for them.
//!
//! # Protocol
//!
//! Whatever changes a source asks for a *settle point* first, and marks for that; the effects that become due are put down
//! there. Which it is:
//!
//! | changed | settle point |
//! | --- | --- |
//! | by an effect, or what it calls, while a flush runs it | that flush: the next round |
//! | with no transaction current | the end of the outermost `set` or `batch` on this stack |
//! | in a transaction | a future of that transaction, made with the first effect that is due, and good until it is polled |
//!
//! The last is polled as anything that is added is: when the body has been suspended, before the end, in an atomic
//! transaction when that has committed; and where that is rolled back it is dropped, and nothing is run. If it is dropped for
//! another reason (cancelled), what was due is put down anew where that is dropped.
//!
//! A *flush* runs what is due in rounds, in each each effect at most once, until none is left. What it runs is decided by the
//! graph: an effect that another flush has run meanwhile, or for which nothing has changed after all, is not run.
//!
//! Asynchronous effects, and failures, are collected, and given to the transaction when the flush is over; with none current to
//! one that is made for the [`Notification`] of the `set`.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use settled::plumbing::{self, Fate};
use settled::{BoxError, Transaction};

use crate::flush_hooks;
use crate::graph::{Due, Tracked, Untracked};
use crate::lock::lock;
use crate::notification::Notification;
use crate::parts::Parts;
use crate::running::Running;

/// So many rounds a flush has at most; and so many flushes may follow from one another by way of asynchronous effects.
const ROUNDS: u32 = 100;

type Number = Option<(u64, u64)>;

/// Numbers of settle points: each thread takes so many at a time.
const RANGE: u64 = 1 << 20;
static NEXT: AtomicU64 = AtomicU64::new(RANGE);

/// What has failed in a flush.
pub(crate) struct Failed {
    pub(crate) cause: Cause,
    pub(crate) location: &'static Location<'static>,
}

pub(crate) enum Cause {
    Error(BoxError),
    Panic(Box<dyn Any + Send>),
}

/// A flush that is under way on this thread.
struct Active {
    /// Of which transaction.
    number: Number,
    settle: u64,
    /// For the next round.
    next: Due,
    /// To be set going when it is over.
    starts: Vec<Running>,
    failed: Vec<Failed>,
}

/// The settle point of the transaction that was current last.
struct Open {
    number: Number,
    settle: u64,
    flush: Option<Arc<Flush>>,
}

/// Effects that are due in a transaction.
struct Flush {
    /// None: it has begun.
    due: Mutex<Option<Due>>,
    /// The atomic transaction that holds it back.
    holder: Option<Transaction>,
    /// How many flushes it follows from, by way of asynchronous effects.
    chain: u32,
    location: &'static Location<'static>,
}

/// The future of it.
struct Flushing(Arc<Flush>);

thread_local! {
    static ACTIVE: RefCell<Vec<Active>> = const { RefCell::new(Vec::new()) };
    static OPEN: RefCell<Open> = const { RefCell::new(Open { number: None, settle: 0, flush: None }) };
    /// With no transaction current: what is due, and how many sets and batches there are on this stack.
    static DUE: RefCell<Due> = const { RefCell::new(Due::new()) };
    static SETTLE: Cell<u64> = const { Cell::new(0) };
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    static NUMBER: Cell<u64> = const { Cell::new(0) };
    /// A list to be used again.
    static SPARE: Cell<Option<Due>> = const { Cell::new(None) };
    /// How many flushes what is polled now follows from.
    pub(crate) static CHAIN: Cell<u32> = const { Cell::new(0) };
}

fn next_settle() -> u64 {
    let number = NUMBER.get();
    let number =
        if number.is_multiple_of(RANGE) { NEXT.fetch_add(RANGE, Ordering::Relaxed) + 1 } else { number };
    NUMBER.set(number + 1);
    number
}

/// Something is changed: `f` marks for this settle point, and puts down what is due. It may be called under a lock: what the
/// transaction gets for it is given back, to be added.
#[must_use]
fn settle_point(location: &'static Location<'static>, f: impl FnOnce(u64, &mut Due)) -> Option<Arc<Flush>> {
    let number = plumbing::current_number();
    ACTIVE.with_borrow_mut(|active| {
        match active.last_mut() {
            Some(active) if active.number == number => f(active.settle, &mut active.next),
            _ if number.is_none() => {
                if SETTLE.get() == 0 {
                    SETTLE.set(next_settle());
                }
                DUE.with_borrow_mut(|due| f(SETTLE.get(), due));
            }
            _ => return in_transaction(number, location, f),
        }
        None
    })
}

#[cold]
fn in_transaction(
    number: Number,
    location: &'static Location<'static>,
    f: impl FnOnce(u64, &mut Due),
) -> Option<Arc<Flush>> {
    OPEN.with_borrow_mut(|open| {
        if open.number == number
            && let Some(flush) = &open.flush
            && let Some(due) = &mut *lock(&flush.due)
        {
            f(open.settle, due);
            return None;
        }
        if open.number != number || open.flush.is_some() {
            *open = Open { number, settle: next_settle(), flush: None };
        }
        let mut due = Due::new();
        f(open.settle, &mut due);
        if due.is_empty() {
            return None;
        }
        let flush = Flush {
            due: Mutex::new(Some(due)),
            holder: plumbing::holder(),
            chain: CHAIN.get() + 1,
            location,
        };
        Some(open.flush.insert(Arc::new(flush)).clone())
    })
}

/// This one is due, with nothing locked.
pub(crate) fn owe(node: &Tracked, location: &'static Location<'static>) {
    let flush = settle_point(location, |_, due| due.push(node));
    flush.into_iter().for_each(add);
}

fn add(flush: Arc<Flush>) {
    let location = flush.location;
    drop(plumbing::add_at(Flushing(flush), location));
}

/// A change is being told: what is due with no transaction current is run when the outermost of these ends.
pub(crate) struct Settling {
    location: &'static Location<'static>,
    /// To be added to the transaction.
    flush: Option<Arc<Flush>>,
}

impl Settling {
    pub(crate) fn begin(location: &'static Location<'static>) -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Settling { location, flush: None }
    }

    /// With a change: `f` as for a settle point, also under a lock.
    pub(crate) fn of(location: &'static Location<'static>, f: impl FnOnce(u64, &mut Due)) -> Self {
        let mut settling = Settling::begin(location);
        settling.flush = settle_point(location, f);
        settling
    }

    /// The end, with what the handlers came to. Nothing is locked.
    #[inline]
    pub(crate) fn end(self, told: Notification<()>) -> Notification<()> {
        let location = self.location;
        drop(self);
        if DEPTH.get() > 0 || DUE.with_borrow(Due::is_empty) || plumbing::current_number().is_some() {
            return told;
        }
        let due = DUE.take();
        SETTLE.set(0);
        let (starts, failed) = flush(None, due, 0, location);
        if starts.is_empty() && failed.is_empty() {
            return told;
        }
        notification(told, starts, failed, location)
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        self.flush.take().into_iter().for_each(add);
    }
}

/// What the handlers came to, and the effects.
#[cold]
fn notification(
    told: Notification<()>,
    starts: Vec<Running>,
    failed: Vec<Failed>,
    location: &'static Location<'static>,
) -> Notification<()> {
    let mut parts = Parts::new(location, Vec::new());
    parts.push(told.into_yield());
    let ((), own) = plumbing::lazily(location, || {
        failed.into_iter().for_each(|failed| parts.push_failure(failed.record()));
        for running in starts {
            let location = running.location();
            parts.push_delivery(plumbing::add_at(running, location), None);
        }
    });
    parts.set_own(own);
    Notification::new(parts)
}

impl Failed {
    /// With the current transaction, else with the root.
    fn record(self) -> settled::Failure {
        match self.cause {
            Cause::Error(error) => plumbing::fail_at(error, self.location),
            Cause::Panic(payload) => plumbing::panic_at(payload, self.location),
        }
    }
}

/// An effect has failed: told when the flush is over, at once where there is none.
pub(crate) fn fail(failed: Failed) {
    let failed = ACTIVE.with_borrow_mut(|active| match active.last_mut() {
        Some(active) => {
            active.failed.push(failed);
            None
        }
        None => Some(failed),
    });
    if let Some(failed) = failed {
        failed.record();
    }
}

/// An asynchronous effect is to be set going.
pub(crate) fn start(running: Running) {
    let running = ACTIVE.with_borrow_mut(|active| match active.last_mut() {
        Some(active) => {
            active.starts.push(running);
            None
        }
        None => Some(running),
    });
    if let Some(running) = running {
        let location = running.location();
        drop(plumbing::add_at(running, location));
    }
}

/// Runs what is due, in rounds.
fn flush(
    number: Number,
    due: Due,
    chain: u32,
    location: &'static Location<'static>,
) -> (Vec<Running>, Vec<Failed>) {
    /// Whatever unwinds, the flush is over then.
    struct Height(usize);
    impl Drop for Height {
        fn drop(&mut self) {
            let left = ACTIVE.with_borrow_mut(|all| (all.len() > self.0).then(|| all.split_off(self.0)));
            drop(left);
        }
    }
    let _untracked = Untracked::begin();
    flush_hooks::before();
    let next = SPARE.take().unwrap_or_default();
    let active = Active { number, settle: next_settle(), next, starts: Vec::new(), failed: Vec::new() };
    let _height = ACTIVE.with_borrow_mut(|all| {
        all.push(active);
        Height(all.len() - 1)
    });
    let (mut due, mut again) = (due, Due::new());
    let mut rounds = 0;
    while !due.is_empty() {
        rounds += 1;
        if rounds > ROUNDS || chain > ROUNDS {
            fail(runaway(&due, location));
            break;
        }
        due.run(next_settle(), &mut again);
        ACTIVE.with_borrow_mut(|active| {
            if let Some(active) = active.last_mut() {
                active.next.append(&mut again);
                mem::swap(&mut active.next, &mut due);
            }
        });
    }
    due.recycle();
    DUE.with_borrow_mut(|kept| {
        if kept.is_empty() {
            mem::swap(kept, &mut due);
        }
    });
    let Some(mut active) = ACTIVE.with_borrow_mut(Vec::pop) else { return (Vec::new(), Vec::new()) };
    active.next.recycle();
    SPARE.set(Some(active.next));
    drop(due);
    flush_hooks::after();
    (active.starts, active.failed)
}

/// Those that are still due do not come to rest.
#[cold]
fn runaway(due: &Due, location: &'static Location<'static>) -> Failed {
    let bodies = due.bodies();
    let mut what = format!("effects do not come to rest after {ROUNDS} rounds; made at");
    for (index, place) in bodies.iter().filter_map(|body| body.location()).enumerate() {
        what.push_str(if index == 0 { " " } else { ", " });
        what.push_str(&place.to_string());
    }
    crate::graph::trash::put(bodies);
    Failed { cause: Cause::Error(what.into()), location }
}

impl Future for Flushing {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let Some(due) = lock(&self.0.due).take() else { return Poll::Ready(()) };
        let (starts, failed) = flush(plumbing::current_number(), due, self.0.chain, self.0.location);
        failed.into_iter().for_each(|failed| drop(failed.record()));
        for mut running in starts {
            running.chain = self.0.chain;
            let location = running.location();
            drop(plumbing::add_at(running, location));
        }
        Poll::Ready(())
    }
}

impl Drop for Flushing {
    /// Before it was polled: what is due is due elsewhere, unless what has changed is taken back.
    fn drop(&mut self) {
        let Some(due) = lock(&self.0.due).take() else { return };
        let is_undone = self.0.holder.as_ref().is_some_and(|holder| plumbing::fate(holder) == Fate::Undone);
        if !is_undone {
            add(Arc::new(Flush {
                due: Mutex::new(Some(due)),
                holder: plumbing::holder(),
                chain: self.0.chain,
                location: self.0.location,
            }));
        }
    }
}

/// Effects that are due since something was taken back: run outside of what is rolled back.
pub(crate) fn owe_elsewhere(due: Due, location: &'static Location<'static>) {
    if !due.is_empty() {
        let flush = Flush { due: Mutex::new(Some(due)), holder: None, chain: 0, location };
        let flush = Arc::new(flush);
        drop(settled::add_cleanup(Flushing(flush)));
    }
}

/// A settle point of its own: this number, and the one after.
pub(crate) fn own_settle_point() -> u64 {
    let first = next_settle();
    // They come in pairs, as ranges are even.
    if next_settle() == first + 1 { first } else { own_settle_point() }
}

/// Makes the sets within one step: effects are run at its end, not after each.
///
/// In a transaction it changes nothing: there, all that is done between two suspensions is one step. Batches nest; the
/// outermost counts. What asynchronous effects there are, and failures, go to the [root](settled::Transaction::root), as where
/// the notification of a `set` is dropped.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use settled_signal::{Effect, Observable, batch};
///
/// let (a, b, seen) = (Observable::new(1), Observable::new(2), Arc::new(Mutex::new(vec![])));
/// let effect = Effect::new({
///     let (a, b, seen) = (a.clone(), b.clone(), seen.clone());
///     move || seen.lock().unwrap().push(a.get() + b.get())
/// });
/// batch(|| {
///     a.set(10);
///     b.set(20);
/// });
/// assert_eq!(*seen.lock().unwrap(), [3, 30]);
/// ```
#[track_caller]
pub fn batch<R>(f: impl FnOnce() -> R) -> R {
    struct Ended(Option<Settling>);
    impl Drop for Ended {
        /// On unwind, too: what was set is set.
        fn drop(&mut self) {
            if let Some(settling) = self.0.take() {
                drop(settling.end(Notification::default()));
            }
        }
    }
    let _ended = Ended(Some(Settling::begin(Location::caller())));
    f()
}
