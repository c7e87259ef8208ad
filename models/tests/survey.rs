//! `wait_all` against what other threads run. In a binary of its own, and one at a time: it finds all that is open in the
//! process.
#![cfg(loom)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use settled::{State, Transaction, add, begin, current, scope, wait_all};
use settled_models::{Gate, Log, block_on, check_within, failing, spawn, told, yield_now};

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn what_another_thread_ends_is_ended_for_both() {
    let _alone = alone();
    let met = check_within(2, || {
        let transaction = begin();
        transaction
            .add(async {
                yield_now().await;
                failing().await
            })
            .unwrap();
        let handle = transaction.clone();
        let other = spawn(move || told(&block_on(handle.end())));
        let settlement = block_on(wait_all());
        assert_eq!(transaction.state(), State::Closed);
        assert_eq!(other.join().unwrap(), 1);
        assert!(settlement.pending.is_empty());
        settlement.ended
    });
    assert_eq!(met.into_iter().collect::<Vec<_>>(), [0, 1]);
}

/// It is found in its first poll already. Its failures go to its owner.
#[test]
fn a_scope_on_another_thread_is_waited_for() {
    let _alone = alone();
    let met = check_within(2, || {
        let (log, begun, handle) =
            (Log::default(), Gate::new(), Arc::<Mutex<Option<Transaction>>>::default());
        let (notes, begins, gives) = (log.clone(), begun.clone(), Arc::clone(&handle));
        let other = spawn(move || {
            told(&block_on(scope(async {
                // Held, so that the tree is there to be found, and loom sees that it is looked at.
                *gives.lock().unwrap() = current();
                begins.open();
                add(async move {
                    yield_now().await;
                    notes.note(1);
                    failing().await
                });
            })))
        });
        block_on(begun.pass());
        let settlement = block_on(wait_all());
        assert!(log.has(1));
        assert_eq!(other.join().unwrap(), 1);
        settlement.ended
    });
    assert_eq!(met.into_iter().collect::<Vec<_>>(), [0, 1]);
}

/// Nobody holds it yet, so it closes in its first poll: not without having answered.
#[test]
fn a_scope_in_its_first_poll_is_waited_for() {
    let _alone = alone();
    let met = check_within(2, || {
        let begun = Gate::new();
        let begins = begun.clone();
        let other = spawn(move || {
            block_on(scope(async {
                begins.open();
                // Once more, so that loom lets the other thread go on from between the two.
                begins.open();
                add(async {});
            }))
            .unwrap();
        });
        block_on(begun.pass());
        let settlement = block_on(wait_all());
        other.join().unwrap();
        settlement.ended
    });
    assert_eq!(met.into_iter().collect::<Vec<_>>(), [0, 1]);
}
