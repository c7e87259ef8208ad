//! Waiting for a transaction from anywhere: [`End`] and [`Wait`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::current::{self, Goal};
use crate::error::{Failure, Failures, Kind as Why, Place};
use crate::node::Node;
use crate::pool;
use crate::standing::Watching;
use crate::tree::Op;
use crate::until::{drive_until, drive_with};
use crate::wait::WaitCell;
use crate::waker::Seat;
use crate::watch;

/// Ends a transaction: resolves when everything in it has settled and it is closed. See
/// [`Transaction::end`](crate::Transaction::end).
///
/// ```
/// let transaction = settled::begin();
/// let (end, again) = (transaction.end(), transaction.end());
/// settled::block_on(end).unwrap();
/// settled::block_on(again).unwrap(); // the same outcome
/// ```
#[must_use = "a transaction ends when this is awaited"]
pub struct End {
    node: Arc<Node>,
    /// It has been told to end.
    told: bool,
    /// The outcome has been taken.
    done: bool,
    /// The root never closes: it is waited for instead.
    root: Option<Wait>,
    /// Among those who drive.
    seat: Seat,
    /// Among those who listen for the outcome.
    listening: Seat,
    watching: Watching,
    /// Where it was asked for.
    location: Place,
}

impl End {
    pub(crate) fn new(node: Arc<Node>, location: Place) -> Self {
        node.claim();
        let root = node.is_root().then(|| Wait::new(node.clone(), location));
        End {
            node,
            told: false,
            done: false,
            root,
            seat: None,
            listening: None,
            watching: Watching::default(),
            location,
        }
    }

    /// Of a root that closes, as its registry is gone.
    pub(crate) fn of_root(node: Arc<Node>, location: Place) -> Self {
        let mut end = End::new(node, location);
        end.root = None;
        end
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }
}

impl Future for End {
    type Output = Result<(), Failures>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let failures = std::task::ready!(self.poll_quietly(cx));
        failures.receive();
        Poll::Ready(failures.into_result())
    }
}

impl End {
    /// As `poll`, but the failures are not marked as received.
    pub(crate) fn poll_quietly(&mut self, cx: &mut Context<'_>) -> Poll<Failures> {
        self.poll_as(cx, true)
    }

    /// `judged`: it is an error to wait for what one is part of.
    pub(crate) fn poll_as(&mut self, cx: &mut Context<'_>, judged: bool) -> Poll<Failures> {
        let this = self;
        if let Some(wait) = &mut this.root {
            return wait.poll_quietly(cx);
        }
        let node = &this.node;
        let mut op = None;
        if !node.is_closed() {
            if judged && node.waits_for_commit() {
                return Poll::Ready(would_deadlock(Why::Uncommitted, this.location));
            }
            if judged && current::with(|ambient| ambient.waits_for_itself(node, false)) {
                return Poll::Ready(would_deadlock(Why::WouldDeadlock, this.location));
            }
            if !this.told {
                this.told = true;
                watch::ending(node);
                op = Some(Op::End(node.clone()));
                if node.pending() == 0 {
                    // Mostly there is nothing to drive then.
                    op.take().into_iter().for_each(|op| node.tree.submit(op));
                }
            }
        }
        let listening = &mut this.listening;
        let goal = node.goal(false);
        let outcome = drive_with(&node.tree, op, &mut this.seat, cx, goal, |waker| {
            if let Some(waker) = waker {
                node.listen(listening, waker);
            }
            node.take_outcome()
        });
        if outcome.is_pending() && judged && will_wait_for_commit(&mut this.watching, node, cx) {
            return Poll::Ready(would_deadlock(Why::Uncommitted, this.location));
        }
        this.done = outcome.is_ready();
        outcome
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.node.tree.leave(&mut self.seat);
        self.node.unclaim(&mut self.listening);
        pool::put_with(&self.node);
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("End").field("transaction", &self.node.id).field("done", &self.done).finish()
    }
}

/// Settles what was added so far; the transaction stays open. See [`Transaction::wait`](crate::Transaction::wait).
///
/// ```
/// let transaction = settled::begin();
/// transaction.add(async {}).unwrap();
/// settled::block_on(transaction.wait()).unwrap();
/// assert_eq!(transaction.state(), settled::State::Open);
/// # settled::block_on(transaction.end()).unwrap();
/// ```
#[must_use = "what was added settles only if this, or something else, is awaited"]
pub struct Wait {
    node: Arc<Node>,
    /// Where the driver leaves the outcome.
    cell: Arc<WaitCell>,
    /// It is over, and the failures have been asked for.
    asked: bool,
    seat: Seat,
    watching: Watching,
    location: Place,
}

impl Wait {
    pub(crate) fn new(node: Arc<Node>, location: Place) -> Self {
        let cell = Arc::<WaitCell>::default();
        node.tree.submit(Op::Wait(node.clone(), cell.clone()));
        Wait { node, cell, asked: false, seat: None, watching: Watching::default(), location }
    }
}

impl Future for Wait {
    type Output = Result<(), Failures>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let failures = std::task::ready!(self.poll_quietly(cx));
        failures.receive();
        Poll::Ready(failures.into_result())
    }
}

impl Wait {
    pub(crate) fn poll_quietly(&mut self, cx: &mut Context<'_>) -> Poll<Failures> {
        let Wait { node, cell, asked, seat, watching, location } = self;
        if current::with(|ambient| ambient.waits_for_itself(node, true)) {
            return Poll::Ready(would_deadlock(Why::WouldDeadlock, location));
        }
        if !cell.is_over() && node.waits_for_commit() {
            return Poll::Ready(would_deadlock(Why::Uncommitted, location));
        }
        let failures = drive_until(&node.tree, seat, cx, node.goal(true), |waker| {
            if let Some(waker) = waker {
                cell.listen(waker);
            }
            if !*asked && cell.is_over() {
                *asked = true;
                node.tree.submit(Op::Collect(node.clone(), cell.clone()));
            }
            cell.take()
        });
        if failures.is_pending() && !cell.is_over() && will_wait_for_commit(watching, node, cx) {
            return Poll::Ready(would_deadlock(Why::Uncommitted, location));
        }
        failures
    }
}

impl Wait {
    /// Is ready when what it waits for has settled; the failures stay where they are.
    pub(crate) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Wait { node, cell, seat, .. } = self;
        drive_until(&node.tree, seat, cx, Goal::Nothing, |waker| {
            if let Some(waker) = waker {
                cell.listen(waker);
            }
            cell.is_over().then_some(())
        })
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.node.tree.leave(&mut self.seat);
        if let Some(failures) = self.cell.abandon() {
            self.node.hand_up(&failures);
        }
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("transaction", &self.node.id).finish()
    }
}

/// Inside an atomic transaction he is to be woken when more is held back. Is there, by now?
fn will_wait_for_commit(watching: &mut Watching, node: &Arc<Node>, cx: &Context<'_>) -> bool {
    watching.watch(node, cx.waker());
    node.waits_for_commit()
}

fn would_deadlock(why: Why, location: Place) -> Failures {
    Failures::one(Failure::new(why, location))
}
