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
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use settled::plumbing::{self, Helper, Place};
use settled::{End, Failure, Failures, OwnedTransaction, Stashed};
use smallvec::SmallVec;

use crate::delivery::Waits;
use crate::tally::{Kept, Progress, Run};

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
    /// Have its handlers been called?
    fn has_settled(&self) -> bool;
    /// What they gave, once.
    fn take(&self) -> Option<Yield<R>>;
    /// Is the delivery that is to take it along further down on this very stack?
    fn waits_for_this_stack(&self) -> bool;
}

pub(crate) enum Part<R> {
    /// Settled: results (or none).
    Ok(Yield<R>),
    /// Settled: a failure.
    Failed(Failure),
    /// Prompt deliveries to asynchronous handlers. Their outcomes stay in the tally.
    Prompt(Run),
    /// A delivery to an asynchronous handler that goes the long way, and what it may wait behind.
    Delivery(Stashed<Yield<R>>, Option<Box<Waits>>),
    /// A change that waits to be taken along; the future settles when it has been.
    Deferred(Stashed<()>, Box<dyn Deferred<R>>),
}

/// What an open part comes to.
enum Outcome<R> {
    Ok(Yield<R>),
    Failed(Failure),
    /// Who waits would wait for himself.
    Refused,
}

impl<R> From<Result<Yield<R>, Failure>> for Outcome<R> {
    fn from(result: Result<Yield<R>, Failure>) -> Self {
        result.map_or_else(Outcome::Failed, Outcome::Ok)
    }
}

impl<R: Send + 'static> Part<R> {
    /// Is there something to be had, if it is open?
    fn has_settled(&self) -> bool {
        match self {
            Part::Delivery(stashed, _) => stashed.is_settled(),
            Part::Deferred(carrier, change) => change.has_settled() || carrier.is_settled(),
            Part::Ok(_) | Part::Failed(_) | Part::Prompt(_) => false,
        }
    }

    /// Waits for one that is open.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<R>> {
        match self {
            Part::Delivery(stashed, behind) => match plumbing::poll_unreceived(stashed, cx) {
                Poll::Ready(result) => Poll::Ready(result.into()),
                Poll::Pending if behind.as_ref().is_some_and(|behind| behind.is_below_front()) => {
                    Poll::Ready(Outcome::Refused)
                }
                Poll::Pending => Poll::Pending,
            },
            Part::Deferred(carrier, change) => match change.take() {
                Some(given) => Poll::Ready(Outcome::Ok(given)),
                None if change.waits_for_this_stack() => Poll::Ready(Outcome::Refused),
                // The carrier settles without the change only where it was cancelled.
                None => match ready!(plumbing::poll_unreceived(carrier, cx)) {
                    Ok(()) => Poll::Ready(Outcome::Ok(change.take().unwrap_or(Yield::Nothing))),
                    Err(failure) => Poll::Ready(Outcome::Failed(failure)),
                },
            },
            Part::Ok(_) | Part::Failed(_) | Part::Prompt(_) => Poll::Pending,
        }
    }
}

/// The parts of a notification.
pub(crate) struct Parts<R> {
    /// The results of the first handlers, as long as there was nothing but results.
    results: Vec<R>,
    /// All the rest, in order.
    list: SmallVec<[Part<R>; 1]>,
    /// Up to here the list has settled.
    settled: usize,
    /// What has come of the prompt deliveries, if there are any.
    tally: Option<Kept<R>>,
    /// Drives their tree.
    helper: Option<Helper>,
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
    /// Begins with these results.
    pub(crate) fn new(location: &'static Location<'static>, results: Vec<R>) -> Self {
        Parts {
            results,
            list: SmallVec::new(),
            settled: 0,
            tally: None,
            helper: None,
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

    /// Of the prompt deliveries.
    pub(crate) fn set_tally(&mut self, tally: Option<Kept<R>>) {
        self.tally = tally;
    }

    /// Appends a prompt delivery.
    #[inline]
    pub(crate) fn push_prompt(&mut self, number: u32, place: Place) {
        if let Some(Part::Prompt(run)) = self.list.last_mut()
            && run.append(place)
        {
            return;
        }
        self.has_async = true;
        self.list.push(Part::Prompt(Run::new(number, place)));
    }

    /// Appends one that goes the long way.
    pub(crate) fn push_delivery(&mut self, stashed: Stashed<Yield<R>>, behind: Option<Box<Waits>>) {
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
                    self.poll_others(cx);
                }
                return Poll::Pending;
            }
            self.settled += 1;
        }
        Poll::Ready(())
    }

    /// Behind the first that is open: all that may live in other trees, and one of our own if the first is not, as nobody
    /// else may drive that.
    #[cold]
    fn poll_others(&mut self, cx: &mut Context<'_>) {
        let is_nested = |part: &Part<R>| matches!(part, Part::Ok(Yield::Nested(_)));
        let mut drives = !is_nested(&self.list[self.settled]);
        let mut index = self.settled + 1;
        // It may become longer.
        while index < self.list.len() {
            if is_nested(&self.list[index]) {
                let _ = self.poll_part(index, cx);
            } else if !drives {
                drives = self.poll_part(index, cx).is_pending();
            }
            index += 1;
        }
    }

    fn poll_part(&mut self, index: usize, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.list[index] {
                Part::Ok(Yield::Nested(parts)) => {
                    ready!(parts.poll(cx));
                    self.refused |= parts.refused;
                    return Poll::Ready(());
                }
                Part::Ok(_) | Part::Failed(_) => return Poll::Ready(()),
                Part::Prompt(run) => {
                    let Some(Kept(tally)) = &self.tally else { return Poll::Ready(()) };
                    match run.look(tally) {
                        Progress::Over => return Poll::Ready(()),
                        Progress::Nested(parts, rest) => self.insert_nested(index, parts, rest),
                        Progress::Open => self.refused |= !ready!(run.poll(tally, &mut self.helper, cx)),
                    }
                }
                open => {
                    let outcome = ready!(open.poll(cx));
                    drop(self.settle(index, outcome));
                }
            }
        }
    }

    /// Behind a run that has ended for it.
    #[cold]
    fn insert_nested(&mut self, index: usize, parts: Box<Parts<R>>, rest: Option<Run>) {
        self.has_foreign = true;
        let nested = Part::Ok(Yield::Nested(parts));
        self.list.insert_many(index + 1, [nested].into_iter().chain(rest.map(Part::Prompt)));
    }

    /// Takes what has settled, without waiting and without driving anything. Has every part? What parts were while they
    /// were open goes to `old`, to be dropped when nothing is locked: there may be wakers in it.
    pub(crate) fn look(&mut self, old: &mut Vec<Part<R>>) -> bool {
        while let Some(part) = self.list.get_mut(self.settled) {
            match part {
                Part::Ok(Yield::Nested(parts)) => {
                    if !parts.look(old) {
                        return false;
                    }
                }
                Part::Ok(_) | Part::Failed(_) => {}
                Part::Prompt(run) => {
                    let Some(Kept(tally)) = &self.tally else { return false };
                    match run.look(tally) {
                        Progress::Over => {}
                        Progress::Open => return false,
                        Progress::Nested(parts, rest) => self.insert_nested(self.settled, parts, rest),
                    }
                }
                open => {
                    let cx = &mut Context::from_waker(Waker::noop());
                    if !open.has_settled() {
                        return false;
                    }
                    let Poll::Ready(outcome) = open.poll(cx) else { return false };
                    old.push(self.settle(self.settled, outcome));
                    continue;
                }
            }
            self.settled += 1;
        }
        true
    }

    /// Gives back what the part was.
    fn settle(&mut self, index: usize, outcome: Outcome<R>) -> Part<R> {
        let settled = match outcome {
            Outcome::Ok(given) => {
                self.has_foreign |= matches!(given, Yield::Nested(_));
                Part::Ok(given)
            }
            Outcome::Failed(failure) => Part::Failed(failure),
            Outcome::Refused => {
                self.refused = true;
                Part::Failed(plumbing::would_deadlock_at(self.location))
            }
        };
        mem::replace(&mut self.list[index], settled)
    }

    /// Would awaiting it return at once?
    pub(crate) fn is_done(&mut self, old: &mut Vec<Part<R>>) -> bool {
        self.look(old) && self.owns_nothing_open()
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
