//! Where nodes and links are kept: two vectors, addressed by index, with lists of what is free.
//!
//! A link is in two lists: those of what its node has read, in the order of reading (single), and those of who reads its
//! source (double, so that it is taken out at once, however many there are).
//!
//! A node stays as long as it has handles or is read by another node. What may have become free is noted (`idle`), and given
//! up when no node is being run: so an index that a run has noted means the same node when the run is over.

use std::collections::HashMap;
use std::sync::Arc;

use super::Body;
use super::verify::Frame;

/// No node, no link.
pub(super) const NIL: u32 = u32::MAX;

/// What it read has changed, or it was never run: it is to be run.
pub(super) const DIRTY: u32 = 1;
/// Something that it read may have changed.
pub(super) const MAYBE: u32 = 1 << 1;
/// It is being run.
pub(super) const RUNNING: u32 = 1 << 2;
/// It has no computation: it changes when it is said to have.
pub(super) const SOURCE: u32 = 1 << 3;
/// Nothing reads it: who marks it is told.
pub(super) const WATCHER: u32 = 1 << 4;
/// A watcher on behalf of a node of another graph.
pub(super) const PORTAL: u32 = 1 << 5;
/// There are no handles of it.
pub(super) const LEFT: u32 = 1 << 6;
/// It is no node.
pub(super) const FREE: u32 = 1 << 7;
/// Another watcher may make an end of it, and is to be run before.
pub(super) const OWNED: u32 = 1 << 8;
/// A source that an atomic transaction has changed that is not decided.
pub(super) const UNCOMMITTED: u32 = 1 << 9;
/// Marked, in either way.
pub(super) const MARKED: u32 = DIRTY | MAYBE;

/// What is looked at all the time.
pub(super) struct Slot {
    pub(super) flags: u32,
    /// The first of the links to what it has read.
    pub(super) deps: u32,
    /// The first and the last of the links from who reads it.
    pub(super) subs: u32,
    pub(super) last_sub: u32,
    /// Moves whenever `deps` is another list.
    pub(super) version: u32,
    /// The number of the commit that met it last.
    pub(super) met: u32,
    /// When it changed last.
    pub(super) changed_at: u64,
    /// When its last run began; of a source: when it was made.
    pub(super) run_at: u64,
    /// What it was marked for last.
    pub(super) marked_for: u64,
}

/// What is looked at when it is run.
pub(super) struct Cold {
    /// Its computation. Away while it is being run.
    pub(super) body: Option<Arc<dyn Body>>,
    /// The thread that runs it.
    pub(super) runner: u64,
    /// When the last part of a run began that goes on elsewhere.
    pub(super) read_at: u64,
    /// The round of a flush in which it was run last.
    pub(super) round: u64,
    /// The walk that is looking at it.
    pub(super) walk: u64,
    /// Moves when the index is given to another node.
    pub(super) generation: u32,
    /// Of a source: what is uncommitted.
    pub(super) uncommitted: Option<Box<Uncommitted>>,
    /// What a computation came to while something is uncommitted lies above another value.
    pub(super) beneath: Option<Box<Beneath>>,
    /// When it came to such a value again.
    pub(super) restored_at: u64,
    /// The node of another graph that it stands for.
    pub(super) stands_for: Option<Box<(usize, u32)>>,
}

/// The value of a computation before anything was uncommitted.
pub(super) struct Beneath {
    /// The number of the time in which something is.
    pub(super) period: u64,
    /// When that value had come to stand.
    pub(super) before: u64,
    /// When the one above did.
    pub(super) since: u64,
}

/// A source has been changed by an atomic transaction that is not decided.
#[derive(Clone, Copy)]
pub(super) struct Uncommitted {
    /// The epoch before.
    pub(super) since: u64,
    /// When what stood before had changed.
    pub(super) before: u64,
    /// By several.
    pub(super) is_mixed: bool,
}

pub(super) struct Link {
    pub(super) dep: u32,
    pub(super) sub: u32,
    /// The next one of the same reader.
    pub(super) next_dep: u32,
    /// Its neighbours among those of the same source.
    pub(super) prev_sub: u32,
    pub(super) next_sub: u32,
}

#[derive(Default)]
pub(super) struct Arena {
    pub(super) slots: Vec<Slot>,
    pub(super) colds: Vec<Cold>,
    pub(super) links: Vec<Link>,
    free_slots: Vec<u32>,
    /// The first free link, one higher, so that 0 is none. They are chained by `next_dep`, in the same way.
    free_links: u32,
    /// How many nodes there are.
    live: usize,
    /// Of a node with a new index.
    first_generation: u32,
    /// Moves with each change of a source.
    pub(super) epoch: u64,
    /// The number of the last commit.
    pub(super) commits: u32,
    /// How many sources are uncommitted.
    pub(super) uncommitted: usize,
    /// How often some came to be.
    pub(super) periods: u64,
    /// How many nodes are being run.
    pub(super) running: usize,
    /// How many threads wait until one has been run.
    pub(super) waiters: usize,
    /// Nodes that may have become free.
    pub(super) idle: Vec<u32>,
    /// For walks that go down.
    pub(super) branches: Vec<(u32, u32)>,
    /// For the watchers that they meet.
    pub(super) met: Vec<(u32, u32)>,
    /// The number of the last walk.
    walks: u64,
    /// Stacks of walks, to be used again.
    pub(super) frames: Vec<Vec<Frame>>,
    /// Stand-ins for nodes of other graphs.
    pub(super) proxies: HashMap<(usize, u32), u32>,
}

impl Arena {
    pub(super) fn add(&mut self, flags: u32, body: Option<Arc<dyn Body>>) -> u32 {
        let slot = Slot {
            flags,
            deps: NIL,
            subs: NIL,
            last_sub: NIL,
            version: 0,
            met: 0,
            changed_at: 0,
            run_at: 0,
            marked_for: 0,
        };
        self.live += 1;
        match self.free_slots.pop() {
            Some(index) => {
                let at = index as usize;
                self.slots[at] = slot;
                self.colds[at].body = body;
                self.colds[at].read_at = 0;
                index
            }
            None => {
                let index = self.slots.len() as u32;
                assert!(index < NIL, "a graph has at most {NIL} nodes");
                self.slots.push(slot);
                self.colds.push(Cold {
                    body,
                    runner: 0,
                    read_at: 0,
                    round: 0,
                    walk: 0,
                    generation: self.first_generation,
                    uncommitted: None,
                    beneath: None,
                    restored_at: 0,
                    stands_for: None,
                });
                index
            }
        }
    }

    #[inline]
    pub(super) fn next_walk(&mut self) -> u64 {
        self.walks += 1;
        self.walks
    }

    /// Appends a link to those of the source; where it belongs among those of the reader is the caller's.
    #[inline]
    pub(super) fn link(&mut self, dep: u32, sub: u32, next_dep: u32) -> u32 {
        let source = &mut self.slots[dep as usize];
        let prev_sub = source.last_sub;
        let link = Link { dep, sub, next_dep, prev_sub, next_sub: NIL };
        let index = match self.free_links.checked_sub(1) {
            Some(index) => {
                let free = &mut self.links[index as usize];
                self.free_links = free.next_dep;
                *free = link;
                index
            }
            None => {
                self.links.push(link);
                (self.links.len() - 1) as u32
            }
        };
        let source = &mut self.slots[dep as usize];
        source.last_sub = index;
        match prev_sub {
            NIL => source.subs = index,
            prev => self.links[prev as usize].next_sub = index,
        }
        index
    }

    /// Takes it out of those of the source. Gives the next one of the reader.
    #[inline]
    pub(super) fn unlink(&mut self, index: u32) -> u32 {
        let Link { dep, next_dep, prev_sub, next_sub, .. } = self.links[index as usize];
        let source = &mut self.slots[dep as usize];
        match next_sub {
            NIL => source.last_sub = prev_sub,
            next => self.links[next as usize].prev_sub = prev_sub,
        }
        match prev_sub {
            NIL => {
                source.subs = next_sub;
                if next_sub == NIL && source.flags & LEFT != 0 {
                    self.idle.push(dep);
                }
            }
            prev => self.links[prev as usize].next_sub = next_sub,
        }
        self.links[index as usize].next_dep = self.free_links;
        self.free_links = index + 1;
        next_dep
    }

    /// Takes out this one and all that follow it.
    pub(super) fn unlink_from(&mut self, mut link: u32) {
        while link != NIL {
            link = self.unlink(link);
        }
    }

    /// There is no handle of it any more.
    pub(super) fn leave(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        slot.flags |= LEFT;
        if slot.subs == NIL {
            self.idle.push(index);
        }
    }

    /// Gives up what nobody needs, if nothing is being run. What is to be dropped goes to `trash`.
    #[inline]
    pub(super) fn sweep(&mut self, trash: &mut Vec<Arc<dyn Body>>) {
        if self.running == 0 && !self.idle.is_empty() {
            self.sweep_now(trash);
        }
    }

    fn sweep_now(&mut self, trash: &mut Vec<Arc<dyn Body>>) {
        while let Some(index) = self.idle.pop() {
            let slot = &mut self.slots[index as usize];
            if slot.flags & LEFT == 0 || slot.flags & FREE != 0 || slot.subs != NIL {
                continue;
            }
            slot.flags = FREE;
            let deps = std::mem::replace(&mut slot.deps, NIL);
            self.unlink_from(deps);
            let cold = &mut self.colds[index as usize];
            cold.generation = cold.generation.wrapping_add(1);
            (cold.beneath, cold.restored_at) = (None, 0);
            self.uncommitted -= usize::from(cold.uncommitted.take().is_some());
            if let Some(foreign) = cold.stands_for.take() {
                self.proxies.remove(&foreign);
            }
            trash.extend(cold.body.take());
            self.free_slots.push(index);
            self.live -= 1;
        }
        const KEPT: usize = 1024;
        if self.live == 0 && self.slots.len() > KEPT && self.waiters == 0 {
            // Those who have noted an index and a generation are to find neither.
            let generation = self.colds.iter().map(|cold| cold.generation).max().unwrap_or(0);
            self.slots = Vec::new();
            self.colds = Vec::new();
            self.links = Vec::new();
            self.free_slots = Vec::new();
            self.free_links = 0;
            self.idle = Vec::new();
            self.branches = Vec::new();
            self.frames = Vec::new();
            self.first_generation = generation.wrapping_add(1);
        }
    }
}
