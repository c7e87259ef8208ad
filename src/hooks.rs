//! What any thread reaches of an atomic transaction: how far it has come, and what is to be called then.
//!
//! The futures that wait for the commit are with the engine (see `hold`); here are the hooks and checks, and the phase,
//! behind a mutex of their own. It is taken under that of a tree, never the other way round.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::Waker;

use crate::error::{BoxError, Place};
use crate::sync::{AtomicBool, AtomicU8, Mutex, Ordering, lock};
use crate::waker::{Seat, WakerSet, Wakers};

/// To be called at the commit, or at the rollback.
pub(crate) struct Hook {
    pub(crate) call: Box<dyn FnOnce() + Send>,
    /// Where it was given.
    pub(crate) location: Place,
}

/// To be polled before the commit.
pub(crate) struct Check {
    pub(crate) future: Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>,
    /// Where it was given.
    pub(crate) location: Place,
}

/// How far an atomic transaction has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// What is added is held back.
    Holding,
    Committed,
    /// What was added is being dropped, and the hooks of the rollback are being called.
    Undoing,
    Undone,
}

pub(crate) struct Hooks {
    /// A `Phase`. Changed under the mutex.
    phase: AtomicU8,
    /// It is to be rolled back when its body is done.
    aborted: AtomicBool,
    lists: Mutex<Lists>,
}

#[derive(Default)]
struct Lists {
    commit: VecDeque<Hook>,
    rollback: Vec<Hook>,
    checks: VecDeque<Check>,
    /// All checks have passed: there is no way back.
    passed: bool,
    /// Those who wait inside, and are to look again when more is held back.
    watchers: WakerSet,
    /// Of who polls a check: an abort need not wait for that.
    owner: Option<Waker>,
}

impl Hooks {
    pub(crate) fn new() -> Self {
        Hooks {
            phase: AtomicU8::new(Phase::Holding as u8),
            aborted: AtomicBool::new(false),
            lists: Mutex::default(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Holding,
            1 => Phase::Committed,
            2 => Phase::Undoing,
            _ => Phase::Undone,
        }
    }

    fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Has it rolled back when its body is done. Gives who is to be woken, as his body is done and he waits for a check.
    #[must_use]
    pub(crate) fn abort(&self) -> Option<Waker> {
        let mut lists = lock(&self.lists);
        self.aborted.store(true, Ordering::Release);
        lists.owner.take()
    }

    /// From now on the owner, who waits for a check, is woken by an abort. True if that has come already.
    pub(crate) fn arm(&self, waker: Waker) -> bool {
        let mut lists = lock(&self.lists);
        let old = lists.owner.replace(waker);
        let aborted = self.is_aborted();
        drop(lists);
        drop(old);
        aborted
    }

    /// He waits no more.
    pub(crate) fn disarm(&self) {
        let old = lock(&self.lists).owner.take();
        drop(old);
    }

    pub(crate) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Acquire)
    }

    /// Has the hook called at the commit, as long as it holds; else gives it back.
    pub(crate) fn push_at_commit(&self, hook: Hook) -> Result<(), Hook> {
        self.push(hook, |lists, hook| lists.commit.push_back(hook))
    }

    /// The same for a rollback.
    pub(crate) fn push_at_rollback(&self, hook: Hook) -> Result<(), Hook> {
        self.push(hook, |lists, hook| lists.rollback.push(hook))
    }

    fn push<T>(&self, item: T, push: impl FnOnce(&mut Lists, T)) -> Result<(), T> {
        let mut lists = lock(&self.lists);
        if self.phase() != Phase::Holding {
            return Err(item);
        }
        push(&mut lists, item);
        Ok(())
    }

    pub(crate) fn push_check(&self, check: Check) -> Result<(), Check> {
        let mut lists = lock(&self.lists);
        if self.phase() != Phase::Holding || lists.passed {
            return Err(check);
        }
        lists.checks.push_back(check);
        Ok(())
    }

    /// The next check; `None` once there is none: from now on it takes no more.
    pub(crate) fn next_check(&self) -> Option<Check> {
        let mut lists = lock(&self.lists);
        let next = lists.checks.pop_front();
        lists.passed = next.is_none();
        next
    }

    /// The next hook of the commit; `None` once there is none: it has committed, and what was for a rollback is given
    /// back, to be dropped.
    pub(crate) fn next_at_commit(&self) -> Result<Hook, Vec<Hook>> {
        let mut lists = lock(&self.lists);
        lists.commit.pop_front().ok_or_else(|| {
            self.set_phase(Phase::Committed);
            std::mem::take(&mut lists.rollback)
        })
    }

    /// Hands the hooks over to the one around it. False if that does not hold (any more). Those who watched are to look again:
    /// from now on it is the outer one that they watch.
    pub(crate) fn hand_over(&self, outer: &Hooks, wakers: &mut Wakers) -> bool {
        loop {
            let (commit, rollback) = {
                let mut lists = lock(&self.lists);
                if lists.commit.is_empty() && lists.rollback.is_empty() {
                    // Also where it has handed over before: from now on hooks go to the one around it.
                    // Always in this order: the one inside first.
                    let _above = lock(&outer.lists);
                    let holds = outer.phase() == Phase::Holding;
                    if holds {
                        lists.watchers.take_all(wakers);
                        self.set_phase(Phase::Committed);
                    }
                    return holds;
                }
                (std::mem::take(&mut lists.commit), std::mem::take(&mut lists.rollback))
            };
            let refused = outer.push((commit, rollback), |lists, (commit, rollback)| {
                lists.commit.extend(commit);
                lists.rollback.extend(rollback);
            });
            if let Err((mut commit, mut rollback)) = refused {
                let mut lists = lock(&self.lists);
                commit.append(&mut lists.commit);
                rollback.append(&mut lists.rollback);
                (lists.commit, lists.rollback) = (commit, rollback);
                return false;
            }
        }
    }

    /// Begins the rollback: what was for the commit is given back, to be dropped.
    pub(crate) fn begin_undoing(&self) -> (VecDeque<Hook>, VecDeque<Check>) {
        let mut lists = lock(&self.lists);
        self.set_phase(Phase::Undoing);
        (std::mem::take(&mut lists.commit), std::mem::take(&mut lists.checks))
    }

    /// The next hook of the rollback, the last one first; `None` once there is none: it is undone.
    pub(crate) fn next_at_rollback(&self) -> Option<Hook> {
        let mut lists = lock(&self.lists);
        let next = lists.rollback.pop();
        if next.is_none() {
            self.set_phase(Phase::Undone);
        }
        next
    }

    /// Is woken when more is held back.
    pub(crate) fn watch(&self, seat: &mut Seat, waker: Waker) {
        let old = lock(&self.lists).watchers.sit(seat, waker);
        drop(old);
    }

    /// Waits no more.
    pub(crate) fn leave(&self, seat: &mut Seat) {
        let old = lock(&self.lists).watchers.leave(seat);
        drop(old);
    }

    /// More is held back.
    pub(crate) fn take_watchers(&self, wakers: &mut Wakers) {
        lock(&self.lists).watchers.take_all(wakers);
    }
}
