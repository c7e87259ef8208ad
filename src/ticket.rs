//! What a [`Stashed`](crate::Stashed) and the driver share: cancellation one way, the outcome the other way.
//!
//! Tickets are of no type: the value is in a box (see `parcel`), so that one serves after the other. A ticket costs next to
//! nothing until its handle is kept: one whose handle is dropped before the next future is added serves again at once (see
//! `lend`). Any other serves again when the last who holds it, driver or handle, lets go of it: that this is the last one
//! `Arc::get_mut` tells, so no handle ever has the ticket of two futures.

use std::any::Any;
use std::sync::{Arc, PoisonError, Weak};
use std::task::Waker;

use smallvec::SmallVec;

use crate::error::Failure;
use crate::node::Node;
use crate::parcel::Parcel;
use crate::pool;
use crate::ready::Key;
use crate::sync::{AtomicU8, AtomicU32, Mutex, Ordering, load_after_count, lock};
use crate::tree::{Op, Tree};
use crate::waker::{Wakers, drop_waker};

/// What became of a future. `Err` has its failure; `Ok` its value, of the type that the handle knows.
pub(crate) type Settled = Result<Parcel, Failure>;

/// Is told the outcome, and hands it on. Gives back the panic of the user's closure, if it panicked.
pub(crate) type Callback = Box<dyn FnOnce(Settled) -> (Settled, Option<Box<dyn Any + Send>>) + Send>;

const CANCELLED: u8 = 1;
const SETTLED: u8 = 2;
const CALLBACK: u8 = 4;
const HELD: u8 = 8;
/// It was cancelled with all that is below a transaction.
const BELOW: u8 = 64;
/// It waits for a place among its siblings; `slot` is that of its parent.
const WAITS: u8 = 16;
/// It was given one, and has not been polled yet.
const PLACED: u8 = 32;

/// The slot is not known (yet).
const NOWHERE: Key = Key::MAX;

pub(crate) struct Ticket {
    /// The tree whose driver settles it. Weak: the tree holds tickets.
    pub(crate) tree: Weak<Tree>,
    /// `CANCELLED`, `SETTLED`, ..
    flags: AtomicU8,
    /// The slot that holds the future, once it has one.
    slot: AtomicU32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    settled: Option<Settled>,
    waker: Option<Waker>,
    callbacks: SmallVec<[Callback; 1]>,
    /// Which atomic transaction holds the future back, and where in its list. While it does so, it is open.
    holder: Option<(Arc<Node>, usize)>,
}

impl State {
    fn is_empty(&self) -> bool {
        let State { settled, waker, callbacks, holder } = self;
        settled.is_none() && waker.is_none() && callbacks.is_empty() && holder.is_none()
    }
}

impl Ticket {
    /// One that serves again, else a new one.
    pub(crate) fn new(tree: &Arc<Tree>) -> Arc<Self> {
        if let Some(mut ticket) = pool::take_ticket() {
            if ticket.tree.as_ptr() == Arc::as_ptr(tree) {
                return ticket;
            }
            if let Some(alone) = Arc::get_mut(&mut ticket) {
                alone.tree = Arc::downgrade(tree);
                return ticket;
            }
        }
        Arc::new(Ticket::of(Arc::downgrade(tree)))
    }

    fn of(tree: Weak<Tree>) -> Self {
        Ticket { tree, flags: AtomicU8::new(0), slot: AtomicU32::new(NOWHERE), state: Mutex::default() }
    }

    /// For whoever lets go of one. The last one drops what is left in it, and has it serve again.
    pub(crate) fn let_go(mut ticket: Arc<Self>) {
        if let Some(alone) = Arc::get_mut(&mut ticket) {
            drop(alone.clear());
            pool::put_ticket(ticket);
        }
    }

    /// As it was when it was new. Returns what was in it.
    fn clear(&mut self) -> Option<State> {
        self.flags.store(0, Ordering::Relaxed);
        self.slot.store(NOWHERE, Ordering::Relaxed);
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if state.is_empty() { None } else { Some(std::mem::take(state)) }
    }

    /// Is the handle gone, and nothing left that the driver is to know?
    pub(crate) fn is_forgotten(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) == 1 && load_after_count(&self.flags) == 0
    }

    /// Is there anybody to be told of the outcome, or anything that the driver is to know?
    #[inline]
    pub(crate) fn is_kept(self: &Arc<Self>) -> bool {
        if Arc::strong_count(self) > 1 {
            return true;
        }
        load_after_count(&self.flags) & (CALLBACK | CANCELLED) != 0
    }

    /// Has nothing been asked of it or left in it? For who holds the handle.
    #[inline]
    pub(crate) fn is_untouched(&self) -> bool {
        self.flags.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.flags.load(Ordering::Acquire) & SETTLED != 0
    }

    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.flags.load(Ordering::Acquire) & CANCELLED != 0
    }

    /// Of a future without a handle, for marks alone.
    pub(crate) fn unheld() -> Arc<Self> {
        if let Some(mut ticket) = pool::take_ticket()
            && let Some(alone) = Arc::get_mut(&mut ticket)
        {
            alone.tree = Weak::new();
            return ticket;
        }
        Arc::new(Ticket::of(Weak::new()))
    }

    /// Marks it, the first time; gives what is to be done then.
    pub(crate) fn cancel(&self) -> Option<Op> {
        // Either this comes second and sees the slot, or who places the future in one does and sees the mark.
        let before = self.flags.fetch_or(CANCELLED, Ordering::AcqRel);
        let slot = self.slot.load(Ordering::Relaxed);
        if before & CANCELLED != 0 || slot == NOWHERE {
            return None;
        }
        Some(if before & WAITS != 0 { Op::Unqueue(slot) } else { Op::Cancel(slot) })
    }

    /// Marks it as cancelled with what is above it. Was it not cancelled before?
    pub(crate) fn cancel_below(&self) -> bool {
        self.flags.fetch_or(CANCELLED | BELOW, Ordering::AcqRel) & CANCELLED == 0
    }

    /// Was it cancelled with what is above it?
    pub(crate) fn is_cancelled_below(&self) -> bool {
        self.flags.load(Ordering::Acquire) & BELOW != 0
    }

    /// It waits for a place in this parent. True if it was cancelled meanwhile.
    pub(crate) fn wait_for_place(&self, parent: Key) -> bool {
        self.slot.store(parent, Ordering::Relaxed);
        self.flags.fetch_or(WAITS, Ordering::AcqRel) & CANCELLED != 0
    }

    /// It waits no more.
    pub(crate) fn leave_line(&self) {
        self.flags.fetch_and(!WAITS, Ordering::AcqRel);
        self.slot.store(NOWHERE, Ordering::Relaxed);
    }

    /// It has been given a place.
    pub(crate) fn give_place(&self) {
        self.flags.fetch_or(PLACED, Ordering::AcqRel);
    }

    /// Takes it over: it is the slot's now.
    pub(crate) fn take_place(&self) -> bool {
        self.flags.load(Ordering::Acquire) & PLACED != 0
            && self.flags.fetch_and(!PLACED, Ordering::AcqRel) & PLACED != 0
    }

    /// The future has got a slot. True if it was cancelled meanwhile.
    pub(crate) fn place(&self, key: Key) -> bool {
        self.slot.store(key, Ordering::Relaxed);
        // Not a load: of this and the mark one comes second, and sees what was stored before the first.
        self.flags.fetch_or(0, Ordering::AcqRel) & CANCELLED != 0
    }

    /// The future is held back by this node. True if it was cancelled meanwhile.
    pub(crate) fn hold(&self, holder: Arc<Node>, index: usize) -> bool {
        lock(&self.state).holder = Some((holder, index));
        self.flags.fetch_or(HELD, Ordering::AcqRel) & CANCELLED != 0
    }

    /// It is held back no more.
    pub(crate) fn release(&self) {
        self.flags.fetch_and(!HELD, Ordering::AcqRel);
        lock(&self.state).holder = None;
    }

    /// Who holds it back.
    pub(crate) fn holder(&self) -> Option<Arc<Node>> {
        if self.flags.load(Ordering::Acquire) & HELD == 0 {
            return None;
        }
        lock(&self.state).holder.as_ref().map(|(node, _)| node.clone())
    }

    /// Where in the list of its holder it stands.
    pub(crate) fn held_at(&self) -> Option<usize> {
        lock(&self.state).holder.as_ref().map(|(_, index)| *index)
    }

    /// Runs the callbacks, stores the outcome, and hands out who is to be woken. Returns the panics of callbacks.
    pub(crate) fn settle(
        &self,
        mut settled: Settled,
        wakers: &mut Wakers,
    ) -> SmallVec<[Box<dyn Any + Send>; 1]> {
        let mut panics = SmallVec::new();
        loop {
            let mut state = lock(&self.state);
            let callbacks = std::mem::take(&mut state.callbacks);
            if callbacks.is_empty() {
                state.settled = Some(settled);
                self.flags.fetch_or(SETTLED, Ordering::Release);
                wakers.extend(state.waker.take());
                return panics;
            }
            drop(state);
            for callback in callbacks {
                let (handed_on, panic) = callback(settled);
                settled = handed_on;
                panics.extend(panic);
            }
        }
    }

    /// Takes the outcome, or waits for it with this waker.
    pub(crate) fn take(&self, waker: Option<Waker>) -> Option<Settled> {
        let mut state = lock(&self.state);
        if let Some(settled) = state.settled.take() {
            drop(state);
            drop_waker(waker);
            return Some(settled);
        }
        if let Some(waker) = waker {
            let old = state.waker.replace(waker);
            drop(state);
            drop_waker(old);
        }
        None
    }

    /// Gives the outcome back after a look at it.
    pub(crate) fn put_back(&self, settled: Settled) {
        lock(&self.state).settled = Some(settled);
    }

    /// Who waits for it: to be woken, and to look again.
    pub(crate) fn take_waker(&self) -> Option<Waker> {
        lock(&self.state).waker.take()
    }

    /// Waits no longer.
    pub(crate) fn forget_waker(&self) {
        let old = lock(&self.state).waker.take();
        drop_waker(old);
    }

    /// Gives the callback back if it is settled already.
    pub(crate) fn call_back(&self, callback: Callback) -> Option<Callback> {
        let mut state = lock(&self.state);
        if self.is_settled() {
            return Some(callback);
        }
        state.callbacks.push(callback);
        self.flags.fetch_or(CALLBACK, Ordering::Release);
        None
    }
}
