//! Who is woken: slots, bodies, and those who wait.
//!
//! A slot's waker is made once and used for every future that has the slot, so that a steady state makes none. A stale
//! wake (of an earlier owner of the slot) costs one spurious poll, no more. Wakers hold the shared part of a tree weakly:
//! they keep nothing alive.

use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};

use slab::Slab;
use smallvec::SmallVec;

use crate::current::{self, Ambient};
use crate::error::{call_quietly, drop_quietly};
use crate::ready::Key;
use crate::sync::{AtomicBool, Mutex, Ordering, clear_after_count, lock};
use crate::tree::{Op, Tree};

/// Wakers taken out from under a lock, to be woken without it.
pub(crate) type Wakers = SmallVec<[Waker; 4]>;

/// Wakes the future in one slot of one tree.
pub(crate) struct SlotWaker {
    /// Whose slot it is.
    tree: Weak<Tree>,
    /// The same, to be compared without a reference count.
    tree_id: u64,
    /// Which slot.
    key: Key,
    /// It is in the queue of the woken (or on its way there): more wakes add nothing.
    queued: AtomicBool,
}

/// A slot's waker, in both its shapes.
pub(crate) struct SlotWakers {
    pub(crate) inner: Arc<SlotWaker>,
    pub(crate) waker: Waker,
}

impl SlotWakers {
    pub(crate) fn new(tree: &Arc<Tree>, key: Key) -> Self {
        let inner = Arc::new(SlotWaker {
            tree: Arc::downgrade(tree),
            tree_id: tree.id,
            key,
            queued: AtomicBool::new(false),
        });
        SlotWakers { waker: Waker::from(inner.clone()), inner }
    }

    /// Does anybody hold a clone of it?
    #[inline]
    pub(crate) fn is_kept(&self) -> bool {
        Arc::strong_count(&self.inner) > 2
    }

    #[inline]
    pub(crate) fn key(&self) -> Key {
        self.inner.key
    }
}

impl SlotWaker {
    /// Before a poll: a wake from now on leads to another one. A swap, not a store: it must read what the last waker
    /// wrote, or what that waker's thread did before it woke might not be seen by the poll.
    #[inline]
    pub(crate) fn clear(&self) {
        self.queued.swap(false, Ordering::AcqRel);
    }

    /// For the thread that drives: true if the slot is not in the queue yet.
    #[inline]
    pub(crate) fn queue_locally(&self) -> bool {
        // Two steps suffice: if another thread comes between them, the slot is polled once too often.
        let fresh = !self.queued.load(Ordering::Relaxed);
        if fresh {
            self.queued.store(true, Ordering::Relaxed);
        }
        fresh
    }
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if current::wake_here(self.tree_id, self.key, self) || self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(tree) = self.tree.upgrade() {
            tree.submit(Op::Wake(self.key));
        }
    }
}

/// Wakes a scope because of its body, and tells it so: only then is the body polled.
pub(crate) struct BodyWaker {
    /// The body is to be polled.
    woken: AtomicBool,
    /// The task of the scope, while that is not being polled.
    task: Mutex<Option<Waker>>,
}

impl BodyWaker {
    pub(crate) fn new() -> Self {
        BodyWaker { woken: AtomicBool::new(true), task: Mutex::new(None) }
    }

    /// Takes the mark. `kept`: there are others who may wake it meanwhile.
    #[inline]
    fn take_woken(&self, kept: bool) {
        if kept {
            self.woken.swap(false, Ordering::AcqRel);
        } else {
            clear_after_count(&self.woken);
        }
    }

    #[inline]
    pub(crate) fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Acquire)
    }

    /// For a new body.
    pub(crate) fn reset(&self) {
        self.woken.store(true, Ordering::Release);
    }

    /// From now on the task is woken, until the next `disarm`. Look at `is_woken` after it.
    pub(crate) fn arm(&self, waker: Waker) {
        let old = lock(&self.task).replace(waker);
        drop_waker(old);
    }

    pub(crate) fn disarm(&self) {
        let old = lock(&self.task).take();
        drop_waker(old);
    }
}

impl Wake for BodyWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.woken.swap(true, Ordering::AcqRel) {
            return;
        }
        let task = lock(&self.task).take();
        if let Some(task) = task {
            call_quietly(|| task.wake());
        }
    }
}

/// A body's waker, in both its shapes.
pub(crate) struct BodyWakers {
    pub(crate) inner: Arc<BodyWaker>,
    pub(crate) waker: Waker,
}

impl BodyWakers {
    pub(crate) fn new() -> Self {
        let inner = Arc::new(BodyWaker::new());
        BodyWakers { waker: Waker::from(inner.clone()), inner }
    }

    /// Does anybody hold a clone of it?
    #[inline]
    pub(crate) fn is_kept(&self) -> bool {
        Arc::strong_count(&self.inner) > 2
    }

    /// Takes the mark, before a poll.
    #[inline]
    pub(crate) fn take_woken(&self) {
        self.inner.take_woken(self.is_kept());
    }
}

/// Those who wait for one thing. Each has a seat of its own, so that who is dropped leaves nothing behind.
#[derive(Default)]
pub(crate) struct WakerSet {
    seats: Slab<Option<Waker>>,
}

/// A place in a [`WakerSet`].
pub(crate) type Seat = Option<usize>;

impl WakerSet {
    pub(crate) const fn new() -> Self {
        WakerSet { seats: Slab::new() }
    }

    /// Waits with `waker` from now on. Gives back the one that it replaces, to be dropped without the lock.
    #[must_use]
    pub(crate) fn sit(&mut self, seat: &mut Seat, waker: Waker) -> Option<Waker> {
        match *seat {
            Some(key) => self.seats[key].replace(waker),
            None => {
                *seat = Some(self.seats.insert(Some(waker)));
                None
            }
        }
    }

    /// Waits no more. Gives back the waker, to be dropped without the lock.
    #[must_use]
    pub(crate) fn leave(&mut self, seat: &mut Seat) -> Option<Waker> {
        seat.take().and_then(|key| self.seats.remove(key))
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Everybody, once a task: to be woken (or dropped) without the lock.
    pub(crate) fn take_all(&mut self, into: &mut Wakers) {
        if !self.seats.is_empty() {
            into.extend(self.seats.iter_mut().filter_map(|(_, waker)| waker.take()));
        }
    }
}

/// Beyond this many, comparing each with each would cost more than waking a task twice.
const DEDUPLICATED: usize = 64;

/// Wakes each task once, in order. Whoever does so has nothing to do with a waker that panics.
///
/// A wake may lead to another one, of a tree whose driver waits in another tree, and so on: far down such a chain they are
/// queued, so that it takes no more stack.
pub(crate) fn wake_all(mut wakers: Wakers) {
    if wakers.is_empty() || !current::with(|ambient| ambient.begin_wakes(&mut wakers)) {
        return;
    }
    let _waking = Waking;
    while !wakers.is_empty() {
        wakers.reverse();
        while let Some(waker) = wakers.pop() {
            if wakers.len() < DEDUPLICATED {
                wakers.retain(|other| !other.will_wake(&waker));
            }
            call_quietly(|| waker.wake());
        }
        wakers = current::with(|ambient| ambient.take_wakes());
    }
}

/// Drops a waker that serves no more. What goes on here has nothing to do with a destructor that panics.
#[inline]
pub(crate) fn drop_waker(waker: Option<Waker>) {
    if let Some(waker) = waker {
        drop_quietly(waker);
    }
}

/// For the length of `wake_all`.
struct Waking;

impl Drop for Waking {
    fn drop(&mut self) {
        current::with(Ambient::end_wakes);
    }
}
