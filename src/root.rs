//! The root transaction: it never closes, and takes what has no other.

use std::future::{Future, poll_fn};
use std::pin::Pin;
#[cfg(not(loom))]
use std::sync::OnceLock;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::future::BoxFuture;

use crate::current::{self, Remains};
use crate::driver::drive_until;
use crate::end::End;
use crate::engine::{DEPTH_LIMIT, Engine, Kind};
use crate::error::Place;
use crate::node::Node;
use crate::ready::{Entry, Job};
use crate::sync::{AtomicBool, Ordering};
use crate::ticket::Ticket;
use crate::tree::{Op, Tree};
use crate::waker::Seat;

struct Root {
    node: Arc<Node>,
    /// Runs the root's driver.
    spawner: Mutex<Option<Spawner>>,
    /// A driver is on its way or running.
    spawned: AtomicBool,
}

type Spawner = Arc<dyn Fn(BoxFuture<'static, ()>) + Send + Sync>;

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
        let mut inner = tree.lock();
        inner.engine = Some(engine);
        inner.open = true;
        drop(inner);
        Root { node, spawner: Mutex::new(None), spawned: AtomicBool::new(false) }
    }
}

/// The root's node.
pub(crate) fn node() -> &'static Arc<Node> {
    &instance().node
}

/// Sets what runs the work of the [root transaction](crate::Transaction::root) as it comes.
///
/// The spawner is given one future at a time: it polls what is in the root until nothing is pending. The next work that
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
pub fn set_root_spawner(spawner: impl Fn(BoxFuture<'static, ()>) + Send + Sync + 'static) {
    let old = lock_spawner().replace(Arc::new(spawner));
    drop(old);
    instance().spawned.store(false, Ordering::SeqCst);
    kick();
}

fn lock_spawner() -> std::sync::MutexGuard<'static, Option<Spawner>> {
    instance().spawner.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a driver spawned if there is work and none is on its way. True if there is a spawner.
pub(crate) fn kick() -> bool {
    let root = instance();
    let Some(spawner) = lock_spawner().clone() else { return false };
    if root.node.pending() > 0 && !root.spawned.swap(true, Ordering::SeqCst) {
        spawner(Box::pin(RootDriver { seat: None }));
    }
    true
}

/// Drives the root until nothing is pending.
struct RootDriver {
    seat: Seat,
}

impl Future for RootDriver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let root = instance();
        loop {
            let idle = |_| (root.node.pending() == 0).then_some(());
            std::task::ready!(drive_until(&root.node.tree, &mut self.seat, cx, idle));
            root.spawned.store(false, Ordering::SeqCst);
            // Who adds now spawns another; who added just before saw this one: then it goes on, unless another has come.
            if root.node.pending() == 0 || root.spawned.swap(true, Ordering::SeqCst) {
                return Poll::Ready(());
            }
        }
    }
}

impl Drop for RootDriver {
    fn drop(&mut self) {
        let root = instance();
        root.node.tree.leave(&mut self.seat);
        if root.node.pending() > 0 {
            root.spawned.store(false, Ordering::SeqCst);
        }
    }
}

/// Adds what has no transaction. `heard`: the reporter is told.
/// Returns whether a spawner runs it.
pub(crate) fn add(job: Job, ticket: Option<Arc<Ticket>>, location: Place, heard: bool) -> bool {
    let root = node();
    let entry = Entry { job, ticket, location, parent: 0, epoch: 0, serial: 0 };
    root.tree.submit(Op::Add(root.clone(), entry));
    let driven = kick();
    if !driven && heard {
        crate::report::outside(location);
    }
    driven
}

/// Has the root drive a whole tree whose owner is gone. `end` has claimed its outcome. Returns whether a spawner runs it.
pub(crate) fn adopt(mut end: End, location: Place) -> bool {
    let job = Box::pin(async move {
        let failures = poll_fn(|cx| end.poll_quietly(cx)).await;
        if !failures.is_empty() {
            current::with(|ambient| ambient.leave(Remains::Failures(failures)));
        }
    });
    add(job, None, location, false)
}
