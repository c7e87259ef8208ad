//! Deliveries that are dropped, wherever they are in the queue: for that, public ways are few.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use settled::{OwnedTransaction, begin};

use super::{Helping, Queue, Turn};
use crate::crowd::Ticket;
use crate::delivery::Delivery;
use crate::tree::Tree;

fn queue() -> Queue {
    Queue::new(Delivery::Queued)
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// One that waits in a queue.
struct Waiter {
    ticket: Ticket,
    helping: Helping,
    wakes: Arc<Wakes>,
}

impl Waiter {
    fn join(queue: &Queue) -> Self {
        Waiter { ticket: queue.join(Tree::current(), None, 0).0, helping: None, wakes: Arc::default() }
    }

    fn join_in(queue: &Queue, transaction: &OwnedTransaction) -> Self {
        transaction.enter(|| Self::join(queue))
    }

    fn has_turn(&mut self, queue: &Queue) -> bool {
        self.wakes.0.store(0, Ordering::SeqCst);
        let waker = Waker::from(self.wakes.clone());
        let polled = queue.poll_turn(self.ticket, &mut self.helping, &mut Context::from_waker(&waker));
        polled == Poll::Ready(Turn::Ours)
    }

    fn is_woken(&self) -> bool {
        self.wakes.0.load(Ordering::SeqCst) > 0
    }
}

fn end(transactions: &[&OwnedTransaction]) {
    transactions.iter().for_each(|transaction| settled::block_on(transaction.end()).unwrap());
}

#[test]
fn the_turn_goes_from_front_to_back() {
    let queue = queue();
    let [mut a, mut b, mut c] = [(); 3].map(|()| Waiter::join(&queue));
    assert!(a.has_turn(&queue) && !b.has_turn(&queue) && !c.has_turn(&queue));
    queue.leave(a.ticket);
    assert!(b.is_woken() && !c.is_woken());
    assert!(b.has_turn(&queue) && !c.has_turn(&queue));
    queue.leave(b.ticket);
    assert!(c.is_woken() && c.has_turn(&queue));
    queue.leave(c.ticket);
    assert!(Waiter::join(&queue).has_turn(&queue));
}

#[test]
fn those_that_are_dropped_in_the_middle_or_unpolled_are_skipped() {
    let queue = queue();
    let [a, b, c, mut d] = [(); 4].map(|()| Waiter::join(&queue));
    assert!(!d.has_turn(&queue));
    queue.leave(c.ticket);
    queue.leave(b.ticket);
    assert!(!d.is_woken());
    // Never polled.
    queue.leave(a.ticket);
    assert!(d.is_woken() && d.has_turn(&queue));
    // Twice is harmless.
    queue.leave(b.ticket);
    assert!(d.has_turn(&queue));
    queue.leave(d.ticket);
    assert!(Waiter::join(&queue).has_turn(&queue));
}

#[test]
fn places_that_are_given_up_do_not_pile_up_behind_one_that_takes_long() {
    let queue = queue();
    let mut front = Waiter::join(&queue);
    let mut last = Waiter::join(&queue);
    for _ in 0..100_000 {
        let left = Waiter::join(&queue);
        queue.leave(left.ticket);
        assert!(queue.line.lock().unwrap().crowd.len() <= 300);
    }
    assert!(front.has_turn(&queue) && !last.has_turn(&queue));
    queue.leave(front.ticket);
    assert!(last.is_woken() && last.has_turn(&queue));
}

#[test]
fn a_crowd_that_has_gone_gives_its_memory_back() {
    let queue = queue();
    let all: Vec<_> = (0..10_000).map(|_| Waiter::join(&queue)).collect();
    all.iter().for_each(|waiter| queue.leave(waiter.ticket));
    assert!(queue.line.lock().unwrap().crowd.capacity() <= 64);
}

#[test]
fn only_the_deputy_of_a_tree_helps_the_one_in_front() {
    let (queue, a, b) = (queue(), begin(), begin());
    let mut front = Waiter::join_in(&queue, &a);
    let mut same = Waiter::join_in(&queue, &a);
    let [mut deputy, mut other] = [(); 2].map(|()| Waiter::join_in(&queue, &b));
    assert!(front.has_turn(&queue));
    assert!(!same.has_turn(&queue) && !deputy.has_turn(&queue) && !other.has_turn(&queue));
    assert!(same.helping.is_none() && deputy.helping.is_some() && other.helping.is_none());

    // Within the tree nothing changes for the others.
    queue.leave(front.ticket);
    assert!(same.is_woken() && !deputy.is_woken() && !other.is_woken());
    assert!(same.has_turn(&queue));

    // The deputy gives up: the other one is told, and helps.
    queue.leave(deputy.ticket);
    assert!(other.is_woken() && !other.has_turn(&queue));
    assert!(other.helping.is_some());
    queue.leave(same.ticket);
    assert!(other.has_turn(&queue));
    queue.leave(other.ticket);
    end(&[&a, &b]);
}

#[test]
fn when_the_front_is_of_another_tree_all_deputies_are_told() {
    let (queue, a, b, c) = (queue(), begin(), begin(), begin());
    let front = Waiter::join_in(&queue, &a);
    let [mut of_b, mut of_c, mut of_a] = [&b, &c, &a].map(|transaction| Waiter::join_in(&queue, transaction));
    assert!(!of_b.has_turn(&queue) && !of_c.has_turn(&queue) && !of_a.has_turn(&queue));
    assert!(of_a.helping.is_none(), "the front is of its own tree");
    queue.leave(front.ticket);
    assert!(of_b.is_woken() && of_c.is_woken() && of_a.is_woken());
    assert!(of_b.has_turn(&queue) && !of_c.has_turn(&queue) && !of_a.has_turn(&queue));
    assert!(of_c.helping.is_some() && of_a.helping.is_some());
    [of_b, of_c, of_a].iter().for_each(|waiter| queue.leave(waiter.ticket));
    end(&[&a, &b, &c]);
}
