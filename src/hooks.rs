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
use crate::waker::Wakers;

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
    watchers: Wakers,
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

    pub(crate) fn abort(&self) {
        self.aborted.store(true, Ordering::Release);
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

    /// Hands the hooks over to the one around it. False if that does not hold (any more).
    pub(crate) fn hand_over(&self, outer: &Hooks) -> bool {
        loop {
            let (commit, rollback) = {
                let mut lists = lock(&self.lists);
                if lists.commit.is_empty() && lists.rollback.is_empty() {
                    // Also where it has handed over before: from now on hooks go to the one around it.
                    // Always in this order: the one inside first.
                    let mut above = lock(&outer.lists);
                    let holds = outer.phase() == Phase::Holding;
                    if holds {
                        above.watchers.append(&mut lists.watchers);
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
    pub(crate) fn watch(&self, waker: Waker) {
        let mut waker = Some(waker);
        let mut lists = lock(&self.lists);
        if !lists.watchers.iter().any(|other| waker.as_ref().is_some_and(|waker| other.will_wake(waker))) {
            lists.watchers.extend(waker.take());
        }
        drop(lists);
        drop(waker);
    }

    /// More is held back.
    pub(crate) fn take_watchers(&self, wakers: &mut Wakers) {
        wakers.append(&mut lock(&self.lists).watchers);
    }
}
