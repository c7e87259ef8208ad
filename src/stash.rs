//! The handle of a future that was added: [`Stashed`].

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::current::{self, Goal};
use crate::error::{Failure, Kind as Why, Place};
use crate::lend;
use crate::parcel::{pack, unpack};
use crate::ticket::{Callback, Settled, Ticket};
use crate::tree::Op;
use crate::until::drive_until;
use crate::waker::Seat;

/// What [`add`](crate::add) gives back: a future of the result. Dropping it does nothing; the added future runs on.
///
/// Awaited inside a transaction it resolves when its own future is done, whatever that has added. Awaited outside, it
/// drives the transaction meanwhile. A failure that it resolves with is received: it is not in the transaction's
/// [`Failures`](crate::Failures) any more, unless those were taken before.
///
/// ```
/// # settled::block_on(async {
/// let sum = settled::scope(async {
///     let stashed = settled::add_value(async { 40 + 2 });
///     stashed.await.unwrap()
/// });
/// assert_eq!(sum.await.unwrap(), 42);
/// # });
/// ```
pub struct Stashed<T> {
    /// Until the outcome is taken; none if there was nothing to add it to.
    ticket: Option<Arc<Ticket>>,
    /// Why there was nothing to add it to.
    refused: Option<Failure>,
    /// Among those who drive, while it is awaited outside.
    seat: Seat,
    /// It has been polled: somebody may be waiting in the ticket.
    awaited: bool,
    /// Where the future was added.
    location: Place,
    value: PhantomData<fn() -> T>,
}

impl<T: Send + 'static> Stashed<T> {
    #[inline]
    pub(crate) fn new(ticket: Arc<Ticket>, location: Place) -> Self {
        Stashed {
            ticket: Some(ticket),
            refused: None,
            seat: None,
            awaited: false,
            location,
            value: PhantomData,
        }
    }

    pub(crate) fn refused(failure: Failure, location: Place) -> Self {
        Stashed {
            ticket: None,
            refused: Some(failure),
            seat: None,
            awaited: false,
            location,
            value: PhantomData,
        }
    }

    /// Has `f` called with the result as soon as the future is done (not what it added): also when it failed or was
    /// cancelled.
    ///
    /// It is called by the driver, within the future's own transaction: what it adds is waited for. Where the future is
    /// done already, `f` is called at once, here. A panic in it is a failure of the transaction.
    ///
    /// ```
    /// let stashed = settled::scope(async {
    ///     settled::add_value(async { 7 }).on_settled(|result| assert_eq!(*result.as_ref().unwrap(), 7));
    /// });
    /// settled::block_on(stashed).unwrap();
    /// ```
    pub fn on_settled(self, f: impl FnOnce(&Result<T, Failure>) + Send + 'static) -> Self {
        if let Some(ticket) = &self.ticket {
            if let Some(callback) = ticket.call_back(callback::<T>(f))
                && let Some(settled) = ticket.take(None)
            {
                let (settled, panic) = callback(settled);
                ticket.put_back(settled);
                if let Some(payload) = panic {
                    std::panic::resume_unwind(payload);
                }
            }
        } else if let Some(failure) = &self.refused {
            f(&Err(failure.clone()));
        }
        self
    }

    /// Marks the future as cancelled: it is dropped with the next drive, unless it is done by then.
    ///
    /// Handle and callback are told a [`Failure`] that [is cancelled](Failure::is_cancelled); it is no failure of the
    /// transaction. What the future had added runs on.
    ///
    /// ```
    /// let scope = settled::scope(async {
    ///     let never = settled::add(std::future::pending::<()>());
    ///     never.cancel();
    ///     never.await.unwrap_err().is_cancelled()
    /// });
    /// assert!(settled::block_on(scope).unwrap());
    /// ```
    pub fn cancel(&self) {
        let Some(ticket) = &self.ticket else { return };
        let op = ticket.cancel();
        if let Some(tree) = ticket.tree.upgrade() {
            if let Some(holder) = ticket.holder() {
                tree.submit(Op::CancelHeld(holder, ticket.clone()));
            } else if let Some(op) = op {
                tree.submit(op);
            }
        }
    }

    /// Is the future itself done (or failed, or cancelled)?
    ///
    /// ```
    /// let transaction = settled::begin();
    /// let stashed = transaction.add(async {}).unwrap();
    /// assert!(!stashed.is_settled());
    /// settled::block_on(transaction.end()).unwrap();
    /// assert!(stashed.is_settled());
    /// ```
    pub fn is_settled(&self) -> bool {
        self.ticket.as_ref().is_none_or(|ticket| ticket.is_settled())
    }

    /// As `poll`, but a failure is not marked as received.
    pub(crate) fn poll_quietly(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Failure>> {
        self.awaited = true;
        let result = match (&self.ticket, self.refused.take()) {
            (None, None) => panic!("`Stashed` polled after it was done"),
            (None, Some(failure)) => Err(failure),
            (Some(ticket), _) => {
                let settled = if let Some(settled) = ticket.take(None) {
                    leave(ticket, &mut self.seat);
                    settled
                } else if current::with(|ambient| ambient.is_polled(Arc::as_ptr(ticket) as usize)) {
                    return Poll::Ready(Err(Failure::new(Why::WouldDeadlock, self.location)));
                } else if is_held_from_here(ticket) {
                    return Poll::Ready(Err(Failure::new(Why::Uncommitted, self.location)));
                } else {
                    match ticket.tree.upgrade() {
                        Some(tree) => {
                            let goal = Goal::Ticket(Arc::as_ptr(ticket) as usize);
                            let listen = |waker: Option<Waker>| ticket.take(waker);
                            match drive_until(&tree, &mut self.seat, cx, goal, listen) {
                                Poll::Ready(settled) => settled,
                                // It was on its way there before.
                                Poll::Pending if is_held_from_here(ticket) => {
                                    return Poll::Ready(Err(Failure::new(Why::Uncommitted, self.location)));
                                }
                                Poll::Pending => return Poll::Pending,
                            }
                        }
                        None => Err(Failure::new(Why::Cancelled, self.location)),
                    }
                };
                settled.map(unpack)
            }
        };
        // What was in it is taken.
        self.ticket.take().into_iter().for_each(Ticket::let_go);
        Poll::Ready(result)
    }
}

/// Would who waits for it here wait for a commit that waits for him?
fn is_held_from_here(ticket: &Ticket) -> bool {
    ticket.holder().is_some_and(|holder| holder.holder_polled_here().is_some())
}

/// A callback that knows the type.
fn callback<T: Send + 'static>(f: impl FnOnce(&Result<T, Failure>) + Send + 'static) -> Callback {
    Box::new(move |settled: Settled| {
        let result = settled.map(unpack::<T>);
        let panic = catch_unwind(AssertUnwindSafe(|| f(&result))).err();
        (result.map(pack), panic)
    })
}

impl<T: Send + 'static> Future for Stashed<T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = std::task::ready!(self.poll_quietly(cx));
        if let Err(failure) = &result {
            failure.receive();
        }
        Poll::Ready(result)
    }
}

impl<T> Drop for Stashed<T> {
    #[inline]
    fn drop(&mut self) {
        // Who never polled it has left nothing behind.
        if let Some(ticket) = self.ticket.take() {
            if self.awaited { forget(ticket, &mut self.seat) } else { lend::give_back(ticket) }
        }
    }
}

/// Waits no longer.
#[cold]
fn forget(ticket: Arc<Ticket>, seat: &mut Seat) {
    ticket.forget_waker();
    leave(&ticket, seat);
    Ticket::let_go(ticket);
}

fn leave(ticket: &Arc<Ticket>, seat: &mut Seat) {
    if seat.is_some()
        && let Some(tree) = ticket.tree.upgrade()
    {
        tree.leave(seat);
    }
}

impl<T> fmt::Debug for Stashed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settled = self.ticket.as_ref().is_none_or(|ticket| ticket.is_settled());
        f.debug_struct("Stashed").field("added", &self.location).field("settled", &settled).finish()
    }
}
