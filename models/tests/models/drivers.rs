//! Several who drive one tree, on several threads: one drives, and the others take over from him.

use settled::{Stashed, begin};
use settled_models::{Gate, block_on, check, check_within, failing, poll_once, spawn, told, yield_now};

#[test]
fn two_ends_share_the_work_and_the_outcome() {
    check(|| {
        let transaction = begin();
        transaction
            .add(async {
                yield_now().await;
                failing().await
            })
            .unwrap();
        let handle = transaction.clone();
        let other = spawn(move || told(&block_on(handle.end())));
        assert_eq!(told(&block_on(transaction.end())), 1);
        assert_eq!(other.join().unwrap(), 1);
    });
}

/// The one whose handle is settled leaves while there is work.
#[test]
fn who_awaits_one_future_hands_the_rest_over() {
    check(|| {
        let transaction = begin();
        let first: Stashed<u32> = transaction.add_value(async { 1 }).unwrap();
        transaction.add(yield_now()).unwrap();
        let other = spawn(move || block_on(first).unwrap());
        block_on(transaction.end()).unwrap();
        assert_eq!(other.join().unwrap(), 1);
    });
}

/// Each awaits one of two.
#[test]
fn two_handles_on_two_threads_are_both_settled() {
    check(|| {
        let (transaction, gate) = (begin(), Gate::new());
        let passed = transaction.add(gate.pass()).unwrap();
        let opened = transaction.add(async move { gate.open() }).unwrap();
        let other = spawn(move || block_on(opened).unwrap());
        block_on(passed).unwrap();
        other.join().unwrap();
        block_on(transaction.end()).unwrap();
    });
}

#[test]
fn one_that_is_dropped_after_a_poll_blocks_nobody() {
    check(|| {
        let transaction = begin();
        let gate = Gate::new();
        transaction.add(gate.pass()).unwrap();
        transaction.add(yield_now()).unwrap();
        let handle = transaction.clone();
        let other = spawn(move || {
            let mut end = handle.end();
            let _left = poll_once(&mut end);
            drop(end);
            gate.open();
        });
        block_on(transaction.end()).unwrap();
        other.join().unwrap();
    });
}

#[test]
fn nor_does_one_that_is_never_polled_again() {
    check(|| {
        let transaction = begin();
        let first = transaction.add(async {}).unwrap();
        transaction.add(yield_now()).unwrap();
        let other = spawn(move || {
            let mut first = first;
            let _left = poll_once(&mut first);
            first
        });
        block_on(transaction.end()).unwrap();
        drop(other.join().unwrap());
    });
}

/// What is driven on one thread waits for what is driven on another one.
#[test]
fn a_tree_that_waits_for_another_is_woken_when_that_has_settled() {
    check(|| {
        let (inner, outer) = (begin(), begin());
        inner.add(yield_now()).unwrap();
        outer.add(inner.end()).unwrap();
        let handle = inner.clone();
        let other = spawn(move || block_on(handle.end()).unwrap());
        block_on(outer.end()).unwrap();
        other.join().unwrap();
    });
}

/// Each of two trees waits for something in the other.
#[test]
fn two_trees_that_wait_for_each_other_are_both_settled() {
    check(|| {
        let (left, right) = (begin(), begin());
        let of_left = left.add(yield_now()).unwrap();
        let of_right = right.add(yield_now()).unwrap();
        left.add(of_right).unwrap();
        right.add(of_left).unwrap();
        let other = spawn(move || block_on(right.end()).unwrap());
        block_on(left.end()).unwrap();
        other.join().unwrap();
    });
}

/// Somebody who waits for something else keeps the tree going.
#[test]
fn a_helper_drives_and_hands_over() {
    check(|| {
        let (transaction, passed, gate) = (begin(), Gate::new(), Gate::new());
        let opens = passed.clone();
        let waits = gate.pass();
        transaction
            .add(async move {
                waits.await;
                opens.open();
            })
            .unwrap();
        let mut helper = transaction.enter(settled::plumbing::helper).unwrap();
        spawn(move || gate.open());
        let mut pass = passed.pass();
        block_on(std::future::poll_fn(|cx| {
            let polled = std::pin::Pin::new(&mut pass).poll(cx);
            if polled.is_ready() {
                return polled;
            }
            helper.help(cx);
            std::pin::Pin::new(&mut pass).poll(cx)
        }));
        block_on(transaction.end()).unwrap();
    });
}

/// The budget is spent (under loom it is 8 polls), and who spent it does not come back.
#[test]
fn one_that_has_spent_its_budget_blocks_nobody() {
    check_within(2, || {
        let transaction = begin();
        transaction
            .add(async {
                for _ in 0..9 {
                    yield_now().await;
                }
            })
            .unwrap();
        let handle = transaction.clone();
        let other = spawn(move || {
            let mut end = handle.end();
            let _left = poll_once(&mut end);
            end
        });
        block_on(transaction.end()).unwrap();
        drop(other.join().unwrap());
    });
}

/// A future of the end that goes to another thread is woken there.
#[test]
fn an_end_that_migrates_is_woken_where_it_is() {
    check(|| {
        let (transaction, gate) = (begin(), Gate::new());
        transaction.add(gate.pass()).unwrap();
        let mut end = transaction.end();
        assert!(poll_once(&mut end).is_pending());
        let other = spawn(move || block_on(end).unwrap());
        gate.open();
        other.join().unwrap();
    });
}

/// Three threads: two drive, one adds.
#[test]
fn two_drive_while_a_third_one_adds() {
    check_within(2, || {
        let transaction = begin();
        transaction.add(yield_now()).unwrap();
        let (handle, ends) = (transaction.clone(), transaction.clone());
        let adder = spawn(move || handle.add(failing()).is_ok());
        let other = spawn(move || told(&block_on(ends.end())));
        let ended = told(&block_on(transaction.end()));
        assert_eq!(ended, usize::from(adder.join().unwrap()));
        assert_eq!(ended, other.join().unwrap());
    });
}
