//! [`TransactionBuilder`].

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use crate::atomic::Atomic;
use crate::local_scope::LocalScope;
use crate::local_transaction::LocalTransaction;
use crate::on_drop::OnDrop;
use crate::open::Options;
use crate::own_registry::Registry;
use crate::owned::OwnedTransaction;
use crate::scope::{Scope, TryScope};
use crate::spawn::{SharedSpawner, Spawner};

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
    ///
    /// ```
    /// let import = settled::Transaction::builder().name("import").begin();
    /// assert!(format!("{import:?}").contains("import"));
    /// # settled::block_on(import.end()).unwrap();
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = Some(name.into().into_boxed_str());
        self
    }

    /// How deep futures may be nested below it: the add that passes the limit becomes a failure that
    /// [is too deep](crate::Failure::is_too_deep) and names the chain of locations. 1024 unless it is said here or by a
    /// transaction above.
    ///
    /// ```
    /// fn cascade() {
    ///     settled::add(async { cascade() });
    /// }
    ///
    /// let scope = settled::Transaction::builder().depth_limit(3).scope(async { cascade() });
    /// let failures = settled::block_on(scope).unwrap_err();
    /// assert!(failures.first().unwrap().is_too_deep());
    /// ```
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

    /// At most so many of the futures that are added to it run at once; the others wait in the order of adding.
    ///
    /// A place is taken from a future's first poll until it is done itself. What it has added in turn does not count, nor
    /// do the transaction's own body, scopes and begun transactions in it, or what transactions below are given: each has
    /// its own limit, or none. A delivery of a signal that waits for its handler gives its place to the next meanwhile. A
    /// child that awaits a sibling keeps its place: with too few of them that sibling may never start.
    ///
    /// # Panics
    ///
    /// If the limit is 0: nothing would ever run.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    ///
    /// static RUNNING: AtomicUsize = AtomicUsize::new(0);
    /// # async fn request() { let mut first = true; std::future::poll_fn(|cx| {
    /// #     cx.waker().wake_by_ref();
    /// #     if std::mem::take(&mut first) { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    /// # }).await }
    ///
    /// let import = settled::Transaction::builder().limit(2).begin();
    /// for _ in 0..10 {
    ///     import
    ///         .add(async {
    ///             assert!(RUNNING.fetch_add(1, Relaxed) < 2);
    ///             request().await;
    ///             RUNNING.fetch_sub(1, Relaxed);
    ///         })
    ///         .unwrap();
    /// }
    /// settled::block_on(import.end()).unwrap();
    /// ```
    #[track_caller]
    pub fn limit(mut self, limit: usize) -> Self {
        assert!(limit > 0, "a transaction with a limit of 0 would never run anything");
        self.options.limits.limit = Some(limit);
        self
    }

    /// The first failure cancels the rest, instead of leaving it to run on.
    ///
    /// When a failure (an error, a panic, a future that is nested too deep) reaches the transaction, everything below it
    /// that is pending is dropped with the next drive, and so is whatever is added to it or below afterwards; handles and
    /// callbacks are told a failure that [is cancelled](crate::Failure::is_cancelled). Cancellations are no failures of
    /// the transaction: only what has failed is reported. Bodies, its own and those of scopes below that others await, run
    /// on to their end.
    ///
    /// The failure of a direct child counts at once, also where somebody awaits its handle. One from deeper below counts
    /// when the futures in between are done and so nobody can receive it any more; what an inner scope or a begun
    /// transaction reports to who awaits that is his.
    ///
    /// ```
    /// # settled::block_on(async {
    /// let scope = settled::Transaction::builder().fail_fast().scope(async {
    ///     settled::add(std::future::pending::<()>()); // would never be done
    ///     settled::add(async { Err::<(), _>("disk full") });
    /// });
    /// let failures = scope.await.unwrap_err();
    /// assert_eq!(failures.len(), 1);
    /// # });
    /// ```
    pub fn fail_fast(mut self) -> Self {
        self.options.limits.fail_fast = true;
        self
    }

    /// How many failures are kept, in the order of adding; the rest is [counted](crate::Failures::omitted). 64 unless it
    /// is said here or by a transaction above.
    ///
    /// What is below collects for the transaction, so that this holds for it, too, unless a builder below says otherwise:
    /// then no more than that can come up from there.
    ///
    /// ```
    /// # settled::block_on(async {
    /// let scope = settled::Transaction::builder().max_failures(2).scope(async {
    ///     for n in 0..5 {
    ///         settled::add(async move { Err::<(), _>(format!("no. {n}")) });
    ///     }
    /// });
    /// let failures = scope.await.unwrap_err();
    /// assert_eq!((failures.len(), failures.omitted()), (2, 3));
    /// # });
    /// ```
    pub fn max_failures(mut self, max: usize) -> Self {
        self.options.limits.max_failures = Some(max);
        self
    }

    /// It and all below it keep apart from the process, with the transactions of this registry. See [`Registry`].
    ///
    /// Its parent is what is current, if that is of the same registry; else it has none.
    ///
    /// ```
    /// let registry = settled::Registry::new();
    /// let transaction = settled::Transaction::builder().registry(&registry).begin();
    /// transaction.add(async {}).unwrap();
    /// assert_eq!(settled::block_on(registry.wait_all()).ended, 1); // and nothing of others
    /// ```
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.options.apart = Some(registry.apart().clone());
        self
    }

    /// What becomes of what is pending when the transaction is dropped before its end: [`OnDrop::Adopt`] unless it is said
    /// here.
    ///
    /// ```
    /// use settled::OnDrop;
    ///
    /// let search = settled::Transaction::builder().on_drop(OnDrop::Cancel).begin();
    /// let hits = search.add_value(std::future::pending::<u32>()).unwrap();
    /// drop(search);
    /// assert!(settled::block_on(hits).unwrap_err().is_cancelled());
    /// ```
    pub fn on_drop(mut self, on_drop: OnDrop) -> Self {
        self.options.limits.on_drop = on_drop;
        self
    }

    /// As [`begin_local`](crate::begin_local). [`limit`](TransactionBuilder::limit) does not count local futures: their
    /// owner polls them whatever else runs.
    ///
    /// ```
    /// let window = settled::Transaction::builder().name("window").begin_local();
    /// assert_eq!(window.name(), Some("window"));
    /// settled::block_on(window.end()).unwrap();
    /// ```
    #[track_caller]
    pub fn begin_local(self) -> LocalTransaction {
        LocalTransaction::open(self.options, Location::caller())
    }

    /// As [`scope_local`](crate::scope_local). Local futures are not counted by [`limit`](TransactionBuilder::limit).
    ///
    /// ```
    /// let scope = settled::Transaction::builder().name("window").scope_local(async { 1 });
    /// assert_eq!(settled::block_on(scope).unwrap(), 1);
    /// ```
    #[track_caller]
    pub fn scope_local<F: Future>(self, body: F) -> LocalScope<F> {
        LocalScope::new(body, self.options, Location::caller())
    }

    /// As [`begin`](crate::begin).
    ///
    /// ```
    /// let import = settled::Transaction::builder().name("import").begin();
    /// import.add(async {}).unwrap();
    /// settled::block_on(import.end()).unwrap();
    /// ```
    #[track_caller]
    pub fn begin(self) -> OwnedTransaction {
        OwnedTransaction::open(self.options, Location::caller())
    }

    /// As [`scope`](crate::scope).
    ///
    /// ```
    /// let scope = settled::Transaction::builder().name("request").scope(async { 200 });
    /// assert_eq!(settled::block_on(scope).unwrap(), 200);
    /// ```
    #[track_caller]
    pub fn scope<F: Future>(self, body: F) -> Scope<F> {
        Scope::new(body, self.options, Location::caller())
    }

    /// As [`atomic`](crate::atomic()).
    ///
    /// ```
    /// let order = settled::Transaction::builder().name("order").atomic(async { "7".parse::<u32>() });
    /// assert_eq!(settled::block_on(order).unwrap(), 7);
    /// ```
    #[track_caller]
    pub fn atomic<F, T, E>(self, body: F) -> Atomic<F>
    where
        F: Future<Output = Result<T, E>>,
    {
        Atomic::new(body, self.options, Location::caller())
    }

    /// As [`try_scope`](crate::try_scope).
    ///
    /// ```
    /// let scope = settled::Transaction::builder().name("request").try_scope(async { "7".parse::<u32>() });
    /// assert_eq!(settled::block_on(scope).unwrap(), 7);
    /// ```
    #[track_caller]
    pub fn try_scope<F, T, E>(self, body: F) -> TryScope<F>
    where
        F: Future<Output = Result<T, E>>,
    {
        TryScope::new(body, self.options, Location::caller())
    }
}
