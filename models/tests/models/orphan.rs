//! An owner that is gone, against a drive on another thread: what is pending is adopted.

use settled::{State, Transaction, begin, scope};
use settled_models::{Gate, Log, block_on, check, failing, poll_once, spawn, told, told_to_root, yield_now};

#[test]
fn what_an_owner_leaves_is_settled_by_the_parent() {
    check(|| {
        let outer = begin();
        let inner = outer.enter(begin);
        let handle: Transaction = inner.clone();
        inner
            .add(async {
                yield_now().await;
                failing().await
            })
            .unwrap();
        let owner = spawn(move || drop(inner));
        assert_eq!(told(&block_on(outer.end())), 1);
        owner.join().unwrap();
        assert_eq!(handle.state(), State::Closed);
    });
}

/// By the root, where there is no parent; whoever drives it meanwhile.
#[test]
fn what_an_owner_leaves_is_settled_by_the_root() {
    check(|| {
        let transaction = begin();
        let handle: Transaction = transaction.clone();
        let first = transaction.add(yield_now()).unwrap();
        transaction.add(failing()).unwrap();
        let owner = spawn(move || drop(transaction));
        block_on(first).unwrap();
        owner.join().unwrap();
        assert_eq!(told_to_root(), 1);
        assert_eq!(handle.state(), State::Closed);
    });
}

/// Against a `wait` of the root.
#[test]
fn the_root_takes_it_while_it_is_driven() {
    check(|| {
        let transaction = begin();
        let handle: Transaction = transaction.clone();
        transaction.add(failing()).unwrap();
        let owner = spawn(move || drop(transaction));
        let before = told_to_root();
        owner.join().unwrap();
        assert_eq!(before + told_to_root(), 1);
        assert_eq!(handle.state(), State::Closed);
    });
}

/// Against an `end` by handle: everybody can have the failures, somebody has.
#[test]
fn who_ends_it_meanwhile_is_told() {
    check(|| {
        let transaction = begin();
        let handle: Transaction = transaction.clone();
        transaction.add(failing()).unwrap();
        let owner = spawn(move || drop(transaction));
        assert_eq!(told(&block_on(handle.end())), 1);
        owner.join().unwrap();
        told_to_root();
    });
}

/// A scope below a transaction that another thread drives.
#[test]
fn what_a_dropped_scope_leaves_is_settled_by_the_parent() {
    check(|| {
        let (outer, log, never) = (begin(), Log::default(), Gate::new());
        let (handle, notes) = (outer.clone(), log.clone());
        let owner = spawn(move || {
            let mut scope = Box::pin(scope(async move {
                settled::add(async move {
                    yield_now().await;
                    notes.note(1);
                });
                never.pass().await;
            }));
            let polled = handle.enter(|| poll_once(&mut scope));
            assert!(polled.is_pending());
        });
        block_on(outer.end()).unwrap();
        owner.join().unwrap();
        told_to_root();
        assert!(log.has(1));
    });
}

/// Told to end by somebody who gave that up, closed by somebody who awaits something else: nobody has its failures.
#[test]
fn what_nobody_was_told_when_it_closed_is_told_to_the_root() {
    check(|| {
        let (transaction, gate) = (begin(), Gate::new());
        let passed = transaction.add(gate.pass()).unwrap();
        transaction.add(failing()).unwrap();
        let mut end = transaction.end();
        assert!(poll_once(&mut end).is_pending());
        let other = spawn(move || {
            drop(end);
            gate.open();
        });
        block_on(passed).unwrap();
        drop(transaction);
        other.join().unwrap();
        assert_eq!(told_to_root(), 1);
    });
}
