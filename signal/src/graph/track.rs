//! Across: what is read on this thread while a node is being run.
//!
//! Reads take no lock: a source that has not been met in this run (its stamp is another run's) is noted in a list of the
//! thread's. Runs nest: each has the end of the list from where it began. Where two runs read one source in turn it may be
//! noted twice; the commit sees to that.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Graph, foreign};

/// Numbers of runs: each thread takes so many at a time. No two runs have the same.
const RANGE: u64 = 1 << 20;
static NEXT: AtomicU64 = AtomicU64::new(RANGE);

/// What tells whether what runs now is what was to be tracked: a function, and what it gives then.
pub(crate) type Site = (fn() -> Option<(u64, u64)>, (u64, u64));

/// What is tracked on a thread.
#[derive(Clone, Copy)]
struct Now {
    /// The number of the run; 0: nothing is tracked.
    run: u64,
    /// The address of its graph.
    graph: usize,
    site: Option<Site>,
}

const NOTHING: Now = Now { run: 0, graph: 0, site: None };
/// Nothing either, but further down the stack a node is being run.
const SUSPENDED: Now = Now { graph: usize::MAX, ..NOTHING };

thread_local! {
    static NOW: Cell<Now> = const { Cell::new(NOTHING) };
    static RUN: Cell<u64> = const { Cell::new(0) };
    static NUMBER: Cell<u64> = const { Cell::new(0) };
    static READS: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// Is a node being run here, so that a read matters?
#[inline]
pub(crate) fn is_tracking() -> bool {
    RUN.get() != 0
}

/// For the length of a run. On unwind, too, what was before is restored.
pub(super) struct Run {
    outer: Now,
    base: usize,
}

impl Run {
    #[inline]
    pub(super) fn begin(graph: &Graph, site: Option<Site>) -> Self {
        let base = READS.with_borrow(Vec::len);
        let run = number();
        let outer = NOW.replace(Now { run, graph: graph.address(), site });
        RUN.set(run);
        Run { outer, base }
    }

    /// What was read.
    #[inline]
    pub(super) fn reads<R>(&self, f: impl FnOnce(&[u32]) -> R) -> R {
        READS.with_borrow(|reads| f(&reads[self.base..]))
    }

    /// Is another node being run further down this stack?
    #[inline]
    pub(super) fn is_nested(&self) -> bool {
        self.outer.graph != 0
    }
}

impl Drop for Run {
    #[inline]
    fn drop(&mut self) {
        // A thread that exits has no list any more.
        let _ = READS.try_with(|reads| reads.borrow_mut().truncate(self.base));
        RUN.set(self.outer.run);
        NOW.set(self.outer);
    }
}

#[inline]
fn number() -> u64 {
    let number = NUMBER.get();
    if number.is_multiple_of(RANGE) {
        return fresh();
    }
    NUMBER.set(number + 1);
    number
}

#[cold]
fn fresh() -> u64 {
    let first = NEXT.fetch_add(RANGE, Ordering::Relaxed) + 1;
    NUMBER.set(first + 1);
    first
}

/// Nothing is tracked while it lives.
pub(crate) struct Untracked(Option<Now>);

impl Untracked {
    #[inline]
    pub(crate) fn begin() -> Self {
        if !is_tracking() {
            return Untracked(None);
        }
        let outer = NOW.replace(SUSPENDED);
        RUN.set(0);
        Untracked(Some(outer))
    }
}

impl Drop for Untracked {
    #[inline]
    fn drop(&mut self) {
        if let Some(outer) = self.0 {
            RUN.set(outer.run);
            NOW.set(outer);
        }
    }
}

/// A node, as it is read: what the graph is reached by. Who has it says when it is not needed any more.
pub(crate) struct Tracked {
    pub(super) graph: Arc<Graph>,
    pub(super) node: u32,
    /// The last run that has read it.
    stamp: AtomicU64,
}

impl Tracked {
    pub(super) fn new(graph: Arc<Graph>, node: u32) -> Self {
        Tracked { graph, node, stamp: AtomicU64::new(0) }
    }

    pub(crate) fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// To be had when the node itself is gone.
    pub(crate) fn key(&self) -> Key {
        Key { graph: self.graph.clone(), node: self.node }
    }

    /// It reads nothing any more, and is never run again. To be said once, instead of leaving it.
    pub(crate) fn stop(&self) {
        self.graph.stop(self.node);
    }

    /// Is it known to be invalid?
    pub(crate) fn is_dirty(&self) -> bool {
        self.graph.is_dirty(self.node)
    }

    /// It is read now.
    #[inline]
    pub(crate) fn track(&self) {
        let run = RUN.get();
        if run != 0 && self.stamp.load(Ordering::Relaxed) != run {
            self.note(run);
        }
    }

    #[inline]
    fn note(&self, run: u64) {
        let now = NOW.get();
        if now.site.is_some_and(|(here, token)| here() != Some(token)) {
            return;
        }
        self.stamp.store(run, Ordering::Relaxed);
        let node = if now.graph == self.graph.address() {
            self.node
        } else {
            match Graph::at(now.graph) {
                Some(graph) => foreign::stand_in(&graph, self),
                None => return,
            }
        };
        READS.with_borrow_mut(|reads| reads.push(node));
    }
}

/// A node that nobody else has a handle of.
pub(crate) struct Key {
    graph: Arc<Graph>,
    node: u32,
}

impl Key {
    pub(crate) fn leave(self) {
        self.graph.leave(self.node);
    }
}

/// The graph of what is being run here.
pub(crate) fn current_graph() -> Option<Arc<Graph>> {
    let now = NOW.get();
    if now.run == 0 { None } else { Graph::at(now.graph) }
}

/// The node of what changes from outside: made by who reads it first, in the graph of that.
pub(crate) struct Origin(Tracked);

impl Origin {
    pub(crate) fn new(graph: &Arc<Graph>) -> Self {
        Origin(graph.add_source())
    }
}

impl std::ops::Deref for Origin {
    type Target = Tracked;

    fn deref(&self) -> &Tracked {
        &self.0
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.0.graph.leave(self.0.node);
    }
}
