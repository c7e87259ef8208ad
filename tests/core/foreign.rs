//! Futures that their users poll, inside a transaction: `in_transaction`, `in_current_transaction`.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use settled::{
    InTransaction, InTransactionExt, Transaction, add, add_value, begin, block_on, current, scope,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use support::{
    Gate, Log, Runtime, Task, assert_pending, assert_ready, causes, elsewhere, failing, finish, on_drop,
    yields,
};

assert_impl_all!(InTransaction<std::future::Ready<()>>: Send, Sync, Unpin, std::fmt::Debug);
assert_not_impl_any!(InTransaction<std::future::Ready<Rc<()>>>: Send);

#[test]
fn t07_a_task_of_the_users_own_sees_no_transaction_unless_it_is_put_in_one() {
    let runtime = Runtime::new();
    let seen: Arc<Mutex<Vec<bool>>> = Arc::default();
    let mut task = Task::new(scope(async {
        for inside in [false, true] {
            let seen = seen.clone();
            let future = async move { seen.lock().unwrap().push(current().is_some()) };
            match inside {
                false => runtime.spawn(Box::pin(future)),
                true => runtime.spawn(Box::pin(future.in_current_transaction())),
            }
        }
    }));
    assert_pending!(task.run());
    runtime.run();
    assert_ready!(task.run()).unwrap();
    assert_eq!(*seen.lock().unwrap(), [false, true]);
}

#[test]
fn it_counts_from_the_call_until_it_is_done() {
    let transaction = begin();
    let mut task = Task::new(yields(1).in_transaction(&transaction));
    assert_eq!(transaction.pending(), 1);
    let mut end = Task::new(transaction.end());
    assert_pending!(end.run());
    assert_pending!(task.poll());
    assert_eq!(transaction.pending(), 1);
    assert_ready!(task.poll());
    assert_eq!(transaction.pending(), 0);
    assert!(end.is_woken());
    assert_ready!(end.run()).unwrap();
}

#[test]
fn or_until_it_is_dropped() {
    let transaction = begin();
    let task = std::future::pending::<()>().in_transaction(&transaction);
    let mut end = Task::new(transaction.end());
    assert_pending!(end.run());
    elsewhere(move || drop(task));
    assert_ready!(end.run()).unwrap();
}

#[test]
fn that_transaction_is_current_in_each_poll_on_any_thread_and_while_it_is_dropped() {
    let transaction = begin();
    let seen: Arc<Mutex<Vec<_>>> = Arc::default();
    let (polled, dropped) = (seen.clone(), seen.clone());
    let see = |seen: &Mutex<Vec<_>>| seen.lock().unwrap().push(current().map(|t| t.id()));
    let mut task = Task::new(
        async move {
            let _guard = on_drop(move || see(&dropped));
            see(&polled);
            yields(1).await;
            see(&polled);
            std::future::pending::<()>().await;
        }
        .in_transaction(&transaction),
    );
    assert_pending!(task.poll());
    elsewhere(|| {
        assert_pending!(task.poll());
        drop(task);
        assert!(current().is_none());
    });
    assert_eq!(*seen.lock().unwrap(), [Some(transaction.id()); 3]);
    finish(transaction.end()).unwrap();
}

#[test]
fn what_it_adds_is_waited_for_and_its_failures_are_the_transactions() {
    let transaction = begin();
    let log = Log::new();
    finish(
        async {
            add(log.step("added"));
            add(failing("of what was added"));
        }
        .in_transaction(&transaction),
    );
    assert!(log.take().is_empty());
    assert_eq!(causes(&finish(transaction.end()).unwrap_err()), ["of what was added"]);
    assert_eq!(log.take(), ["added"]);
}

#[test]
fn the_output_is_passed_through_whatever_it_is() {
    let transaction = begin();
    let shared = Rc::new(Cell::new(1));
    let output = finish(async { shared.clone() }.in_transaction(&transaction));
    assert!(Rc::ptr_eq(&output, &shared));
    let error = finish(async { Err::<(), _>("not of the transaction") }.in_transaction(&transaction));
    assert_eq!(error, Err("not of the transaction"));
    finish(transaction.end()).unwrap();
}

#[test]
fn a_panic_goes_to_who_polls_and_it_counts_no_more() {
    let (transaction, log) = (begin(), Log::new());
    let guard = log.at_drop("dropped");
    let mut task = Task::new(
        async move {
            let _guard = guard;
            panic!("passed through")
        }
        .in_transaction(&transaction),
    );
    let payload = catch_unwind(AssertUnwindSafe(|| task.poll())).unwrap_err();
    assert_eq!(*payload.downcast::<&str>().unwrap(), "passed through");
    assert!(current().is_none());
    assert_eq!((transaction.pending(), log.take()), (0, vec![String::from("dropped")]));
    finish(transaction.end()).unwrap();
}

#[test]
fn a_destructor_that_panics_counts_out_all_the_same() {
    let transaction = begin();
    let future = std::future::pending::<()>();
    let guard = on_drop(|| panic!("in the destructor"));
    let future = Box::pin(
        async move {
            let _guard = guard;
            future.await;
        }
        .in_transaction(&transaction),
    );
    assert!(catch_unwind(AssertUnwindSafe(move || drop(future))).is_err());
    assert_eq!(transaction.pending(), 0);
    finish(transaction.end()).unwrap();
}

#[test]
fn t22_the_end_of_that_transaction_would_deadlock_in_it() {
    let transaction = begin();
    let handle = (*transaction).clone();
    let failures = finish(
        async move {
            let failures = [handle.end().await, handle.wait().await];
            failures.map(|result| result.unwrap_err().first().unwrap().is_would_deadlock())
        }
        .in_transaction(&transaction),
    );
    assert_eq!(failures, [true, true]);
    finish(transaction.end()).unwrap();
}

#[test]
fn others_may_be_awaited_in_it_and_it_drives_them() {
    let transaction = begin();
    let (inner, outer) = (begin(), transaction.add_value(async { 1 }).unwrap());
    let handle = (*inner).clone();
    inner.add(async {}).unwrap();
    let sum = finish(
        async move {
            handle.end().await.unwrap();
            outer.await.unwrap() + scope(async { add_value(async { 2 }).await.unwrap() }).await.unwrap()
        }
        .in_transaction(&transaction),
    );
    assert_eq!(sum, 3);
    finish(transaction.end()).unwrap();
}

#[test]
fn awaited_in_a_body_of_that_transaction_it_is_just_a_part() {
    let value = finish(scope(async {
        let inner = async { add_value(async { 7 }).await.unwrap() }.in_current_transaction();
        assert_eq!(current().unwrap().pending(), 1);
        inner.await
    }));
    assert_eq!(value.unwrap(), 7);
}

#[test]
fn in_no_transaction_it_runs_as_it_is() {
    let mut task = Task::new(async { current().is_none() }.in_current_transaction());
    assert!(assert_ready!(task.run()));
}

#[test]
fn in_a_closed_one_it_counts_in_the_nearest_open_one_above() {
    let outer = begin();
    let inner = outer.enter(begin);
    finish(inner.end()).unwrap();
    let task = async { current().map(|t| t.id()) }.in_transaction(&inner);
    assert_eq!((outer.pending(), inner.pending()), (1, 0));
    assert_eq!(finish(task), Some(outer.id()));
    finish(outer.end()).unwrap();
    let task = async { current().map(|t| t.id()) }.in_transaction(&inner);
    assert_eq!(finish(task), Some(Transaction::root().id()));
}

#[test]
fn a_wait_covers_what_counted_before_it() {
    let transaction = begin();
    let gate = Gate::new();
    let before: BoxFuture<'_, ()> = gate.pass().in_transaction(&transaction).boxed();
    let mut wait = Task::new(transaction.wait());
    let after = std::future::pending::<()>().in_transaction(&transaction);
    assert_pending!(wait.run());
    gate.open();
    block_on(before);
    assert_ready!(wait.run()).unwrap();
    drop(after);
    finish(transaction.end()).unwrap();
}

#[test]
fn while_another_thread_drives_it_counts_too() {
    let transaction = begin();
    let handle = (*transaction).clone();
    let kept: Arc<Mutex<Option<InTransaction<std::future::Pending<()>>>>> = Arc::default();
    let keeper = kept.clone();
    transaction
        .add(async move {
            elsewhere(|| {
                *keeper.lock().unwrap() = Some(std::future::pending::<()>().in_transaction(&handle));
            });
        })
        .unwrap();
    let mut end = Task::new(transaction.end());
    assert_pending!(end.run());
    assert_eq!(transaction.pending(), 1);
    drop(kept.lock().unwrap().take());
    assert_ready!(end.run()).unwrap();
}
