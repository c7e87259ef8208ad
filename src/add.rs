//! Adding futures, to what is current or to a node.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use crate::current::{self, Ambient, Current};
use crate::engine::Engine;
use crate::error::{Closed, Failure, Kind as Why, Place};
use crate::job::{Empty, Job};
use crate::node::Node;
use crate::ready::{Added, Key};
use crate::root;
use crate::settles::Settles;
use crate::stash::Stashed;
use crate::task::{AsItIs, Checked, Intake, Prepared};
use crate::ticket::Ticket;
use crate::tree::Op;
use crate::watch;

/// Adds a future to the current transaction, to run when that is driven.
///
/// It is never polled in here: a scope polls it as soon as the body suspends, in the order of adding. Where no
/// transaction is current it goes to the [root](crate::Transaction::root), and the [reporter](crate::set_reporter) hears
/// of it. An `Err` of the future is a failure of the transaction, with the location of this call.
///
/// Costs no allocation in the steady state for a future of up to 80 bytes, or a `BoxFuture<'static, ()>`, and one for any
/// other; the handle costs something only where it is kept.
///
/// ```
/// struct Connection;
///
/// impl Drop for Connection {
///     fn drop(&mut self) {
///         settled::add(async { Err::<(), _>("the peer did not answer") }); // an asynchronous goodbye
///     }
/// }
///
/// let result = settled::block_on(settled::scope(async { drop(Connection) }));
/// assert!(result.unwrap_err().to_string().ends_with("the peer did not answer"));
/// ```
#[inline]
#[track_caller]
pub fn add<F>(future: F) -> Stashed<<F::Output as Settles>::Value>
where
    F: Future + Send + 'static, // One that is not `Send`: `add_local`, in a `scope_local`.
    F::Output: Settles,
{
    ambient::<F, Checked>(future, Location::caller())
}

/// As [`add`], for a future with any output, which is taken as it is.
///
/// ```
/// # settled::block_on(settled::scope(async {
/// let answer = settled::add_value(async { 42 });
/// assert_eq!(answer.await.unwrap(), 42);
/// # })).unwrap();
/// ```
#[inline]
#[track_caller]
pub fn add_value<F>(future: F) -> Stashed<F::Output>
where
    F: Future + Send + 'static, // One that is not `Send`: `add_local_value`, in a `scope_local`.
    F::Output: Send + 'static,
{
    ambient::<F, AsItIs>(future, Location::caller())
}

/// As [`add`], for what is to be done also where the atomic transaction around is rolled back: what a destructor owes.
///
/// On a commit it starts in its turn among what was added. On a rollback it is what [`atomic`](crate::atomic) still drives
/// before it returns. In an inner atomic transaction it waits for the outer one, and is done whichever way that goes. With
/// no atomic transaction around it is `add`.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// let log = Arc::new(Mutex::new(Vec::new()));
/// let note = |what| { let log = log.clone(); async move { log.lock().unwrap().push(what) } };
/// let result = settled::block_on(settled::atomic(async {
///     settled::add(note("order sent"));
///     settled::add_cleanup(note("connection closed"));
///     Err::<(), _>("out of stock")
/// }));
/// assert!(result.is_err());
/// assert_eq!(*log.lock().unwrap(), ["connection closed"]);
/// ```
#[track_caller]
pub fn add_cleanup<F>(future: F) -> Stashed<<F::Output as Settles>::Value>
where
    F: Future + Send + 'static,
    F::Output: Settles,
{
    let location = Location::caller();
    current::with(|ambient| {
        let job = Prepared::<F, Checked>::new(future).into_job(|| ambient.take_cell());
        Stashed::new(ambient.add_cleanup(watch::added_here(job, location), location), location)
    })
}

/// Adds to what is current, else to the root.
#[inline]
pub(crate) fn ambient<F, I>(future: F, location: Place) -> Stashed<I::Value>
where
    F: Future + Send + 'static,
    I: Intake<F::Output>,
{
    current::with(|ambient| {
        let job = Prepared::<F, I>::new(future).into_job(|| ambient.take_cell());
        Stashed::new(ambient.add(watch::added_here(job, location), location), location)
    })
}

/// Adds to a node. Gives the future back if that is closed.
pub(crate) fn to_node<F, I>(
    node: &Arc<Node>,
    future: F,
    location: Place,
) -> Result<Stashed<I::Value>, Closed<F>>
where
    F: Future + Send + 'static,
    I: Intake<F::Output>,
{
    let mut prepared = Some(Prepared::<F, I>::new(future));
    let mut adding = watch::adding(node, location);
    let job = |engine: Option<&mut Engine>| {
        prepared.take().map(|prepared| adding.wrap(prepared.into_job(|| engine?.take_cell())))
    };
    let ticket = to_open_node(node, location, Way::Plain, job);
    match (ticket, prepared) {
        (Some(ticket), _) => Ok(Stashed::new(ticket, location)),
        (None, Some(prepared)) => {
            adding.refused();
            Err(Closed(prepared.into_future()))
        }
        (None, None) => unreachable!("a closed node takes nothing"),
    }
}

/// As `to_node`; a closed one makes the handle fail, and the future is dropped here.
pub(crate) fn to_node_or_refuse<F, I>(node: &Arc<Node>, future: F, location: Place) -> Stashed<I::Value>
where
    F: Future + Send + 'static,
    I: Intake<F::Output>,
{
    to_node::<F, I>(node, future, location)
        .unwrap_or_else(|_closed| Stashed::refused(Failure::new(Why::Closed, location), location))
}

/// Adds to a node, else to the next open one above, else to the root.
pub(crate) fn to_node_or_above<F>(node: &Arc<Node>, future: F, location: Place)
where
    F: Future + Send + 'static,
    F::Output: Settles,
{
    let job = Prepared::<F, Checked>::new(future).into_job(|| None);
    drop(from_node(node.nearest_open(), Some(node), job, location, Way::Plain));
}

/// How something is added.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    /// It survives a rollback.
    Cleanup,
}

/// To this one or the next open one above, else to the root of where it comes from.
fn from_node(
    mut above: Option<Arc<Node>>,
    origin: Option<&Arc<Node>>,
    job: Job,
    location: Place,
    way: Way,
) -> Arc<Ticket> {
    let outside = above.is_none();
    let mut job = Some(job);
    while let Some(node) = above {
        if let Some(ticket) = to_open_node(&node, location, way, |_| job.take()) {
            return ticket;
        }
        above = node.nearest_open();
    }
    let root = origin.map_or_else(|| root::node().clone(), |node| root::of(&node.tree));
    let ticket = Ticket::new(&root.tree);
    if let Some(job) = job {
        root::add(&root, job, Some(ticket.clone()), location, outside);
    }
    ticket
}

/// `job` is called once the node is known to be open, with the engine if that is at hand.
fn to_open_node(
    node: &Arc<Node>,
    location: Place,
    way: Way,
    job: impl FnOnce(Option<&mut Engine>) -> Option<Job>,
) -> Option<Arc<Ticket>> {
    let tree = &node.tree;
    let mut job = Some(job);
    let mut make = |engine: Option<&mut Engine>| job.take()?(engine);
    let here = current::with(|ambient| {
        ambient.on_top(tree.id, |engine| {
            tree.apply_ops(engine);
            if node.is_closed() {
                return None;
            }
            let job = make(Some(engine))?;
            Some(ambient.add_as(way, engine, node.key(), job, location))
        })
    });
    let ticket = match here {
        Some(ticket) => ticket,
        None => tree.change(|inner| {
            if node.is_closed() {
                return None;
            }
            if let Some(engine) = &mut inner.engine {
                let job = make(Some(engine))?;
                engine.as_cleanup = way == Way::Cleanup;
                let ticket = engine.add_with_ticket_in(tree, node.key(), job, location);
                engine.as_cleanup = false;
                return Some(ticket);
            }
            let ticket = Ticket::new(tree);
            let added = Added { job: make(None)?, ticket: Some(ticket.clone()), location };
            let op = match way {
                Way::Plain => Op::Add(node.clone(), added),
                Way::Cleanup => Op::AddCleanup(node.clone(), added),
            };
            inner.submit(tree, op);
            Some(ticket)
        }),
    };
    if tree.is_root && tree.apart.is_none() && ticket.is_some() {
        root::kick();
    }
    ticket
}

impl Ambient {
    /// A cell for what is about to be added, where the current transaction is in the tree that is driven here.
    #[inline]
    fn take_cell(&self) -> Option<Empty> {
        self.current_here()?;
        self.engine.borrow_mut().as_deref_mut()?.take_cell()
    }

    /// Adds to what is current, else to the root.
    #[inline]
    fn add(&self, job: Job, location: Place) -> Arc<Ticket> {
        match self.add_quickly(job, location) {
            Ok(ticket) => ticket,
            Err(job) => self.add_slowly(job, location),
        }
    }

    #[inline(never)]
    fn add_slowly(&self, job: Job, location: Place) -> Arc<Ticket> {
        let Some(here) = self.current_here() else { return self.add_elsewhere(job, location, Way::Plain) };
        let mut engine = self.engine.borrow_mut();
        let Some(topmost) = engine.as_deref_mut() else { unreachable!("a slot is current only in a drive") };
        if topmost.has_ops() {
            // What others added before comes first.
            topmost.apply_ops_here();
        }
        let parent = here.unwrap_or_else(|| topmost.materialise());
        if topmost.slot(parent).gated {
            drop(engine);
            return self.add_gated(parent, job, location, Way::Plain);
        }
        self.add_lending(topmost, parent, job, location)
    }

    fn add_as(&self, way: Way, engine: &mut Engine, parent: Key, job: Job, location: Place) -> Arc<Ticket> {
        engine.as_cleanup = way == Way::Cleanup;
        let ticket = self.add_lending(engine, parent, job, location);
        engine.as_cleanup = false;
        ticket
    }

    /// As `add`, for what survives a rollback.
    fn add_cleanup(&self, job: Job, location: Place) -> Arc<Ticket> {
        match self.current_here() {
            None => self.add_elsewhere(job, location, Way::Cleanup),
            Some(_) => {
                self.engine_here(|engine, _, key| self.add_as(Way::Cleanup, engine, key, job, location))
            }
        }
    }

    /// In a transaction that may hold it back. In the destructors of a rollback it goes to who is not rolled back.
    #[cold]
    fn add_gated(&self, parent: Key, job: Job, location: Place, way: Way) -> Arc<Ticket> {
        let exiling =
            self.engine_here(|engine, tree, _| engine.exiling(parent).map(|key| engine.share(tree, key)));
        match exiling {
            Some(node) => from_node(node.exile(), Some(&node), job, location, way),
            None => self.engine_here(|engine, _, _| self.add_as(way, engine, parent, job, location)),
        }
    }

    #[cold]
    fn add_elsewhere(&self, job: Job, location: Place, way: Way) -> Arc<Ticket> {
        self.make_lazy();
        let Current::Node(node) = self.current() else { return from_node(None, None, job, location, way) };
        let exiled = way == Way::Plain && node.is_exiling();
        let above = if exiled { node.exile() } else { node.nearest_open() };
        from_node(above, Some(&node), job, location, way)
    }
}
