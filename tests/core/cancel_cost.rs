//! Cancelling costs what is below, not what is in the tree: each of these would take minutes otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use settled::{OnDrop, OwnedTransaction, Transaction, add, atomic, begin, scope};
use support::{Gate, Task, assert_pending, finish, on_drop, yields};

const MANY: usize = 20_000;

/// A transaction that cancels when it is dropped, and in which something is pending that counts when it is dropped.
fn with_a_child(dropped: &Arc<AtomicUsize>) -> OwnedTransaction {
    let t = Transaction::builder().on_drop(OnDrop::Cancel).begin();
    t.add(never(dropped)).unwrap();
    t
}

fn never(dropped: &Arc<AtomicUsize>) -> impl Future<Output = ()> + Send + use<> + 'static {
    let dropped = dropped.clone();
    let count = on_drop(move || {
        dropped.fetch_add(1, Ordering::SeqCst);
    });
    Gate::new().pass().map(move |()| drop(count))
}

#[test]
fn many_that_are_dropped_at_once() {
    let dropped = Arc::default();
    finish(scope(async {
        let many: Vec<_> = (0..MANY).map(|_| with_a_child(&dropped)).collect();
        drop(many);
        while dropped.load(Ordering::SeqCst) < MANY {
            yields(1).await;
        }
        // The children of these have been polled, those of the others have not.
        let many: Vec<_> = (0..MANY).map(|_| with_a_child(&dropped)).collect();
        yields(1).await;
        drop(many);
    }))
    .unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), 2 * MANY);
}

#[test]
fn many_that_are_dropped_one_at_a_time_among_many_that_stay() {
    let dropped = Arc::default();
    finish(scope(async {
        let stay = begin();
        (0..MANY).for_each(|_| drop(stay.add(never(&dropped)).unwrap()));
        let mut many: Vec<_> = (0..MANY).map(|_| with_a_child(&dropped)).collect();
        while many.pop().is_some() {
            yields(1).await;
        }
        assert_eq!(dropped.load(Ordering::SeqCst), MANY);
        stay.abort();
    }))
    .unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), 2 * MANY);
}

#[test]
fn many_that_are_dropped_by_futures_in_a_long_queue() {
    let dropped = Arc::default();
    finish(scope(async {
        for _ in 0..MANY {
            let dropped = Arc::clone(&dropped);
            add(async move { drop(with_a_child(&dropped)) });
        }
    }))
    .unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), MANY);
}

#[test]
fn one_that_is_aborted_again_and_again() {
    let dropped = Arc::default();
    finish(scope(async {
        let t = begin();
        (0..MANY).for_each(|_| drop(t.add(never(&dropped)).unwrap()));
        yields(1).await;
        (0..MANY).for_each(|_| t.abort());
    }))
    .unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), MANY);
}

#[test]
fn many_that_an_atomic_transaction_holds_back() {
    let dropped = Arc::default();
    finish(atomic(async {
        (0..MANY).for_each(|_| drop(add(yields(1))));
        for _ in 0..MANY {
            drop(with_a_child(&dropped));
        }
        Ok::<_, ()>(())
    }))
    .unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), MANY);
}

#[test]
fn a_long_chain_is_cancelled_without_overflowing_the_stack() {
    const DEEP: usize = 5_000;
    let dropped = Arc::default();
    let mut chain = vec![Transaction::builder().depth_limit(2 * DEEP).begin()];
    for _ in 0..DEEP {
        let next = chain[chain.len() - 1].enter(begin);
        next.add(never(&dropped)).unwrap();
        chain.push(next);
    }
    let mut end = Task::new(chain[0].end());
    assert_pending!(end.run());
    chain[0].abort();
    finish(end_of(end)).unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), DEEP);
}

/// What is left of a task.
fn end_of<F: Future>(mut task: Task<F>) -> impl Future<Output = F::Output> {
    std::future::poll_fn(move |cx| {
        cx.waker().wake_by_ref();
        task.poll()
    })
}
