//! Transactions that keep apart from those of the process: [`Registry`].

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use crate::cancel::{self, Lasting};
use crate::end::End;
use crate::error::Place;
use crate::node::Node;
use crate::registry::Apart;
use crate::transaction::Transaction;
use crate::tree::Op;
use crate::wait_all::{Settlement, WaitAll, within};
use crate::{report, root};

/// A root and a `wait_all` of its own, for tests that run in one process, and for parts of a program that are shut down
/// one by one.
///
/// What is begun with [`TransactionBuilder::registry`](crate::TransactionBuilder::registry), and all below it, keeps apart
/// from the process: what is added where all transactions above are closed goes to the registry's root, and so does what
/// is dropped half-way; [`wait_all`](crate::wait_all) of the process does not touch it, nor does the registry's touch
/// anything else. That holds also while nothing is in it. Only [`Transaction::root`] is the process's everywhere, and so
/// are [`set_reporter`](crate::set_reporter) and [`set_root_spawner`](crate::set_root_spawner): a registry's root is driven
/// by who awaits its [`wait_all`](Registry::wait_all) or the [root](Registry::root)'s `wait`, and what is left to it is not
/// reported.
///
/// Cloning gives another handle of the same registry. Costs a few allocations; transactions of it cost two more than
/// others, as their trees are not kept for the next ones.
///
/// # Dropping it
///
/// When the last handle is dropped, what is pending in its root is cancelled, as by [`OnDrop::Cancel`](crate::OnDrop);
/// with it go the transactions that were left to the root. If there was any such work, or a failure that nobody had
/// received, the [reporter](crate::set_reporter) is told, with where the registry was made. The root is closed then.
/// Transactions that somebody still owns go on as they are; what they leave to a root from now on goes to the process's.
///
/// ```
/// use settled::{Registry, Transaction};
///
/// let registry = Registry::new();
/// let other = settled::begin(); // of the process
/// let own = Transaction::builder().registry(&registry).begin();
/// own.add(async { Err::<(), _>("seen") }).unwrap();
/// let settlement = settled::block_on(registry.wait_all());
/// assert_eq!((settlement.ended, settlement.failures.len()), (1, 1));
/// assert_eq!(other.state(), settled::State::Open);
/// # settled::block_on(other.end()).unwrap();
/// ```
#[derive(Clone)]
pub struct Registry {
    owner: Arc<Owner>,
}

/// What all handles share.
struct Owner {
    apart: Arc<Apart>,
    root: Arc<Node>,
    /// Where it was made.
    location: Place,
}

impl Registry {
    /// Makes one in which nothing is yet.
    ///
    /// ```
    /// let registry = settled::Registry::new();
    /// assert_ne!(registry.root().id(), settled::Transaction::root().id());
    /// ```
    #[track_caller]
    pub fn new() -> Self {
        let location = Location::caller();
        let apart = Arc::<Apart>::default();
        let root = root::open(Some(apart.clone()), location);
        apart.set_root(Some(root.clone()));
        Registry { owner: Arc::new(Owner { apart, root, location }) }
    }

    pub(crate) fn apart(&self) -> &Arc<Apart> {
        &self.owner.apart
    }

    /// Its root: it takes what has no other transaction of the registry, and is open as long as the registry is there.
    ///
    /// ```
    /// let registry = settled::Registry::new();
    /// let stashed = registry.root().add_value(async { 5 }).unwrap();
    /// settled::block_on(registry.wait_all());
    /// assert_eq!(settled::block_on(stashed).unwrap(), 5);
    /// ```
    pub fn root(&self) -> Transaction {
        Transaction::of(&self.owner.root)
    }

    /// As [`wait_all`](crate::wait_all), for this registry alone.
    ///
    /// ```
    /// let registry = settled::Registry::new();
    /// let transaction = settled::Transaction::builder().registry(&registry).begin();
    /// transaction.add(async {}).unwrap();
    /// assert_eq!(settled::block_on(registry.wait_all()).ended, 1);
    /// ```
    #[track_caller]
    pub fn wait_all(&self) -> impl Future<Output = Settlement> + Send + use<> {
        let (location, registry) = (Location::caller(), self.clone());
        async move { WaitAll::new(&registry.owner.root, location).await }
    }

    /// As [`wait_all_within`](crate::wait_all_within), for this registry alone.
    ///
    /// ```
    /// let registry = settled::Registry::new();
    /// let never = settled::Transaction::builder().registry(&registry).begin();
    /// let stashed = never.add(std::future::pending::<()>()).unwrap();
    /// let settlement = settled::block_on(registry.wait_all_within(async {}));
    /// assert_eq!(settlement.pending, [never.id()]);
    /// stashed.cancel();
    /// # settled::block_on(never.end()).unwrap();
    /// ```
    #[track_caller]
    pub fn wait_all_within<T: Future<Output = ()>>(
        &self,
        timer: T,
    ) -> impl Future<Output = Settlement> + use<T> {
        let (location, registry) = (Location::caller(), self.clone());
        async move { within(WaitAll::new(&registry.owner.root, location), timer).await }
    }
}

impl Default for Registry {
    #[track_caller]
    fn default() -> Self {
        Registry::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("made", &format_args!("{}", self.owner.location))
            .field("root", &self.root())
            .finish()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let Owner { apart, root, location } = self;
        let (pending, tree) = (Transaction::of(root).pending(), &root.tree);
        // From here on there is no such root: what destructors add goes to that of the process.
        drop(apart.set_root(None));
        let end = End::of_root(root.clone(), location);
        tree.submit(Op::CancelBelow(root.clone(), Lasting::ForGood));
        tree.submit(Op::End(root.clone()));
        cancel::drop_now(tree);
        let failures = match root.take_outcome() {
            Some(failures) => failures.len() + failures.omitted(),
            None => {
                // Somebody drives it, or a body is in it.
                root::adopt(end, location);
                0
            }
        };
        if pending > 0 || failures > 0 {
            report::registry(location, pending, failures);
        }
    }
}
