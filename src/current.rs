//! The ambient: what is driven, polled and current on this thread.
//!
//! All of it is set for the length of a poll (a callback, a destructor, an `enter`) and restored afterwards, also on
//! unwind. Between polls nothing is kept here, so that a transaction may migrate. While a thread drives a tree, the
//! engine of that tree is here, so that an `add` in a future reaches it without a lock.
//!
//! *Polled* and *current* differ within [`enter`](crate::Transaction::enter): who would wait for himself is judged by
//! what is polled on this stack, where a future goes by what is current.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{BoxError, Failure, Failures, Place};
use crate::local::Locals;
use crate::node::Node;
use crate::parcel::Parcel;
use crate::plumbing;
use crate::ready::Key;
use crate::spawn::SpawnTask;
use crate::ticket::Ticket;
use crate::tree::Tree;
use crate::waker::{SlotWaker, Wakers};
use crate::watch;

/// How many futures one drive polls before it lets the executor go on.
pub(crate) const BUDGET: u32 = if cfg!(loom) { 8 } else { 1024 };

/// How many wakers may be woken one inside of the other, as where a tree's driver waits in another tree, and so on.
const WAKES: usize = 64;

/// What is being polled in the tree that is driven here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Polled {
    Nothing,
    /// A future without a slot (as yet: the engine knows).
    Loose,
    Slot(Key),
}

impl Polled {
    /// As the engine takes it; `None` if it is nothing.
    pub(crate) fn at(self) -> Option<Option<Key>> {
        match self {
            Polled::Nothing => None,
            Polled::Loose => Some(None),
            Polled::Slot(key) => Some(Some(key)),
        }
    }
}

/// The current transaction.
#[derive(Clone, Default)]
pub(crate) enum Current {
    #[default]
    Nothing,
    /// What is being polled in the tree that is driven here, if anything is.
    Polled,
    /// The body that is being polled in the tree that is driven here.
    Slot(Key),
    /// A node of any tree: it was entered.
    Node(Arc<Node>),
    /// None yet; one is begun when it is needed, for something that was set going here.
    Lazy(Place),
}

/// A drive or a body below the topmost one on this thread's stack.
pub(crate) enum Frame {
    /// The drive of another tree, interrupted by a nested one.
    Drive { tree_id: u64, engine: Option<Box<Engine>>, polled: Polled, goal: Goal, poll: Interrupted },
    /// What was being polled in the same drive when a body in it was polled.
    Polled(Polled),
    /// A body that is polled while its tree is not driven here (or not topmost).
    Body(Arc<Node>),
    /// The ticket (its address) of the body above, if that is an added future.
    Ticket(usize),
}

/// What else the ambient knows of a poll, while that is interrupted by a nested drive.
pub(crate) struct Interrupted {
    wakes: Key,
    self_woken: bool,
    kept: bool,
    lent: usize,
}

/// What a drive is for: who drives waits for what is polled in it only as far as this goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Goal {
    Nothing,
    /// All at and below this node; or only what is below.
    Node {
        key: Key,
        strictly: bool,
    },
    /// The future with this ticket (its address).
    Ticket(usize),
    /// The one at this place in the order of adding.
    Serial(u64),
}

/// The same without what it holds: quick to set and to read.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Spot {
    #[default]
    Nothing,
    Polled,
    Slot(Key),
    /// It is in `entered`.
    Node,
    Lazy(Place),
}

/// What was current before something became lazy: nothing.
#[derive(Clone, Copy)]
pub(crate) struct Before(Spot);

/// What was current before something else was made so.
#[derive(Default)]
pub(crate) struct Outer {
    spot: Spot,
    /// Where it was a node.
    node: Option<Arc<Node>>,
}

/// What a future leaves when it is done, if that matters to anybody.
pub(crate) enum Remains {
    /// To be handed to who kept the handle.
    Value(Parcel),
    Error(BoxError),
    /// Of a whole tree that was adopted.
    Failures(Failures),
}

pub(crate) struct Ambient {
    /// A number for this thread; 0: none yet.
    thread: Cell<u64>,
    /// The tree that is driven here; 0: none.
    pub(crate) driving: Cell<u64>,
    /// Its engine.
    pub(crate) engine: RefCell<Option<Box<Engine>>>,
    pub(crate) polled: Cell<Polled>,
    /// What it is driven for.
    pub(crate) goal: Cell<Goal>,
    spot: Cell<Spot>,
    /// The node that is current, where that is not one of the tree that is driven here.
    entered: RefCell<Option<Arc<Node>>>,
    /// The slot whose waker the future that is polled got; `Key::MAX`: none.
    pub(crate) wakes: Cell<Key>,
    /// It has woken itself.
    pub(crate) self_woken: Cell<bool>,
    /// Its outcome will be looked at.
    pub(crate) kept: Cell<bool>,
    /// The reference for the next handle, if it is here (see `lend`).
    pub(crate) reference: Cell<Option<Arc<Ticket>>>,
    /// The ticket (its address) that the handle of what was added last has got; 0: none.
    pub(crate) lent: Cell<usize>,
    /// The tree in which something is being dropped as it was cancelled with what is above it; 0: none.
    pub(crate) cancelling: Cell<u64>,
    /// Of what is being dropped that is not done: its place, and why.
    pub(crate) fate: RefCell<Option<(plumbing::Place, Failure)>>,
    /// What it leaves.
    remains: RefCell<Option<Remains>>,
    /// There is something in `remains`.
    remaining: Cell<bool>,
    /// Polls left.
    pub(crate) budget: Cell<u32>,
    pub(crate) frames: RefCell<Vec<Frame>>,
    /// Those whose owners are being polled on this stack.
    pub(crate) locals: RefCell<Vec<Rc<Locals>>>,
    /// How many drives are on this stack.
    pub(crate) drives: Cell<usize>,
    /// Trees with work that were not driven as this stack was too deep: the outermost drive sees to them.
    pub(crate) postponed: RefCell<Vec<Arc<Tree>>>,
    /// How many wakers are being woken on this stack, one inside of the other.
    waking: Cell<usize>,
    /// Those that have to wait until some of these have returned.
    wakes_to_come: RefCell<Wakers>,
    /// How many tasks are being handed to spawners on this stack, one inside of the other.
    pub(crate) spawning: Cell<usize>,
    /// Those that have to wait until some of these have returned.
    pub(crate) tasks_to_come: RefCell<Vec<SpawnTask>>,
}

// Without a destructor: it is there to the last of the thread's, and holds nothing between polls.
#[cfg(not(loom))]
std::thread_local! {
    static AMBIENT: ManuallyDrop<Ambient> = const { ManuallyDrop::new(Ambient::new()) };
}
#[cfg(loom)]
loom::thread_local! {
    static AMBIENT: ManuallyDrop<Ambient> = ManuallyDrop::new(Ambient::new());
}

/// With this thread's ambient.
#[inline]
pub(crate) fn with<R>(f: impl FnOnce(&Ambient) -> R) -> R {
    AMBIENT.with(|ambient| f(ambient))
}

impl Ambient {
    const fn new() -> Self {
        Ambient {
            thread: Cell::new(0),
            driving: Cell::new(0),
            engine: RefCell::new(None),
            polled: Cell::new(Polled::Nothing),
            goal: Cell::new(Goal::Nothing),
            spot: Cell::new(Spot::Nothing),
            entered: RefCell::new(None),
            wakes: Cell::new(Key::MAX),
            self_woken: Cell::new(false),
            kept: Cell::new(false),
            reference: Cell::new(None),
            lent: Cell::new(0),
            cancelling: Cell::new(0),
            fate: RefCell::new(None),
            remains: RefCell::new(None),
            remaining: Cell::new(false),
            budget: Cell::new(BUDGET),
            frames: RefCell::new(Vec::new()),
            locals: RefCell::new(Vec::new()),
            drives: Cell::new(0),
            postponed: RefCell::new(Vec::new()),
            waking: Cell::new(0),
            wakes_to_come: RefCell::new(Wakers::new_const()),
            spawning: Cell::new(0),
            tasks_to_come: RefCell::new(Vec::new()),
        }
    }

    /// With the engine of this tree, if it is the one that is driven here.
    #[inline]
    pub(crate) fn on_top<R>(&self, tree_id: u64, f: impl FnOnce(&mut Engine) -> R) -> Option<R> {
        if self.driving.get() != tree_id {
            return None;
        }
        let mut engine = self.engine.try_borrow_mut().ok()?;
        let engine = engine.as_deref_mut()?;
        engine.stirred = true;
        Some(f(engine))
    }

    /// A number unlike that of any other thread.
    pub(crate) fn thread(&self) -> u64 {
        if self.thread.get() == 0 {
            self.thread.set(crate::registry::next_thread());
        }
        self.thread.get()
    }

    /// The current transaction.
    pub(crate) fn current(&self) -> Current {
        match self.spot.get() {
            Spot::Nothing => Current::Nothing,
            Spot::Polled => match self.polled.get() {
                Polled::Nothing => Current::Nothing,
                _ => Current::Polled,
            },
            Spot::Slot(key) => Current::Slot(key),
            Spot::Node => self.entered.borrow().clone().map_or(Current::Nothing, Current::Node),
            Spot::Lazy(location) => Current::Lazy(location),
        }
    }

    /// Is nothing current, and none to be begun when it is needed? It may be so where this says no.
    #[inline]
    pub(crate) fn is_nothing_current(&self) -> bool {
        self.spot.get() == Spot::Nothing
    }

    /// Is nothing current, polled or driven on this stack?
    #[inline]
    pub(crate) fn is_at_rest(&self) -> bool {
        self.is_nothing_current() && !self.is_polling()
    }

    /// The current transaction, where that is in the tree that is driven here: its slot, or `None` inside if it has none.
    #[inline]
    pub(crate) fn current_here(&self) -> Option<Option<Key>> {
        match self.spot.get() {
            Spot::Polled => self.polled.get().at(),
            Spot::Slot(key) => Some(Some(key)),
            _ => None,
        }
    }

    /// Makes this current, and returns what was.
    #[inline(always)]
    pub(crate) fn set_current(&self, current: Current) -> Outer {
        match current {
            Current::Nothing => self.set_spot(Spot::Nothing),
            Current::Polled => self.set_spot(Spot::Polled),
            Current::Slot(key) => self.set_spot(Spot::Slot(key)),
            Current::Lazy(location) => self.set_spot(Spot::Lazy(location)),
            Current::Node(node) => {
                let outer = self.set_spot(Spot::Node);
                self.entered.replace(Some(node));
                outer
            }
        }
    }

    #[inline(always)]
    fn set_spot(&self, spot: Spot) -> Outer {
        let spot = self.spot.replace(spot);
        let node = if spot == Spot::Node { self.entered.take() } else { None };
        Outer { spot, node }
    }

    /// Makes current what was before.
    #[inline(always)]
    pub(crate) fn restore(&self, outer: Outer) {
        let Outer { spot, node } = outer;
        let gone = self.set_spot(spot);
        if node.is_some() {
            self.entered.replace(node);
        }
        drop(gone.node);
    }

    /// Puts away what a drive has here, for one on top of it: what is left is what is here while nothing is driven.
    #[cold]
    pub(crate) fn interrupt(&self) {
        let poll = Interrupted {
            wakes: self.wakes.get(),
            self_woken: self.self_woken.get(),
            kept: self.kept.get(),
            lent: self.lent.get(),
        };
        let mut engine = self.engine.take();
        if let Some(engine) = engine.as_deref_mut() {
            self.end_lending(engine);
        }
        self.push_frame(Frame::Drive {
            tree_id: self.driving.get(),
            engine,
            polled: self.polled.get(),
            goal: self.goal.get(),
            poll,
        });
        self.rest();
    }

    /// What is here while nothing is driven, but for the engine.
    #[inline]
    pub(crate) fn rest(&self) {
        self.driving.set(0);
        self.polled.set(Polled::Nothing);
        self.goal.set(Goal::Nothing);
        self.wakes.set(Key::MAX);
        self.self_woken.set(false);
        self.kept.set(false);
        self.lent.set(0);
    }

    /// Takes back what was put away.
    #[cold]
    pub(crate) fn resume(&self) {
        let Some(Frame::Drive { tree_id, mut engine, polled, goal, poll }) = self.pop_frame() else { return };
        let Interrupted { wakes, self_woken, kept, lent } = poll;
        if let Some(engine) = engine.as_deref_mut() {
            self.begin_lending(engine);
            // Where it has looked, nothing is lent any more.
            self.lent.set(if engine.lending.is_lent() { lent } else { 0 });
        }
        self.engine.replace(engine);
        self.driving.set(tree_id);
        self.polled.set(polled);
        self.goal.set(goal);
        self.wakes.set(wakes);
        self.self_woken.set(self_woken);
        self.kept.set(kept);
    }

    /// Where none is current: one is to be begun when it is needed. Returns what `no_longer_lazy` wants.
    #[inline]
    pub(crate) fn become_lazy(&self, location: Place) -> Option<Before> {
        let spot = self.spot.get();
        let none = spot == Spot::Nothing || (spot == Spot::Polled && self.polled.get() == Polled::Nothing);
        none.then(|| Before(self.spot.replace(Spot::Lazy(location))))
    }

    /// Restores what was before `become_lazy`; gives the one that has been begun meanwhile.
    #[inline]
    pub(crate) fn no_longer_lazy(&self, before: Before) -> Option<Arc<Node>> {
        match self.spot.replace(before.0) {
            Spot::Node => self.entered.take(),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn has_postponed(&self) -> bool {
        !self.postponed.borrow().is_empty()
    }

    /// Before wakers are woken. False if there are so many on this stack already that these are left to one of those.
    pub(crate) fn begin_wakes(&self, wakers: &mut Wakers) -> bool {
        let deep = self.waking.get();
        if deep >= WAKES {
            self.wakes_to_come.borrow_mut().append(wakers);
            return false;
        }
        self.waking.set(deep + 1);
        true
    }

    /// After that: those that were left.
    pub(crate) fn take_wakes(&self) -> Wakers {
        self.wakes_to_come.replace(Wakers::new())
    }

    pub(crate) fn end_wakes(&self) {
        self.waking.set(self.waking.get() - 1);
    }

    /// Leaves something for the driver.
    pub(crate) fn leave(&self, remains: Remains) {
        self.remaining.set(true);
        let old = self.remains.replace(Some(remains));
        drop(old);
    }

    #[inline]
    pub(crate) fn has_remains(&self) -> bool {
        self.remaining.get()
    }

    /// What the future that is done has left.
    #[inline]
    pub(crate) fn take_remains(&self) -> Option<Remains> {
        if self.remaining.replace(false) { self.remains.take() } else { None }
    }

    /// Runs `f` with this as the current transaction.
    #[inline]
    pub(crate) fn enter<R>(&self, current: Current, f: impl FnOnce() -> R) -> R {
        let _restore = Restore { ambient: self, outer: self.set_current(current) };
        f()
    }
}

/// Restores what was current.
struct Restore<'a> {
    ambient: &'a Ambient,
    outer: Outer,
}

impl Drop for Restore<'_> {
    #[inline]
    fn drop(&mut self) {
        self.ambient.restore(std::mem::take(&mut self.outer));
    }
}

/// A wake by the thread that drives the slot's tree: noted without a lock. False if this is not that thread.
#[inline]
pub(crate) fn wake_here(tree_id: u64, key: Key, slot: &SlotWaker) -> bool {
    with(|ambient| {
        if ambient.driving.get() != tree_id {
            return false;
        }
        if ambient.wakes.get() == key {
            ambient.self_woken.set(true);
            return true;
        }
        let Ok(mut engine) = ambient.engine.try_borrow_mut() else { return false };
        let Some(engine) = engine.as_deref_mut() else { return false };
        if slot.queue_locally() {
            engine.ready.wake(key);
        }
        true
    })
}

/// Runs `f` with this node as the current transaction.
pub(crate) fn enter<R>(node: &Arc<Node>, f: impl FnOnce() -> R) -> R {
    let _watched = watch::enter(Some(node));
    // By the node, not by its slot: it may close meanwhile.
    with(|ambient| ambient.enter(Current::Node(node.clone()), f))
}
