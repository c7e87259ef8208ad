//! Cancelling from another thread, against the first poll and the move into a slot.

use std::future::pending;

use settled::begin;
use settled_models::{Gate, block_on, check, spawn, yield_now};

/// Nobody else ends it: a lost mark is a deadlock.
#[test]
fn a_mark_is_never_lost() {
    check(|| {
        let transaction = begin();
        let stashed = transaction.add(pending::<()>()).unwrap();
        let canceller = spawn(move || {
            stashed.cancel();
            block_on(stashed).unwrap_err().is_cancelled()
        });
        block_on(transaction.end()).unwrap();
        assert!(canceller.join().unwrap());
    });
}

#[test]
fn nor_is_it_when_the_handle_is_dropped_at_once() {
    check(|| {
        let transaction = begin();
        let stashed = transaction.add(pending::<()>()).unwrap();
        spawn(move || stashed.cancel());
        block_on(transaction.end()).unwrap();
    });
}

/// Between turns of a future that wakes itself, too.
#[test]
fn nor_is_it_in_a_later_turn() {
    check(|| {
        let transaction = begin();
        let stashed = transaction
            .add(async {
                yield_now().await;
                pending::<()>().await;
            })
            .unwrap();
        spawn(move || stashed.cancel());
        block_on(transaction.end()).unwrap();
    });
}

/// It is done or it is cancelled, and everybody is told the same.
#[test]
fn a_future_that_is_cancelled_while_it_is_done_is_one_or_the_other() {
    let met = check(|| {
        let (transaction, gate) = (begin(), Gate::new());
        let opener = gate.clone();
        let stashed = transaction.add_value(gate.pass()).unwrap();
        let canceller = spawn(move || {
            opener.open();
            stashed.cancel();
            block_on(stashed).is_ok()
        });
        block_on(transaction.end()).unwrap();
        canceller.join().unwrap()
    });
    assert!(met.len() == 2);
}
