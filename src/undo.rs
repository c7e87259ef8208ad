//! What an atomic transaction has changed outside of itself, and takes back when it is rolled back.
//!
//! Who keeps values that atomic transactions store to *takes part* in each of them, once: however often it stores, there is
//! one entry for it beside the hooks, and one only where an inner transaction hands over to an outer one that it is a part
//! of as well. So who takes part is told of the end of a transaction by the one that its stores belong to by then. Which
//! that is, of the stores of an inner one, can be asked for at any time ([`fate`], [`share_fate`]), also by who has noted
//! nothing but the inner one.
//!
//! On a rollback it is told in its place among the hooks: those given after it are called first. On a commit it is told
//! last, as hooks may store too.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::hooks::Phase;
use crate::node::Node;
use crate::slot::Kind;
use crate::transaction::Transaction;

/// Keeps values that atomic transactions store to.
pub trait Undo: Send + Sync {
    /// What was stored by this one, and by inner ones that have handed over to it, stands.
    fn commit(self: Arc<Self>, by: &Transaction);
    /// What was stored by this one, and by inner ones that have handed over to it, is to be taken back.
    fn roll_back(self: Arc<Self>, by: &Transaction);
}

/// Those who take part in an atomic transaction, in order.
#[derive(Default)]
pub(crate) struct Parts {
    list: Vec<Part>,
    /// Their addresses: each is there once, and lives as long.
    known: HashSet<usize>,
}

struct Part {
    undo: Arc<dyn Undo>,
    /// So many rollback hooks were there before.
    hooks: usize,
}

impl Parts {
    /// False if it takes part already.
    pub(crate) fn push(&mut self, undo: &Arc<dyn Undo>, hooks: usize) -> bool {
        let is_new = self.known.insert(address(undo));
        if is_new {
            self.list.push(Part { undo: undo.clone(), hooks });
        }
        is_new
    }

    /// Behind these, and so many hooks. Gives back what is to be dropped when nothing is locked.
    pub(crate) fn append(&mut self, inner: &mut Parts, hooks: usize) -> Vec<Arc<dyn Undo>> {
        inner.known.clear();
        let parts = inner.list.drain(..);
        parts.filter_map(|part| (!self.push(&part.undo, hooks + part.hooks)).then_some(part.undo)).collect()
    }

    /// The last one, unless hooks come first: there are still so many.
    pub(crate) fn pop(&mut self, hooks: usize) -> Option<Arc<dyn Undo>> {
        let last = self.list.pop_if(|part| part.hooks >= hooks)?;
        self.known.remove(&address(&last.undo));
        Some(last.undo)
    }

    /// All, in order.
    pub(crate) fn take(&mut self) -> Vec<Arc<dyn Undo>> {
        self.known.clear();
        self.list.drain(..).map(|part| part.undo).collect()
    }
}

fn address(undo: &Arc<dyn Undo>) -> usize {
    Arc::as_ptr(undo).cast::<()>() as usize
}

/// How many atomic transactions there are in the process. None: no thread needs to look whether it is in one.
static ATOMICS: AtomicUsize = AtomicUsize::new(0);

/// One of those that are counted.
pub(crate) struct Counted;

impl Counted {
    pub(crate) fn new() -> Self {
        // Who is inside sees it, as he sees what he is in.
        ATOMICS.fetch_add(1, Ordering::Relaxed);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ATOMICS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// False: nothing here is in an atomic transaction. A load; true means nothing.
#[inline]
pub fn may_be_atomic() -> bool {
    ATOMICS.load(Ordering::Relaxed) != 0
}

/// Takes part in this atomic transaction. False if that takes no more: it has committed, handed over, or been rolled back.
pub fn take_part(holder: &Transaction, undo: &Arc<dyn Undo>) -> bool {
    holder.node().hooks.as_ref().is_some_and(|hooks| hooks.take_part(undo))
}

/// What becomes, or has become, of what was stored in an atomic transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is not decided.
    Open,
    /// It was committed, with nothing atomic around it.
    Stands,
    /// It has been rolled back, or is being.
    Undone,
}

/// Of what was stored in this atomic transaction.
pub fn fate(atomic: &Transaction) -> Fate {
    match heir(atomic.node()).and_then(|node| node.hooks.as_ref()).map(|hooks| hooks.phase()) {
        None => Fate::Stands,
        Some(Phase::Holding) => Fate::Open,
        Some(_) => Fate::Undone,
    }
}

/// Is the fate of both to be the same: is one the other, or has it handed over to that, or both to a third?
pub fn share_fate(a: &Transaction, b: &Transaction) -> bool {
    Arc::ptr_eq(a.node(), b.node())
        || matches!((heir(a.node()), heir(b.node())), (Some(a), Some(b)) if Arc::ptr_eq(a, b))
}

/// The one that it has handed over to, itself if it has not: none if it has committed with nothing around it.
fn heir(node: &Arc<Node>) -> Option<&Arc<Node>> {
    let (mut at, mut below) = (Some(node), None);
    while let Some(node) = at {
        match node.hooks.as_ref().map(|hooks| hooks.phase()) {
            Some(Phase::Holding) => return Some(node),
            // What was added to one that was rolled back, and runs, is no part of it: a cleanup.
            Some(Phase::Undoing | Phase::Undone) if below != Some(Kind::Added) => return Some(node),
            _ => {}
        }
        below = Some(node.kind);
        at = node.parent.as_ref();
    }
    None
}
