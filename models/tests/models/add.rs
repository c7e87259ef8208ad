//! Adding by handle, against the drive and the end of the transaction.

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, Ordering};
use settled::{State, begin, current, scope};
use settled_models::{Gate, Log, block_on, check, failing, spawn, told};

/// Either it is refused, or `end` waits for it and has its failure.
#[test]
fn what_is_added_against_the_end_is_refused_or_waited_for() {
    let met = check(|| {
        let transaction = begin();
        let handle = transaction.clone();
        let adder = spawn(move || handle.add(failing()).is_ok());
        let result = block_on(transaction.end());
        assert_eq!(transaction.state(), State::Closed);
        let added = adder.join().unwrap();
        assert_eq!(told(&result), usize::from(added));
        added
    });
    assert!(met.len() == 2);
}

/// The last child is done at about the time of the add.
#[test]
fn what_is_added_against_a_drive_that_ends_is_refused_or_waited_for() {
    let met = check(|| {
        let (transaction, gate) = (begin(), Gate::new());
        transaction.add(gate.pass()).unwrap();
        let handle = transaction.clone();
        let adder = spawn(move || {
            gate.open();
            handle.add(failing()).is_ok()
        });
        let result = block_on(transaction.end());
        let added = adder.join().unwrap();
        assert_eq!(told(&result), usize::from(added));
        added
    });
    assert!(met.len() == 2);
}

#[test]
fn what_is_added_against_the_end_of_a_scope_is_refused_or_waited_for() {
    let met = check(|| {
        let outcome = block_on(
            scope(async {
                let handle = current().unwrap();
                spawn(move || handle.add(failing()).is_ok())
            })
            .outcome(),
        );
        let added = outcome.value.join().unwrap();
        assert_eq!(outcome.failures.len(), usize::from(added));
        added
    });
    assert!(met.len() == 2);
}

/// The scope is suspended when the other thread adds.
#[test]
fn what_is_added_to_a_suspended_scope_is_waited_for() {
    check(|| {
        let gate = Gate::new();
        let opener = gate.clone();
        let result = block_on(scope(async move {
            let handle = current().unwrap();
            spawn(move || {
                handle.add(failing()).unwrap();
                opener.open();
            });
            gate.pass().await;
        }));
        assert_eq!(result.unwrap_err().len(), 1);
    });
}

/// What another thread has added before is polled before what is added now.
#[test]
fn first_polls_are_one_queue_whatever_thread_adds() {
    let met = check(|| {
        let (transaction, log, added) = (begin(), Log::default(), Arc::new(AtomicBool::new(false)));
        let (handle, noted, seen) = (transaction.clone(), log.clone(), added.clone());
        transaction
            .add(async move {
                if seen.load(Ordering::Acquire) {
                    noted.note(0);
                    handle.add(async move { noted.note(2) }).unwrap();
                }
            })
            .unwrap();
        let (handle, noted) = (transaction.clone(), log.clone());
        let adder = spawn(move || {
            let noted = noted.clone();
            if handle.add(async move { noted.note(1) }).is_ok() {
                added.store(true, Ordering::Release);
            }
        });
        block_on(transaction.end()).unwrap();
        adder.join().unwrap();
        let order = log.noted();
        assert!([&[][..], &[1], &[0, 1, 2]].contains(&&order[..]), "{order:?}");
        order
    });
    assert!(met.len() == 3);
}

/// The same for an add to what is current.
#[test]
fn an_ambient_add_comes_after_what_another_thread_has_added_before() {
    let met = check(|| {
        let (transaction, log, added) = (begin(), Log::default(), Arc::new(AtomicBool::new(false)));
        let (noted, seen) = (log.clone(), added.clone());
        transaction
            .add(async move {
                if seen.load(Ordering::Acquire) {
                    noted.note(0);
                    settled::add(async move { noted.note(2) });
                }
            })
            .unwrap();
        let (handle, noted) = (transaction.clone(), log.clone());
        let adder = spawn(move || {
            let noted = noted.clone();
            if handle.add(async move { noted.note(1) }).is_ok() {
                added.store(true, Ordering::Release);
            }
        });
        block_on(transaction.end()).unwrap();
        adder.join().unwrap();
        let order = log.noted();
        assert!([&[][..], &[1], &[0, 1, 2]].contains(&&order[..]), "{order:?}");
        order
    });
    assert!(met.len() == 3);
}
