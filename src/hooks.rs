//! What any thread reaches of an atomic transaction: how far it has come, and what is to be called then.
//!
//! The futures that wait for the commit are with the engine (see `hold`); here are the hooks and checks, and the phase,
//! behind a mutex of their own. It is taken under that of a tree, never the other way round.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

use crate::error::{BoxError, Place};
use crate::sync::{AtomicBool, AtomicU8, Mutex, Ordering, lock};
use crate::undo::{Counted, Parts, Undo};
use crate::waker::{Seat, WakerSet, Wakers, drop_waker};

/// To be called at the commit, or at the rollback.
pub(crate) struct Hook {
    pub(crate) call: Box<dyn FnOnce() + Send>,
    /// Where it was given.
    pub(crate) location: Place,
}

/// What is next at the commit, or at the rollback.
pub(crate) enum Next {
    Hook(Hook),
    /// Those are told.
    Parts(Vec<Arc<dyn Undo>>),
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
    _counted: Counted,
}

#[derive(Default)]
struct Lists {
    commit: VecDeque<Hook>,
    rollback: Vec<Hook>,
    /// Those who keep what it has stored.
    parts: Parts,
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
            _counted: Counted::new(),
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
        drop_waker(old);
        aborted
    }

    /// He waits no more.
    pub(crate) fn disarm(&self) {
        let old = lock(&self.lists).owner.take();
        drop_waker(old);
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

    /// False if it takes no more.
    pub(crate) fn take_part(&self, undo: &Arc<dyn Undo>) -> bool {
        let mut lists = lock(&self.lists);
        let holds = self.phase() == Phase::Holding;
        if holds {
            let hooks = lists.rollback.len();
            lists.parts.push(undo, hooks);
        }
        holds
    }

    /// The next thing to be done at the commit; once there is nothing, it has committed, and what was for a rollback is
    /// given back, to be dropped.
    pub(crate) fn next_at_commit(&self) -> Result<Next, Vec<Hook>> {
        let mut lists = lock(&self.lists);
        if let Some(hook) = lists.commit.pop_front() {
            return Ok(Next::Hook(hook));
        }
        let parts = lists.parts.take();
        if !parts.is_empty() {
            return Ok(Next::Parts(parts));
        }
        self.set_phase(Phase::Committed);
        Err(std::mem::take(&mut lists.rollback))
    }

    /// Hands the hooks over to the one around it. False if that does not hold (any more). Those who watched are to look again:
    /// from now on it is the outer one that they watch.
    pub(crate) fn hand_over(&self, outer: &Hooks, wakers: &mut Wakers) -> bool {
        // Always in this order: the one inside first.
        let mut lists = lock(&self.lists);
        let mut above = lock(&outer.lists);
        let holds = outer.phase() == Phase::Holding;
        let mut twice = Vec::new();
        if holds {
            let hooks = above.rollback.len();
            twice = above.parts.append(&mut lists.parts, hooks);
            above.commit.append(&mut lists.commit);
            above.rollback.append(&mut lists.rollback);
            lists.watchers.take_all(wakers);
            // From now on hooks go to the one around it.
            self.set_phase(Phase::Committed);
        }
        drop((above, lists));
        drop(twice);
        holds
    }

    /// Begins the rollback: what was for the commit is given back, to be dropped.
    pub(crate) fn begin_undoing(&self) -> (VecDeque<Hook>, VecDeque<Check>) {
        let mut lists = lock(&self.lists);
        self.set_phase(Phase::Undoing);
        (std::mem::take(&mut lists.commit), std::mem::take(&mut lists.checks))
    }

    /// The next thing to be done at the rollback, the last one first; `None` once there is none: it is undone.
    pub(crate) fn next_at_rollback(&self) -> Option<Next> {
        let mut lists = lock(&self.lists);
        let hooks = lists.rollback.len();
        let part = lists.parts.pop(hooks).map(|part| Next::Parts(vec![part]));
        let next = part.or_else(|| lists.rollback.pop().map(Next::Hook));
        if next.is_none() {
            self.set_phase(Phase::Undone);
        }
        next
    }

    /// Is woken when more is held back.
    pub(crate) fn watch(&self, seat: &mut Seat, waker: Waker) {
        let old = lock(&self.lists).watchers.sit(seat, waker);
        drop_waker(old);
    }

    /// Waits no more.
    pub(crate) fn leave(&self, seat: &mut Seat) {
        let old = lock(&self.lists).watchers.leave(seat);
        drop_waker(old);
    }

    /// More is held back.
    pub(crate) fn take_watchers(&self, wakers: &mut Wakers) {
        lock(&self.lists).watchers.take_all(wakers);
    }
}
