//! What happened, in order.

use std::mem;
use std::sync::{Arc, Mutex};

/// Lines in the order in which they were noted; clones write to the same log.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a line.
    pub fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    /// What was noted since the last `take`.
    pub fn take(&self) -> Vec<String> {
        mem::take(&mut *self.0.lock().unwrap())
    }

    /// A future that notes a line when it is polled, and is done.
    pub fn step(&self, line: &str) -> impl Future<Output = ()> + Send + use<> + 'static {
        let (log, line) = (self.clone(), line.to_owned());
        async move { log.note(line) }
    }

    /// Notes a line when it is dropped.
    pub fn at_drop(&self, line: &str) -> OnDrop<impl FnOnce() + Send + use<> + 'static> {
        let (log, line) = (self.clone(), line.to_owned());
        on_drop(move || log.note(line))
    }
}

/// Calls its closure when it is dropped.
#[derive(Debug)]
#[must_use]
pub struct OnDrop<F: FnOnce()>(Option<F>);

/// A value that calls `f` when it is dropped.
pub fn on_drop<F: FnOnce()>(f: F) -> OnDrop<F> {
    OnDrop(Some(f))
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}
