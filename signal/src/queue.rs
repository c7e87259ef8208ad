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
//! # Waiting for oneself
//!
//! The front notes which node is being polled when it gets the turn. A notification that is awaited below that node, and
//! has a delivery behind it, would wait for itself ([`Behind`]).
//!
//! Nothing of the user's runs under the lock, and no waker is cloned, woken or dropped under it.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use settled::plumbing::{self, Helper, Place};
use smallvec::SmallVec;

use crate::crowd::{Crowd, Waiting};
use crate::lock::lock;

/// The place of one delivery in the queue; later ones are greater.
pub(crate) type Ticket = u64;

#[derive(Default)]
pub(crate) struct Queue(Mutex<Line>);

#[derive(Default)]
struct Line {
    /// The next ticket.
    next: Ticket,
    /// Who has the turn.
    front: Option<Front>,
    /// Who waits behind.
    crowd: Crowd,
}

struct Front {
    ticket: Ticket,
    /// The tree that the delivery lives in.
    tree: Option<Helper>,
    /// Its node, once it has begun.
    place: Option<Place>,
}

/// What is done after unlocking.
#[derive(Default)]
pub(crate) struct Aftermath {
    pub(crate) wake: SmallVec<[Waker; 1]>,
    pub(crate) wakers: SmallVec<[Waker; 1]>,
    pub(crate) trees: SmallVec<[Helper; 1]>,
}

impl Queue {
    /// A place at the end. True if there is somebody ahead.
    pub(crate) fn join(&self) -> (Ticket, bool) {
        let tree = plumbing::helper();
        let mut line = lock(&self.0);
        let ticket = line.next;
        line.next += 1;
        let is_behind = line.front.is_some();
        if is_behind {
            line.crowd.push(ticket, tree);
        } else {
            line.front = Some(Front { ticket, tree, place: None });
        }
        (ticket, is_behind)
    }

    /// Waits for the turn. `helping` is kept between polls: the tree that is driven on the side.
    pub(crate) fn poll_turn(
        &self,
        ticket: Ticket,
        helping: &mut Option<Helper>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let place = plumbing::here();
        if lock(&self.0).begin(ticket, place) {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let old;
        let tree_to_help;
        {
            let mut line = lock(&self.0);
            if line.begin(ticket, place) {
                drop(line);
                return Poll::Ready(());
            }
            old = line.crowd.wait(ticket, waker);
            tree_to_help = line.tree_to_help(ticket);
        }
        drop(old);
        if *helping != tree_to_help {
            *helping = tree_to_help;
        }
        if let Some(helper) = helping {
            // It may well bring those ahead to their end. If it does, whoever passes the turn on to us wakes us.
            helper.help(cx);
            if lock(&self.0).begin(ticket, place) {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Passes the turn on, or gives the place up.
    pub(crate) fn leave(&self, ticket: Ticket) {
        let mut aftermath = Aftermath::default();
        lock(&self.0).leave(ticket, &mut aftermath);
        aftermath.wake.into_iter().for_each(Waker::wake);
    }

    /// Where the delivery that has the turn is polled, if this ticket waits for it.
    fn place_ahead(&self, ticket: Ticket) -> Option<Place> {
        lock(&self.0).front.as_ref().filter(|front| front.ticket < ticket)?.place
    }
}

impl Line {
    /// Has it the turn? Then it has begun, here.
    fn begin(&mut self, ticket: Ticket, place: Option<Place>) -> bool {
        match &mut self.front {
            Some(front) if front.ticket == ticket => {
                front.place = place;
                true
            }
            _ => false,
        }
    }

    /// The tree in front, if this one is to help it.
    fn tree_to_help(&mut self, ticket: Ticket) -> Option<Helper> {
        let front = self.front.as_ref()?;
        self.crowd.is_deputy(ticket, front.tree.as_ref()).then(|| front.tree.clone())?
    }

    fn leave(&mut self, ticket: Ticket, aftermath: &mut Aftermath) {
        if self.front.as_ref().is_none_or(|front| front.ticket != ticket) {
            let tree = self.front.as_ref().and_then(|front| front.tree.as_ref());
            self.crowd.remove(ticket, tree, aftermath);
            return;
        }
        let old = self.front.take().and_then(|front| front.tree);
        if let Some(Waiting { ticket, tree, waker, .. }) = self.crowd.pop() {
            aftermath.wake.extend(waker);
            if old != tree {
                self.crowd.wake_deputies(tree.as_ref(), aftermath);
            }
            self.front = Some(Front { ticket, tree, place: None });
        }
        aftermath.trees.extend(old);
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue")
    }
}

/// Something with a queue.
pub(crate) trait Queued: Send + Sync {
    fn queue(&self) -> &Queue;
}

/// A delivery that had others ahead when it was made.
pub(crate) struct Behind {
    /// Whose queue it is.
    handler: Arc<dyn Queued>,
    ticket: Ticket,
}

impl Behind {
    pub(crate) fn new(handler: Arc<dyn Queued>, ticket: Ticket) -> Self {
        Behind { handler, ticket }
    }

    /// Is the delivery that it waits for one of those that are being polled on this stack, or an ancestor of one?
    pub(crate) fn is_below_front(&self) -> bool {
        self.handler.queue().place_ahead(self.ticket).is_some_and(Place::is_above_here)
    }
}
