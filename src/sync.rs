//! The primitives that the model checker replaces, in one place.

use std::sync::PoisonError;

#[cfg(loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
};
#[cfg(not(loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
};

/// Tells the compiler that what leads here is rare: so that it lays out, and inlines, the other way.
#[cold]
#[inline(never)]
pub(crate) fn rarely() {}

/// Locks. No user code runs under our locks, so a poisoned one still guards sound data.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stores, so that no later load comes before it: of two threads that each store and then look at what the other stores,
/// one sees it. The other side stores and has a fence. A swap costs a third of a fence.
#[cfg(not(loom))]
#[inline]
pub(crate) fn store_before_loads(flag: &AtomicBool, value: bool) {
    flag.swap(value, Ordering::SeqCst);
}

/// The model checker has the order of one with all others for fences only.
#[cfg(loom)]
pub(crate) fn store_before_loads(flag: &AtomicBool, value: bool) {
    flag.store(value, Ordering::Release);
    fence(Ordering::SeqCst);
}

/// Reads what others wrote before they let go of an `Arc` whose count has been seen to be down.
#[cfg(not(loom))]
#[inline]
pub(crate) fn load_after_count(flags: &AtomicU8) -> u8 {
    fence(Ordering::Acquire);
    flags.load(Ordering::Relaxed)
}

/// Lowers a flag that nobody else can reach, as the count of its `Arc` has shown.
#[cfg(not(loom))]
#[inline]
pub(crate) fn clear_after_count(flag: &AtomicBool) {
    fence(Ordering::Acquire);
    flag.store(false, Ordering::Relaxed);
}

#[cfg(loom)]
pub(crate) fn clear_after_count(flag: &AtomicBool) {
    flag.swap(false, Ordering::AcqRel);
}

/// The model checker knows nothing of counts: what reads and writes gets the newest value whatever was seen before.
#[cfg(loom)]
pub(crate) fn load_after_count(flags: &AtomicU8) -> u8 {
    flags.fetch_or(0, Ordering::AcqRel)
}
