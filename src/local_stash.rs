//! Adding local futures: [`add_local`], and their handle, [`LocalStashed`].

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::current::{Goal, Remains};
use crate::error::{BoxError, Closed, Failure, Kind as Why, Place};
use crate::local::Locals;
use crate::node::Node;
use crate::outside::{Outsider, Panics, Work};
use crate::settles::Settles;
use crate::transaction;
use crate::until::drive_until;
use crate::waker::{Seat, Wakers, drop_waker};

/// Adds a future that need not be `Send` to the current transaction, to be polled by the owner of the nearest local
/// transaction at or above that: see [`scope_local`](crate::scope_local).
///
/// Apart from that it is like any other: it is never polled in here, has a transaction of its own, is waited for, and its
/// `Err` is a failure with the location of this call. First polls of local futures are in the order of adding among
/// themselves; the other futures have an order of their own.
///
/// In an atomic transaction it is held back until the commit. Where the local transaction is itself inside of that it could
/// never start: the handle has failed with [is uncommitted](Failure::is_uncommitted).
///
/// Where no local transaction is around, or its owner is not being polled on this thread, the future is dropped, and the
/// handle has failed with [is closed](Failure::is_closed). So an ordinary future, which any thread may drive, cannot
/// rely on this.
///
/// ```
/// use std::{cell::Cell, rc::Rc};
///
/// let saved = Rc::new(Cell::new(0));
/// let (of_body, rc) = (saved.clone(), saved);
/// settled::block_on(settled::scope_local(async move {
///     settled::add_local(async move { rc.set(7) });
/// }))
/// .unwrap();
/// assert_eq!(of_body.get(), 7);
///
/// let refused = settled::add_local(async {});
/// assert!(settled::block_on(refused).unwrap_err().is_closed());
/// ```
///
/// [`add`](crate::add) takes only what can be driven by any thread:
///
/// ```compile_fail,E0277
/// let rc = std::rc::Rc::new(1);
/// settled::add(async move { drop(rc) });
/// ```
#[track_caller]
pub fn add_local<F>(future: F) -> LocalStashed<<F::Output as Settles>::Value>
where
    F: Future + 'static,
    F::Output: Settles,
{
    ambient(future, Settles::settle, Location::caller())
}

/// As [`add_local`], for a future with any output, which is taken as it is. It need not be `Send` either.
///
/// ```
/// use std::rc::Rc;
///
/// let one = settled::block_on(settled::scope_local(async {
///     settled::add_local_value(async { Rc::new(1) }).await.unwrap()
/// }));
/// assert_eq!(*one.unwrap(), 1);
/// ```
#[track_caller]
pub fn add_local_value<F>(future: F) -> LocalStashed<F::Output>
where
    F: Future + 'static,
{
    ambient(future, Ok, Location::caller())
}

/// How an output is taken.
type TakeIn<F, T> = fn(<F as Future>::Output) -> Result<T, BoxError>;

fn ambient<F, T>(future: F, take_in: TakeIn<F, T>, location: Place) -> LocalStashed<T>
where
    F: Future + 'static,
    T: 'static,
{
    let mut future = Some(future);
    let mut above = transaction::current_node().and_then(|node| node.nearest_open());
    while let Some(node) = above {
        let Some(list) = Locals::find(&node) else { break };
        match to_node(&list, &node, &mut future, take_in, location) {
            Some(Ok(stashed)) => return stashed,
            Some(Err(failure)) => return LocalStashed { state: State::Refused(failure), location },
            None => above = node.nearest_open(),
        }
    }
    let failure = Failure::new(Why::Closed, location);
    LocalStashed { state: State::Refused(failure), location }
}

/// Adds to a node with this list, or gives the future back.
pub(crate) fn to_node_or_back<F, T>(
    list: &Rc<Locals>,
    node: &Arc<Node>,
    future: F,
    take_in: TakeIn<F, T>,
    location: Place,
) -> Result<LocalStashed<T>, Closed<F>>
where
    F: Future + 'static,
    T: 'static,
{
    let mut future = Some(future);
    match (to_node(list, node, &mut future, take_in, location), future) {
        (Some(Ok(stashed)), _) => Ok(stashed),
        (Some(Err(failure)), _) => Ok(LocalStashed { state: State::Refused(failure), location }),
        (None, Some(future)) => Err(Closed(future)),
        (None, None) => unreachable!("a closed node takes nothing"),
    }
}

/// Takes the future only if the node is open. `Err`: what is told of one that could not start.
fn to_node<F, T>(
    list: &Rc<Locals>,
    node: &Arc<Node>,
    future: &mut Option<F>,
    take_in: TakeIn<F, T>,
    location: Place,
) -> Option<Result<LocalStashed<T>, Failure>>
where
    F: Future + 'static,
    T: 'static,
{
    let part = match list.open_part(node, location) {
        Ok(part) => part?,
        Err(failure) => {
            drop(future.take());
            return Some(Err(failure));
        }
    };
    let cell = Rc::<LocalCell<T>>::default();
    let handle = Handle { list: list.clone(), node: part.node().clone(), cell: cell.clone() };
    let future = Box::pin(future.take()?);
    list.add(Box::pin(Outsider::new(part, LocalWork { future: Some(future), take_in, cell })));
    Some(Ok(LocalStashed { state: State::Waits(handle, None, None), location }))
}

/// What a handle and its future share.
struct LocalCell<T> {
    /// The future is being polled.
    polled: Cell<bool>,
    /// What the future returned, until everybody is told.
    output: RefCell<Option<T>>,
    settled: RefCell<Option<Result<T, Failure>>>,
    /// It has been in `settled`.
    is_settled: Cell<bool>,
    callbacks: RefCell<Vec<LocalCallback<T>>>,
    waker: RefCell<Option<Waker>>,
}

type LocalCallback<T> = Box<dyn FnOnce(&Result<T, Failure>)>;

impl<T> Default for LocalCell<T> {
    fn default() -> Self {
        LocalCell {
            polled: Cell::new(false),
            output: RefCell::new(None),
            settled: RefCell::new(None),
            is_settled: Cell::new(false),
            callbacks: RefCell::default(),
            waker: RefCell::new(None),
        }
    }
}

impl<T> LocalCell<T> {
    fn take(&self) -> Option<Result<T, Failure>> {
        self.settled.take()
    }

    fn listen(&self, waker: Option<Waker>) {
        let old = self.waker.replace(waker);
        drop_waker(old);
    }
}

/// A local future with whom it concerns.
struct LocalWork<F: Future, T> {
    /// Until it is done.
    future: Option<Pin<Box<F>>>,
    take_in: TakeIn<F, T>,
    cell: Rc<LocalCell<T>>,
}

impl<F: Future, T> Work for LocalWork<F, T> {
    // Whoever dropped the owner wanted that; the reporter hears of it.
    const LOST_IS_FAILURE: bool = false;

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Remains>> {
        let Some(future) = &mut self.future else { return Poll::Ready(None) };
        let _polled = Polled::new(&self.cell.polled);
        let output = std::task::ready!(future.as_mut().poll(cx));
        Poll::Ready(match (self.take_in)(output) {
            Ok(value) => {
                self.cell.output.replace(Some(value));
                None
            }
            Err(error) => Some(Remains::Error(error)),
        })
    }

    fn clear(&mut self) {
        self.future = None;
    }

    fn ticket(&self) -> Option<usize> {
        None
    }

    fn is_cancelled(&self) -> bool {
        false
    }

    fn settle(&mut self, told: Result<Option<Box<dyn Any + Send>>, Failure>, wakers: &mut Wakers) -> Panics {
        let cell = &self.cell;
        let output = cell.output.take();
        let settled = match (told, output) {
            (Ok(_), Some(value)) => Ok(value),
            (Err(failure), value) => {
                crate::error::drop_quietly(value);
                Err(failure)
            }
            (Ok(_), None) => unreachable!("a future that is done has left its output"),
        };
        let mut panics = Panics::new();
        loop {
            let callbacks = cell.callbacks.take();
            if callbacks.is_empty() {
                break;
            }
            for callback in callbacks {
                panics.extend(catch_unwind(AssertUnwindSafe(|| callback(&settled))).err());
            }
        }
        cell.settled.replace(Some(settled));
        cell.is_settled.set(true);
        wakers.extend(cell.waker.take());
        panics
    }
}

/// For the length of a poll.
struct Polled<'a>(&'a Cell<bool>);

impl<'a> Polled<'a> {
    fn new(polled: &'a Cell<bool>) -> Self {
        polled.set(true);
        Polled(polled)
    }
}

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// What [`add_local`] gives back: a future of the result, as [`Stashed`](crate::Stashed), that stays on its thread.
/// Dropping it does nothing; the added future runs on.
///
/// Awaited while its transaction's owner is not being polled, it polls the local futures itself.
///
/// ```
/// let sum = settled::block_on(settled::scope_local(async {
///     settled::add_local_value(async { 40 + 2 }).await
/// }));
/// assert_eq!(sum.unwrap().unwrap(), 42);
/// ```
///
/// ```compile_fail,E0277
/// fn is_send(_: impl Send) {}
/// is_send(settled::add_local(async {}));
/// ```
pub struct LocalStashed<T> {
    state: State<T>,
    /// Where the future was added.
    location: Place,
}

enum State<T> {
    /// With a seat among those who drive the tree, and one among those who poll the list.
    Waits(Handle<T>, Seat, Seat),
    /// There was nothing to add it to.
    Refused(Failure),
    Done,
}

struct Handle<T> {
    list: Rc<Locals>,
    node: Arc<Node>,
    cell: Rc<LocalCell<T>>,
}

impl<T> LocalStashed<T> {
    /// Has `f` called with the result as soon as the future is done: see [`Stashed::on_settled`](crate::Stashed::on_settled).
    ///
    /// ```
    /// settled::block_on(settled::scope_local(async {
    ///     let rc = std::rc::Rc::new(7);
    ///     settled::add_local_value(async { 7 }).on_settled(move |result| assert_eq!(*result.as_ref().unwrap(), *rc));
    /// }))
    /// .unwrap();
    /// ```
    pub fn on_settled(self, f: impl FnOnce(&Result<T, Failure>) + 'static) -> Self {
        match &self.state {
            State::Waits(handle, ..) if handle.cell.is_settled.get() => {
                if let Some(settled) = handle.cell.take() {
                    let called = catch_unwind(AssertUnwindSafe(|| f(&settled)));
                    handle.cell.settled.replace(Some(settled));
                    if let Err(payload) = called {
                        std::panic::resume_unwind(payload);
                    }
                }
            }
            State::Waits(handle, ..) => handle.cell.callbacks.borrow_mut().push(Box::new(f)),
            State::Refused(failure) => f(&Err(failure.clone())),
            State::Done => {}
        }
        self
    }

    /// Marks the future as cancelled: see [`Stashed::cancel`](crate::Stashed::cancel). It is dropped with the owner's next poll.
    ///
    /// ```
    /// settled::block_on(settled::scope_local(async {
    ///     let never = settled::add_local(std::future::pending::<()>());
    ///     never.cancel();
    ///     assert!(!never.is_settled());
    ///     assert!(never.await.unwrap_err().is_cancelled());
    /// }))
    /// .unwrap();
    /// ```
    pub fn cancel(&self) {
        if let State::Waits(handle, ..) = &self.state {
            handle.node.cancel_outside();
        }
    }

    /// Is the future itself done (or failed, or cancelled)? What it added may not be.
    ///
    /// ```
    /// let transaction = settled::begin_local();
    /// let stashed = transaction.add_local(async {}).unwrap();
    /// assert!(!stashed.is_settled());
    /// settled::block_on(transaction.end()).unwrap();
    /// assert!(stashed.is_settled());
    /// ```
    pub fn is_settled(&self) -> bool {
        match &self.state {
            State::Waits(handle, ..) => handle.cell.is_settled.get(),
            State::Refused(_) | State::Done => true,
        }
    }

    fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Failure>> {
        let (handle, seat, list_seat) = match &mut self.state {
            State::Done => panic!("`LocalStashed` polled after it was done"),
            State::Refused(failure) => return Poll::Ready(Err(failure.clone())),
            State::Waits(handle, seat, list_seat) => (handle, seat, list_seat),
        };
        let Handle { list, node, cell } = handle;
        if let Some(settled) = cell.take() {
            return Poll::Ready(settled);
        }
        if cell.polled.get() {
            return Poll::Ready(Err(Failure::new(Why::WouldDeadlock, self.location)));
        }
        if node.is_held_from_here() {
            return Poll::Ready(Err(Failure::new(Why::Uncommitted, self.location)));
        }
        cell.listen(Some(cx.waker().clone()));
        if let Some(heir) = list.heir() {
            list.leave(list_seat);
            *list = heir;
        }
        if list.is_attended() {
            return Poll::Pending;
        }
        list.attend(|| {
            if let Poll::Ready(settled) = drive_until(&node.tree, seat, cx, Goal::Nothing, |_| cell.take()) {
                return Poll::Ready(settled);
            }
            list.poll(list_seat, cx);
            cell.take().map_or(Poll::Pending, Poll::Ready)
        })
    }

    /// Waits no longer.
    fn forget(&mut self) {
        if let State::Waits(handle, seat, list_seat) = &mut self.state {
            handle.cell.listen(None);
            handle.node.tree.leave(seat);
            handle.list.leave(list_seat);
        }
    }
}

impl<T> Unpin for LocalStashed<T> {}

impl<T> Future for LocalStashed<T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = std::task::ready!(self.poll_settled(cx));
        if let Err(failure) = &result {
            failure.receive();
        }
        self.forget();
        self.state = State::Done;
        Poll::Ready(result)
    }
}

impl<T> Drop for LocalStashed<T> {
    fn drop(&mut self) {
        self.forget();
    }
}

impl<T> fmt::Debug for LocalStashed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalStashed")
            .field("added", &self.location)
            .field("settled", &self.is_settled())
            .finish()
    }
}
