//! What waits to serve again, by thread: so beginning a transaction, and keeping a handle, allocate nothing in the steady
//! state.
//!
//! A pooled tree is closed, its engine is beside it, and nobody else holds it: only stale wakers and tickets refer to it,
//! weakly, and cost it a spurious poll at most. A pooled ticket is held by nobody else either, and nothing is in it; nor
//! is there in a box for a value.

use std::cell::RefCell;
use std::sync::Arc;

use crate::engine::Engine;
use crate::node::Node;
use crate::parcel::Boxes;
use crate::spares::Spares;
use crate::ticket::Ticket;
use crate::tree::Tree;

/// How many are kept on a thread: enough for transactions within transactions.
const KEPT: usize = 8;

type Pooled = (Arc<Tree>, Box<Engine>);

/// How many tickets are kept on a thread.
const TICKETS: usize = 1 << 12;

struct Pool {
    trees: RefCell<Vec<Pooled>>,
    tickets: RefCell<Spares<Arc<Ticket>>>,
    boxes: RefCell<Boxes>,
}

impl Pool {
    const fn new() -> Self {
        Pool {
            trees: RefCell::new(Vec::new()),
            tickets: RefCell::new(Spares::new()),
            boxes: RefCell::new(Boxes::new()),
        }
    }
}

#[cfg(not(loom))]
std::thread_local! {
    static POOL: Pool = const { Pool::new() };
}
#[cfg(loom)]
loom::thread_local! {
    static POOL: Pool = Pool::new();
}

/// A closed tree, and its engine.
#[inline]
pub(crate) fn take() -> Pooled {
    POOL.try_with(|pool| pool.trees.borrow_mut().pop()).ok().flatten().unwrap_or_else(|| {
        let tree = Tree::new(false, None);
        let engine = Engine::new(&tree);
        (tree, engine)
    })
}

/// Takes a closed tree back, if nobody else holds it. `holders`: how many references there are if nobody does, this one
/// and the engine's too.
#[inline]
pub(crate) fn put(tree: Arc<Tree>, mut engine: Box<Engine>, holders: usize) {
    if Arc::strong_count(&tree) > holders || !engine.is_blank() || tree.apart.is_some() || tree.is_adopted() {
        return;
    }
    engine.trim();
    let _gone = POOL.try_with(|pool| {
        // What a burst needed goes with the transaction after it.
        pool.tickets.borrow_mut().trim();
        pool.boxes.borrow_mut().trim();
        let mut trees = pool.trees.borrow_mut();
        if trees.len() < KEPT {
            trees.push((tree, engine));
        }
    });
}

/// A ticket that nobody holds, and that has nothing in it.
pub(crate) fn take_ticket() -> Option<Arc<Ticket>> {
    POOL.try_with(|pool| pool.tickets.borrow_mut().take()).ok().flatten()
}

/// Takes such a ticket back.
pub(crate) fn put_ticket(ticket: Arc<Ticket>) {
    let _too_many = POOL.try_with(|pool| pool.tickets.borrow_mut().put(ticket, TICKETS));
}

/// With the boxes for values. `None` where the thread is about to end.
pub(crate) fn with_boxes<R>(f: impl FnOnce(&mut Boxes) -> R) -> Option<R> {
    POOL.try_with(|pool| f(&mut pool.boxes.borrow_mut())).ok()
}

/// For who lets go of the top node of a tree: if nobody else holds it, and it is closed, the tree serves again.
#[inline]
pub(crate) fn put_with(node: &Arc<Node>) {
    if node.parent.is_none() && Arc::strong_count(node) == 1 && node.is_closed() {
        // The node, which goes now, and this hold the tree.
        put_idle(node.tree.clone(), 2);
    }
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
