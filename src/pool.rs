//! Trees that wait for their next transaction, by thread: beginning one allocates nothing in the steady state.
//!
//! A pooled tree is closed, its engine is beside it, and nobody else holds it: only stale wakers and tickets refer to it,
//! weakly, and cost it a spurious poll at most.

use std::cell::RefCell;
use std::sync::Arc;

use crate::engine::Engine;
use crate::node::Node;
use crate::tree::Tree;

/// How many are kept on a thread: enough for transactions within transactions.
const KEPT: usize = 8;

type Pooled = (Arc<Tree>, Box<Engine>);

#[cfg(not(loom))]
std::thread_local! {
    static POOL: RefCell<Vec<Pooled>> = const { RefCell::new(Vec::new()) };
}
#[cfg(loom)]
loom::thread_local! {
    static POOL: RefCell<Vec<Pooled>> = RefCell::new(Vec::new());
}

/// A closed tree, and its engine.
#[inline]
pub(crate) fn take() -> Pooled {
    POOL.try_with(|pool| pool.borrow_mut().pop()).ok().flatten().unwrap_or_else(|| {
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
        let mut pool = pool.borrow_mut();
        if pool.len() < KEPT {
            pool.push((tree, engine));
        }
    });
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
