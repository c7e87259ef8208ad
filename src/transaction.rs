//! The handle: [`Transaction`].

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use crate::add;
use crate::builder::TransactionBuilder;
use crate::cancel::Lasting;
use crate::current::{self, Current};
use crate::end::{End, Wait};
use crate::end_within::EndWithin;
use crate::error::Closed;
use crate::gather::Gather;
use crate::node::{Node, State};
use crate::settles::Settles;
use crate::snapshot::{CompleteSnapshot, Snapshot};
use crate::standing::Standing;
use crate::stash::Stashed;
use crate::task::{AsItIs, Checked};
use crate::tree::Op;
use crate::{on_commit, root};

/// The number of a transaction, unlike any other in the process. It is given when the first handle is made: handles made
/// later have higher ones.
///
/// ```
/// let (first, second) = (settled::begin(), settled::begin());
/// assert!(first.id() < second.id());
/// # settled::block_on(async { first.end().await.and(second.end().await) }).unwrap();
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TransactionId(u64);

impl TransactionId {
    pub(crate) fn of(node: &Node) -> Self {
        TransactionId(node.id)
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A handle of a transaction: cheap to clone, good on any thread, for as long as one likes.
///
/// Every future that is added has a transaction of its own, whose parent is the one that it was added to.
///
/// ```
/// let transaction = settled::begin();
/// transaction.enter(|| {
///     settled::add(async {});
/// });
/// assert_eq!(transaction.pending(), 1);
/// settled::block_on(transaction.end()).unwrap();
/// assert_eq!(transaction.state(), settled::State::Closed);
/// ```
#[derive(Clone)]
pub struct Transaction {
    node: Arc<Node>,
}

/// The transaction that is current here: of the body, of the added future that is being polled, or the one that was
/// [entered](Transaction::enter). `None` outside.
///
/// The first handle of a transaction costs an allocation.
///
/// ```
/// assert!(settled::current().is_none());
/// let outer = settled::begin();
/// outer.enter(|| assert_eq!(settled::current().unwrap().id(), outer.id()));
/// # settled::block_on(outer.end()).unwrap();
/// ```
pub fn current() -> Option<Transaction> {
    current_node().map(|node| Transaction { node })
}

pub(crate) fn current_node() -> Option<Arc<Node>> {
    current::with(|ambient| {
        ambient.make_lazy();
        match ambient.current() {
            Current::Nothing | Current::Lazy(_) => None,
            Current::Node(node) => Some(node),
            Current::Slot(_) | Current::Polled => {
                Some(ambient.engine_here(|engine, tree, key| engine.share(tree, key)))
            }
        }
    })
}

impl Transaction {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Transaction { node }
    }

    pub(crate) fn of(node: &Arc<Node>) -> Self {
        Transaction { node: node.clone() }
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// To begin one with a name, limits and the like.
    ///
    /// ```
    /// let import = settled::Transaction::builder().name("import").begin();
    /// assert_eq!(import.name(), Some("import"));
    /// # settled::block_on(import.end()).unwrap();
    /// ```
    pub fn builder() -> TransactionBuilder {
        TransactionBuilder::default()
    }

    /// The root of the process: it never closes, and takes what has no other transaction.
    ///
    /// It is driven by who awaits its [`wait`](Transaction::wait) or [`wait_all`](crate::wait_all), or by what was given
    /// to [`set_root_spawner`](crate::set_root_spawner).
    ///
    /// ```
    /// let root = settled::Transaction::root();
    /// let saved = root.add_value(async { "saved" }).unwrap();
    /// settled::block_on(root.wait()).unwrap();
    /// assert!(saved.is_settled());
    /// ```
    pub fn root() -> Transaction {
        Transaction::of(root::node())
    }

    /// Its number.
    ///
    /// ```
    /// let transaction = settled::begin();
    /// assert_eq!(transaction.id(), transaction.enter(|| settled::current().unwrap().id()));
    /// # settled::block_on(transaction.end()).unwrap();
    /// ```
    pub fn id(&self) -> TransactionId {
        TransactionId::of(&self.node)
    }

    /// Its name, if the builder gave it one.
    ///
    /// ```
    /// let import = settled::Transaction::builder().name("import").begin();
    /// assert_eq!(import.name(), Some("import"));
    /// # settled::block_on(import.end()).unwrap();
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.node.name.as_deref()
    }

    /// Where it was begun; of a future's transaction: where that was added.
    ///
    /// ```
    /// let transaction = settled::begin();
    /// let line = line!() - 1;
    /// assert_eq!(transaction.location().line(), line);
    /// # settled::block_on(transaction.end()).unwrap();
    /// ```
    pub fn location(&self) -> &'static Location<'static> {
        self.node.location
    }

    /// The one that it was begun in, or that its future was added to.
    ///
    /// ```
    /// let outer = settled::begin();
    /// let inner = outer.enter(settled::begin);
    /// assert_eq!(inner.parent().unwrap().id(), outer.id());
    /// # drop(settled::block_on(inner.end()));
    /// # settled::block_on(outer.end()).unwrap();
    /// ```
    pub fn parent(&self) -> Option<Transaction> {
        self.node.parent.as_ref().map(Transaction::of)
    }

    /// How far it has come.
    ///
    /// ```
    /// let transaction = settled::begin();
    /// assert_eq!(transaction.state(), settled::State::Open);
    /// settled::block_on(transaction.end()).unwrap();
    /// assert_eq!(transaction.state(), settled::State::Closed);
    /// ```
    pub fn state(&self) -> State {
        self.node.state()
    }

    /// How much that was added to it directly has not settled: futures, scopes, and what was begun in it and has work.
    ///
    /// ```
    /// let transaction = settled::begin();
    /// transaction.add(async {}).unwrap();
    /// assert_eq!(transaction.pending(), 1);
    /// settled::block_on(transaction.end()).unwrap();
    /// assert_eq!(transaction.pending(), 0);
    /// ```
    pub fn pending(&self) -> usize {
        self.node.pending() + self.node.tree.adds_under_way(&self.node)
    }

    /// Makes it current for the length of the call.
    ///
    /// ```
    /// let transaction = settled::begin();
    /// let stashed = transaction.enter(|| settled::add_value(async { 1 }));
    /// settled::block_on(transaction.end()).unwrap();
    /// assert_eq!(settled::block_on(stashed).unwrap(), 1);
    /// ```
    pub fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        current::enter(&self.node, f)
    }

    /// Adds a future to it, from any thread. See [`add`](crate::add).
    ///
    /// # Errors
    ///
    /// [`Closed`] gives the future back if the transaction is closed. While it is ending it is still open to this.
    ///
    /// ```
    /// let transaction = settled::begin();
    /// let handle = (*transaction).clone();
    /// std::thread::spawn(move || {
    ///     handle.add(async { Err::<(), _>("from another thread") }).unwrap();
    /// })
    /// .join()
    /// .unwrap();
    /// assert_eq!(settled::block_on(transaction.end()).unwrap_err().len(), 1);
    /// ```
    #[track_caller]
    pub fn add<F>(&self, future: F) -> Result<Stashed<<F::Output as Settles>::Value>, Closed<F>>
    where
        F: Future + Send + 'static,
        F::Output: Settles,
    {
        add::to_node::<F, Checked>(&self.node, future, Location::caller())
    }

    /// Adds a future whose output is taken as it is. See [`add_value`](crate::add_value).
    ///
    /// # Errors
    ///
    /// [`Closed`] gives the future back if the transaction is closed.
    ///
    /// ```
    /// let transaction = settled::begin();
    /// let answer = transaction.add_value(async { 42 }).unwrap();
    /// assert_eq!(settled::block_on(answer).unwrap(), 42);
    /// # settled::block_on(transaction.end()).unwrap();
    /// ```
    #[track_caller]
    pub fn add_value<F>(&self, future: F) -> Result<Stashed<F::Output>, Closed<F>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        add::to_node::<F, AsItIs>(&self.node, future, Location::caller())
    }

    /// Adds several futures, and gives a future of all their outputs in order (or of the first failure, once all have
    /// settled). Outputs are taken as they are.
    ///
    /// ```
    /// # settled::block_on(async {
    /// let squares = settled::scope(async {
    ///     settled::current().unwrap().gather((1..4).map(|n| async move { n * n })).await
    /// });
    /// assert_eq!(squares.await.unwrap().unwrap(), [1, 4, 9]);
    /// # });
    /// ```
    #[track_caller]
    pub fn gather<I>(&self, futures: I) -> Gather<<I::Item as Future>::Output>
    where
        I: IntoIterator,
        I::Item: Future + Send + 'static,
        <I::Item as Future>::Output: Send + 'static,
    {
        let location = Location::caller();
        let add = |future| add::to_node_or_refuse::<I::Item, AsItIs>(&self.node, future, location);
        Gather::new(futures.into_iter().map(add).collect())
    }

    /// Is what is added to it held back until a commit? So it is in an atomic transaction, and in all that is part of one.
    ///
    /// ```
    /// # settled::block_on(async {
    /// let result = settled::atomic(async {
    ///     assert!(settled::current().unwrap().is_atomic());
    ///     settled::add(async { assert!(!settled::current().unwrap().is_atomic()) }); // committed
    ///     Ok::<_, String>(())
    /// });
    /// result.await.unwrap();
    /// # });
    /// ```
    pub fn is_atomic(&self) -> bool {
        matches!(self.node.standing(), Standing::Held(_))
    }

    /// Has `hook` called when it commits. See [`on_commit`](crate::on_commit).
    ///
    /// ```
    /// use std::sync::{Arc, atomic::{AtomicBool, Ordering}};
    ///
    /// let committed = Arc::new(AtomicBool::new(false));
    /// let mark = committed.clone();
    /// settled::block_on(settled::atomic(async move {
    ///     let transaction = settled::current().unwrap();
    ///     transaction.on_commit(move || mark.store(true, Ordering::Relaxed));
    ///     Ok::<_, String>(())
    /// }))
    /// .unwrap();
    /// assert!(committed.load(Ordering::Relaxed));
    /// ```
    #[track_caller]
    pub fn on_commit(&self, hook: impl FnOnce() + Send + 'static) {
        on_commit::at_commit(|| self.node.standing_by_handle(), hook, Location::caller());
    }

    /// Has `hook` called when it is rolled back. See [`on_rollback`](crate::on_rollback).
    ///
    /// ```
    /// use std::sync::{Arc, atomic::{AtomicBool, Ordering}};
    ///
    /// let undone = Arc::new(AtomicBool::new(false));
    /// let mark = undone.clone();
    /// let result = settled::block_on(settled::atomic(async move {
    ///     let transaction = settled::current().unwrap();
    ///     transaction.on_rollback(move || mark.store(true, Ordering::Relaxed));
    ///     Err::<(), _>("no")
    /// }));
    /// assert!(result.is_err() && undone.load(Ordering::Relaxed));
    /// ```
    #[track_caller]
    pub fn on_rollback(&self, hook: impl FnOnce() + Send + 'static) {
        on_commit::at_rollback(|| self.node.standing_by_handle(), hook, Location::caller());
    }

    /// Has `check` polled when the body of the atomic transaction has returned `Ok`: if it fails, or panics, the
    /// transaction is rolled back, and [refused](crate::ScopeError::Refused) with that failure.
    ///
    /// Checks run one after another, in order, with the transaction current; what they add is held back as well, and
    /// checks that they ask for run too. After the first failure the rest are dropped. With no atomic transaction around,
    /// or when its checks are over, it is added as by [`add`](Transaction::add).
    ///
    /// ```
    /// use settled::{ScopeError, atomic, block_on, current};
    ///
    /// let result = block_on(atomic(async {
    ///     let stock = 3 - 5;
    ///     current().unwrap().before_commit(async move {
    ///         if stock < 0 { Err("stock would be negative") } else { Ok(()) }
    ///     });
    ///     Ok::<_, String>(stock)
    /// }));
    /// assert!(matches!(result, Err(ScopeError::Refused(why)) if why.to_string().ends_with("negative")));
    /// ```
    #[track_caller]
    pub fn before_commit<F>(&self, check: F)
    where
        F: Future + Send + 'static,
        F::Output: Settles,
    {
        on_commit::before_commit(&self.node, check, Location::caller());
    }

    /// Settles what was added before this call, with all below that; the transaction stays open.
    ///
    /// # Errors
    ///
    /// The failures that nobody has received so far; they are in nobody else's then. If the wait would wait for itself
    /// (it is awaited in something below this transaction): a failure that says so, at once.
    ///
    /// ```
    /// let transaction = settled::begin();
    /// transaction.add(async { Err::<(), _>("no") }).unwrap();
    /// assert_eq!(settled::block_on(transaction.wait()).unwrap_err().len(), 1); // told here, and not again
    /// transaction.add(async {}).unwrap();
    /// settled::block_on(transaction.end()).unwrap();
    /// ```
    #[track_caller]
    pub fn wait(&self) -> Wait {
        Wait::new(self.node.clone(), Location::caller())
    }

    /// Settles everything in it, also what is added meanwhile and what was begun below it, and closes it.
    ///
    /// It may be asked for by several, or again: all get the same outcome.
    ///
    /// # Errors
    ///
    /// The failures that nobody has received. If it would wait for itself (it is awaited in its own body, or in something
    /// below it): a failure that says so, at once; the transaction stays as it was.
    ///
    /// ```
    /// let transaction = settled::begin();
    /// transaction.add(async { Err::<(), _>("no") }).unwrap();
    /// assert_eq!(settled::block_on(transaction.end()).unwrap_err().len(), 1);
    /// assert!(transaction.add(async {}).is_err()); // closed: the future is given back
    /// ```
    #[track_caller]
    pub fn end(&self) -> End {
        End::new(self.node.clone(), Location::caller())
    }

    /// What stands in it and below it at this moment: with locations, ages, and how far each has come.
    ///
    /// It can be taken from any thread at any time, also from within the transaction's own body and futures: it never
    /// waits. So while another thread drives the tree it is [not complete](Snapshot::is_complete): it has this transaction
    /// as its handle knows it, and what was added and that thread has not seen yet. A tree in which nothing is being polled
    /// at this very moment is seen whole, and so is one that this thread itself drives.
    ///
    /// Costs a look at everything in the tree. What is looked at pays nothing for it.
    ///
    /// ```
    /// # settled::block_on(settled::scope(async {
    /// settled::add(async { /* .. */ });
    /// let snapshot = settled::current().unwrap().snapshot();
    /// assert!(snapshot.is_complete());
    /// println!("{snapshot}");
    /// // scope 1  open, 1 pending  src/main.rs:3:5
    /// // └─ future  queued  src/main.rs:4:5
    /// # assert_eq!(snapshot.to_string().lines().count(), 2);
    /// # })).unwrap();
    /// ```
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.node)
    }

    /// As [`snapshot`](Transaction::snapshot); where another thread drives the tree, that answers when it has finished
    /// what it is polling.
    ///
    /// That may be long: take it with a timer beside it, and a [`snapshot`](Transaction::snapshot) when that is over. Of
    /// the [root](Transaction::root) it may be incomplete all the same: other threads may drive trees that it has adopted.
    ///
    /// ```
    /// let transaction = settled::begin();
    /// let snapshot = settled::block_on(transaction.complete_snapshot());
    /// assert!(snapshot.is_complete());
    /// # settled::block_on(transaction.end()).unwrap();
    /// ```
    pub fn complete_snapshot(&self) -> CompleteSnapshot {
        CompleteSnapshot::new(self.node.clone())
    }

    /// As [`end`](Transaction::end), but not longer than the timer takes: any future that is done when the time is over.
    ///
    /// # Errors
    ///
    /// [`EndError::Timeout`](crate::EndError::Timeout) when the time is over: the transaction is left ending, and closes
    /// when everything has settled; to wait on, call `end` again. [`EndError::Failed`](crate::EndError::Failed) as `end`.
    ///
    /// ```
    /// let (sender, job) = futures::channel::oneshot::channel::<()>();
    /// let transaction = settled::begin();
    /// transaction.add(async { job.await.unwrap() }).unwrap();
    /// let time = async {}; // a real one sleeps
    /// let ended = settled::block_on(transaction.end_within(time));
    /// assert!(matches!(ended, Err(settled::EndError::Timeout)));
    /// sender.send(()).unwrap();
    /// settled::block_on(transaction.end()).unwrap();
    /// ```
    #[track_caller]
    pub fn end_within<T: Future<Output = ()>>(&self, timer: T) -> EndWithin<T> {
        EndWithin::new(self.end(), timer)
    }

    /// An atomic transaction is rolled back when its body is done, whatever that returns, and without waiting for its checks
    /// (in its commit hooks there is no way back: then it is as if called just after the commit). Any other one, and an atomic one
    /// that has committed: cancels everything below it that is pending. Each future is dropped with the next drive, and its handle and
    /// callbacks are told a failure that [is cancelled](crate::Failure::is_cancelled), which is none of the transaction.
    ///
    /// The transaction itself goes on: it is as open as before, its body runs on, and so do bodies of scopes below that
    /// others await (an atomic one among them is rolled back then); what is added afterwards runs. What the destructors of the futures add goes to the nearest open
    /// transaction above this one, else to the root: it is not cancelled with them.
    ///
    /// Does nothing if it is closed, and to a root. Costs a walk over the transaction's whole tree.
    ///
    /// ```
    /// let transaction = settled::begin();
    /// let never = transaction.add(std::future::pending::<()>()).unwrap();
    /// transaction.abort();
    /// settled::block_on(transaction.end()).unwrap();
    /// assert!(settled::block_on(never).unwrap_err().is_cancelled());
    /// ```
    pub fn abort(&self) {
        if self.node.holds() {
            if let Some(waker) = self.node.hooks().abort() {
                waker.wake();
            }
        } else if !self.node.is_root() {
            let _closed = self.node.submit_if_open(Op::CancelBelow(self.node.clone(), Lasting::Once));
        }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Transaction");
        debug.field("id", &self.node.id);
        if let Some(name) = self.name() {
            debug.field("name", &name);
        }
        debug.field("state", &self.state()).field("pending", &self.pending()).finish()
    }
}
