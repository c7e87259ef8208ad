//! The root transaction: it never closes, and takes what has no other.

use std::future::{Future, poll_fn};
use std::pin::Pin;
#[cfg(not(loom))]
use std::sync::OnceLock;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use crate::cancel::{self, Lasting};
use crate::current::{self, Remains};
use crate::end::{End, Wait};
use crate::engine::Engine;
use crate::error::{Failures, Place, call_quietly, drop_quietly};
use crate::job::Job;
use crate::node::Node;
use crate::ready::Added;
use crate::registry::{self, Apart};
use crate::slot::Kind;
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
        let node = open(None, std::panic::Location::caller());
        Root { node, spawner: Mutex::new(None), spawned: AtomicU64::new(0) }
    }
}

/// Opens a root: that of the process, or of a registry.
pub(crate) fn open(apart: Option<Arc<Apart>>, location: Place) -> Arc<Node> {
    let tree = Tree::new(true, apart);
    let node = Node::new(tree.clone(), Kind::Begun, None, location);
    let mut engine = Engine::new(&tree);
    engine.open(Kind::Begun, location, Some(node.clone()));
    engine.tree = None;
    tree.put_engine(engine);
    node
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
/// comes then is given to the spawner with a new one. A spawner that drops the future, or panics, loses nothing: the work
/// stays in the root, until the next is spawned or [`wait_all`](crate::wait_all) settles it.
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
        // Who adds, in a destructor maybe, has nothing to do with a spawner that panics.
        call_quietly(|| spawner.spawn(Box::pin(RootDriver { number, wait: None })));
    }
    drop_quietly(spawner);
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

/// The root of what keeps together with this tree.
pub(crate) fn of(tree: &Tree) -> Arc<Node> {
    tree.apart.as_ref().and_then(|apart| apart.root()).unwrap_or_else(|| node().clone())
}

/// Adds what has no transaction to this root. `heard`: the reporter is told, where it is that of the process.
/// Returns whether somebody sees to it: a spawner, or who has the registry.
pub(crate) fn add(
    root: &Arc<Node>,
    job: Job,
    ticket: Option<Arc<Ticket>>,
    location: Place,
    heard: bool,
) -> bool {
    let added = Added { job, ticket, location };
    let mut op = Op::Add(root.clone(), added);
    if root.tree.apart.is_some() {
        match root.submit_if_open(op) {
            // Its registry is gone.
            Err(Op::Add(_, added)) => op = Op::Add(node().clone(), added),
            _ => return true,
        }
    }
    node().tree.submit(op);
    let driven = kick();
    if !driven && heard {
        crate::report::outside(location);
    }
    driven
}

/// Has the root drive a whole tree whose owner is gone. `end` has claimed its outcome. Returns whether somebody sees to it.
pub(crate) fn adopt(end: End, location: Place) -> bool {
    let tree = &end.node().tree;
    tree.set_adopted();
    let root = of(tree);
    let mut orphan = Orphan { end, done: false };
    let job = Job::Boxed(Box::pin(async move {
        let failures = poll_fn(|cx| orphan.poll(cx)).await;
        if !failures.is_empty() {
            current::with(|ambient| ambient.leave(Remains::Failures(failures)));
        }
    }));
    add(&root, job, None, location, false)
}

/// A tree that a root drives. Where the root gives it up, nobody will: what is in it is cancelled.
struct Orphan {
    end: End,
    done: bool,
}

impl Orphan {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Failures> {
        // Not judged: it may well be polled while something of that tree is.
        let failures = std::task::ready!(self.end.poll_as(cx, false));
        self.done = true;
        Poll::Ready(failures)
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        if !self.done {
            let node = self.end.node();
            node.tree.submit(Op::CancelBelow(node.clone(), Lasting::ForGood));
            cancel::drop_now(&node.tree);
        }
    }
}
