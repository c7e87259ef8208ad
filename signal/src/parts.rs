//! What a notification is made of: for each handler that was called, its results, its failure, or what is still to come.
//!
//! # How it is awaited
//!
//! Parts stay in their places, in the order of connection; each turns, once, from open to settled. Of the open ones only
//! the first is polled (all deliveries of one `notify` are of one tree, so that this drives them all, and a thousand of
//! them cost one waker, not a thousand); those that may live in other trees (notifications that a handler returned) are
//! polled each time. When the last has settled, the transaction that was made for this notification, if any, is ended.
//!
//! Failures are taken from the transaction *unreceived*: who drops a notification half-way has taken nothing. They are
//! marked as received when all of them are handed over together.

mod taking;

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use settled::{End, Failure, Failures, OwnedTransaction, Stashed, plumbing};
use smallvec::SmallVec;

use crate::queue::Behind;

/// What one handler gave that did not fail.
pub(crate) enum Yield<R> {
    Nothing,
    One(R),
    Many(Vec<R>),
    /// A notification that may have to be awaited.
    Nested(Box<Parts<R>>),
}

/// A change of an observable that another delivery takes along.
pub(crate) trait Deferred<R>: Send {
    /// What its handlers gave, once they have been called.
    fn take(&self) -> Option<Yield<R>>;
    /// Is the delivery that is to take it along further down on this very stack?
    fn waits_for_this_stack(&self) -> bool;
}

pub(crate) enum Part<R> {
    /// Settled: results (or none).
    Ok(Yield<R>),
    /// Settled: a failure.
    Failed(Failure),
    /// A delivery to an asynchronous handler, and what it waited behind when it was made.
    Delivery(Stashed<Yield<R>>, Option<Box<Behind>>),
    /// A change that waits to be taken along; the future settles when it has been.
    Deferred(Stashed<()>, Box<dyn Deferred<R>>),
}

/// The parts of a notification.
pub(crate) struct Parts<R> {
    /// The results of the first handlers, as long as there was nothing but results.
    results: Vec<R>,
    /// All the rest, in order.
    list: SmallVec<[Part<R>; 1]>,
    /// Up to here the list has settled.
    settled: usize,
    /// Where the notification was made.
    location: &'static Location<'static>,
    /// The transaction made for this notification, where there was none.
    own: Option<Box<Own>>,
    /// Something was not done when `notify` returned.
    has_async: bool,
    /// The list has parts that may live in other trees.
    has_foreign: bool,
    /// A part was not waited for, since that would have been waiting for oneself.
    refused: bool,
}

/// A transaction made for one notification. Dropped before it has ended, its work goes to the root.
struct Own {
    transaction: OwnedTransaction,
    ending: Option<End>,
    /// What `end` gave.
    failures: Option<Failures>,
    location: &'static Location<'static>,
}

impl Drop for Own {
    /// `end` has handed its failures to who then was dropped: they must not be lost.
    fn drop(&mut self) {
        if let Some(failures) = self.failures.take().filter(|failures| !failures.is_empty()) {
            plumbing::fail_at(Box::new(failures), self.location);
        }
    }
}

impl<R> Parts<R> {
    /// Begins with these results; there is room for some parts.
    pub(crate) fn new(location: &'static Location<'static>, results: Vec<R>, room: usize) -> Self {
        Parts {
            results,
            list: SmallVec::with_capacity(room),
            settled: 0,
            location,
            own: None,
            has_async: false,
            has_foreign: false,
            refused: false,
        }
    }

    pub(crate) fn has_async(&self) -> bool {
        self.has_async
    }

    /// The transaction that was made for this notification.
    pub(crate) fn set_own(&mut self, transaction: Option<OwnedTransaction>) {
        let location = self.location;
        self.own = transaction
            .map(|transaction| Box::new(Own { transaction, ending: None, failures: None, location }));
    }

    /// Somebody has looked at the results, and now they go where the rest goes.
    pub(crate) fn put_results_back(&mut self, results: Vec<R>) {
        self.results = results;
    }

    /// Appends what a handler gave.
    pub(crate) fn push(&mut self, given: Yield<R>) {
        if let Yield::Nested(parts) = &given {
            self.has_foreign = true;
            self.has_async |= parts.has_async;
        }
        self.list.push(Part::Ok(given));
    }

    /// Appends a failure that its transaction knows of.
    pub(crate) fn push_failure(&mut self, failure: Failure) {
        self.list.push(Part::Failed(failure));
    }

    pub(crate) fn push_delivery(&mut self, stashed: Stashed<Yield<R>>, behind: Option<Box<Behind>>) {
        self.has_async = true;
        self.list.push(Part::Delivery(stashed, behind));
    }

    pub(crate) fn push_deferred(&mut self, carrier: Stashed<()>, change: Box<dyn Deferred<R>>) {
        self.has_async = true;
        self.list.push(Part::Deferred(carrier, change));
    }
}

impl<R: Send + 'static> Parts<R> {
    /// Waits for everything.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_list(cx));
        let Some(own) = &mut self.own else { return Poll::Ready(()) };
        if own.failures.is_none() {
            if self.refused {
                // Its end would wait for what we did not wait for. The root gets it.
                self.own = None;
                return Poll::Ready(());
            }
            let Own { transaction, ending, .. } = &mut **own;
            let ending = ending.get_or_insert_with(|| transaction.end());
            own.failures = Some(ready!(Pin::new(ending).poll(cx)).err().unwrap_or_default());
        }
        Poll::Ready(())
    }

    fn poll_list(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.settled < self.list.len() {
            if self.poll_part(self.settled, cx).is_pending() {
                if self.has_foreign {
                    (self.settled + 1..self.list.len()).for_each(|index| {
                        if matches!(self.list[index], Part::Ok(Yield::Nested(_))) {
                            let _ = self.poll_part(index, cx);
                        }
                    });
                }
                return Poll::Pending;
            }
            self.settled += 1;
        }
        Poll::Ready(())
    }

    fn poll_part(&mut self, index: usize, cx: &mut Context<'_>) -> Poll<()> {
        let part = &mut self.list[index];
        loop {
            let outcome = match part {
                Part::Ok(Yield::Nested(parts)) => {
                    ready!(parts.poll(cx));
                    self.refused |= parts.refused;
                    return Poll::Ready(());
                }
                Part::Ok(_) | Part::Failed(_) => return Poll::Ready(()),
                Part::Delivery(stashed, behind) => match plumbing::poll_unreceived(stashed, cx) {
                    Poll::Ready(outcome) => outcome,
                    Poll::Pending if behind.as_ref().is_some_and(|behind| behind.is_below_front()) => {
                        self.refused = true;
                        Err(plumbing::would_deadlock_at(self.location))
                    }
                    Poll::Pending => return Poll::Pending,
                },
                Part::Deferred(carrier, change) => match change.take() {
                    Some(given) => Ok(given),
                    None if change.waits_for_this_stack() => {
                        self.refused = true;
                        Err(plumbing::would_deadlock_at(self.location))
                    }
                    // The carrier settles without the change only where it was cancelled.
                    None => match ready!(plumbing::poll_unreceived(carrier, cx)) {
                        Ok(()) => Ok(change.take().unwrap_or(Yield::Nothing)),
                        Err(failure) => Err(failure),
                    },
                },
            };
            *part = match outcome {
                Ok(given) => Part::Ok(given),
                Err(failure) => Part::Failed(failure),
            };
            self.has_foreign |= matches!(part, Part::Ok(Yield::Nested(_)));
        }
    }

    /// Takes what has settled, without waiting and without driving anything. Has every part?
    pub(crate) fn look(&mut self) -> bool {
        let cx = &mut Context::from_waker(Waker::noop());
        while let Some(part) = self.list.get_mut(self.settled) {
            let has_settled = match part {
                Part::Delivery(stashed, _) => stashed.is_settled(),
                Part::Deferred(carrier, change) => match change.take() {
                    Some(given) => {
                        self.has_foreign |= matches!(given, Yield::Nested(_));
                        *part = Part::Ok(given);
                        continue;
                    }
                    None => carrier.is_settled(),
                },
                Part::Ok(Yield::Nested(parts)) => {
                    if !parts.look() {
                        return false;
                    }
                    self.settled += 1;
                    continue;
                }
                Part::Ok(_) | Part::Failed(_) => true,
            };
            if !has_settled || self.poll_part(self.settled, cx).is_pending() {
                return false;
            }
            self.settled += 1;
        }
        true
    }

    /// Would awaiting it return at once?
    pub(crate) fn is_done(&mut self) -> bool {
        self.look() && self.owns_nothing_open()
    }

    fn owns_nothing_open(&self) -> bool {
        let own = self.own.as_ref();
        own.is_none_or(|own| own.failures.is_some() || own.transaction.pending() == 0)
            && self.list.iter().all(|part| match part {
                Part::Ok(Yield::Nested(parts)) => parts.owns_nothing_open(),
                _ => true,
            })
    }
}

impl<R> fmt::Debug for Parts<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("open", &(self.list.len() - self.settled)).finish_non_exhaustive()
    }
}
