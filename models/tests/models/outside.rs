//! What is polled outside the driver, by a runtime or by its user, against the end, the cancelling and the drive.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loom::sync::Mutex;
use settled::{InTransactionExt, OwnedTransaction, Transaction, add};
use settled_models::{block_on, check, spawn, yield_now};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A transaction whose first task is put aside, and where. Any other is run at once by who hands it over.
fn spawning() -> (OwnedTransaction, Arc<Mutex<Option<Task>>>) {
    let first = Arc::new(Mutex::new(None));
    let (aside, is_first) = (first.clone(), AtomicBool::new(true));
    let spawner = move |task: Task| match is_first.swap(false, Ordering::Relaxed) {
        true => *aside.lock().unwrap() = Some(task),
        false => block_on(task),
    };
    (Transaction::builder().spawner(spawner).begin(), first)
}

fn take(first: &Mutex<Option<Task>>) -> Task {
    first.lock().unwrap().take().unwrap()
}

/// Who ends it waits for the task, whatever it has added.
#[test]
fn a_task_that_is_done_while_its_transaction_ends_is_waited_for() {
    check(|| {
        let (transaction, tasks) = spawning();
        let stashed = transaction.add_value(async { 1 }).unwrap();
        let task = take(&tasks);
        let runtime = spawn(move || block_on(task));
        block_on(transaction.end()).unwrap();
        assert!(stashed.is_settled());
        runtime.join().unwrap();
    });
}

#[test]
fn so_is_one_whose_child_is_spawned_meanwhile() {
    check(|| {
        let (transaction, tasks) = spawning();
        let stashed = transaction.add(async { drop(add(async {})) }).unwrap();
        let task = take(&tasks);
        let runtime = spawn(move || block_on(task));
        block_on(transaction.end()).unwrap();
        assert!(stashed.is_settled());
        runtime.join().unwrap();
    });
}

/// Who awaits its handle is woken, and gets the value.
#[test]
fn its_handle_is_told_on_another_thread() {
    check(|| {
        let (transaction, tasks) = spawning();
        let stashed = transaction.add_value(async { 1 }).unwrap();
        let task = take(&tasks);
        let runtime = spawn(move || block_on(task));
        assert_eq!(block_on(stashed).unwrap(), 1);
        runtime.join().unwrap();
        block_on(transaction.end()).unwrap();
    });
}

/// The mark comes before, between or after its polls: it is never lost.
#[test]
fn a_task_is_cancelled_whenever_it_is_marked() {
    check(|| {
        let (transaction, tasks) = spawning();
        let stashed = transaction
            .add(async {
                yield_now().await;
                pending::<()>().await;
            })
            .unwrap();
        let task = take(&tasks);
        let runtime = spawn(move || block_on(task));
        stashed.cancel();
        assert!(block_on(stashed).unwrap_err().is_cancelled());
        runtime.join().unwrap();
        block_on(transaction.end()).unwrap();
    });
}

/// It is done, or it is cancelled.
#[test]
fn a_task_that_is_done_and_cancelled_at_once_is_one_or_the_other() {
    let met = check(|| {
        let (transaction, tasks) = spawning();
        let stashed = transaction.add(async {}).unwrap();
        let task = take(&tasks);
        let runtime = spawn(move || block_on(task));
        stashed.cancel();
        let done = block_on(stashed).is_ok();
        runtime.join().unwrap();
        block_on(transaction.end()).unwrap();
        done
    });
    assert_eq!(met.len(), 2);
}

/// A runtime that drops it leaves nothing pending, and the failure is told once.
#[test]
fn a_task_that_is_dropped_while_its_transaction_ends_is_told() {
    check(|| {
        let (transaction, tasks) = spawning();
        transaction.add(pending::<()>()).unwrap();
        let task = take(&tasks);
        let runtime = spawn(move || drop(task));
        assert_eq!(block_on(transaction.end()).unwrap_err().len(), 1);
        runtime.join().unwrap();
    });
}

/// Spawned by who drives, if another thread does.
#[test]
fn what_is_added_while_another_thread_ends_is_spawned_or_refused() {
    let met = check(|| {
        let (transaction, tasks) = spawning();
        transaction.add(async {}).unwrap();
        block_on(take(&tasks));
        let handle = (*transaction).clone();
        let adder = spawn(move || match handle.add(async {}) {
            Ok(stashed) => block_on(stashed).is_ok(),
            Err(_closed) => false,
        });
        block_on(transaction.end()).unwrap();
        adder.join().unwrap()
    });
    assert_eq!(met.len(), 2);
}

#[test]
fn a_future_in_a_transaction_is_waited_for_by_who_ends_that() {
    check(|| {
        let transaction = settled::begin();
        let future = async { drop(add(async {})) }.in_transaction(&transaction);
        let user = spawn(move || block_on(future));
        block_on(transaction.end()).unwrap();
        user.join().unwrap();
    });
}

#[test]
fn or_no_more_once_it_is_dropped() {
    check(|| {
        let transaction = settled::begin();
        let future = pending::<()>().in_transaction(&transaction);
        let user = spawn(move || drop(future));
        block_on(transaction.end()).unwrap();
        user.join().unwrap();
    });
}
