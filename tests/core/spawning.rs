//! Futures that a spawner runs as tasks of their own are counted, cancelled and reported as any other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::task::{FutureObj, Spawn, SpawnError};
use settled::{
    InTransactionExt, OwnedTransaction, SpawnOn, Stage, Stashed, Transaction, add, add_value, begin,
    block_on, current, scope,
};
use support::{
    Bomb, Gate, Log, Runtime, Task, assert_pending, assert_ready, cause, causes, elsewhere, failing, finish,
    on_drop, panicking, yields,
};

fn spawning(runtime: &Runtime) -> OwnedTransaction {
    Transaction::builder().spawner(runtime.spawner()).begin()
}

#[test]
fn each_added_future_is_a_task_of_the_runtime_and_nobody_else_polls_it() {
    let (runtime, log) = (Runtime::new(), Log::new());
    let transaction = spawning(&runtime);
    transaction.add(log.step("first")).unwrap();
    transaction.enter(|| add(log.step("second")));
    assert_eq!((runtime.len(), transaction.pending()), (2, 2));
    let mut end = Task::new(transaction.end());
    assert_pending!(end.run());
    assert!(log.take().is_empty());
    runtime.run();
    assert_eq!(log.take(), ["first", "second"]);
    assert!(end.is_woken());
    assert_ready!(end.run()).unwrap();
}

#[test]
fn t18_a_snapshot_has_them_but_not_what_they_are_doing() {
    let runtime = Runtime::new();
    let transaction = spawning(&runtime);
    transaction.add(std::future::pending::<()>()).unwrap();
    let foreign = std::future::pending::<()>().in_transaction(&transaction);
    let snapshot = transaction.snapshot();
    let stages: Vec<_> = snapshot.nodes().map(|node| node.stage()).collect();
    assert_eq!(stages, [Stage::Open, Stage::Elsewhere, Stage::Elsewhere]);
    drop(foreign);
    runtime.shut_down();
    finish(transaction.end()).unwrap_err();
}

#[test]
fn a_scope_waits_for_its_tasks() {
    let (runtime, log) = (Runtime::new(), Log::new());
    let mut task = Task::new(Transaction::builder().spawner(runtime.spawner()).scope(async {
        add(log.step("spawned"));
        assert!(runtime.is_empty(), "not within `add`");
        log.note("body");
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["body"]);
    runtime.run();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["spawned"]);
}

#[test]
fn what_they_add_is_spawned_too_to_any_depth_and_through_scopes_and_begun_transactions() {
    let (runtime, log) = (Runtime::new(), Log::new());
    let counting = |count: &Arc<AtomicUsize>| {
        let (spawn, counter) = (runtime.spawner(), count.clone());
        let spawner = move |task| {
            counter.fetch_add(1, Ordering::Relaxed);
            spawn(task);
        };
        Transaction::builder().spawner(spawner).begin()
    };
    let (spawned, count) = (Arc::default(), Arc::default());
    let (transaction, inner) = (counting(&spawned), counting(&count));
    let noted = log.clone();
    transaction
        .add(async move {
            let of_child = noted.clone();
            add(async move { drop(add(of_child.step("grandchild"))) });
            let of_scope = noted.clone();
            scope(async move { drop(add(of_scope.step("in a scope"))) }).await.unwrap();
            let begun = begin();
            begun.enter(|| add(noted.step("in a begun one")));
            begun.end().await.unwrap();
        })
        .unwrap();
    inner.add(log.step("of the inner spawner")).unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 1);
    let mut end = Task::new(transaction.end());
    assert_pending!(end.run());
    assert!(log.take().is_empty());
    runtime.run();
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["grandchild", "in a begun one", "in a scope", "of the inner spawner"]);
    assert_eq!(spawned.load(Ordering::Relaxed), 5, "each of them, and what they were added by");
    assert_ready!(end.run()).unwrap();
    finish(inner.end()).unwrap();
}

#[test]
fn its_own_transaction_is_current_whose_parent_is_what_it_was_added_to() {
    let runtime = Runtime::new();
    let transaction = spawning(&runtime);
    let seen: Arc<Mutex<Vec<Transaction>>> = Arc::default();
    let (polled, dropped, called) = (seen.clone(), seen.clone(), seen.clone());
    let see = |seen: &Mutex<Vec<Transaction>>| seen.lock().unwrap().push(current().unwrap());
    let location = transaction
        .add(async move {
            let _guard = on_drop(move || see(&dropped));
            see(&polled);
            yields(1).await;
            see(&polled);
        })
        .unwrap()
        .on_settled(move |result| {
            assert!(result.is_ok());
            see(&called);
        });
    drop(location);
    runtime.run();
    assert!(current().is_none());
    finish(transaction.end()).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|one| one.id() == seen[0].id()));
    assert_eq!(seen[0].parent().unwrap().id(), transaction.id());
    assert_eq!(seen[0].location().file(), file!());
}

#[test]
fn t10_what_its_callback_adds_is_waited_for() {
    let (runtime, log) = (Runtime::new(), Log::new());
    let transaction = spawning(&runtime);
    let noted = log.clone();
    transaction.add(async {}).unwrap().on_settled(move |_| drop(add(noted.step("from the callback"))));
    let mut end = Task::new(transaction.end());
    assert_pending!(end.run());
    runtime.run();
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["from the callback"]);
}

#[test]
fn a_child_of_a_task_that_is_done_is_still_waited_for() {
    let (runtime, gate) = (Runtime::new(), Gate::new());
    let transaction = spawning(&runtime);
    let passed = gate.clone();
    transaction.add(async move { drop(add(passed.pass())) }).unwrap();
    let mut end = Task::new(transaction.end());
    assert_pending!(end.run());
    runtime.run();
    assert_pending!(end.run());
    assert_eq!((runtime.len(), transaction.pending()), (1, 1));
    gate.open();
    runtime.run();
    assert_ready!(end.run()).unwrap();
}

#[test]
fn its_value_goes_to_its_handle_and_to_gather() {
    let runtime = Runtime::new();
    let transaction = spawning(&runtime);
    let stashed = transaction.add_value(yields(2).map(|()| String::from("value"))).unwrap();
    let mut gathered = Task::new(transaction.gather((1..4).map(|n| async move { n })));
    assert_pending!(gathered.run());
    runtime.run();
    assert!(stashed.is_settled());
    assert_eq!(finish(stashed).unwrap(), "value");
    assert_eq!(assert_ready!(gathered.run()).unwrap(), [1, 2, 3]);
    finish(transaction.end()).unwrap();
}

#[test]
fn a_handle_awaited_inside_is_woken_when_the_task_is_done() {
    let runtime = Runtime::new();
    let mut task = Task::new(
        Transaction::builder()
            .spawner(runtime.spawner())
            .scope(async { add_value(async { 3 }).await.unwrap() + add_value(async { 4 }).await.unwrap() }),
    );
    assert_pending!(task.run());
    runtime.run();
    assert_pending!(task.run());
    runtime.run();
    assert_eq!(assert_ready!(task.run()).unwrap(), 7);
}

#[test]
fn t20_failures_are_in_the_order_of_adding_whatever_the_order_of_running() {
    let runtime = Runtime::new();
    let transaction = spawning(&runtime);
    let gate = Gate::new();
    transaction.add(gate.pass().then(|()| failing("first"))).unwrap();
    transaction.add(panicking("second")).unwrap();
    transaction.add(failing("third")).unwrap();
    runtime.run();
    gate.open();
    runtime.run();
    let failures = finish(transaction.end()).unwrap_err();
    assert_eq!(causes(&failures), ["first", "second", "third"]);
    assert!(failures.iter().nth(1).unwrap().is_panic());
    assert!(failures.iter().all(|failure| failure.location().file() == file!()));
}

#[test]
fn an_awaited_failure_is_received_and_not_reported_twice() {
    let runtime = Runtime::new();
    let transaction = spawning(&runtime);
    let stashed = transaction.add(failing("seen")).unwrap();
    runtime.run();
    assert_eq!(cause(&finish(stashed).unwrap_err()), "seen");
    finish(transaction.end()).unwrap();
}

#[test]
fn panics_of_destructors_and_callbacks_are_failures_and_the_task_ends_well() {
    let runtime = Runtime::new();
    let transaction = spawning(&runtime);
    let bomb = Bomb;
    transaction
        .add(async move {
            let _bomb = bomb;
            std::future::pending::<()>().await;
        })
        .unwrap()
        .cancel();
    transaction
        .add(async {
            let _bomb = Bomb;
        })
        .unwrap();
    transaction.add(async {}).unwrap().on_settled(|_| panic!("in the callback"));
    runtime.run();
    assert!(runtime.is_empty());
    let failures = finish(transaction.end()).unwrap_err();
    assert_eq!(
        causes(&failures),
        ["in the error's destructor", "in the error's destructor", "in the callback"]
    );
}

#[test]
fn cancel_wakes_the_task_which_drops_the_future_inside() {
    let (runtime, log) = (Runtime::new(), Log::new());
    let transaction = spawning(&runtime);
    let noted = log.clone();
    let stashed: Stashed<()> = transaction
        .add(async move {
            let _guard = on_drop(move || drop(add(noted.step("goodbye"))));
            std::future::pending::<()>().await;
        })
        .unwrap()
        .on_settled(|result| assert!(result.as_ref().unwrap_err().is_cancelled()));
    runtime.run();
    let mut end = Task::new(transaction.end());
    assert_pending!(end.run());
    stashed.cancel();
    assert!(!stashed.is_settled());
    runtime.run();
    assert!(finish(stashed).unwrap_err().is_cancelled());
    assert_ready!(end.run()).expect("no failure of the transaction");
    assert_eq!(log.take(), ["goodbye"]);
    assert!(runtime.is_empty());
}

#[test]
fn cancelled_before_its_first_poll_it_is_never_polled() {
    let (runtime, log) = (Runtime::new(), Log::new());
    let transaction = spawning(&runtime);
    transaction.add(log.step("polled")).unwrap().cancel();
    runtime.run();
    finish(transaction.end()).unwrap();
    assert!(log.take().is_empty());
}

#[test]
fn what_the_spawner_drops_fails_as_cancelled_and_nothing_hangs() {
    let transaction = Transaction::builder().spawner(|task: BoxFuture<'static, ()>| drop(task)).begin();
    let log = Log::new();
    let noted = log.clone();
    let stashed = transaction
        .add(log.step("polled"))
        .unwrap()
        .on_settled(move |result| noted.note(format!("{}", result.as_ref().unwrap_err().is_cancelled())));
    transaction.add(async {}).unwrap();
    assert!(finish(stashed).unwrap_err().is_cancelled());
    let failures = finish(transaction.end()).unwrap_err();
    assert!(failures.len() == 1 && failures.first().unwrap().is_cancelled());
    assert_eq!(log.take(), ["true"]);
}

#[test]
fn a_runtime_that_is_shut_down_half_way_leaves_nothing_pending() {
    let (runtime, log) = (Runtime::new(), Log::new());
    let transaction = spawning(&runtime);
    let noted = log.clone();
    transaction
        .add(async move {
            let _guard = noted.at_drop("dropped");
            std::future::pending::<()>().await;
        })
        .unwrap();
    runtime.run();
    let mut end = Task::new(transaction.end());
    assert_pending!(end.run());
    elsewhere(|| runtime.shut_down());
    assert_eq!(log.take(), ["dropped"]);
    assert!(end.is_woken());
    let failures = assert_ready!(end.run()).unwrap_err();
    assert!(failures.first().unwrap().is_cancelled());
}

#[test]
fn what_was_cancelled_and_then_dropped_is_no_failure() {
    let runtime = Runtime::new();
    let transaction = spawning(&runtime);
    transaction.add(std::future::pending::<()>()).unwrap().cancel();
    runtime.shut_down();
    finish(transaction.end()).unwrap();
}

#[test]
fn a_spawner_that_panics_fails_its_future_alone() {
    let transaction =
        Transaction::builder().spawner(|_task: BoxFuture<'static, ()>| panic!("no more tasks")).begin();
    let stashed = transaction.add(async {}).expect("the panic does not hit who adds");
    assert!(finish(stashed).unwrap_err().is_cancelled());
    finish(transaction.end()).unwrap();
}

#[test]
fn t22_who_awaits_the_end_of_what_he_was_added_to_would_deadlock() {
    let runtime = Runtime::new();
    let transaction = spawning(&runtime);
    let (above, own) = ((*transaction).clone(), Arc::new(Mutex::new(None::<Stashed<bool>>)));
    let mine = own.clone();
    let end = transaction
        .add_value(async move {
            let end = above.end().await.unwrap_err();
            let wait = above.wait().await.unwrap_err();
            let own_end = current().unwrap().end().await.unwrap_err();
            [end, wait, own_end].iter().all(|failures| failures.first().unwrap().is_would_deadlock())
        })
        .unwrap();
    let own_handle = transaction
        .add_value(async move {
            yields(1).await;
            let stashed = mine.lock().unwrap().take().unwrap();
            stashed.await.unwrap_err().is_would_deadlock()
        })
        .unwrap();
    let (sent, received) = (Arc::new(Mutex::new(false)), own_handle);
    let noted = sent.clone();
    *own.lock().unwrap() =
        Some(received.on_settled(move |result| *noted.lock().unwrap() = *result.as_ref().unwrap()));
    runtime.run();
    assert!(finish(end).unwrap());
    assert!(*sent.lock().unwrap());
    finish(transaction.end()).unwrap();
}

#[test]
fn one_task_may_await_another_and_an_inner_scope() {
    let runtime = Runtime::new();
    let transaction = spawning(&runtime);
    let gate = Gate::new();
    let slow = transaction.add_value(gate.pass().map(|()| 1)).unwrap();
    let sum = transaction
        .add_value(async move {
            let inner = scope(async { add_value(yields(1).map(|()| 2)).await.unwrap() }).await.unwrap();
            slow.await.unwrap() + inner
        })
        .unwrap();
    runtime.run();
    assert!(!sum.is_settled());
    gate.open();
    runtime.run();
    assert_eq!(finish(sum).unwrap(), 3);
    finish(transaction.end()).unwrap();
}

#[test]
fn wait_covers_tasks_added_before_it() {
    let runtime = Runtime::new();
    let transaction = spawning(&runtime);
    let (before, after) = (Gate::new(), Gate::new());
    transaction.add(before.pass()).unwrap();
    let mut wait = Task::new(transaction.wait());
    transaction.add(after.pass()).unwrap();
    runtime.run();
    assert_pending!(wait.run());
    before.open();
    runtime.run();
    assert_ready!(wait.run()).unwrap();
    assert_eq!(transaction.pending(), 1);
    after.open();
    runtime.run();
    finish(transaction.end()).unwrap();
}

#[test]
fn the_depth_limit_holds_for_tasks() {
    fn deeper(log: Log, depth: usize) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            log.note(depth.to_string());
            add(deeper(log, depth + 1));
        })
    }
    let (runtime, log) = (Runtime::new(), Log::new());
    let transaction = Transaction::builder().spawner(runtime.spawner()).depth_limit(3).begin();
    transaction.add(deeper(log.clone(), 1)).unwrap();
    runtime.run();
    let failures = finish(transaction.end()).unwrap_err();
    assert_eq!(log.take(), ["1", "2", "3"]);
    assert!(failures.len() == 1 && failures.first().unwrap().is_too_deep());
    assert!(failures.to_string().contains(file!()));
}

#[test]
fn a_spawner_may_poll_at_once_add_and_drop_without_a_deadlock() {
    // Called with no lock held and nothing borrowed: so it may do anything.
    let log = Log::new();
    let noted = log.clone();
    let transaction = Transaction::builder()
        .spawner(move |task: BoxFuture<'static, ()>| {
            noted.note(format!("spawning in {:?}", current().map(|t| t.pending())));
            block_on(task);
        })
        .begin();
    let noted = log.clone();
    transaction.add(async move { drop(add(noted.step("child"))) }).unwrap();
    assert_eq!(log.take(), ["spawning in None", "spawning in Some(1)", "child"]);
    assert_eq!(transaction.pending(), 0);
    finish(transaction.end()).unwrap();
}

#[test]
fn an_executor_of_the_futures_crate_is_a_spawner_by_an_adaptor() {
    #[derive(Debug)]
    struct Executor(Runtime);
    impl Spawn for Executor {
        fn spawn_obj(&self, task: FutureObj<'static, ()>) -> Result<(), SpawnError> {
            self.0.spawn(Box::pin(task));
            Ok(())
        }
    }
    let (runtime, log) = (Runtime::new(), Log::new());
    let transaction = Transaction::builder().spawner(SpawnOn(Executor(runtime.clone()))).begin();
    transaction.add(log.step("run")).unwrap();
    runtime.run();
    finish(transaction.end()).unwrap();
    assert_eq!(log.take(), ["run"]);
}

#[test]
fn on_threads_all_of_a_burst_is_run_counted_and_waited_for() {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let on_threads = |task: BoxFuture<'static, ()>| drop(thread::spawn(|| block_on(task)));
    let scope = Transaction::builder().spawner(on_threads).scope(async move {
        for _ in 0..20 {
            let counter = counter.clone();
            add(async move {
                for _ in 0..3 {
                    let counter = counter.clone();
                    add(yields(2).map(move |()| assert!(counter.fetch_add(1, Ordering::Relaxed) < 60)));
                }
            });
        }
    });
    block_on(scope).unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 60);
}

#[test]
fn what_is_dropped_half_way_goes_on_on_the_runtime_and_its_adopter_waits() {
    let (runtime, gate, log) = (Runtime::new(), Gate::new(), Log::new());
    let mut outer = Task::new(scope(async {
        let mut inner = Box::pin(Transaction::builder().spawner(runtime.spawner()).scope(async {
            add(gate.pass().then({
                let log = log.clone();
                move |()| log.step("done all the same")
            }));
        }));
        assert_pending!(futures::poll!(&mut inner));
    }));
    assert_pending!(outer.run());
    runtime.run();
    assert_pending!(outer.run());
    gate.open();
    runtime.run();
    assert_ready!(outer.run()).unwrap();
    assert_eq!(log.take(), ["done all the same"]);
}

#[test]
fn cancelling_what_is_done_does_not_touch_who_has_its_place_now() {
    let runtime = Runtime::new();
    let transaction = spawning(&runtime);
    let done = transaction.add(async {}).unwrap();
    runtime.run();
    assert!(done.is_settled());
    let other = transaction.add(yields(2)).unwrap();
    done.cancel();
    runtime.run();
    finish(other).unwrap();
    finish(transaction.end()).unwrap();
}

#[test]
fn a_spawner_that_polls_at_once_takes_no_stack_for_a_long_chain() {
    fn next(transaction: Transaction, left: u32) {
        if left > 0 {
            let after = transaction.clone();
            transaction.add(async move { next(after, left - 1) }).unwrap();
        }
    }
    let at_once = |task: BoxFuture<'static, ()>| assert_ready!(Task::new(task).run());
    let transaction = Transaction::builder().spawner(at_once).begin();
    next(transaction.clone(), 100_000);
    assert_eq!(transaction.pending(), 0);
    finish(transaction.end()).unwrap();
}

#[test]
fn what_a_cancelled_task_says_goodbye_with_goes_to_the_transaction_above() {
    let (runtime, log) = (Runtime::new(), Log::new());
    let outer = begin();
    let transaction = outer.enter(|| Transaction::builder().fail_fast().spawner(runtime.spawner()).begin());
    let goodbye = log.clone();
    transaction
        .add(async move {
            let _goodbye = on_drop(move || drop(add(goodbye.step("goodbye"))));
            std::future::pending::<()>().await;
        })
        .unwrap();
    transaction.add(failing("first")).unwrap();
    runtime.run();
    assert_eq!(finish(transaction.end()).unwrap_err().len(), 1);
    assert_eq!(outer.pending(), 1);
    finish(outer.end()).unwrap();
    assert_eq!(log.take(), ["goodbye"]);
}
