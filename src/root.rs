//! The root transaction: it never closes, and takes what has no other.

use std::future::{Future, poll_fn};
use std::pin::Pin;
#[cfg(not(loom))]
use std::sync::OnceLock;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use crate::current::{self, Remains};
use crate::end::{End, Wait};
use crate::engine::Engine;
use crate::error::Place;
use crate::node::Node;
use crate::ready::{Added, Job};
use crate::registry;
use crate::slot::{DEPTH_LIMIT, Kind};
use crate::spawn::Spawner;
use crate::sync::{AtomicU64, Ordering};
use crate::ticket::Ticket;
use crate::tree::{Op, Tree};

struct Root {
    node: Arc<Node>,
    /// Runs the root's driver.
    spawner: Mutex<Option<Arc<dyn Spawner>>>,
    /// The number of the driver that is on its way or running; 0: none.
    spawned: AtomicU64,
}

#[cfg(not(loom))]
fn instance() -> &'static Root {
    static ROOT: OnceLock<Root> = OnceLock::new();
    ROOT.get_or_init(Root::open)
}

/// One for each execution of a model.
#[cfg(loom)]
fn instance() -> &'static Root {
    loom::lazy_static! { static ref ROOT: Root = Root::open(); }
    &ROOT
}

impl Root {
    fn open() -> Self {
        let location = std::panic::Location::caller();
        let tree = Tree::new(true);
        let node = Node::new(tree.clone(), Kind::Begun, None, location);
        let mut engine = Engine::new(&tree);
        engine.open(Kind::Begun, location, Some(node.clone()), DEPTH_LIMIT);
        engine.tree = None;
        tree.put_engine(engine);
        Root { node, spawner: Mutex::new(None), spawned: AtomicU64::new(0) }
    }
}

/// Its node and its tree hold each other, as it never closes.
#[cfg(loom)]
impl Drop for Root {
    fn drop(&mut self) {
        let engine = self.node.tree.lock().engine.take();
        drop(engine);
    }
}

/// The root's node.
pub(crate) fn node() -> &'static Arc<Node> {
    &instance().node
}

/// Sets what runs the work of the [root transaction](crate::Transaction::root) as it comes.
///
/// The spawner is given one future at a time, not one for each that was added (those have no owner who would wait for
/// them, and keep their order so): it polls what is in the root until nothing is pending. The next work that
/// comes then is given to the spawner with a new one. A spawner that drops the future loses nothing: the work stays in
/// the root, until the next is spawned or [`wait_all`](crate::wait_all) settles it.
///
/// ```
/// use futures::future::BoxFuture;
///
/// let (sender, tasks) = std::sync::mpsc::channel();
/// settled::set_root_spawner(move |task: BoxFuture<'static, ()>| { let _ = sender.send(task); });
/// let saved = settled::add_value(async { "saved" });
/// settled::block_on(tasks.recv().unwrap()); // a runtime would do this
/// assert!(saved.is_settled());
/// ```
pub fn set_root_spawner(spawner: impl Spawner) {
    let old = lock_spawner().replace(Arc::new(spawner));
    drop(old);
    // The driver that the old one was given may never be polled again.
    instance().spawned.store(0, Ordering::SeqCst);
    kick();
}

fn lock_spawner() -> std::sync::MutexGuard<'static, Option<Arc<dyn Spawner>>> {
    instance().spawner.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a driver spawned if there is work and none is on its way. True if there is a spawner.
pub(crate) fn kick() -> bool {
    let root = instance();
    let Some(spawner) = lock_spawner().clone() else { return false };
    let number = registry::next_id();
    if is_busy() && root.spawned.compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
        spawner.spawn(Box::pin(RootDriver { number, wait: None }));
    }
    true
}

/// Is anything pending in the root, or on its way there?
fn is_busy() -> bool {
    let node = node();
    node.tree.is_busy(node)
}

/// Drives the root until nothing is pending.
struct RootDriver {
    /// Unlike that of any other.
    number: u64,
    /// For what was pending when it was begun; it takes no failures.
    wait: Option<Wait>,
}

impl RootDriver {
    /// Another one may come from now on.
    fn resign(&self) {
        let _ = instance().spawned.compare_exchange(self.number, 0, Ordering::SeqCst, Ordering::SeqCst);
    }
}

impl Future for RootDriver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let spawned = &instance().spawned;
        loop {
            let wait = self.wait.get_or_insert_with(|| Wait::new(node().clone(), node().location));
            std::task::ready!(wait.poll_over(cx));
            self.wait = None;
            if is_busy() {
                continue;
            }
            self.resign();
            // Who adds now spawns another. Who added just before saw this one: then it goes on, unless another has come.
            let back =
                || spawned.compare_exchange(0, self.number, Ordering::SeqCst, Ordering::SeqCst).is_ok();
            if !is_busy() || !back() {
                return Poll::Ready(());
            }
        }
    }
}

impl Drop for RootDriver {
    fn drop(&mut self) {
        self.resign();
    }
}

/// Adds what has no transaction. `heard`: the reporter is told.
/// Returns whether a spawner runs it.
pub(crate) fn add(job: Job, ticket: Option<Arc<Ticket>>, location: Place, heard: bool) -> bool {
    let root = node();
    root.tree.submit(Op::Add(root.clone(), Added { job, ticket, location }));
    let driven = kick();
    if !driven && heard {
        crate::report::outside(location);
    }
    driven
}

/// Has the root drive a whole tree whose owner is gone. `end` has claimed its outcome. Returns whether a spawner runs it.
pub(crate) fn adopt(mut end: End, location: Place) -> bool {
    end.node().tree.set_adopted();
    let job = Box::pin(async move {
        // Not judged: it may well be polled while something of that tree is.
        let failures = poll_fn(|cx| end.poll_as(cx, false)).await;
        if !failures.is_empty() {
            current::with(|ambient| ambient.leave(Remains::Failures(failures)));
        }
    });
    add(job, None, location, false)
}
