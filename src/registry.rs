//! All trees of the process, so that `wait_all` finds them; and numbers unlike any other.
//!
//! A tree is entered when it is made and stays entered while it is pooled: so a transaction costs the registry nothing,
//! and one that another thread is running right now is found too.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use slab::Slab;

use crate::current;
use crate::engine::Engine;
use crate::node::Node;
use crate::slot::Kind;
use crate::sync::{self, lock};
use crate::tree::{Op, Tree};

type Trees = Mutex<Slab<Weak<Tree>>>;

/// Those of the process.
static TREES: Trees = Mutex::new(Slab::new());

/// Trees that keep apart from those of the process: of one [`Registry`](crate::Registry).
#[derive(Default)]
pub(crate) struct Apart {
    trees: Trees,
    /// Until the registry is dropped.
    root: Mutex<Option<Arc<Node>>>,
}

impl Apart {
    pub(crate) fn root(&self) -> Option<Arc<Node>> {
        self.root.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the one before.
    pub(crate) fn set_root(&self, root: Option<Arc<Node>>) -> Option<Arc<Node>> {
        std::mem::replace(&mut *self.root.lock().unwrap_or_else(PoisonError::into_inner), root)
    }
}

impl std::fmt::Debug for Apart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("root", &self.root().map(|root| root.id)).finish_non_exhaustive()
    }
}

fn trees_of(apart: Option<&Arc<Apart>>) -> &Trees {
    apart.map_or(&TREES, |apart| &apart.trees)
}

fn all(apart: Option<&Arc<Apart>>) -> Vec<Arc<Tree>> {
    let trees = trees_of(apart).lock().unwrap_or_else(PoisonError::into_inner);
    let mut trees: Vec<_> = trees.iter().filter_map(|(_, tree)| tree.upgrade()).collect();
    // In the order of making: where one stands in the slab depends on what was there before.
    trees.sort_unstable_by_key(|tree| tree.id);
    trees
}

static IDS: AtomicU64 = AtomicU64::new(1);

/// A number higher than any before.
pub(crate) fn next_id() -> u64 {
    IDS.fetch_add(1, Ordering::Relaxed)
}

/// A number for a thread; never 0.
pub(crate) fn next_thread() -> u64 {
    next_id()
}

/// Where the registry has a tree.
#[derive(Default)]
pub(crate) struct TreeSeat(OnceLock<usize>);

impl TreeSeat {
    pub(crate) fn take(&self, tree: &Arc<Tree>) {
        let trees = trees_of(tree.apart.as_ref());
        let key = trees.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::downgrade(tree));
        let _fresh = self.0.set(key);
    }

    pub(crate) fn leave(&self, apart: Option<&Arc<Apart>>) {
        if let Some(key) = self.0.get() {
            let gone = trees_of(apart).lock().unwrap_or_else(PoisonError::into_inner).try_remove(*key);
            drop(gone);
        }
    }
}

/// The trees that the root has adopted.
pub(crate) fn adopted(apart: Option<&Arc<Apart>>) -> Vec<Arc<Tree>> {
    all(apart).into_iter().filter(|tree| tree.is_adopted()).collect()
}

/// A question to one tree: which transactions are open in it, that who asks is no part of?
pub(crate) struct Survey {
    answer: sync::Mutex<Option<Vec<Arc<Node>>>>,
    /// Wakes who asked, if another thread drives and answers later.
    waker: sync::Mutex<Option<std::task::Waker>>,
}

impl Survey {
    /// Asks every tree.
    pub(crate) fn of_all(apart: Option<&Arc<Apart>>, waker: &std::task::Waker) -> Vec<Arc<Survey>> {
        all(apart).iter().filter_map(|tree| Survey::of(tree, waker)).collect()
    }

    fn of(tree: &Arc<Tree>, waker: &std::task::Waker) -> Option<Arc<Survey>> {
        let survey =
            Arc::new(Survey { answer: sync::Mutex::new(None), waker: sync::Mutex::new(Some(waker.clone())) });
        if current::with(|ambient| tree.is_driven_by(ambient.thread())) {
            // Being polled somewhere on this stack: the engine is not to be had at once if another drive is above it.
            tree.submit(Op::Survey(survey.clone()));
            return Some(survey);
        }
        let asked = tree.ask(&survey);
        asked.then_some(survey)
    }

    /// The transactions, once the tree has answered; until then this waker waits.
    pub(crate) fn take(&self, waker: &std::task::Waker) -> Option<Vec<Arc<Node>>> {
        let waker = waker.clone();
        let old = lock(&self.waker).replace(waker);
        crate::waker::drop_waker(old);
        lock(&self.answer).take()
    }

    /// For who has the engine: the topmost open transactions. Where `wait_all` is called from inside the tree, who asks
    /// leaves out what he is part of.
    pub(crate) fn answer(&self, tree: &Arc<Tree>, engine: &mut Engine) {
        let open: Vec<_> = engine
            .slots
            .iter()
            .filter(|(_, slot)| slot.kind != Kind::Added)
            .map(|(key, _)| key as u32)
            .collect();
        let nodes = open.into_iter().map(|key| engine.share(tree, key)).collect();
        *lock(&self.answer) = Some(nodes);
        engine.outbox.extend(lock(&self.waker).take());
    }
}
