//! Trees that are used again, against what other threads still hold of the transaction before.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use loom::sync::Mutex;
use settled::{Stashed, add, begin, scope};
use settled_models::{Gate, Log, block_on, check, poll_once, spawn, yield_now};

type Held = Arc<Mutex<Option<Waker>>>;

/// Done at once, but its waker stays where another thread finds it.
fn leaves_its_waker(held: &Held) {
    let held = held.clone();
    add(poll_fn(move |cx| {
        *held.lock().unwrap() = Some(cx.waker().clone());
        Poll::Ready(())
    }));
}

/// The same, having pended before.
fn leaves_its_waker_in_a_slot(held: &Held) -> Stashed<()> {
    let held = held.clone();
    add(poll_fn(move |cx| match held.lock().unwrap().replace(cx.waker().clone()) {
        Some(_) => Poll::Ready(()),
        None => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }))
}

/// A stale wake comes into the next transaction of the tree, and takes no wake from that.
#[test]
fn a_stale_wake_takes_none_from_the_next_transaction() {
    check(|| {
        let (held, gate) = (Held::default(), Gate::new());
        block_on(scope(async { leaves_its_waker(&held) })).unwrap();
        let waker = held.lock().unwrap().take().unwrap();
        let opener = gate.clone();
        spawn(move || {
            waker.wake();
            opener.open();
        });
        block_on(scope(async move {
            add(gate.pass());
        }))
        .unwrap();
    });
}

/// Nor does one that comes while the tree goes from the one to the other.
#[test]
fn nor_does_one_that_comes_between_the_two() {
    check(|| {
        let (held, gate) = (Held::default(), Gate::new());
        let (finds, opener) = (held.clone(), gate.clone());
        spawn(move || {
            let waker = finds.lock().unwrap().take();
            if let Some(waker) = waker {
                waker.wake();
            }
            opener.open();
        });
        block_on(scope(async { leaves_its_waker(&held) })).unwrap();
        let next = begin();
        next.add(gate.pass()).unwrap();
        block_on(next.end()).unwrap();
    });
}

/// A handle of the one before is cancelled and dropped while the next one runs.
#[test]
fn a_stale_handle_cancels_nothing_of_the_next_transaction() {
    check(|| {
        let log = Log::default();
        let notes = log.clone();
        let held = Held::default();
        let stashed = block_on(scope(async { vec![leaves_its_waker_in_a_slot(&held)] })).unwrap();
        let other = spawn(move || {
            stashed.iter().for_each(Stashed::cancel);
            drop(stashed);
        });
        block_on(scope(async move {
            add(async move { notes.note(1) });
        }))
        .unwrap();
        other.join().unwrap();
        assert!(log.has(1));
    });
}

/// A handle of the transaction goes while its tree is put away.
#[test]
fn a_handle_that_goes_while_the_tree_is_put_away() {
    check(|| {
        let transaction = begin();
        let handle = transaction.clone();
        let other = spawn(move || handle.add(async {}).is_ok());
        block_on(transaction.end()).unwrap();
        drop(transaction);
        let log = Log::default();
        let notes = log.clone();
        block_on(scope(async move {
            add(async move { notes.note(1) });
        }))
        .unwrap();
        other.join().unwrap();
        assert!(log.has(1));
    });
}

/// A ticket serves again when the last who has it lets go of it, driver or handle: each handle is told its own.
#[test]
fn a_ticket_that_serves_again_tells_each_handle_its_own() {
    let met = check(|| {
        let first = begin();
        let mut stashed = first
            .add_value(async {
                yield_now().await;
                1
            })
            .unwrap();
        let other = spawn(move || match poll_once(&mut stashed) {
            Poll::Ready(told) => told.unwrap(),
            Poll::Pending => 0,
        });
        block_on(first.end()).unwrap();
        let next = begin();
        let (second, third) = (next.add_value(async { 2 }).unwrap(), next.add_value(async { 3 }).unwrap());
        block_on(next.end()).unwrap();
        assert_eq!((block_on(second).unwrap(), block_on(third).unwrap()), (2, 3));
        other.join().unwrap()
    });
    assert_eq!(met, [0, 1].into());
}

/// What was asked of it for one future is not done to the next.
#[test]
fn a_ticket_that_serves_again_is_cancelled_no_more() {
    check(|| {
        let first = begin();
        let stashed = first.add(yield_now()).unwrap();
        let other = spawn(move || stashed.cancel());
        block_on(first.end()).unwrap();
        let next = begin();
        let (second, third) = (next.add(yield_now()).unwrap(), next.add(yield_now()).unwrap());
        block_on(next.end()).unwrap();
        block_on(second).unwrap();
        block_on(third).unwrap();
        other.join().unwrap();
    });
}

/// What was begun serves again when its last handle is gone, so who has one is refused, and reaches nothing of the next.
#[test]
fn a_handle_of_what_was_begun_before_is_none_of_the_next() {
    let met = check(|| {
        let first = begin();
        let handle = first.clone();
        let other = spawn(move || handle.add(async {}).is_ok());
        block_on(first.end()).unwrap();
        drop(first);
        let (log, next) = (Log::default(), begin());
        let notes = log.clone();
        next.add(async move { notes.note(1) }).unwrap();
        assert_eq!(next.pending(), 1);
        block_on(next.end()).unwrap();
        assert!(log.has(1));
        other.join().unwrap()
    });
    assert_eq!(met, [false, true].into());
}
