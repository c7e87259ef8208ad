//! With a root spawner a runtime runs what has no transaction, as it comes.

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use settled::{Transaction, add, begin, set_reporter, set_root_spawner};
use support::{Gate, Log, Task, assert_pending, causes, failing, finish};

#[test]
fn what_has_no_transaction_is_run_by_the_spawner() {
    set_reporter(|_| {});
    // An executor that is run by hand.
    let spawned: Arc<Mutex<Vec<Task<BoxFuture<'static, ()>>>>> = Arc::default();
    let spawn = spawned.clone();
    set_root_spawner(move |future: BoxFuture<'static, ()>| spawn.lock().unwrap().push(Task::new(future)));
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
