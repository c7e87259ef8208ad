//! With a root spawner a runtime runs what has no transaction, as it comes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;

use futures::FutureExt;
use futures::future::BoxFuture;
use settled::{Transaction, add, begin, set_reporter, set_root_spawner};
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, elsewhere, failing, finish, on_wake};

static TURN: Mutex<()> = Mutex::new(());

/// An executor that is run by hand.
type Spawned = Arc<Mutex<Vec<Task<BoxFuture<'static, ()>>>>>;

/// The root's spawner is one for the process: the tests take turns, each with an executor of its own.
fn turn() -> (MutexGuard<'static, ()>, Spawned) {
    let guard = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    set_reporter(|_| {});
    let spawned = Spawned::default();
    let spawn = spawned.clone();
    set_root_spawner(move |future: BoxFuture<'static, ()>| spawn.lock().unwrap().push(Task::new(future)));
    (guard, spawned)
}

#[test]
fn what_has_no_transaction_is_run_by_the_spawner() {
    let (_turn, spawned) = turn();
    let run_all = || {
        // Taken out before they are polled: they may spawn more.
        loop {
            let mut tasks = std::mem::take(&mut *spawned.lock().unwrap());
            let before = tasks.len();
            tasks.retain_mut(|task| task.run().is_pending());
            let mut slot = spawned.lock().unwrap();
            let more = !slot.is_empty();
            slot.extend(tasks);
            if !more || before == 0 {
                break;
            }
        }
    };

    let log = Log::new();
    add(log.step("one"));
    assert!(log.take().is_empty(), "adding polls nothing, here too");
    run_all();
    assert_eq!(log.take(), ["one"], "nobody waited for the root");

    let gate = Gate::new();
    let (passed, noted) = (gate.clone(), log.clone());
    add(async move {
        passed.pass().await;
        add(noted.step("below"));
        noted.note("two");
    });
    run_all();
    assert!(log.take().is_empty());
    gate.open();
    run_all();
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["below", "two"]);

    // What was begun and dropped runs as well.
    let t = begin();
    t.add(log.step("dropped")).unwrap();
    drop(t);
    run_all();
    assert_eq!(log.take(), ["dropped"]);

    // `wait` settles it still, and tells what failed.
    let gate = Gate::new();
    add(gate.pass());
    add(failing("told"));
    let mut wait = Task::new(Transaction::root().wait());
    run_all();
    assert_pending!(wait.run());
    gate.open();
    run_all();
    let failures = support::assert_ready!(wait.run()).unwrap_err();
    assert_eq!(causes(&failures), ["told"]);
    assert_eq!(Transaction::root().pending(), 0);

    // Awaiting the handle works whoever runs it.
    let stashed = add(async { Ok::<_, std::io::Error>(5) });
    run_all();
    assert_eq!(finish(stashed).unwrap(), 5);
}

#[test]
fn a_driver_that_was_dropped_idle_is_followed_by_another() {
    let (_turn, spawned) = turn();
    add(async {});
    finish(Transaction::root().wait()).unwrap();
    // The runtime is shut down.
    spawned.lock().unwrap().clear();
    add(async {});
    assert_eq!(spawned.lock().unwrap().len(), 1);
    finish(Transaction::root().wait()).unwrap();
}

#[test]
fn there_is_one_driver_at_a_time() {
    let (_turn, spawned) = turn();
    add(async {});
    let mut first = spawned.lock().unwrap().pop().unwrap();
    assert_ready!(first.run());
    add(async {});
    drop(first);
    add(async {});
    assert_eq!(spawned.lock().unwrap().len(), 1);
    finish(Transaction::root().wait()).unwrap();
}

#[test]
fn a_driver_is_done_when_another_one_has_settled_the_root() {
    let (_turn, spawned) = turn();
    let tasks = spawned.clone();
    add(async move {
        // It comes while this thread drives, and goes away again.
        let mut driver = tasks.lock().unwrap().pop().unwrap();
        elsewhere(|| assert_pending!(driver.run()));
        tasks.lock().unwrap().push(driver);
    });
    finish(Transaction::root().wait()).unwrap();
    let mut driver = spawned.lock().unwrap().pop().unwrap();
    assert_ready!(driver.run());
}

#[test]
fn what_is_added_elsewhere_when_a_wait_is_about_to_leave_is_run() {
    let (_turn, spawned) = turn();
    let (log, gate) = (Log::new(), Gate::new());
    let stashed = Arc::new(Mutex::new(add(gate.pass())));
    let (tasks, noted) = (spawned.clone(), log.clone());
    // Woken with nothing pending any more; the driver that was spawned finds that and is done.
    let waker = on_wake(move || {
        let drivers = std::mem::take(&mut *tasks.lock().unwrap());
        drivers.into_iter().for_each(|mut driver| assert_ready!(driver.run()));
        elsewhere(|| drop(add(noted.step("late"))));
    });
    let listened = stashed.clone();
    add(async move {
        let mut stashed = listened.lock().unwrap();
        assert_pending!(stashed.poll_unpin(&mut Context::from_waker(&waker)));
    });
    let mut wait = Task::new(Transaction::root().wait());
    assert_pending!(wait.run());
    gate.open();
    let _ = wait.run();
    let drivers = std::mem::take(&mut *spawned.lock().unwrap());
    drivers.into_iter().for_each(|mut driver| assert_ready!(driver.run()));
    assert_eq!(log.take(), ["late"]);
}

#[test]
fn a_spawner_that_panics_is_no_matter_of_who_adds() {
    let (_turn, _) = turn();
    set_root_spawner(|_: BoxFuture<'static, ()>| panic!("no runtime here"));
    let log = Log::new();
    add(log.step("kept"));
    finish(settled::wait_all());
    assert_eq!(log.take(), ["kept"]);
}
