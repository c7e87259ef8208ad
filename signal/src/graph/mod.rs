//! The reactive graph: who has read what, and what is to be brought up to date when that changes. It knows no values, no
//! signals and no futures.
//!
//! # What there is
//!
//! A *node* is a *source* (it changes when somebody says so), a *computation* (it has a body that is run, and reads other
//! nodes), or a *watcher* (a computation that nobody reads, and that somebody wants to hear of when it may have become
//! invalid). A *link* joins a node with one that it has read in its last run. Whoever reads, reads by a [`Tracked`].
//!
//! ```text
//!   source changes ──mark──> readers DIRTY, theirs MAYBE ──> watchers are due        (down: `mark`)
//!   somebody asks, or a watcher is due ──walk──> sources first, then itself          (up: `verify`)
//!   a node is run ──track──> reads are noted ──commit──> links                       (across: `track`, `commit`)
//! ```
//!
//! Three callbacks lead outward: [`Body::run`] runs the computation and says whether its value is another one now; marking
//! gives a list of watchers that are due ([`Due`]); bodies that are not needed any more are given away, to be dropped when
//! nothing is locked ([`trash`]).
//!
//! # States of a computation
//!
//! ```text
//!            run                   a source of a source has changed
//!   DIRTY ─────────> clean ────────────────────────────────────────> MAYBE
//!     ^                ^  │ a source has changed                       │  │
//!     │                │  └─────────────> DIRTY <──────────────────────┘  │ all sources have been looked at:
//!     └ at first       └────────────────────────── one has changed        │ none has
//!                                                  <──────────────────────┘
//! ```
//!
//! # Invariants
//!
//! 1. What is marked has everything below it marked.
//! 2. What is clean, and is not being run, has links to all that its value was made of, and all of that is clean.
//! 3. A node is run by one thread at a time; its body is out of the arena meanwhile.
//! 4. While anything is being run no index is given to another node.
//! 5. One mutex is held at a time: that of one graph. Nothing of the user's runs under it, and nothing of his is dropped.
//!
//! # Graphs
//!
//! Each thread has a graph of its own, in which is what is made there; it is shared by all that is in it. So threads that
//! have nothing to do with each other do not wait for each other. What is read across is correct, and dearer: see `foreign`.

mod arena;
mod commit;
mod deep;
mod foreign;
mod mark;
mod track;
pub(crate) mod trash;
mod uncommitted;
mod verify;
mod wait;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};

use arena::{Arena, DIRTY, LEFT, MARKED, NIL, OWNED, SOURCE, UNCOMMITTED, WATCHER};
use mark::Met;
use verify::End;

pub(crate) use track::{Origin, Site, Tracked, Untracked, current_graph, is_tracking};

use crate::lock::lock;

/// A computation, as the graph calls it.
pub(crate) trait Body: Send + Sync {
    /// Runs it, at this epoch. `uncommitted`: the number of the time in which something is, else 0. It never unwinds.
    fn run(&self, epoch: u64, uncommitted: u64) -> Verdict;
    /// It does not come to rest: each run of it changes what it reads. It is not run any more until something else changes.
    fn runaway(&self) {}
    /// It is due, but another one, that may make an end of it, is to be run before.
    fn run_owner(&self) {}
    /// Where it was made.
    fn location(&self) -> Option<&'static Location<'static>> {
        None
    }
    /// What it stands for in another graph.
    fn target(&self) -> Option<(Arc<Graph>, u32)> {
        None
    }
}

/// What a run came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Changed,
    Same,
    /// It has the value again that it had before something was uncommitted.
    Restored,
    /// It goes on elsewhere, see [`Graph::run_part`]: its links stay for now.
    Later,
}

/// What is asked for can not be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trouble {
    /// It is being run further down this stack: it reads itself.
    Cycle,
    /// Another thread runs it, and waits for what is run further down this stack.
    Circle,
}

pub(crate) struct Graph {
    arena: Mutex<Arena>,
    /// That of the arena, as it was last.
    epoch: AtomicU64,
    /// Something has been run, for which others wait.
    idle: Condvar,
}

/// All graphs, by address, so that one is found where only that is noted.
static GRAPHS: Mutex<Option<HashMap<usize, Weak<Graph>>>> = Mutex::new(None);

thread_local! {
    static GRAPH: OnceCell<Arc<Graph>> = const { OnceCell::new() };
}

impl Graph {
    /// This thread's.
    pub(crate) fn here() -> Arc<Self> {
        GRAPH.try_with(|graph| graph.get_or_init(Graph::new).clone()).unwrap_or_else(|_| Graph::new())
    }

    fn new() -> Arc<Self> {
        let mut arena = Arena::default();
        arena.epoch = 1;
        let graph = Graph { arena: Mutex::new(arena), epoch: AtomicU64::new(1), idle: Condvar::new() };
        let graph = Arc::new(graph);
        lock(&GRAPHS).get_or_insert_default().insert(graph.address(), Arc::downgrade(&graph));
        graph
    }

    #[inline]
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    #[cold]
    fn at(address: usize) -> Option<Arc<Self>> {
        let own = GRAPH.try_with(|graph| graph.get().filter(|graph| graph.address() == address).cloned());
        match own {
            Ok(Some(graph)) => Some(graph),
            _ => lock(&GRAPHS).as_ref()?.get(&address)?.upgrade(),
        }
    }

    #[inline]
    fn lock(&self) -> MutexGuard<'_, Arena> {
        lock(&self.arena)
    }

    /// Moves whenever a source of this graph changes.
    #[inline]
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(crate) fn add_source(self: &Arc<Self>) -> Tracked {
        let mut arena = self.lock();
        let node = arena.add(SOURCE, None);
        // Of a source: when it was made. Who has been run before has not read it.
        arena.slots[node as usize].run_at = arena.epoch;
        drop(arena);
        Tracked::new(self.clone(), node)
    }

    /// A computation, to be run when it is asked for. `make` is given what it is reached by.
    pub(crate) fn add_computation<T: Body + 'static>(
        self: &Arc<Self>,
        make: impl FnOnce(Tracked) -> T,
    ) -> Arc<T> {
        self.add_with(DIRTY, make)
    }

    /// A watcher, to be run for the first time by [`run`](Graph::run).
    pub(crate) fn add_watcher<T: Body + 'static>(
        self: &Arc<Self>,
        is_owned: bool,
        make: impl FnOnce(Tracked) -> T,
    ) -> Arc<T> {
        self.add_with(DIRTY | WATCHER | if is_owned { OWNED } else { 0 }, make)
    }

    fn add_with<T: Body + 'static>(self: &Arc<Self>, flags: u32, make: impl FnOnce(Tracked) -> T) -> Arc<T> {
        let node = self.lock().add(flags, None);
        let body = Arc::new(make(Tracked::new(self.clone(), node)));
        self.lock().colds[node as usize].body = Some(body.clone());
        body
    }

    /// There is no handle of it any more. To be said once.
    fn leave(&self, node: u32) {
        let mut trash = Vec::new();
        let mut arena = self.lock();
        arena.leave(node);
        arena.sweep(&mut trash);
        drop(arena);
        trash::put(trash);
    }

    /// The source has changed: marks what depends on it. Watchers that are due are put into `due`.
    pub(crate) fn change(self: &Arc<Self>, node: &Tracked, settle: u64, due: &mut Due) {
        let mut arena = self.lock();
        let epoch = self.next_epoch(&mut arena);
        let slot = &mut arena.slots[node.node as usize];
        slot.changed_at = epoch;
        let (is_uncommitted, has_readers) = (slot.flags & UNCOMMITTED != 0, slot.subs != NIL);
        if is_uncommitted {
            // What stands now stands, whatever is rolled back.
            arena.committed(node.node);
        }
        if has_readers {
            self.mark(arena, node.node, DIRTY, settle, due);
        }
    }

    #[inline]
    fn next_epoch(&self, arena: &mut Arena) -> u64 {
        arena.epoch += 1;
        self.epoch.store(arena.epoch, Ordering::Release);
        arena.epoch
    }

    /// Marks, here and then in graphs that read from here.
    fn mark<'a>(
        self: &'a Arc<Self>,
        mut arena: MutexGuard<'a, Arena>,
        node: u32,
        how: u32,
        settle: u64,
        due: &mut Due,
    ) {
        let (mut met, mut portals) = (std::mem::take(&mut arena.met), Vec::new());
        arena.mark(node, how, settle, &mut Met { due: &mut met, since: 0, portals: &mut portals });
        if !met.is_empty() {
            due.of(self).append(&mut met);
        }
        arena.met = met;
        if !portals.is_empty() {
            foreign::pass_on(arena, portals, settle, due);
        }
    }

    /// Brings it up to date. Gives the epoch at which it is.
    pub(crate) fn settle(&self, node: &Tracked) -> Result<u64, Trouble> {
        let mut trash = Vec::new();
        let arena = self.lock();
        let (arena, end) = self.walk(arena, node.node, &mut trash);
        let epoch = arena.epoch;
        drop(arena);
        trash::put(trash);
        match end {
            End::Clean | End::Again => Ok(epoch),
            End::Own => Err(Trouble::Cycle),
            End::Circle => Err(Trouble::Circle),
        }
    }

    /// Runs the watcher if it is marked and something that it read has changed. True if it is marked again.
    pub(crate) fn run(&self, node: &Tracked) -> bool {
        let mut trash = Vec::new();
        let (arena, end) = self.walk(self.lock(), node.node, &mut trash);
        drop(arena);
        trash::put(trash);
        end == End::Again
    }

    /// Runs those that are marked still, one after another, each once in this round. Those that are marked again are put
    /// into `again`.
    fn run_due(&self, due: &[(u32, u32)], round: u64, again: &mut List) {
        let mut trash = Vec::new();
        let mut arena = self.lock();
        for &(node, generation) in due {
            let is_due = |arena: &Arena| {
                let flags = arena.slots.get(node as usize).map_or(LEFT, |slot| slot.flags);
                flags & LEFT == 0 && flags & MARKED != 0 && {
                    let cold = &arena.colds[node as usize];
                    cold.generation == generation && cold.round != round
                }
            };
            if !is_due(&arena) {
                continue;
            }
            if arena.slots[node as usize].flags & OWNED != 0
                && let Some(body) = arena.colds[node as usize].body.clone()
            {
                drop(arena);
                body.run_owner();
                trash::put(vec![body]);
                arena = self.lock();
                if !is_due(&arena) {
                    continue;
                }
            }
            arena.colds[node as usize].round = round;
            let end;
            (arena, end) = self.walk(arena, node, &mut trash);
            if end == End::Again {
                again.push((node, generation));
            }
            if !trash.is_empty() {
                drop(arena);
                trash::put(std::mem::take(&mut trash));
                arena = self.lock();
            }
        }
    }

    /// A part of a run that goes on elsewhere. What is read in it becomes links, in addition to those that are there;
    /// if it is the first part: in their stead. Gives what `f` gives, and whether the watcher is marked by now.
    pub(crate) fn run_part<R>(
        &self,
        node: &Tracked,
        is_first: bool,
        site: Option<Site>,
        f: impl FnOnce() -> R,
    ) -> (R, bool) {
        struct Part<'a> {
            graph: &'a Graph,
            node: u32,
            is_first: bool,
            /// When it began.
            since: u64,
            run: track::Run,
            is_marked: bool,
        }
        impl Part<'_> {
            fn end(&mut self) {
                let mut trash = Vec::new();
                let mut arena = self.graph.lock();
                if self.is_first {
                    self.run.reads(|reads| arena.commit(self.node, reads, self.since));
                } else {
                    self.run.reads(|reads| arena.commit_more(self.node, reads, self.since));
                }
                self.is_marked = arena.slots[self.node as usize].flags & MARKED != 0;
                arena.running -= 1;
                arena.sweep(&mut trash);
                drop(arena);
                trash::put(trash);
            }
        }
        struct End<'a, 'b>(&'b mut Part<'a>);
        impl Drop for End<'_, '_> {
            fn drop(&mut self) {
                self.0.end();
            }
        }
        let since = {
            let mut arena = self.lock();
            arena.running += 1;
            // What it is marked for by now stays: somebody wants it to be run again.
            arena.colds[node.node as usize].read_at = arena.epoch;
            arena.epoch
        };
        let run = track::Run::begin(self, site);
        let mut part = Part { graph: self, node: node.node, is_first, since, run, is_marked: false };
        let result = {
            let _end = End(&mut part);
            f()
        };
        (result, part.is_marked)
    }

    fn is_dirty(&self, node: u32) -> bool {
        self.lock().slots[node as usize].flags & DIRTY != 0
    }

    fn stop(&self, node: u32) {
        let mut trash = Vec::new();
        let mut arena = self.lock();
        let slot = &mut arena.slots[node as usize];
        slot.flags &= !MARKED;
        slot.version = slot.version.wrapping_add(1);
        let deps = std::mem::replace(&mut slot.deps, NIL);
        arena.unlink_from(deps);
        arena.leave(node);
        arena.sweep(&mut trash);
        drop(arena);
        trash::put(trash);
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        if let Some(graphs) = lock(&GRAPHS).as_mut() {
            graphs.remove(&self.address());
        }
    }
}

/// Watchers of one graph: their indices and generations.
type List = Vec<(u32, u32)>;

/// Watchers that are due, by graph.
#[derive(Default)]
pub(crate) struct Due(Vec<(Arc<Graph>, List)>);

impl Due {
    pub(crate) const fn new() -> Self {
        Due(Vec::new())
    }

    fn of(&mut self, graph: &Arc<Graph>) -> &mut Vec<(u32, u32)> {
        let index = match self.0.iter().position(|(known, _)| Arc::ptr_eq(known, graph)) {
            Some(index) => index,
            None => {
                self.0.push((graph.clone(), Vec::new()));
                self.0.len() - 1
            }
        };
        &mut self.0[index].1
    }

    pub(crate) fn push(&mut self, node: &Tracked) {
        let generation = node.graph.lock().colds[node.node as usize].generation;
        self.of(&node.graph).push((node.node, generation));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, list)| list.is_empty())
    }

    /// Puts those of the other one behind these.
    pub(crate) fn append(&mut self, other: &mut Due) {
        for (graph, list) in &mut other.0 {
            if !list.is_empty() {
                self.of(graph).append(list);
            }
        }
    }

    /// Runs all, in one round, which has this number. Those that are marked again are put into `again`.
    pub(crate) fn run(&mut self, round: u64, again: &mut Due) {
        for (graph, list) in &mut self.0 {
            if !list.is_empty() {
                let mut marked = Vec::new();
                graph.run_due(list, round, &mut marked);
                list.clear();
                if !marked.is_empty() {
                    again.of(graph).append(&mut marked);
                }
            }
        }
    }

    /// Those that are marked still.
    pub(crate) fn bodies(&self) -> Vec<Arc<dyn Body>> {
        let mut bodies = Vec::new();
        for (graph, list) in &self.0 {
            let arena = graph.lock();
            for &(node, generation) in list {
                let is_it = arena.colds.get(node as usize).is_some_and(|cold| cold.generation == generation);
                if is_it && arena.slots[node as usize].flags & MARKED != 0 {
                    bodies.extend(arena.colds[node as usize].body.clone());
                }
            }
        }
        bodies
    }

    /// Forgets all of them, and keeps the room for those of this thread's graph.
    pub(crate) fn recycle(&mut self) {
        let here = GRAPH.try_with(|graph| graph.get().map(|graph| graph.address())).ok().flatten();
        self.0.retain(|(graph, _)| Some(graph.address()) == here);
        self.0.iter_mut().for_each(|(_, list)| list.clear());
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").field("epoch", &self.epoch()).finish_non_exhaustive()
    }
}
