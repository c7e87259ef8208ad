//! Handing futures to a runtime as tasks of their own: [`Spawner`].

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::task::{FutureObj, Spawn};

use crate::current::{self, Ambient, Remains};
use crate::engine::Engine;
use crate::error::{Failure, call_quietly, drop_quietly};
use crate::job::Job;
use crate::node::Node;
use crate::outside::{Outsider, Panics, Part, Work};
use crate::parcel::pack;
use crate::ready::{Entry, Key, Tag};
use crate::slot::{Kind, NONE, Slot};
use crate::ticket::Ticket;
use crate::waker::Wakers;

/// What runs a future as a task: a runtime, or anything that polls it in time.
///
/// Given to [`TransactionBuilder::spawner`](crate::TransactionBuilder::spawner) it gets every future that is added to
/// that transaction, or to anything below it; given to [`set_root_spawner`](crate::set_root_spawner), what drives the root.
/// Closures that take a `BoxFuture<'static, ()>` are spawners; [`SpawnOn`] makes one of an executor that knows the traits
/// of the `futures` crate.
///
/// It is called with no lock held, on whatever thread adds or drives. It may poll the task there and then, but is not to
/// wait for it: what the task waits for may be next in line to be spawned here. A task that it drops, or that it panics with, loses only itself: its future fails with
/// [is cancelled](crate::Failure::is_cancelled).
///
/// ```
/// use futures::future::BoxFuture;
/// use settled::Spawner;
///
/// struct OnThreads;
///
/// impl Spawner for OnThreads {
///     fn spawn(&self, task: BoxFuture<'static, ()>) {
///         std::thread::spawn(|| settled::block_on(task));
///     }
/// }
///
/// let here = std::thread::current().id();
/// let scope = settled::Transaction::builder().spawner(OnThreads).scope(async {
///     settled::add_value(async { std::thread::current().id() }).await
/// });
/// assert_ne!(settled::block_on(scope).unwrap().unwrap(), here);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot run futures as tasks",
    note = "closures that take a `BoxFuture<'static, ()>` can: `|task: BoxFuture<'static, ()>| ..`",
    note = "`SpawnOn(executor)` can, for an executor that implements `futures::task::Spawn`"
)]
pub trait Spawner: Send + Sync + 'static {
    /// Has the task polled until it is done.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

impl<F> Spawner for F
where
    F: Fn(BoxFuture<'static, ()>) + Send + Sync + 'static,
{
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self(task);
    }
}

/// A [`Spawner`] of an executor that implements `futures::task::Spawn`.
///
/// Where the executor takes no more tasks, it drops them: their futures fail with
/// [is cancelled](crate::Failure::is_cancelled).
///
/// ```
/// use futures::task::{FutureObj, Spawn, SpawnError};
///
/// struct Down;
///
/// impl Spawn for Down {
///     fn spawn_obj(&self, _task: FutureObj<'static, ()>) -> Result<(), SpawnError> {
///         Err(SpawnError::shutdown())
///     }
/// }
///
/// let transaction = settled::Transaction::builder().spawner(settled::SpawnOn(Down)).begin();
/// transaction.add(async {}).unwrap();
/// let failures = settled::block_on(transaction.end()).unwrap_err();
/// assert!(failures.first().unwrap().is_cancelled());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SpawnOn<S>(pub S);

impl<S: Spawn + Send + Sync + 'static> Spawner for SpawnOn<S> {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        // An executor that refuses has dropped the task, which tells so itself.
        let _refused = self.0.spawn_obj(FutureObj::new(task));
    }
}

/// Shared by a builder and the transactions that it begins.
#[derive(Clone)]
pub(crate) struct SharedSpawner(pub(crate) Arc<dyn Spawner>);

impl fmt::Debug for SharedSpawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spawner")
    }
}

/// On its way to its spawner.
pub(crate) struct SpawnTask {
    spawner: Arc<dyn Spawner>,
    task: Outsider<Spawned>,
}

impl SpawnTask {
    fn hand_over(self) {
        let SpawnTask { spawner, task } = self;
        call_quietly(|| spawner.spawn(Box::pin(task)));
        drop_quietly(spawner);
    }
}

/// How many tasks may be handed over one inside of the other, as where a spawner polls them at once and they add others.
const NESTED: usize = 64;

/// Hands them to their spawners, in order. Never under a lock. Far down a chain of such calls they are queued, so that it
/// takes no more stack.
pub(crate) fn hand_over(tasks: Vec<SpawnTask>) {
    if !tasks.is_empty() {
        current::with(|ambient| hand_over_here(ambient, tasks));
    }
}

#[cold]
fn hand_over_here(ambient: &Ambient, mut tasks: Vec<SpawnTask>) {
    let nested = ambient.spawning.get();
    if nested >= NESTED {
        return ambient.tasks_to_come.borrow_mut().extend(tasks);
    }
    ambient.spawning.set(nested + 1);
    while !tasks.is_empty() {
        tasks.into_iter().for_each(SpawnTask::hand_over);
        tasks = ambient.tasks_to_come.take();
    }
    ambient.spawning.set(nested);
}

/// A future on a runtime.
struct Spawned {
    /// Until it is done.
    job: Option<Job>,
    /// The other half of a `Stashed`, unless that was dropped at once.
    ticket: Option<Arc<Ticket>>,
}

impl Spawned {
    fn kept(&self) -> Option<&Arc<Ticket>> {
        self.ticket.as_ref().filter(|ticket| ticket.is_kept())
    }
}

impl Work for Spawned {
    const LOST_IS_FAILURE: bool = true;

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Remains>> {
        let kept = self.kept().is_some();
        let Some(job) = &mut self.job else { return Poll::Ready(None) };
        current::with(|ambient| {
            let _restore = Restore { cell: &ambient.kept, before: ambient.kept.replace(kept) };
            // Taken at once: the destructor may drive another tree.
            job.poll(cx).map(|()| ambient.take_remains())
        })
    }

    fn clear(&mut self) {
        self.job = None;
    }

    fn ticket(&self) -> Option<usize> {
        self.ticket.as_ref().map(|ticket| Arc::as_ptr(ticket) as usize)
    }

    fn is_cancelled(&self) -> bool {
        self.ticket.as_ref().is_some_and(|ticket| ticket.is_cancelled())
    }

    fn settle(&mut self, told: Result<Option<Box<dyn Any + Send>>, Failure>, wakers: &mut Wakers) -> Panics {
        let Some(ticket) = self.kept() else {
            drop_quietly(told);
            return Panics::new();
        };
        ticket.settle(told.map(|value| value.unwrap_or_else(|| pack(()))), wakers)
    }
}

/// Restores what was before a nested poll.
struct Restore<'a> {
    cell: &'a Cell<bool>,
    before: bool,
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        self.cell.set(self.before);
    }
}

impl Engine {
    /// The last stage before an entry is due: below a transaction with a spawner, it becomes a task of its own.
    pub(crate) fn spawn(&mut self, mut entry: Entry) {
        let Some((above, spawner)) = self.spawner_above(entry.tag.parent) else {
            self.note_late(&mut entry.tag);
            return self.queue(entry);
        };
        let Entry { job, tag } = entry;
        let Tag { location, serial, parent, .. } = tag;
        let (epoch, ticket) = self.take_note(&tag).map_or((0, None), |note| (note.epoch, note.ticket));
        let tree = &above.tree;
        self.materialise();
        let mut node = Node::unshared(tree.clone(), Kind::Added, Some(self.share(tree, parent)), location);
        node.outside = Some(Box::default());
        let node = Arc::new(node);
        let mut slot = Slot::new(parent, Kind::Added, location);
        slot.serial = if serial == 0 { self.ready.serial() } else { serial };
        slot.epoch = epoch;
        slot.counted = true;
        let over = self.slot(parent);
        slot.depth = over.depth + 1;
        slot.deepest = over.deepest;
        slot.gated = over.gated;
        let key = self.insert(slot);
        self.place_node(key, Some(node.clone()));
        if let Some(ticket) = &ticket {
            // Where it was cancelled before, its first poll sees it.
            let _cancelled = ticket.place(key);
            let placed = ticket.take_place();
            self.slot(key).placed = placed;
        }
        self.refuse_if_too_deep(key, &node);
        let task = Outsider::new(Part::of(node), Spawned { job: Some(job), ticket });
        self.trash.tasks.push(SpawnTask { spawner, task });
    }

    /// The nearest transaction with a spawner, at this one or above.
    fn spawner_above(&self, from: Key) -> Option<(Arc<Node>, Arc<dyn Spawner>)> {
        let mut at = from;
        while at != NONE {
            let slot = &self.slots[at as usize];
            if let Some(node) = slot.node()
                && let Some(spawner) = &node.spawner
            {
                return Some((node.clone(), spawner.0.clone()));
            }
            at = slot.parent;
        }
        None
    }

    /// Has what is polled elsewhere dropped, if it is nested too deep.
    pub(crate) fn refuse_if_too_deep(&mut self, key: Key, node: &Node) {
        let slot = self.slot(key);
        let (too_deep, parent) = (slot.depth > slot.deepest, slot.parent);
        if too_deep && let Some(outside) = &node.outside {
            let failure = self.too_deep(parent, node.location);
            self.outbox.extend(outside.refuse(failure));
        }
    }

    /// Has who polls what is in this slot look at its ticket, which may have been marked as cancelled. No more than that: the
    /// slot may have been given to another one since.
    pub(crate) fn look_at_ticket(&mut self, key: Key) {
        let node = self.slots.get(key as usize).and_then(Slot::node);
        match node.and_then(|node| node.outside.as_ref()) {
            Some(outside) => self.outbox.extend(outside.nudge()),
            None => self.ready.wake(key),
        }
    }
}
