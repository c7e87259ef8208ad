//! Futures that are not `Send`: the list that a local transaction has beside the tree, and that only its owner polls.
//!
//! Each future is a part of the tree like any other that is polled outside its driver (see [`outside`](crate::outside)):
//! so it counts, fails and is cancelled as all do, on whatever thread the tree is driven. Only the future itself, its output
//! and its callbacks stay here. The owner (a [`LocalScope`](crate::LocalScope), or who awaits something of a
//! [`LocalTransaction`](crate::LocalTransaction) or a [`LocalStashed`](crate::LocalStashed)) cannot leave its thread, and has
//! the list in the thread's ambient for the length of each poll, where `add_local` finds it.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use futures::stream::{FuturesUnordered, Stream};

use crate::current::{self, Ambient, BUDGET};
use crate::error::{Place, drop_quietly};
use crate::node::Node;
use crate::report;
use crate::sync::{Mutex, lock};
use crate::waker::{Seat, WakerSet, Wakers, drop_waker, wake_all};

/// The local futures of one transaction.
pub(crate) struct Locals {
    /// The transaction, from the first poll of its body on.
    node: OnceCell<Arc<Node>>,
    /// That of the nearest local transaction around it.
    above: OnceCell<Rc<Locals>>,
    /// Added, not polled yet.
    fresh: RefCell<VecDeque<LocalTask>>,
    /// Polled by what wakes; `None` while that goes on.
    running: RefCell<Option<FuturesUnordered<LocalTask>>>,
    /// How many have been added.
    added: Cell<u64>,
    wakes: Arc<LocalWakes>,
    /// How many polls of an owner are on the stack.
    attended: Cell<usize>,
    /// It takes no more.
    closed: Cell<bool>,
}

/// One of them.
pub(crate) struct LocalTask {
    /// Its place in the order of adding.
    order: u64,
    future: Pin<Box<dyn Future<Output = ()>>>,
}

impl Future for LocalTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.future.as_mut().poll(cx)
    }
}

/// Wakes whoever polls the list.
#[derive(Default)]
struct LocalWakes {
    owners: Mutex<WakerSet>,
}

impl Wake for LocalWakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut wakers = Wakers::new();
        lock(&self.owners).take_all(&mut wakers);
        wake_all(wakers);
    }
}

impl Locals {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Locals {
            node: OnceCell::new(),
            above: OnceCell::new(),
            fresh: RefCell::default(),
            running: RefCell::new(Some(FuturesUnordered::new())),
            added: Cell::new(0),
            wakes: Arc::default(),
            attended: Cell::new(0),
            closed: Cell::new(false),
        })
    }

    /// The list of the nearest local transaction at or above this node whose owner is on this thread's stack.
    pub(crate) fn find(node: &Arc<Node>) -> Option<Rc<Locals>> {
        current::with(|ambient| {
            let lists = ambient.locals.borrow();
            lists.iter().rev().find(|list| list.is_open() && list.is_above(node)).cloned()
        })
    }

    /// From now on it is known whose it is.
    pub(crate) fn belong_to(&self, node: impl FnOnce() -> Option<Arc<Node>>) {
        if self.node.get().is_none()
            && let Some(node) = node()
        {
            // First what is around: it is not found itself as long as it belongs to nobody.
            let above = Locals::find(&node).map(|above| self.above.set(above));
            let own = self.node.set(node);
            debug_assert!(above.is_none_or(|set| set.is_ok()) && own.is_ok());
        }
    }

    /// Is this its transaction?
    pub(crate) fn is_of(&self, node: &Arc<Node>) -> bool {
        self.node.get().is_some_and(|own| Arc::ptr_eq(own, node))
    }

    /// Who has what was in it, if that was handed on.
    pub(crate) fn heir(&self) -> Option<Rc<Locals>> {
        let mut at = if self.is_open() { None } else { self.above.get() };
        while let Some(list) = at.filter(|list| !list.is_open()) {
            at = list.above.get();
        }
        at.cloned()
    }

    fn is_open(&self) -> bool {
        !self.closed.get()
    }

    fn is_above(&self, node: &Arc<Node>) -> bool {
        self.node.get().is_some_and(|own| own.is_above(node, false))
    }

    /// Does an owner poll it further down the stack?
    pub(crate) fn is_attended(&self) -> bool {
        self.attended.get() > 0
    }

    /// Takes one more, to be polled when the owner is.
    pub(crate) fn add(&self, future: Pin<Box<dyn Future<Output = ()>>>) {
        let order = self.added.replace(self.added.get() + 1);
        self.fresh.borrow_mut().push_back(LocalTask { order, future });
        if !self.is_attended() {
            self.wakes.wake_by_ref();
        }
    }

    /// Has `add_local` find it for the length of a call.
    pub(crate) fn enter<R>(self: &Rc<Self>, f: impl FnOnce() -> R) -> R {
        current::with(|ambient| {
            ambient.locals.borrow_mut().push(self.clone());
            let _leave = Entered(ambient);
            f()
        })
    }

    /// The same for a poll of the owner.
    pub(crate) fn attend<R>(self: &Rc<Self>, f: impl FnOnce() -> R) -> R {
        self.attended.set(self.attended.get() + 1);
        let _leave = Attended(self);
        self.enter(f)
    }

    /// Polls those that are new or were woken: the new ones in the order of adding, then as woken. The task is woken when
    /// there are more; it has its seat from now on.
    pub(crate) fn poll(self: &Rc<Self>, seat: &mut Seat, cx: &Context<'_>) {
        let Some(running) = self.running.take() else { return };
        let waker = cx.waker().clone();
        let old = lock(&self.wakes.owners).sit(seat, waker);
        drop_waker(old);
        let mut polling = Polling { list: self, running };
        let waker = Waker::from(self.wakes.clone());
        let mut inner = Context::from_waker(&waker);
        self.attend(|| {
            for _ in 0..BUDGET {
                polling.running.extend(self.fresh.take());
                match Pin::new(&mut polling.running).poll_next(&mut inner) {
                    Poll::Ready(Some(())) => {}
                    _ if self.fresh.borrow().is_empty() => return,
                    _ => {}
                }
            }
            self.wakes.wake_by_ref();
        });
    }

    /// The owner waits no more.
    pub(crate) fn leave(&self, seat: &mut Seat) {
        if seat.is_some() {
            let old = lock(&self.wakes.owners).leave(seat);
            drop_waker(old);
        }
    }

    /// Takes no more. What is pending goes to the nearest open local transaction around, else it is dropped: returns how
    /// many were.
    fn close(&self) -> usize {
        self.closed.set(true);
        let mut tasks: Vec<_> = match self.running.borrow_mut().as_mut() {
            Some(running) => std::mem::take(running).into_iter().collect(),
            None => return 0, // Whoever polls it closes it again.
        };
        tasks.extend(self.fresh.take());
        if tasks.is_empty() {
            return 0;
        }
        tasks.sort_by_key(|task| task.order);
        if let Some(heir) = self.heir() {
            tasks.into_iter().for_each(|task| heir.add(task.future));
            // Who waits here for one of them is to wait there.
            self.wakes.wake_by_ref();
            return 0;
        }
        let count = tasks.len();
        tasks.into_iter().for_each(drop_quietly);
        count
    }

    fn close_and_report(&self, location: Place) {
        let count = self.close();
        if count > 0 {
            report::dropped_local(location, self.node.get().and_then(|node| node.name.as_deref()), count);
        }
    }
}

/// Without recursion: there may be as many above it as one likes.
impl Drop for Locals {
    fn drop(&mut self) {
        let mut above = self.above.take();
        while let Some(mut list) = above.and_then(Rc::into_inner) {
            above = list.above.take();
        }
    }
}

/// Is a local future being polled on this stack?
pub(crate) fn is_polling(ambient: &Ambient) -> bool {
    ambient.locals.borrow().iter().any(|list| list.running.borrow().is_none())
}

/// While the list is in the ambient.
struct Entered<'a>(&'a Ambient);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut lists = self.0.locals.borrow_mut();
        let list = lists.pop();
        if lists.is_empty() {
            // As the ambient is never dropped, it keeps no memory either.
            *lists = Vec::new();
        }
        drop(lists);
        drop(list);
    }
}

/// While an owner polls.
struct Attended<'a>(&'a Locals);

impl Drop for Attended<'_> {
    fn drop(&mut self) {
        self.0.attended.set(self.0.attended.get() - 1);
    }
}

/// While those that were woken are polled.
struct Polling<'a> {
    list: &'a Locals,
    running: FuturesUnordered<LocalTask>,
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        let none = self.list.running.replace(Some(std::mem::take(&mut self.running)));
        debug_assert!(none.is_none());
        if !self.list.is_open() {
            // Its owner was dropped meanwhile, by one of them.
            let location = self.list.node.get().map(|node| node.location);
            location.into_iter().for_each(|location| self.list.close_and_report(location));
        }
    }
}

/// Whose the list is: with it goes what is pending.
pub(crate) struct Owner {
    pub(crate) list: Rc<Locals>,
    location: Place,
}

impl Owner {
    pub(crate) fn new(location: Place) -> Self {
        Owner { list: Locals::new(), location }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.list.close_and_report(self.location);
    }
}
