//! [`TransactionBuilder`].

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use crate::atomic::Atomic;
use crate::open::Options;
use crate::scope::{Scope, TryScope};
use crate::spawn::{SharedSpawner, Spawner};
use crate::transaction::OwnedTransaction;

/// Begins a transaction with more than the defaults. See [`Transaction::builder`](crate::Transaction::builder).
///
/// ```
/// # settled::block_on(async {
/// let scope = settled::Transaction::builder().name("request").depth_limit(8).scope(async {
///     settled::current().unwrap().name().map(String::from)
/// });
/// assert_eq!(scope.await.unwrap().as_deref(), Some("request"));
/// # });
/// ```
#[derive(Clone, Default, Debug)]
#[must_use = "a builder begins nothing by itself"]
pub struct TransactionBuilder {
    options: Options,
}

impl TransactionBuilder {
    /// Names it, for reports, `Debug` and the like.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = Some(name.into().into_boxed_str());
        self
    }

    /// How deep futures may be nested below it: the add that passes the limit becomes a failure that
    /// [is too deep](crate::Failure::is_too_deep) and names the chain of locations. 1024 unless it is said here or by a
    /// transaction above.
    pub fn depth_limit(mut self, limit: usize) -> Self {
        self.options.depth_limit = Some(u32::try_from(limit).unwrap_or(u32::MAX));
        self
    }

    /// Has every future that is added to it, or to anything below it, run on a runtime as a task of its own: in parallel,
    /// and where there is what it needs.
    ///
    /// They are counted, cancelled and reported as always, and what they add is spawned in turn; only the order of first
    /// polls is the runtime's. A task that the runtime drops fails with [is cancelled](crate::Failure::is_cancelled).
    /// Costs an allocation for the task and one for its transaction.
    ///
    /// ```
    /// use futures::future::BoxFuture;
    ///
    /// let scope = settled::Transaction::builder()
    ///     .spawner(|task: BoxFuture<'static, ()>| {
    ///         std::thread::spawn(|| settled::block_on(task)); // or `tokio::spawn(task)`
    ///     })
    ///     .scope(async { settled::add_value(async { 2 + 2 }).await });
    /// assert_eq!(settled::block_on(scope).unwrap().unwrap(), 4);
    /// ```
    pub fn spawner(mut self, spawner: impl Spawner) -> Self {
        self.options.spawner = Some(SharedSpawner(Arc::new(spawner)));
        self
    }

    /// As [`begin`](crate::begin).
    #[track_caller]
    pub fn begin(self) -> OwnedTransaction {
        OwnedTransaction::open(self.options, Location::caller())
    }

    /// As [`scope`](crate::scope).
    #[track_caller]
    pub fn scope<F: Future>(self, body: F) -> Scope<F> {
        Scope::new(body, self.options, Location::caller())
    }

    /// As [`atomic`](crate::atomic()).
    #[track_caller]
    pub fn atomic<F, T, E>(self, body: F) -> Atomic<F>
    where
        F: Future<Output = Result<T, E>>,
    {
        Atomic::new(body, self.options, Location::caller())
    }

    /// As [`try_scope`](crate::try_scope).
    #[track_caller]
    pub fn try_scope<F, T, E>(self, body: F) -> TryScope<F>
    where
        F: Future<Output = Result<T, E>>,
    {
        TryScope::new(body, self.options, Location::caller())
    }
}
