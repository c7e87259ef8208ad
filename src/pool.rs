//! What waits to serve again, by thread: so beginning a transaction, and keeping a handle, allocate nothing in the steady
//! state.
//!
//! A pooled tree is closed, its engine is beside it, and nobody else holds it: only stale wakers and tickets refer to it,
//! weakly, and cost it a spurious poll at most. What was begun is kept with its node, as the last handle has left it: a tree
//! that nobody else holds is in it, and the engine in that. A pooled ticket is held by nobody else either, and nothing is in
//! it; nor is there in a box for a value.

use std::cell::RefCell;
use std::sync::Arc;

use crate::engine::Engine;
use crate::error::Place;
use crate::node::Node;
use crate::parcel::Boxes;
use crate::slot::Kind;
use crate::spares::Spares;
use crate::ticket::Ticket;
use crate::tree::Tree;

/// How many trees of a kind are kept on a thread: enough for transactions within transactions.
const KEPT: usize = 8;

/// How many tickets are kept on a thread.
const TICKETS: usize = 1 << 12;

type Pooled = (Arc<Tree>, Box<Engine>);

struct Pool {
    /// For scopes, and for what is begun where none of the next kind is left.
    trees: Vec<Pooled>,
    /// Of what was begun: nobody else holds it, it has its tree, which nobody else holds, and that its engine.
    nodes: Vec<Arc<Node>>,
    tickets: Spares<Arc<Ticket>>,
    boxes: Boxes,
}

impl Pool {
    const fn new() -> RefCell<Self> {
        RefCell::new(Pool {
            trees: Vec::new(),
            nodes: Vec::new(),
            tickets: Spares::new(),
            boxes: Boxes::new(),
        })
    }

    /// What a burst needed goes with the transaction after it.
    #[inline]
    fn trim(&mut self) {
        self.tickets.trim();
        self.boxes.trim();
    }
}

#[cfg(not(loom))]
std::thread_local! {
    static POOL: RefCell<Pool> = const { Pool::new() };
}
#[cfg(loom)]
loom::thread_local! {
    static POOL: RefCell<Pool> = Pool::new();
}

/// With what this thread has; `None` where that is about to end. Nothing that is dropped here may come back to it.
#[inline]
fn with<R>(f: impl FnOnce(&mut Pool) -> R) -> Option<R> {
    POOL.try_with(|pool| f(&mut pool.borrow_mut())).ok()
}

/// A closed tree, and its engine.
#[inline]
pub(crate) fn take() -> Pooled {
    with(|pool| pool.trees.pop()).flatten().unwrap_or_else(make)
}

#[cold]
fn make() -> Pooled {
    let tree = Tree::new(false, None);
    let engine = Engine::new(&tree);
    (tree, engine)
}

/// Takes a closed tree back, if nobody else holds it. `holders`: how many references there are if nobody does, this one
/// and the engine's too.
#[inline]
pub(crate) fn put(tree: Arc<Tree>, mut engine: Box<Engine>, holders: usize) {
    if Arc::strong_count(&tree) > holders || !engine.is_blank() || tree.apart.is_some() || tree.is_adopted() {
        return;
    }
    engine.trim();
    let _too_many = with(|pool| {
        pool.trim();
        if pool.trees.len() >= KEPT {
            return Some((tree, engine));
        }
        pool.trees.push((tree, engine));
        None
    });
}

/// For who lets go of the top node of a tree: if nobody else holds it, and it is closed, the tree serves again.
#[inline]
pub(crate) fn put_with(node: &Arc<Node>) {
    if node.parent.is_none() && Arc::strong_count(node) == 1 && node.is_closed() {
        put_closed(node);
    }
}

fn put_closed(node: &Arc<Node>) {
    let tree = &node.tree;
    let serves = node.serves_again() && tree.apart.is_none() && !tree.is_adopted();
    // The other way the node, which goes now, and this hold the tree.
    if !serves || Arc::strong_count(tree) > 1 || !tree.trim_blank() {
        return put_idle(tree.clone(), 2);
    }
    let _too_many = with(|pool| {
        pool.trim();
        if pool.nodes.len() >= KEPT {
            return Some(node.clone());
        }
        pool.nodes.push(node.clone());
        None
    });
}

/// Begins a transaction on a tree of its own with all that an earlier one has left.
#[inline]
pub(crate) fn begin_again(location: Place) -> Option<Arc<Node>> {
    let mut node = with(|pool| pool.nodes.pop()).flatten()?;
    Arc::get_mut(&mut node)?.renew(location);
    let mut inner = node.tree.lock();
    let engine = inner.engine.as_deref_mut()?;
    engine.open(Kind::Begun, location, Some(node.clone()));
    node.tree.set_open(true);
    drop(inner);
    Some(node)
}

/// As `put`, for a tree whose engine is in its place. `holders`: how many references are about to go.
pub(crate) fn put_idle(tree: Arc<Tree>, holders: usize) {
    if Arc::strong_count(&tree) == holders {
        let engine = if tree.is_open() { None } else { tree.take_engine() };
        if let Some(engine) = engine {
            put(tree, engine, holders + 1);
        }
    }
}

/// A ticket that nobody holds, and that has nothing in it.
pub(crate) fn take_ticket() -> Option<Arc<Ticket>> {
    with(|pool| pool.tickets.take()).flatten()
}

/// Takes such a ticket back.
pub(crate) fn put_ticket(ticket: Arc<Ticket>) {
    let _too_many = with(|pool| pool.tickets.put(ticket, TICKETS));
}

/// With the boxes for values. `None` where the thread is about to end.
pub(crate) fn with_boxes<R>(f: impl FnOnce(&mut Boxes) -> R) -> Option<R> {
    with(|pool| f(&mut pool.boxes))
}
