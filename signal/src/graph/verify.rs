//! Up: what is asked for is brought up to date, and whatever it depends on before it; nothing else is run.
//!
//! In its simple form:
//!
//! ```text
//! settle(node):
//!     if node is MAYBE: for each source of node, in the order of reading:
//!         settle(source)
//!         if source has changed since node was run: node is DIRTY, stop
//!     if node is DIRTY: run it; if its value is another one: it has changed now
//!     node is neither
//! ```
//!
//! Without recursion: a stack of frames, each a node and how far its sources have been looked at.
//!
//! # While it is run
//!
//! A node is run with nothing locked: meanwhile sources may change, other threads may look at the same nodes, what runs may
//! read, make and drop nodes. So after each run:
//!
//! - A node that was marked during its run is marked when it is over, and is run again. It may not have had a link to what
//!   has changed: the commit looks at the new ones.
//! - A frame notes the epoch at which it began to look at the sources. Only if no source of the graph has changed since
//!   then are those that were passed still as they were; else it begins anew.
//! - A frame notes the version of the list of its links, which moves when the node is run by somebody else.
//!
//! A node that is met while it is being run is waited for (`wait`). One that is run further down this very stack, or is on
//! the stack of this walk already, can not be brought up to date before the one that looks: that is to be run then, and
//! either does not read it any more or finds the cycle itself.

use std::sync::{Arc, MutexGuard};

use super::arena::{Arena, DIRTY, MARKED, MAYBE, NIL, PORTAL, RUNNING, WATCHER};
use super::track::Run;
use super::wait::Waited;
use super::{Body, Graph, Verdict, deep};
use crate::this_thread;

/// So often a node is run in one walk before it is given up: it changes what it reads.
const LIMIT: u32 = 100;

pub(super) struct Frame {
    node: u32,
    /// How far its links have been looked at.
    link: u32,
    /// The version of its links.
    version: u32,
    /// How often it was run.
    runs: u32,
    /// When it began to look at them; `NEVER`: it has not.
    epoch: u64,
}

const NEVER: u64 = u64::MAX;

impl Frame {
    fn new(node: u32) -> Self {
        Frame { node, link: NIL, version: 0, runs: 0, epoch: NEVER }
    }
}

/// How a walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// It is up to date.
    Clean,
    /// It is a watcher, has been run, and is marked again.
    Again,
    /// It is being run further down this stack.
    Own,
    /// Another thread runs it, and waits for this one.
    Circle,
}

impl Graph {
    /// Brings it up to date. What is to be dropped goes to `trash`.
    pub(super) fn walk<'a>(
        &'a self,
        mut arena: MutexGuard<'a, Arena>,
        root: u32,
        trash: &mut Vec<Arc<dyn Body>>,
    ) -> (MutexGuard<'a, Arena>, End) {
        let mut frame = Frame::new(root);
        let walk = arena.next_walk();
        let mut stack = arena.frames.pop().unwrap_or_default();
        let end = 'walk: loop {
            let slot = &mut arena.slots[frame.node as usize];
            let flags = slot.flags;
            if flags & (MARKED | RUNNING) == 0 {
                match stack.pop() {
                    Some(above) => {
                        arena.colds[frame.node as usize].walk = 0;
                        frame = above;
                        continue;
                    }
                    None => break End::Clean,
                }
            }
            if flags & RUNNING != 0 {
                let waited;
                (arena, waited) = self.wait(arena, frame.node);
                let end = match waited {
                    Waited::Done => {
                        arena.sweep(trash);
                        continue;
                    }
                    Waited::Own => End::Own,
                    Waited::Circle => End::Circle,
                };
                match stack.pop() {
                    Some(above) => {
                        arena.colds[frame.node as usize].walk = 0;
                        frame = above;
                        arena.slots[frame.node as usize].flags |= DIRTY;
                        continue;
                    }
                    None => break end,
                }
            }
            if flags & WATCHER != 0 && frame.runs > 0 {
                break End::Again;
            }
            if flags & DIRTY != 0 && flags & PORTAL != 0 {
                let epoch = arena.epoch;
                let slot = &mut arena.slots[frame.node as usize];
                slot.flags &= !MARKED;
                slot.run_at = epoch;
                if let Some(portal) = &arena.colds[frame.node as usize].body {
                    // Without opening the lock: it notes that it was called, no more.
                    portal.run(epoch, 0);
                }
                continue;
            }
            if flags & DIRTY != 0 {
                frame.runs += 1;
                arena = self.run_node(arena, frame.node, frame.runs > LIMIT, trash);
                continue;
            }
            if frame.epoch == NEVER || frame.version != slot.version {
                frame.link = slot.deps;
                frame.version = slot.version;
                frame.epoch = arena.epoch;
            }
            let slot = &arena.slots[frame.node as usize];
            while frame.link != NIL {
                let link = &arena.links[frame.link as usize];
                let source = &arena.slots[link.dep as usize];
                if source.flags & (MARKED | RUNNING) != 0 {
                    let dep = link.dep;
                    let is_too_deep = stack.len() > arena.slots.len();
                    let cold = &mut arena.colds[dep as usize];
                    if cold.walk == walk || dep == root || is_too_deep {
                        arena.slots[frame.node as usize].flags |= DIRTY;
                    } else {
                        cold.walk = walk;
                        stack.push(std::mem::replace(&mut frame, Frame::new(dep)));
                    }
                    continue 'walk;
                }
                if source.changed_at > slot.run_at {
                    arena.slots[frame.node as usize].flags |= DIRTY;
                    continue 'walk;
                }
                frame.link = link.next_dep;
            }
            if frame.epoch == arena.epoch {
                arena.slots[frame.node as usize].flags &= !MAYBE;
            } else {
                // Begin anew: what was passed may have changed.
                frame.epoch = NEVER;
            }
        };
        for frame in stack.drain(..) {
            arena.colds[frame.node as usize].walk = 0;
        }
        arena.frames.push(stack);
        (arena, end)
    }

    /// Runs it, unlocked, and takes down what it has read. `is_runaway`: says instead that it does not come to rest.
    fn run_node<'a>(
        &'a self,
        mut arena: MutexGuard<'a, Arena>,
        node: u32,
        is_runaway: bool,
        trash: &mut Vec<Arc<dyn Body>>,
    ) -> MutexGuard<'a, Arena> {
        let epoch = arena.epoch;
        let at = node as usize;
        let slot = &mut arena.slots[at];
        slot.flags = (slot.flags & !MARKED) | RUNNING;
        slot.run_at = epoch;
        let cold = &mut arena.colds[at];
        cold.runner = this_thread::id();
        let Some(body) = cold.body.take() else { unreachable!("what is not being run has its body") };
        arena.running += 1;
        let uncommitted = arena.period();
        drop(arena);

        let run = Run::begin(self, None);
        let verdict = if is_runaway {
            body.runaway();
            Verdict::Changed
        } else if run.is_nested() {
            deep::with_stack(|| body.run(epoch, uncommitted))
        } else {
            body.run(epoch, uncommitted)
        };

        let mut arena = self.lock();
        if is_runaway {
            // What it reads stays what it was; what marked it meanwhile was itself.
            arena.slots[at].flags &= !MARKED;
        } else if verdict != Verdict::Later {
            run.reads(|reads| arena.commit(node, reads, epoch));
        }
        drop(run);
        arena.colds[at].body = Some(body);
        let slot = &mut arena.slots[at];
        slot.flags &= !RUNNING;
        match verdict {
            Verdict::Changed => arena.changed(node, epoch),
            Verdict::Restored => arena.restored(node, epoch),
            Verdict::Same | Verdict::Later => {}
        }
        arena.running -= 1;
        arena.sweep(trash);
        if arena.waiters > 0 {
            self.idle.notify_all();
        }
        arena
    }
}
