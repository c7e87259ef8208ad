//! The lock around a value: free, held for a moment, or held by an `update`, whose closure is the user's.
//!
//! Who touches the value from within its own `update` would wait for himself for ever: instead it panics, and names both
//! places. That is looked at only where the lock is not free, so that it costs nothing otherwise.

use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crate::lock::lock;
use crate::this_thread;

pub(crate) struct Store<S> {
    state: Mutex<S>,
    /// The `update` that runs now. Set and reset by who holds `state`.
    updating: Mutex<Option<Updating>>,
}

#[derive(Clone, Copy)]
struct Updating {
    thread: u64,
    location: &'static Location<'static>,
}

impl<S> Store<S> {
    pub(crate) fn new(state: S) -> Self {
        Store { state: Mutex::new(state), updating: Mutex::new(None) }
    }

    /// Waits until others have done.
    ///
    /// # Panics
    ///
    /// Within an `update` of this store on this thread.
    #[inline]
    pub(crate) fn lock(&self, location: &'static Location<'static>) -> MutexGuard<'_, S> {
        match self.state.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => self.lock_slowly(location),
        }
    }

    #[cold]
    fn lock_slowly(&self, location: &'static Location<'static>) -> MutexGuard<'_, S> {
        if let Some(update) = self.own_update() {
            panic!("an observable is touched at {location} from within its own `update` at {update}");
        }
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the `update` of this thread is that runs now.
    pub(crate) fn own_update(&self) -> Option<&'static Location<'static>> {
        let updating = *lock(&self.updating);
        updating.filter(|updating| updating.thread == this_thread::id()).map(|updating| updating.location)
    }

    /// Runs the user's closure. To be called by who holds the lock.
    pub(crate) fn update(&self, location: &'static Location<'static>, f: impl FnOnce()) {
        struct Done<'a>(&'a Mutex<Option<Updating>>);
        impl Drop for Done<'_> {
            fn drop(&mut self) {
                *lock(self.0) = None;
            }
        }
        *lock(&self.updating) = Some(Updating { thread: this_thread::id(), location });
        let _done = Done(&self.updating);
        f();
    }
}
