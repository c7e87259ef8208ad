//! Two threads, one node: who needs what another thread is running waits until that is done, unless that waits for him.
//!
//! Who is about to wait says so in a list of the process's, under one lock, and follows there who waits for whom. So of those
//! that would wait in a circle the last to come sees it, and does not wait.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Graph;
use super::arena::Arena;
use crate::lock::lock;
use crate::this_thread;

/// Who waits for whom.
static WAITING: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());

/// What became of the waiting.
pub(super) enum Waited {
    /// Something has been run: look again.
    Done,
    /// It is run further down this stack.
    Own,
    /// Who runs it waits for this thread.
    Circle,
}

impl Graph {
    #[cold]
    pub(super) fn wait<'a>(
        &'a self,
        mut arena: MutexGuard<'a, Arena>,
        node: u32,
    ) -> (MutexGuard<'a, Arena>, Waited) {
        let (me, runner) = (this_thread::id(), arena.colds[node as usize].runner);
        if runner == me {
            return (arena, Waited::Own);
        }
        {
            let mut waiting = lock(&WAITING);
            let (mut at, mut steps) = (runner, waiting.len());
            while let Some((_, next)) = waiting.iter().find(|(who, _)| *who == at) {
                if *next == me || steps == 0 {
                    return (arena, Waited::Circle);
                }
                (at, steps) = (*next, steps - 1);
            }
            waiting.push((me, runner));
        }
        arena.waiters += 1;
        // No index is given to another node meanwhile.
        arena.running += 1;
        let mut arena = self.idle.wait(arena).unwrap_or_else(PoisonError::into_inner);
        arena.running -= 1;
        arena.waiters -= 1;
        lock(&WAITING).retain(|(who, _)| *who != me);
        (arena, Waited::Done)
    }
}
