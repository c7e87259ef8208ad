//! What the tests use again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use settled_signal::{Computed, Effect, Observable};
use support::Log;

/// What it panics with.
pub(crate) fn caught<R>(f: impl FnOnce() -> R) -> Result<R, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(f))
        .map_err(|payload| payload.downcast_ref::<String>().cloned().unwrap_or_default())
}

/// Counts.
#[derive(Clone, Default)]
pub(crate) struct Count(Arc<AtomicUsize>);

impl Count {
    pub(crate) fn one(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Since this was asked last.
    pub(crate) fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

/// Computes `f` of the value, and counts.
pub(crate) fn counted(
    of: &Observable<i32>,
    count: &Count,
    f: impl Fn(i32) -> i32 + Send + Sync + 'static,
) -> Computed<i32> {
    let (of, count) = (of.clone(), count.clone());
    Computed::new(move || {
        count.one();
        f(of.get())
    })
}

/// Notes each value that it sees.
pub(crate) fn noting(of: &Observable<i32>, log: &Log) -> Effect {
    let (of, log) = (of.clone(), log.clone());
    Effect::new(move || log.note(of.get().to_string()))
}
