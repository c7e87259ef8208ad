//! The part of a node that handles hold, on any thread. Made only when somebody asks for a handle.

use std::sync::{Arc, PoisonError};
use std::task::Waker;

use crate::current::{self, Goal};
use crate::error::{Failures, Place};
use crate::hooks::Hooks;
use crate::open::Limits;
use crate::outside::Outside;
use crate::ready::Key;
use crate::registry;
use crate::root;
use crate::slot::Kind;
use crate::spawn::SharedSpawner;
use crate::sync::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Mutex, Ordering, lock};
use crate::tree::{Op, Tree};
use crate::waker::{Seat, WakerSet, Wakers, drop_waker};
use crate::watch;

/// How far a transaction has come.
///
/// ```
/// use settled::State;
///
/// let transaction = settled::begin();
/// assert_eq!(transaction.state(), State::Open);
/// settled::block_on(transaction.end()).unwrap();
/// assert_eq!(transaction.state(), State::Closed);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It takes futures.
    Open,
    /// It closes as soon as everything has settled; until then it takes futures.
    Ending,
    /// Everything has settled; it takes nothing more.
    Closed,
}

/// The driver has not given it a slot yet.
const UNPLACED: Key = Key::MAX;

pub(crate) struct Node {
    /// Higher than that of any handle made before.
    pub(crate) id: u64,
    pub(crate) tree: Arc<Tree>,
    pub(crate) kind: Kind,
    pub(crate) name: Option<Box<str>>,
    /// Where it was begun or added.
    pub(crate) location: Place,
    pub(crate) parent: Option<Arc<Node>>,
    /// Of an atomic transaction.
    pub(crate) hooks: Option<Box<Hooks>>,
    /// One above it is atomic.
    below_atomic: bool,
    /// How much is held back at or below it.
    held: AtomicUsize,
    /// Some of what was added to it was handed over to the atomic transaction around it.
    deferred: AtomicBool,
    /// How deep futures below it may be, if its builder said so.
    pub(crate) depth_limit: Option<u32>,
    /// What runs the futures that are added to it or below, if its builder said so.
    pub(crate) spawner: Option<SharedSpawner>,
    /// Where its future is polled by somebody else than the driver of the tree.
    pub(crate) outside: Option<Box<Outside>>,
    /// What else its builder said.
    pub(crate) limits: Limits,
    /// Its slot, until it is closed.
    slot: AtomicU32,
    /// That of the slot.
    serial: AtomicU64,
    /// A `State`.
    state: AtomicU8,
    /// How many will take the outcome. With none, the failures go to the parent.
    claims: AtomicUsize,
    /// It has closed with failures, which somebody is to be given.
    failed: AtomicBool,
    /// As the driver sees it.
    pending: AtomicUsize,
    completion: Mutex<Completion>,
    /// For who watches it.
    #[cfg(any(feature = "testing", feature = "tracing"))]
    pub(crate) watch: crate::watch::Watch,
}

struct Completion {
    /// There once it is closed.
    outcome: Option<Failures>,
    /// Somebody has been given the outcome.
    delivered: bool,
    listeners: WakerSet,
}

impl Completion {
    const fn new() -> Self {
        Completion { outcome: None, delivered: false, listeners: WakerSet::new() }
    }
}

impl Node {
    /// A scope's is claimed from the start: its owner takes the outcome.
    pub(crate) fn new(tree: Arc<Tree>, kind: Kind, parent: Option<Arc<Node>>, location: Place) -> Arc<Self> {
        Arc::new(Node::unshared(tree, kind, parent, location))
    }

    #[inline(always)]
    pub(crate) fn unshared(tree: Arc<Tree>, kind: Kind, parent: Option<Arc<Node>>, location: Place) -> Self {
        Node {
            id: registry::next_id(),
            tree,
            kind,
            name: None,
            location,
            below_atomic: parent.as_ref().is_some_and(|parent| parent.is_in_atomic()),
            parent,
            hooks: None,
            held: AtomicUsize::new(0),
            deferred: AtomicBool::new(false),
            depth_limit: None,
            spawner: None,
            outside: None,
            limits: Limits::default(),
            slot: AtomicU32::new(UNPLACED),
            serial: AtomicU64::new(0),
            state: AtomicU8::new(State::Open as u8),
            pending: AtomicUsize::new(0),
            claims: AtomicUsize::new(usize::from(kind == Kind::Body)),
            failed: AtomicBool::new(false),
            completion: Mutex::new(Completion::new()),
            #[cfg(any(feature = "testing", feature = "tracing"))]
            watch: Default::default(),
        }
    }

    /// Closed as it is, may it be another one when its last handle is gone?
    pub(crate) fn serves_again(&self) -> bool {
        self.kind == Kind::Begun
            && self.holds_nothing()
            && self.name.is_none()
            && self.depth_limit.is_none()
            && self.limits == Limits::default()
            && !self.has_failed()
            && !watch::has_heard(self)
    }

    /// For what is begun now. Only what `serves_again`, and that nobody else holds.
    pub(crate) fn renew(&mut self, location: Place) {
        self.id = registry::next_id();
        self.location = location;
        self.slot.store(UNPLACED, Ordering::Relaxed);
        self.held.store(0, Ordering::Relaxed);
        self.deferred.store(false, Ordering::Relaxed);
        self.claims.store(0, Ordering::Relaxed);
        self.pending.store(0, Ordering::Relaxed);
        self.set_state(State::Open);
        let completion = self.completion.get_mut().unwrap_or_else(PoisonError::into_inner);
        completion.outcome = None;
        completion.delivered = false;
        if !completion.listeners.is_empty() {
            completion.listeners = WakerSet::new();
        }
    }

    pub(crate) fn key(&self) -> Key {
        self.slot.load(Ordering::Acquire)
    }

    /// That of who waits for it.
    pub(crate) fn goal(&self, strictly: bool) -> Goal {
        if self.is_placed() { Goal::Node { key: self.key(), strictly } } else { Goal::Nothing }
    }

    pub(crate) fn is_placed(&self) -> bool {
        self.key() != UNPLACED
    }

    pub(crate) fn place(&self, key: Key, serial: u64) {
        self.serial.store(serial, Ordering::Relaxed);
        self.slot.store(key, Ordering::Release);
    }

    /// That of its slot.
    pub(crate) fn serial(&self) -> u64 {
        self.serial.load(Ordering::Relaxed)
    }

    pub(crate) fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Open,
            1 => State::Ending,
            _ => State::Closed,
        }
    }

    pub(crate) fn set_state(&self, state: State) {
        self.state.store(state as u8, Ordering::Release);
    }

    /// The root of the process.
    pub(crate) fn is_root(&self) -> bool {
        self.tree.is_root && self.parent.is_none()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state() == State::Closed
    }

    pub(crate) fn pending(&self) -> usize {
        self.pending.load(Ordering::Acquire)
    }

    pub(crate) fn set_pending(&self, pending: u32) {
        self.pending.store(pending as usize, Ordering::Release);
    }

    /// Those of an atomic transaction.
    pub(crate) fn hooks(&self) -> &Hooks {
        match &self.hooks {
            Some(hooks) => hooks,
            None => unreachable!("asked only of what holds"),
        }
    }

    /// Is it atomic, or is one above it? Elsewhere nobody need look all the way up, however far that is.
    pub(crate) fn is_in_atomic(&self) -> bool {
        self.below_atomic || self.hooks.is_some()
    }

    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Acquire)
    }

    /// For who has the engine.
    pub(crate) fn count_held(&self, more: isize) {
        let held = self.held.load(Ordering::Relaxed);
        self.held.store(held.saturating_add_signed(more), Ordering::Release);
    }

    pub(crate) fn is_deferred(&self) -> bool {
        self.deferred.load(Ordering::Acquire)
    }

    pub(crate) fn set_deferred(&self) {
        self.deferred.store(true, Ordering::Release);
    }

    /// Those above it, from the next one upwards.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = &Arc<Node>> {
        std::iter::successors(self.parent.as_ref(), |node| node.parent.as_ref())
    }

    /// Is it `other`, or above it?
    pub(crate) fn is_above(self: &Arc<Self>, other: &Arc<Node>, strictly: bool) -> bool {
        let mut at = if strictly { other.parent.as_ref() } else { Some(other) };
        while let Some(node) = at {
            if Arc::ptr_eq(node, self) {
                return true;
            }
            at = node.parent.as_ref();
        }
        false
    }

    /// Does the node with this serial (of the same tree) stand here or above?
    pub(crate) fn has_serial_above(self: &Arc<Self>, serial: u64) -> bool {
        let mut at = Some(self);
        while let Some(node) = at {
            if node.serial() == serial {
                return true;
            }
            at = node.parent.as_ref();
        }
        false
    }

    /// Closes it. Under the lock of the tree. `outcome` is told whether anybody will take it: who gives that up meanwhile
    /// comes before this or finds the outcome.
    pub(crate) fn close(&self, outcome: impl FnOnce(bool) -> Failures, wakers: &mut Wakers) {
        let mut completion = lock(&self.completion);
        let failures = outcome(self.claims.load(Ordering::Acquire) > 0);
        self.failed.store(!failures.is_empty(), Ordering::Relaxed);
        completion.outcome = Some(failures);
        self.set_state(State::Closed);
        completion.listeners.take_all(wakers);
    }

    /// One more will take the outcome.
    pub(crate) fn claim(&self) {
        self.claims.fetch_add(1, Ordering::AcqRel);
    }

    /// Has it closed with failures? Then somebody is to be given them.
    pub(crate) fn has_failed(&self) -> bool {
        self.is_closed() && self.failed.load(Ordering::Relaxed)
    }

    /// Takes the outcome, if it is closed.
    pub(crate) fn take_outcome(&self) -> Option<Failures> {
        if !self.is_closed() {
            return None;
        }
        if !self.has_failed() {
            return Some(Failures::default());
        }
        let mut completion = lock(&self.completion);
        let outcome = completion.outcome.clone()?;
        completion.delivered = true;
        Some(outcome)
    }

    /// Waits for the outcome with this waker, unless it is there.
    pub(crate) fn listen(&self, seat: &mut Seat, waker: Waker) {
        let mut completion = lock(&self.completion);
        let old = match completion.outcome {
            Some(_) => Some(waker),
            None => completion.listeners.sit(seat, waker),
        };
        drop(completion);
        drop_waker(old);
    }

    /// Claims and listens no more. The failures that nobody is left to take go to the next open one above.
    pub(crate) fn unclaim(self: &Arc<Self>, seat: &mut Seat) {
        if seat.is_none() && self.is_closed() && !self.has_failed() {
            self.claims.fetch_sub(1, Ordering::AcqRel);
            return;
        }
        let mut completion = lock(&self.completion);
        let old = completion.listeners.leave(seat);
        let claimed = self.claims.fetch_sub(1, Ordering::AcqRel) > 1;
        let undelivered = !claimed && !completion.delivered;
        let failures = if undelivered { completion.outcome.as_mut().map(std::mem::take) } else { None };
        drop(completion);
        drop_waker(old);
        if let Some(failures) = failures.filter(|failures| !failures.is_empty()) {
            self.hand_up(&failures);
        }
    }

    /// Gives failures that nobody received to the next open transaction above, else to the root.
    pub(crate) fn hand_up(self: &Arc<Self>, failures: &Failures) {
        let kept = failures.iter().filter(|failure| !failure.is_received()).cloned().collect();
        let failures = Failures::new(kept, failures.omitted());
        if !failures.is_empty() {
            self.fail(failures);
        }
    }

    /// Records failures here, or with the next open transaction above, else with the root.
    pub(crate) fn fail(self: &Arc<Self>, mut failures: Failures) {
        let mut at = Some(self);
        while let Some(node) = at {
            match node.submit_if_open(Op::Fail(node.clone(), failures)) {
                Err(Op::Fail(_, refused)) => failures = refused,
                _ => return,
            }
            at = node.parent.as_ref();
        }
        let root = root::of(&self.tree);
        if let Err(Op::Fail(_, failures)) = root.submit_if_open(Op::Fail(root.clone(), failures)) {
            // Of a registry that is gone.
            let root = root::node();
            root.tree.submit(Op::Fail(root.clone(), failures));
        }
    }

    /// Submits what only an open node takes; gives it back if it is closed.
    pub(crate) fn submit_if_open(self: &Arc<Self>, op: Op) -> Result<(), Op> {
        let mut op = Some(op);
        let mut take = || op.take().unwrap_or_else(|| unreachable!("taken once"));
        let here = current::with(|ambient| {
            ambient.on_top(self.tree.id, |engine| {
                self.tree.apply_ops(engine);
                if self.is_closed() {
                    return Err(take());
                }
                engine.apply(&self.tree, take());
                Ok(())
            })
        });
        if let Some(result) = here {
            return result;
        }
        self.tree.change(|inner| {
            if self.is_closed() {
                return Err(take());
            }
            inner.submit(&self.tree, take());
            Ok(())
        })
    }

    /// This one if it is open, else the next open one above.
    pub(crate) fn nearest_open(self: &Arc<Self>) -> Option<Arc<Node>> {
        let mut at = Some(self);
        while let Some(node) = at {
            if !node.is_closed() {
                return Some(node.clone());
            }
            at = node.parent.as_ref();
        }
        None
    }
}

/// A long chain of ancestors takes no stack.
impl Node {
    /// Is there nothing of the user's in it, whatever became of it, nor a node above it? If it closes without a failure, it
    /// can be dropped anywhere.
    pub(crate) fn holds_nothing(&self) -> bool {
        self.parent.is_none() && self.hooks.is_none() && self.spawner.is_none() && self.outside.is_none()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut above = self.parent.take();
        while let Some(mut node) = above.and_then(Arc::into_inner) {
            above = node.parent.take();
        }
    }
}
