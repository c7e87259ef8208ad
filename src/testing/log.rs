//! What happened, in order: [`Log`].

use std::fmt::{self, Debug};
use std::future::Future;
use std::mem;
use std::sync::{Arc, Mutex};

use crate::sync::lock;

/// Lines in the order in which they were noted; clones write to the same log.
///
/// ```
/// let log = settled::testing::Log::new();
/// settled::block_on(settled::scope(async {
///     settled::add(log.step("saved"));
///     log.note("body");
/// }))
/// .unwrap();
/// log.expect(["body", "saved"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a line.
    pub fn note(&self, line: impl Into<String>) {
        let line = line.into();
        lock(&self.0).push(line);
    }

    /// What was noted since the last `take` or `expect`.
    pub fn take(&self) -> Vec<String> {
        mem::take(&mut *lock(&self.0))
    }

    /// Takes what was noted, and compares.
    ///
    /// # Panics
    ///
    /// If it is not that.
    #[track_caller]
    pub fn expect<L>(&self, lines: L)
    where
        L: AsRef<[&'static str]>,
    {
        assert_eq!(self.take(), lines.as_ref(), "what was noted, and what was expected");
    }

    /// A future that notes a line when it is polled, and is done.
    pub fn step(&self, line: &str) -> impl Future<Output = ()> + Send + use<> + 'static {
        let (log, line) = (self.clone(), line.to_owned());
        async move { log.note(line) }
    }

    /// A value that notes a line when it is dropped.
    pub fn at_drop(&self, line: &str) -> AtDrop {
        AtDrop { log: self.clone(), line: line.to_owned() }
    }
}

/// Notes a line when it is dropped. Made by [`Log::at_drop`].
#[must_use = "it notes its line as soon as it is dropped"]
pub struct AtDrop {
    log: Log,
    line: String,
}

impl Drop for AtDrop {
    fn drop(&mut self) {
        self.log.note(mem::take(&mut self.line));
    }
}

impl Debug for AtDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AtDrop").field(&self.line).finish()
    }
}
