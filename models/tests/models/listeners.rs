//! Waiting for an outcome on one thread, against its coming about on another one: nothing is told twice, nothing is lost.

use std::task::Poll;

use settled::begin;
use settled_models::{Gate, Log, block_on, check, failing, poll_once, spawn, told, told_to_root, yield_now};

#[test]
fn a_handle_is_told_whoever_drives() {
    check(|| {
        let transaction = begin();
        let stashed = transaction
            .add_value(async {
                yield_now().await;
                7
            })
            .unwrap();
        let other = spawn(move || block_on(stashed).unwrap());
        block_on(transaction.end()).unwrap();
        assert_eq!(other.join().unwrap(), 7);
    });
}

/// On the thread where it is now.
#[test]
fn a_handle_that_migrates_is_told_where_it_is() {
    check(|| {
        let (transaction, gate) = (begin(), Gate::new());
        let mut stashed = transaction.add(gate.pass()).unwrap();
        assert!(poll_once(&mut stashed).is_pending());
        let other = spawn(move || block_on(stashed).unwrap());
        gate.open();
        block_on(transaction.end()).unwrap();
        other.join().unwrap();
    });
}

/// The same for a `wait`.
#[test]
fn a_wait_that_migrates_is_told_where_it_is() {
    check(|| {
        let (transaction, gate) = (begin(), Gate::new());
        transaction.add(gate.pass()).unwrap();
        let mut wait = transaction.wait();
        assert!(poll_once(&mut wait).is_pending());
        let other = spawn(move || block_on(wait).unwrap());
        gate.open();
        block_on(transaction.end()).unwrap();
        other.join().unwrap();
    });
}

/// Once, whether it is given before the future is done or after.
#[test]
fn a_callback_is_called_once() {
    check(|| {
        let (transaction, log) = (begin(), Log::default());
        let stashed = transaction.add(yield_now()).unwrap();
        let notes = log.clone();
        let other = spawn(move || {
            let stashed = stashed.on_settled(move |_| notes.note(1));
            block_on(stashed).unwrap();
        });
        block_on(transaction.end()).unwrap();
        other.join().unwrap();
        assert_eq!(log.noted(), [1]);
    });
}

/// One who stops listening is not in the way of the settling.
#[test]
fn a_handle_that_is_dropped_while_it_settles_blocks_nobody() {
    check(|| {
        let transaction = begin();
        let mut stashed = transaction.add(yield_now()).unwrap();
        let other = spawn(move || {
            let _left = poll_once(&mut stashed);
        });
        block_on(transaction.end()).unwrap();
        other.join().unwrap();
    });
}

/// `wait` drains what has failed so far, `end` has the rest: together they have all of it.
#[test]
fn a_failure_is_in_the_wait_or_in_the_end() {
    let met = check(|| {
        let transaction = begin();
        transaction.add(failing()).unwrap();
        let handle = transaction.clone();
        let waiter = spawn(move || told(&block_on(handle.wait())));
        let ended = told(&block_on(transaction.end()));
        let waited = waiter.join().unwrap();
        assert_eq!(ended + waited, 1);
        waited
    });
    assert!(met.len() == 2);
}

#[test]
fn a_wait_that_is_dropped_hands_its_failures_on() {
    let met = check(|| {
        let transaction = begin();
        transaction.add(failing()).unwrap();
        let handle = transaction.clone();
        let waiter = spawn(move || {
            let mut wait = handle.wait();
            match poll_once(&mut wait) {
                Poll::Ready(result) => told(&result),
                Poll::Pending => 0,
            }
        });
        let ended = told(&block_on(transaction.end()));
        let all = (waiter.join().unwrap(), ended, told_to_root());
        assert_eq!(all.0 + all.1 + all.2, 1, "{all:?}");
        all
    });
    assert!(met.contains(&(1, 0, 0)) && met.contains(&(0, 1, 0)), "{met:?}");
}

/// It has asked for its failures, and gives up when it has been handed them.
#[test]
fn a_wait_that_is_dropped_when_it_has_asked_hands_its_failures_on() {
    let met = check(|| {
        let transaction = begin();
        transaction.add(failing()).unwrap();
        let mut wait = transaction.wait();
        let waiter = spawn(move || match poll_once(&mut wait) {
            Poll::Ready(result) => told(&result),
            Poll::Pending => 0,
        });
        let ended = told(&block_on(transaction.end()));
        let all = (waiter.join().unwrap(), ended, told_to_root());
        assert_eq!(all.0 + all.1 + all.2, 1, "{all:?}");
        all
    });
    assert!(met.contains(&(1, 0, 0)) && met.contains(&(0, 1, 0)), "{met:?}");
}

/// The parent's end closes it, while somebody gives up listening.
#[test]
fn an_end_that_is_dropped_hands_its_failures_on() {
    let met = check(|| {
        let outer = begin();
        let inner = outer.enter(begin);
        inner.add(failing()).unwrap();
        let handle = inner.clone();
        let other = spawn(move || {
            let mut end = handle.end();
            match poll_once(&mut end) {
                Poll::Ready(result) => told(&result),
                Poll::Pending => 0,
            }
        });
        let ended = told(&block_on(outer.end()));
        let all = (other.join().unwrap(), ended, told_to_root());
        assert_eq!(all.0 + all.1 + all.2, 1, "{all:?}");
        all
    });
    assert!(met.len() == 3, "{met:?}");
}
