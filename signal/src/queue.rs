//! The queue before one asynchronous handler: its deliveries are made one after another, in the order of `notify`.
//!
//! # Protocol
//!
//! A delivery *joins* when its `notify` makes it, and gets a ticket. The one in *front* has the turn: it calls the handler
//! and polls its future. It *leaves* when that future is done and dropped, or when the delivery itself is dropped, begun
//! or not (its guard does it): then the next has the turn, and is woken. One that is dropped in the middle leaves a gap
//! that the turn skips.
//!
//! Deliveries of one queue may live in different transaction trees, and a tree only moves while somebody drives it. So
//! that who waits for one in the back is not stuck behind a tree that nobody drives, one delivery of each waiting tree,
//! its *deputy* (the one nearest to the front), is an outside driver of the tree in front. The others of that tree need
//! not be: whoever drives the tree polls the deputy too. A burst of deliveries in one tree therefore costs nothing beyond
//! its places in the queue.
//!
//! Who is woken when the turn passes on: the new front; and where that is of another tree than the old one, the deputies
//! of all other trees, which drive the wrong tree now. When a deputy leaves from the middle: its successor.
//!
//! One that finds nobody ahead, and of which there is nothing else to be said, takes a shorter way: it is
//! [prompt](crate::prompt), has the turn at once, and is known by its place in the order of adding instead of a ticket.
//!
//! # Overtaking
//!
//! Where a handler wants only the newest ([`Delivery::Latest`], [`Delivery::Coalesced`]), one that joins *overtakes* all
//! that are ahead and have not begun: it takes their places, they are woken, and come to nothing. So they hold nobody up, in
//! whatever transactions they are. One that has begun keeps the turn; where only the latest is wanted it is woken as well,
//! drops the handler's future in its next poll, and leaves. That is a poll of its own tree: who joined drives it as a deputy.
//!
//! # Threads
//!
//! Every step is one section under one lock: who finds that he has to wait leaves his waker in the section in which he has
//! looked, and so does one that runs and may be overtaken; who overtakes or leaves takes the wakers in the section in which
//! he changes the line. So no wake is lost, whatever the order. The place that is taken at a commit is one atomic value,
//! settled by whoever comes first ([`held`](crate::held)).
//!
//! # Waiting for oneself
//!
//! The front notes which node is being polled when it gets the turn. A notification that is awaited below that node, and
//! has a delivery behind it, would wait for itself: see [`behind`](crate::behind).
//!
//! Nothing of the user's runs under the lock, and no waker is cloned, woken or dropped under it.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use settled::plumbing::{self, Helper, Place};

use crate::behind::Behind;
use crate::crowd::{Ticket, Wakers};
use crate::delivery::Delivery;
pub(crate) use crate::front::Link;
use crate::front::{Line, PromptFront};
use crate::lock::lock;
use crate::tally::AnyTally;
use crate::tree::Tree;

pub(crate) struct Queue {
    delivery: Delivery,
    line: Mutex<Line>,
}

/// May it go on?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// It has the turn.
    Ours,
    /// A newer one has taken its place.
    Overtaken,
}

impl Queue {
    pub(crate) fn new(delivery: Delivery) -> Self {
        Queue { delivery, line: Mutex::default() }
    }

    pub(crate) fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// A place at the end, for a delivery that lives in this tree. True if there is somebody ahead.
    ///
    /// What it tells of is a change of an observable with this number; 0: of none.
    pub(crate) fn join(&self, tree: Option<Tree>, link: Link, stamp: u64) -> (Ticket, bool) {
        self.join_line(lock(&self.line), tree, link, stamp)
    }

    /// The same at a commit; no place if a later change has joined meanwhile.
    pub(crate) fn join_late(&self, tree: Option<Tree>, link: Link, stamp: u64) -> Option<Ticket> {
        let line = lock(&self.line);
        let is_overtaken = stamp != 0 && stamp < line.newest;
        (!is_overtaken).then(|| self.join_line(line, tree, link, stamp).0)
    }

    /// For one that needs no place. False if a later change has come before.
    pub(crate) fn pass(&self, stamp: u64) -> bool {
        if stamp == 0 {
            return true;
        }
        let mut line = lock(&self.line);
        let is_overtaken = stamp < line.newest;
        line.newest = line.newest.max(stamp);
        !is_overtaken
    }

    #[inline]
    fn join_line(
        &self,
        mut line: MutexGuard<'_, Line>,
        tree: Option<Tree>,
        link: Link,
        stamp: u64,
    ) -> (Ticket, bool) {
        line.newest = line.newest.max(stamp);
        let ticket = line.next;
        line.next += 1;
        if self.delivery.overtakes() && line.front.is_some() {
            let overtaken = line.overtake(ticket, self.delivery);
            let is_behind = line.push(ticket, tree, link);
            drop(line);
            overtaken.settle();
            return (ticket, is_behind);
        }
        (ticket, line.push(ticket, tree, link))
    }

    /// Takes the turn for a [prompt](crate::prompt) delivery at this place, if nobody has it. False if it has to join.
    #[inline]
    pub(crate) fn enter<T: AnyTally>(&self, tally: &Arc<T>, place: Place, stamp: u64) -> bool {
        if self.delivery != Delivery::Queued {
            return false;
        }
        let mut line = lock(&self.line);
        if line.is_taken() {
            return false;
        }
        line.newest = line.newest.max(stamp);
        line.prompt = Some(PromptFront { tally: tally.clone(), place });
        true
    }

    /// A prompt delivery passes the turn on.
    #[inline]
    pub(crate) fn leave_promptly(&self) -> Option<PromptFront> {
        let mut line = lock(&self.line);
        let prompt = line.prompt.take();
        if !line.crowd.is_empty() {
            self.pass_on(line, prompt.as_ref());
        }
        prompt
    }

    #[cold]
    fn pass_on(&self, mut line: MutexGuard<'_, Line>, prompt: Option<&PromptFront>) {
        let mut wakers = Wakers::default();
        line.pass_on(prompt.and_then(|prompt| prompt.tally.tree()), &mut wakers);
        drop(line);
        wakers.settle();
    }

    /// What else the one with this ticket waits for.
    pub(crate) fn link(&self, ticket: Ticket, link: Box<Behind>) {
        let mut line = lock(&self.line);
        match &mut line.front {
            Some(front) if front.ticket == ticket => front.link = Some(link),
            _ => line.crowd.link(ticket, link),
        }
    }

    /// Waits for the turn, and begins. `helping` is kept between polls: the tree that is driven on the side.
    pub(crate) fn poll_turn(
        &self,
        ticket: Ticket,
        helping: &mut Helping,
        cx: &mut Context<'_>,
    ) -> Poll<Turn> {
        let place = plumbing::here();
        if let Some(turn) = lock(&self.line).begin(ticket, place) {
            return Poll::Ready(turn);
        }
        self.wait(ticket, place, helping, cx)
    }

    #[cold]
    fn wait(
        &self,
        ticket: Ticket,
        place: Option<Place>,
        helping: &mut Helping,
        cx: &mut Context<'_>,
    ) -> Poll<Turn> {
        let waker = cx.waker().clone();
        let (old, to_help) = {
            let mut line = lock(&self.line);
            if let Some(turn) = line.begin(ticket, place) {
                drop(line);
                return Poll::Ready(turn);
            }
            (line.crowd.wait(ticket, waker), line.tree_to_help(ticket))
        };
        drop(old);
        let Some(tree) = to_help else {
            *helping = None;
            return Poll::Pending;
        };
        if helping.as_ref().is_none_or(|helping| helping.0 != tree) {
            let helper = tree.helper();
            *helping = Some(Box::new((tree, helper)));
        }
        if let Some(helping) = helping {
            // It may well bring those ahead to their end. If it does, whoever passes the turn on to us wakes us.
            helping.1.help(cx);
            if let Some(turn) = lock(&self.line).begin(ticket, place) {
                return Poll::Ready(turn);
            }
        }
        Poll::Pending
    }

    /// It has the turn, but cannot begin yet: until it asks again, it may be overtaken.
    pub(crate) fn hesitate(&self, ticket: Ticket) {
        if let Some(front) = lock(&self.line).front.as_mut().filter(|front| front.ticket == ticket) {
            front.has_begun = false;
        }
    }

    /// The one in front is polled, and is to be woken with this waker when it is overtaken. Has it been?
    pub(crate) fn run(&self, ticket: Ticket, waker: Waker) -> Turn {
        let mut line = lock(&self.line);
        let is_overtaken = ticket < line.overtaken;
        let front = line.front.as_mut().filter(|front| front.ticket == ticket);
        let old = front.and_then(|front| front.waker.replace(waker));
        drop(line);
        drop(old);
        if is_overtaken { Turn::Overtaken } else { Turn::Ours }
    }

    /// Passes the turn on, or gives the place up.
    pub(crate) fn leave(&self, ticket: Ticket) {
        let mut line = lock(&self.line);
        if line.crowd.is_empty() && line.front.as_ref().is_some_and(|front| front.ticket == ticket) {
            let front = line.front.take();
            drop(line);
            drop(front);
            return;
        }
        let mut wakers = Wakers::default();
        let front = line.leave(ticket, &mut wakers);
        drop(line);
        drop(front);
        wakers.settle();
    }

    /// What the one with this ticket waits for: where the delivery in front is polled, and what that waits for besides.
    /// `None` if it does not wait.
    pub(crate) fn ahead(&self, ticket: Ticket) -> Option<(Option<Place>, Option<Behind>)> {
        lock(&self.line).ahead(ticket)
    }
}

/// The tree that a delivery that waits drives on the side.
pub(crate) type Helping = Option<Box<(Tree, Helper)>>;

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue")
    }
}

/// Something with a queue.
pub(crate) trait Queued: Send + Sync {
    fn queue(&self) -> &Queue;
}
