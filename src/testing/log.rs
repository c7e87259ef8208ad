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
    ///
    /// ```
    /// let log = settled::testing::Log::new();
    /// assert!(log.take().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a line.
    ///
    /// ```
    /// let log = settled::testing::Log::new();
    /// log.clone().note("saved"); // the same log
    /// log.expect(["saved"]);
    /// ```
    pub fn note(&self, line: impl Into<String>) {
        let line = line.into();
        lock(&self.0).push(line);
    }

    /// What was noted since the last `take` or `expect`.
    ///
    /// ```
    /// let log = settled::testing::Log::new();
    /// log.note("saved");
    /// assert_eq!(log.take(), ["saved"]);
    /// assert!(log.take().is_empty());
    /// ```
    pub fn take(&self) -> Vec<String> {
        mem::take(&mut *lock(&self.0))
    }

    /// Takes what was noted, and compares.
    ///
    /// # Panics
    ///
    /// If it is not that.
    ///
    /// ```
    /// let log = settled::testing::Log::new();
    /// log.note("saved");
    /// log.expect(["saved"]);
    /// log.expect([]); // it was taken
    /// ```
    #[track_caller]
    pub fn expect<L>(&self, lines: L)
    where
        L: AsRef<[&'static str]>,
    {
        assert_eq!(self.take(), lines.as_ref(), "what was noted, and what was expected");
    }

    /// A future that notes a line when it is polled, and is done.
    ///
    /// ```
    /// let log = settled::testing::Log::new();
    /// let step = log.step("saved");
    /// log.expect([]); // not polled yet
    /// settled::block_on(step);
    /// log.expect(["saved"]);
    /// ```
    pub fn step(&self, line: &str) -> impl Future<Output = ()> + Send + use<> + 'static {
        let (log, line) = (self.clone(), line.to_owned());
        async move { log.note(line) }
    }

    /// A value that notes a line when it is dropped.
    ///
    /// ```
    /// let log = settled::testing::Log::new();
    /// let held = log.at_drop("goodbye");
    /// log.expect([]);
    /// drop(held);
    /// log.expect(["goodbye"]);
    /// ```
    pub fn at_drop(&self, line: &str) -> AtDrop {
        AtDrop { log: self.clone(), line: line.to_owned() }
    }
}

/// Notes a line when it is dropped. Made by [`Log::at_drop`].
///
/// ```
/// let log = settled::testing::Log::new();
/// let future = {
///     let held: settled::testing::AtDrop = log.at_drop("dropped");
///     async move { drop(held) }
/// };
/// drop(future); // unpolled
/// log.expect(["dropped"]);
/// ```
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
