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

/// Reads what others wrote before they let go of an `Arc` whose count has been seen to be down.
#[cfg(not(loom))]
#[inline]
pub(crate) fn load_after_count(flags: &AtomicU8) -> u8 {
    fence(Ordering::Acquire);
    flags.load(Ordering::Relaxed)
}

/// The model checker knows nothing of counts: what reads and writes gets the newest value whatever was seen before.
#[cfg(loom)]
pub(crate) fn load_after_count(flags: &AtomicU8) -> u8 {
    flags.fetch_or(0, Ordering::AcqRel)
}
