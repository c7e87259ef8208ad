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

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

pub(crate) use crate::crowd::Ticket;
use crate::crowd::{Crowd, Waiting, Wakers};
use crate::lock::lock;
use crate::tree::Tree;
use settled::plumbing::{self, Helper, Place};

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
    tree: Option<Tree>,
    /// Its node, once it has begun.
    place: Option<Place>,
}

impl Queue {
    /// A place at the end. True if there is somebody ahead.
    pub(crate) fn join(&self) -> (Ticket, bool) {
        let tree = Tree::current();
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
    pub(crate) fn poll_turn(&self, ticket: Ticket, helping: &mut Helping, cx: &mut Context<'_>) -> Poll<()> {
        let place = plumbing::here();
        if lock(&self.0).begin(ticket, place) {
            return Poll::Ready(());
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
    ) -> Poll<()> {
        let waker = cx.waker().clone();
        let (old, to_help) = {
            let mut line = lock(&self.0);
            if line.begin(ticket, place) {
                drop(line);
                return Poll::Ready(());
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
            if lock(&self.0).begin(ticket, place) {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Passes the turn on, or gives the place up.
    pub(crate) fn leave(&self, ticket: Ticket) {
        let mut line = lock(&self.0);
        if line.crowd.is_empty() && line.front.as_ref().is_some_and(|front| front.ticket == ticket) {
            line.front = None;
            return;
        }
        let mut wakers = Wakers::default();
        line.leave(ticket, &mut wakers);
        drop(line);
        wakers.wake();
    }

    /// Where the delivery that has the turn is polled, if this ticket waits for it.
    fn place_ahead(&self, ticket: Ticket) -> Option<Place> {
        lock(&self.0).front.as_ref().filter(|front| front.ticket < ticket)?.place
    }
}

/// The tree that a delivery that waits drives on the side.
pub(crate) type Helping = Option<Box<(Tree, Helper)>>;

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
    fn tree_to_help(&mut self, ticket: Ticket) -> Option<Tree> {
        let tree = self.front.as_ref()?.tree.as_ref();
        if self.crowd.is_deputy(ticket, tree) { tree.cloned() } else { None }
    }

    fn leave(&mut self, ticket: Ticket, wakers: &mut Wakers) {
        match &mut self.front {
            Some(front) if front.ticket == ticket => {
                let old = front.tree.take();
                self.front = self.crowd.pop().map(|Waiting { ticket, tree, waker, .. }| {
                    wakers.wake.extend(waker);
                    Front { ticket, tree, place: None }
                });
                if let Some(front) = &self.front
                    && front.tree != old
                {
                    self.crowd.wake_deputies(front.tree.as_ref(), wakers);
                }
            }
            front => {
                let tree = front.as_ref().and_then(|front| front.tree.as_ref());
                self.crowd.remove(ticket, tree, wakers);
            }
        }
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
