//! What any thread reaches of an atomic transaction: how far it has come, and what is to be called then.
//!
//! The futures that wait for the commit are with the engine (see `hold`); here are the hooks and checks, and the phase,
//! behind a mutex of their own. It is taken under that of a tree, never the other way round.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

use crate::add;
use crate::current::{self, Current};
use crate::error::{BoxError, Place};
use crate::node::Node;
use crate::settles::Settles;
use crate::slot::Kind;
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

    /// Adds to the lists, as long as it holds; else gives it back.
    fn push<T>(&self, item: T, push: impl FnOnce(&mut Lists, T)) -> Result<(), T> {
        let mut lists = lock(&self.lists);
        if self.phase() != Phase::Holding {
            return Err(item);
        }
        push(&mut lists, item);
        Ok(())
    }

    fn push_check(&self, check: Check) -> Result<(), Check> {
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
    fn watch(&self, waker: Waker) {
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

/// Where something stands with regard to the atomic transactions around it.
pub(crate) enum Standing {
    /// Nothing holds it back.
    Plain,
    /// This one does.
    Held(Arc<Node>),
    /// It is part of one that has been rolled back.
    Undone,
}

impl Node {
    /// Is it an atomic transaction that has not committed, nor been rolled back?
    pub(crate) fn holds(&self) -> bool {
        self.hooks.as_ref().is_some_and(|hooks| hooks.phase() == Phase::Holding)
    }

    pub(crate) fn standing(self: &Arc<Self>) -> Standing {
        self.standing_of(None)
    }

    /// That of something of this kind in it.
    pub(crate) fn standing_below(self: &Arc<Self>, below: Kind) -> Standing {
        self.standing_of(Some(below))
    }

    fn standing_of(self: &Arc<Self>, below: Option<Kind>) -> Standing {
        let (mut at, mut below) = (Some(self), below);
        while let Some(node) = at {
            match node.hooks.as_ref().map(|hooks| hooks.phase()) {
                Some(Phase::Holding) => return Standing::Held(node.clone()),
                Some(Phase::Undoing | Phase::Undone) if matches!(below, Some(Kind::Body | Kind::Begun)) => {
                    return Standing::Undone;
                }
                _ => {}
            }
            below = Some(node.kind);
            at = node.parent.as_ref();
        }
        Standing::Plain
    }

    /// Is it, or what it is part of, being rolled back just now, or was it cancelled before the commit?
    pub(crate) fn is_exiling(self: &Arc<Self>) -> bool {
        let (mut at, mut below, mut below_added) = (Some(self), Kind::Added, false);
        while let Some(node) = at {
            match node.hooks.as_ref().map(|hooks| hooks.phase()) {
                // Nothing that was added runs in one that holds: it is being dropped.
                Some(Phase::Holding) => return below_added,
                Some(Phase::Undoing) => return true,
                // But for cleanups, nor in one that was rolled back.
                Some(Phase::Undone) if below_added && below != Kind::Added => return true,
                _ => {}
            }
            below = node.kind;
            below_added |= below == Kind::Added;
            at = node.parent.as_ref();
        }
        false
    }

    /// The nearest open one above all atomic ones that are not through: it takes what destructors add in a rollback.
    pub(crate) fn exile(self: &Arc<Self>) -> Option<Arc<Node>> {
        let (mut at, mut found, mut below) = (Some(self), None, Kind::Added);
        while let Some(node) = at {
            match node.hooks.as_ref().map(|hooks| hooks.phase()) {
                Some(Phase::Holding | Phase::Undoing) => found = None,
                // What is part of one that was rolled back takes nothing more.
                Some(Phase::Undone) if below != Kind::Added => found = Some(node),
                _ if found.is_none() => found = Some(node),
                _ => {}
            }
            found = found.filter(|node| !node.is_closed());
            below = node.kind;
            at = node.parent.as_ref();
        }
        found.cloned()
    }

    /// Would who waits for this, here, wait for what cannot start before he has returned?
    pub(crate) fn waits_for_commit(self: &Arc<Self>) -> bool {
        self.held() > 0 && self.holder_polled_here().is_some()
    }

    /// Is woken when more is held back, if he is inside of what holds it back.
    pub(crate) fn watch(self: &Arc<Self>, waker: &Waker) {
        if let Some(holder) = self.holder_polled_here()
            && let Some(hooks) = &holder.hooks
        {
            hooks.watch(waker.clone());
        }
    }

    /// An atomic transaction at or above it that waits for what is being polled on this stack.
    pub(crate) fn holder_polled_here(self: &Arc<Self>) -> Option<&Arc<Node>> {
        let mut at = Some(self);
        while let Some(node) = at {
            if node.holds() && current::with(|ambient| ambient.waits_for_itself(node, false)) {
                return Some(node);
            }
            at = node.parent.as_ref();
        }
        None
    }
}

/// The node that is current, if it may be held back.
pub(crate) fn current_gated() -> Option<Arc<Node>> {
    current::with(|ambient| match ambient.current_here() {
        Some(here) => {
            let gated = ambient.engine.borrow().as_ref().is_some_and(|engine| engine.is_gated(here));
            gated.then(|| ambient.engine_here(|engine, tree, key| engine.share(tree, key)))
        }
        None => match ambient.current() {
            Current::Node(node) => Some(node),
            _ => None,
        },
    })
}

/// Has `hook` called when the atomic transaction around commits: in order, before what was added starts.
///
/// With no atomic transaction around it is called at once, here. In an inner one it is handed over to the outer one, and
/// called when that commits. If the transaction is rolled back, it is dropped uncalled. A panic in it is a failure of the
/// transaction; what it adds starts after what was added before.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// let log = Arc::new(Mutex::new(Vec::new()));
/// let note = |what| { let log = log.clone(); move || log.lock().unwrap().push(what) };
/// settled::block_on(settled::atomic(async {
///     settled::on_commit(note("committed"));
///     note("the body has returned")();
///     Ok::<_, String>(())
/// }))
/// .unwrap();
/// assert_eq!(*log.lock().unwrap(), ["the body has returned", "committed"]);
/// ```
#[track_caller]
pub fn on_commit(hook: impl FnOnce() + Send + 'static) {
    at_commit(current_gated().as_ref(), hook, Location::caller());
}

/// Has `hook` called when the atomic transaction around is rolled back: the one given last is called first.
///
/// With no atomic transaction around it is dropped uncalled, as nothing can be rolled back; so it is when the transaction
/// commits. An inner one that commits hands it over to the outer one. A panic in it is a failure of the transaction.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
///
/// let balance = Arc::new(AtomicU32::new(10));
/// let account = balance.clone();
/// let result = settled::block_on(settled::atomic(async move {
///     let old = account.swap(3, Ordering::Relaxed);
///     settled::on_rollback(move || account.store(old, Ordering::Relaxed));
///     Err::<(), _>("refused")
/// }));
/// assert!(result.is_err());
/// assert_eq!(balance.load(Ordering::Relaxed), 10);
/// ```
#[track_caller]
pub fn on_rollback(hook: impl FnOnce() + Send + 'static) {
    at_rollback(current_gated().as_ref(), hook, Location::caller());
}

pub(crate) fn at_commit(node: Option<&Arc<Node>>, hook: impl FnOnce() + Send + 'static, location: Place) {
    let mut hook = Hook { call: Box::new(hook), location };
    while let Some(node) = node {
        match node.standing() {
            Standing::Plain => break,
            Standing::Undone => return,
            Standing::Held(holder) => {
                match holder.hooks().push(hook, |lists, hook| lists.commit.push_back(hook)) {
                    Ok(()) => return,
                    Err(again) => hook = again,
                }
            }
        }
    }
    (hook.call)();
}

pub(crate) fn at_rollback(node: Option<&Arc<Node>>, hook: impl FnOnce() + Send + 'static, location: Place) {
    let mut hook = Hook { call: Box::new(hook), location };
    while let Some(node) = node {
        match node.standing() {
            Standing::Plain | Standing::Undone => return,
            Standing::Held(holder) => {
                match holder.hooks().push(hook, |lists, hook| lists.rollback.push(hook)) {
                    Ok(()) => return,
                    Err(again) => hook = again,
                }
            }
        }
    }
}

/// Has the future polled before the commit; where nothing is to be committed, it is added.
pub(crate) fn before_commit<F>(node: &Arc<Node>, check: F, location: Place)
where
    F: Future + Send + 'static,
    F::Output: Settles,
{
    let future = Box::pin(async move { check.await.settle().map(drop) });
    let mut check = Check { future, location };
    while let Standing::Held(holder) = node.standing() {
        match holder.hooks().push_check(check) {
            Ok(()) => return,
            Err(back) if holder.holds() => {
                // Its checks are over: it is as good as committed.
                check = back;
                break;
            }
            Err(back) => check = back,
        }
    }
    add::to_node_or_above(node, check.future, location);
}
