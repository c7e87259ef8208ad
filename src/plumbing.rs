//! What `settled-signal` needs beyond the public face. Not for anybody else: it may change with any release.

use std::any::Any;
use std::future::Future;
use std::panic::Location;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use crate::add;
use crate::current::{self, Current, Frame, Goal, Remains};
use crate::error::{BoxError, Failure, Failures, Kind as Why};
use crate::frames::Seen;
use crate::owned::OwnedTransaction;
use crate::root;
use crate::settles::Settles;
use crate::standing::{Standing, current_gated};
use crate::stash::Stashed;
use crate::task::Checked;
use crate::transaction::{self, Transaction};
use crate::tree::Tree;
use crate::undo;
use crate::unheld;
use crate::until::drive_until;
use crate::waker::Seat;

pub use crate::reactive::{current_number, polled_number};
pub use crate::undo::{Fate, Undo, fate, may_be_atomic, share_fate, take_part};

type Loc = &'static Location<'static>;

/// Runs `f`. Where no transaction is current, one is begun when it is first needed in `f`, and given back, un-ended.
#[inline]
pub fn lazily<R>(location: Loc, f: impl FnOnce() -> R) -> (R, Option<OwnedTransaction>) {
    // On each side of the call, not around it, so that it can be inlined.
    let mut lazy = Lazy(current::with(|ambient| ambient.become_lazy(location)));
    let result = f();
    let own = lazy.end();
    // Nothing is left in it to be looked at.
    std::mem::forget(lazy);
    (result, own)
}

/// While it lives, a transaction is begun when it is needed. On unwind too, what was begun has an owner.
struct Lazy(Option<current::Before>);

impl Lazy {
    #[inline]
    fn end(&mut self) -> Option<OwnedTransaction> {
        let before = self.0.take()?;
        current::with(|ambient| ambient.no_longer_lazy(before)).map(OwnedTransaction::lazy)
    }
}

impl Drop for Lazy {
    #[inline]
    fn drop(&mut self) {
        drop(self.end());
    }
}

/// As the ambient [`add`](crate::add), on behalf of a call elsewhere.
pub fn add_at<F>(future: F, location: Loc) -> Stashed<<F::Output as Settles>::Value>
where
    F: Future + Send + 'static,
    F::Output: Settles,
{
    add::ambient::<F, Checked>(future, location)
}

/// Adds to the current transaction without a handle: see `unheld`.
#[inline]
pub fn add_unheld<F>(location: Loc, make: impl FnOnce(Place) -> Option<F>) -> Option<Place>
where
    F: Future<Output = ()> + Send + 'static,
{
    unheld::add(location, make)
}

/// What was added without a handle is done, and has failed with this.
#[cold]
pub fn leave_error(error: BoxError) {
    current::with(|ambient| ambient.leave(Remains::Error(error)));
}

/// The same of a failure that somebody knows of.
#[cold]
pub fn leave_failure(failure: Failure) {
    current::with(|ambient| ambient.leave(Remains::Failures(Failures::one(failure))));
}

/// An error that is recorded nowhere.
#[cold]
pub fn error_at(error: BoxError, location: Loc) -> Failure {
    Failure::new(Why::Error(error), location)
}

/// Why the one at this place comes to nothing, which was added without a handle, and is being dropped.
#[cold]
pub fn fate_of(place: Place, location: Loc) -> Failure {
    unheld::fate(place).unwrap_or_else(|| Failure::new(Why::Cancelled, location))
}

/// Who drives from outside is to look whether that has happened which he waits for.
#[cold]
pub fn stop() {
    current::with(|ambient| ambient.on_top(ambient.driving.get(), |engine| engine.stop = true));
}

/// Records an error with the current transaction, else with the root.
pub fn fail_at(error: BoxError, location: Loc) -> Failure {
    record(Failure::new(Why::Error(error), location))
}

/// Records a panic with the current transaction, else with the root.
pub fn panic_at(payload: Box<dyn Any + Send>, location: Loc) -> Failure {
    record(Failure::from_panic(payload, location))
}

/// A panic that is recorded nowhere.
pub fn panic_unrecorded(payload: Box<dyn Any + Send>, location: Loc) -> Failure {
    Failure::from_panic(payload, location)
}

fn record(failure: Failure) -> Failure {
    let node = transaction::current_node().unwrap_or_else(|| root::node().clone());
    node.fail(Failures::one(failure.clone()));
    failure
}

/// A failure that is recorded nowhere.
pub fn would_deadlock_at(location: Loc) -> Failure {
    Failure::new(Why::WouldDeadlock, location)
}

/// Whoever awaited it has it now.
pub fn receive(failure: &Failure) {
    failure.receive();
}

/// As polling the handle, but a failure is not marked as received: see [`receive`].
pub fn poll_unreceived<T: Send + 'static>(
    stashed: &mut Stashed<T>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, Failure>> {
    stashed.poll_quietly(cx)
}

/// Are they the same failure, not only alike?
pub fn same(a: &Failure, b: &Failure) -> bool {
    a.same(b)
}

/// The atomic transaction that holds back what is added here. Costs a load where there is none in the process.
#[inline]
pub fn holder() -> Option<Transaction> {
    if undo::may_be_atomic() { holder_here() } else { None }
}

/// The one that holds back what is added to this one.
pub fn holder_of(transaction: &Transaction) -> Option<Transaction> {
    match transaction.node().standing() {
        Standing::Held(node) => Some(Transaction::of(&node)),
        _ => None,
    }
}

fn holder_here() -> Option<Transaction> {
    match current_gated()?.standing() {
        Standing::Held(node) => Some(Transaction::of(&node)),
        _ => None,
    }
}

/// Several failures as one error.
pub fn failures(list: Vec<Failure>) -> Failures {
    Failures::new(list, 0)
}

/// Something that was added, by its place in the order of adding; or what is being polled innermost on this thread.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Place {
    pub(crate) tree_id: u64,
    pub(crate) serial: u64,
}

/// What is being polled innermost in the tree that this thread drives, or by itself outside any drive.
pub fn here() -> Option<Place> {
    current::with(|ambient| {
        if let Some(Frame::Body(node)) = ambient.frames.borrow().last() {
            return Some(Place { tree_id: node.tree.id, serial: node.serial() });
        }
        let polled = ambient.polled.get().at()?;
        let tree_id = ambient.driving.get();
        let serial = ambient.on_top(tree_id, |engine| engine.serial_of(polled))?;
        Some(Place { tree_id, serial })
    })
}

/// What is being polled waits for something that is not its own work. Where only so many of its siblings run at once,
/// its place goes to the next one meanwhile; before it goes on it is to [come back](come_back).
pub fn give_way() {
    current::with(|ambient| {
        if let Some(Some(key)) = ambient.polled.get().at() {
            ambient.on_top(ambient.driving.get(), |engine| engine.give_way(key));
        }
    });
}

/// True if what is being polled may go on after it gave way. Else all places are taken: it is to be pending, is woken when
/// it has got one, and asks again.
pub fn come_back() -> bool {
    current::with(|ambient| {
        let Some(Some(key)) = ambient.polled.get().at() else { return true };
        ambient.on_top(ambient.driving.get(), |engine| engine.come_back(key)).unwrap_or(true)
    })
}

impl Place {
    /// Is it so many places behind the other?
    #[inline]
    pub fn is_behind(self, other: Place, places: u64) -> bool {
        self.tree_id == other.tree_id && self.serial == other.serial + places
    }

    /// The one so many places behind.
    pub fn behind(self, places: u64) -> Self {
        Place { serial: self.serial + places, ..self }
    }

    /// Is it one of those that are being polled on this stack?
    pub fn is_here(self) -> bool {
        current::with(|ambient| {
            ambient.any_polled(|polled| match polled {
                Seen::Drive { tree_id, engine, at } => {
                    *tree_id == self.tree_id && engine.serial_of(*at) == self.serial
                }
                Seen::Body(body) => body.tree.id == self.tree_id && body.serial() == self.serial,
                Seen::Ticket(_) => false,
            })
        })
    }

    /// Is it one of those that are being polled on this stack, or above one of those?
    pub fn is_above_here(self) -> bool {
        current::with(|ambient| {
            ambient.any_polled(|polled| match polled {
                Seen::Drive { tree_id, engine, at } => {
                    *tree_id == self.tree_id && engine.is_serial_above(self.serial, *at)
                }
                Seen::Body(body) => body.tree.id == self.tree_id && body.has_serial_above(self.serial),
                Seen::Ticket(_) => false,
            })
        })
    }
}

/// Drives a tree on behalf of somebody who waits for something in it.
#[derive(Debug)]
pub struct Helper {
    tree: Weak<Tree>,
    seat: Seat,
}

impl Helper {
    /// Is its tree that of the current transaction?
    pub fn is_current(&self) -> bool {
        current::with(|ambient| {
            ambient.make_lazy();
            match ambient.current() {
                Current::Nothing | Current::Lazy(_) => false,
                Current::Node(node) => Weak::as_ptr(&self.tree) == Arc::as_ptr(&node.tree),
                Current::Slot(_) | Current::Polled => {
                    let engine = ambient.engine.borrow();
                    let tree = engine.as_ref().and_then(|engine| engine.tree.as_ref());
                    tree.is_some_and(|tree| Weak::as_ptr(&self.tree) == Arc::as_ptr(tree))
                }
            }
        })
    }
}

/// Of the current transaction.
pub fn helper() -> Option<Helper> {
    current::with(|ambient| {
        ambient.make_lazy();
        let tree = match ambient.current() {
            Current::Nothing | Current::Lazy(_) => return None,
            Current::Node(node) => Arc::downgrade(&node.tree),
            Current::Slot(_) | Current::Polled => {
                let engine = ambient.engine.borrow();
                Arc::downgrade(engine.as_ref()?.tree.as_ref()?)
            }
        };
        Some(Helper { tree, seat: None })
    })
}

impl Helper {
    /// Drives as long as something is ready; the task is woken when there is more.
    pub fn help(&mut self, cx: &mut Context<'_>) {
        if let Some(tree) = self.tree.upgrade() {
            let _pending = drive_until(&tree, &mut self.seat, cx, Goal::Nothing, |_| None::<()>);
        }
    }
}

impl Helper {
    /// Drives until there is something of the one at this place, or only waits for it where somebody drives already.
    /// `None` where there is no such tree any more.
    pub fn drive_to<R>(
        &mut self,
        place: Place,
        cx: &mut Context<'_>,
        listen: impl FnMut(Option<Waker>) -> Option<R>,
    ) -> Option<Poll<R>> {
        let tree = self.tree.upgrade()?;
        Some(drive_until(&tree, &mut self.seat, cx, Goal::Serial(place.serial), listen))
    }
}

impl Clone for Helper {
    fn clone(&self) -> Self {
        Helper { tree: self.tree.clone(), seat: None }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        if self.seat.is_some()
            && let Some(tree) = self.tree.upgrade()
        {
            tree.leave(&mut self.seat);
        }
    }
}

/// Of the same tree?
impl PartialEq for Helper {
    fn eq(&self, other: &Self) -> bool {
        Weak::ptr_eq(&self.tree, &other.tree)
    }
}
