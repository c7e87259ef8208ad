//! Local futures and tasks of a spawner in atomic transactions: nothing starts before the commit.

use settled::{Transaction, add, add_local, atomic, current, scope, scope_local};
use support::{Gate, Log, Runtime, Task, assert_pending, assert_ready, finish};

#[test]
fn tasks_are_spawned_at_the_commit_in_the_order_of_adding() {
    let (runtime, log, gate) = (Runtime::new(), Log::new(), Gate::new());
    let mut task = Task::new(Transaction::builder().spawner(runtime.spawner()).atomic(async {
        add(log.step("first"));
        add(log.step("second"));
        gate.pass().await;
        Ok::<_, String>(())
    }));
    assert_pending!(task.run());
    assert!(runtime.is_empty());
    gate.open();
    assert_pending!(task.run());
    runtime.run();
    assert_eq!(log.take(), ["first", "second"]);
    assert_ready!(task.run()).unwrap();
}

#[test]
fn of_a_rollback_no_task_is_spawned() {
    let (runtime, log) = (Runtime::new(), Log::new());
    let result = finish(Transaction::builder().spawner(runtime.spawner()).atomic(async {
        let noted = log.clone();
        add(log.step("never"))
            .on_settled(move |result| noted.note(format!("{}", result.as_ref().unwrap_err().is_cancelled())));
        Err::<(), _>(String::from("refused"))
    }));
    assert!(result.is_err() && runtime.is_empty());
    assert_eq!(log.take(), ["true"]);
}

#[test]
fn what_a_committed_transaction_adds_is_spawned_as_before() {
    let (runtime, log) = (Runtime::new(), Log::new());
    let noted = log.clone();
    let mut task = Task::new(Transaction::builder().spawner(runtime.spawner()).atomic(async move {
        let transaction = current().unwrap();
        settled::on_commit(move || drop(transaction.add(noted.step("after"))));
        Ok::<_, String>(())
    }));
    assert_pending!(task.run());
    assert_eq!(runtime.len(), 1);
    runtime.run();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["after"]);
}

#[test]
fn local_futures_are_held_back_until_the_commit() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(scope_local({
        let (log, gate) = (log.clone(), gate.clone());
        async move {
            atomic(async {
                let stashed = add_local(log.step("local"));
                scope(async { drop(add_local(log.step("of a plain scope inside"))) }).await.unwrap();
                atomic(async {
                    add_local(log.step("of an inner one"));
                    Ok::<_, String>(())
                })
                .await
                .unwrap();
                assert!(stashed.await.unwrap_err().is_uncommitted());
                let failures = current().unwrap().wait().await.unwrap_err();
                assert!(failures.first().unwrap().is_uncommitted());
                gate.pass().await;
                log.note("commits");
                Ok::<_, String>(())
            })
            .await
            .unwrap();
            log.note("committed");
        }
    }));
    assert_pending!(task.run());
    assert!(log.take().is_empty());
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["commits", "local", "of a plain scope inside", "of an inner one", "committed"]);
}

#[test]
fn a_rollback_drops_them_unstarted_and_tells_them() {
    let log = Log::new();
    finish(scope_local({
        let log = log.clone();
        async move {
            let told = log.clone();
            let result = atomic(async {
                add_local(log.step("never")).on_settled(move |result| {
                    told.note(result.as_ref().unwrap_err().is_cancelled().to_string())
                });
                add_local(log.step("cancelled before")).cancel();
                Err::<(), _>("refused")
            })
            .await;
            assert!(matches!(result, Err(settled::ScopeError::Body("refused"))));
            add_local(log.step("goes on"));
        }
    }))
    .unwrap();
    assert_eq!(log.take(), ["true", "goes on"]);
}

#[test]
fn an_inner_rollback_drops_its_own_alone() {
    let log = Log::new();
    finish(scope_local({
        let log = log.clone();
        async move {
            atomic(async {
                add_local(log.step("outer"));
                let _rolled_back = atomic(async {
                    add_local(log.step("inner"));
                    Err::<(), _>("no")
                })
                .await;
                Ok::<_, String>(())
            })
            .await
            .unwrap();
        }
    }))
    .unwrap();
    assert_eq!(log.take(), ["outer"]);
}

#[test]
fn inside_of_an_atomic_transaction_a_local_one_takes_none() {
    let log = Log::new();
    finish(atomic(async {
        let of_local = log.clone();
        scope_local(async move {
            let stashed = add_local(of_local.step("never"));
            assert!(stashed.await.unwrap_err().is_uncommitted());
        })
        .await
        .unwrap();
        Ok::<_, String>(())
    }))
    .unwrap();
    assert!(log.take().is_empty());
}
