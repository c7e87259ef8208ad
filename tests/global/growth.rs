//! What lives long does not grow with what comes and goes in it: bytes that are still there, counted by the allocator.

use allocation_counter::measure;
use futures::FutureExt;
use settled::{
    InTransactionExt, OnDrop, OwnedTransaction, Registry, Transaction, add, add_cleanup, add_local, atomic,
    begin, begin_local, current, on_commit, on_rollback, scope_local, set_reporter,
};
use support::{Gate, Runtime, Task, assert_pending, assert_ready, failing, finish, yields};

/// Does it a hundred times, then a thousand times more: what those leave is next to nothing.
#[track_caller]
fn leaves_nothing(what: &str, mut each: impl FnMut()) {
    set_reporter(|_| {});
    (0..100).for_each(|_| each());
    let left = measure(|| (0..1_000).for_each(|_| each())).bytes_current;
    assert!(left.abs() < 4_096, "{what}: {left} bytes");
}

/// A transaction in which something is pending as long as the test.
fn long_lived() -> (OwnedTransaction, Gate) {
    let (t, gate) = (begin(), Gate::new());
    t.add(gate.pass()).unwrap();
    (t, gate)
}

fn drive(t: &Transaction) {
    drop(Task::new(t.wait()).poll());
}

fn done((t, gate): (OwnedTransaction, Gate)) {
    gate.open();
    let _ = finish(t.end());
}

async fn never() {
    std::future::pending().await
}

#[test]
fn of_what_is_cancelled() {
    let long = long_lived();
    let t = &long.0;
    leaves_nothing("aborted", || {
        let below = t.enter(begin);
        below.add(never()).unwrap();
        drive(t);
        below.add(never()).unwrap();
        below.abort();
        drive(t);
        finish(below.end()).unwrap();
    });
    leaves_nothing("dropped, and cancelled by that", || {
        let below = t.enter(|| Transaction::builder().on_drop(OnDrop::Cancel).begin());
        below.add(never()).unwrap();
        drive(t);
        drop(below);
        drive(t);
    });
    leaves_nothing("the first failure cancels", || {
        let below = t.enter(|| Transaction::builder().fail_fast().begin());
        below.add(never()).unwrap();
        below.add(failing("x")).unwrap();
        drop(finish(below.end()));
    });
    let limited = Transaction::builder().limit(1).begin();
    limited.add(long.1.pass()).unwrap();
    leaves_nothing("cancelled in line", || {
        limited.add(never()).unwrap().cancel();
        drive(&limited);
    });
    t.abort();
    drop(finish(t.wait()));
    done(long);
    finish(limited.end()).unwrap();
}

#[test]
fn of_what_waits() {
    let long = long_lived();
    let t = &long.0;
    let registry = Registry::new();
    registry.root().add(long.1.pass()).unwrap();
    leaves_nothing("everything, again and again", || {
        registry.root().add(yields(1)).unwrap();
        drop(finish(registry.wait_all_within(async {})));
        drop(Task::new(registry.wait_all()).poll());
    });
    leaves_nothing("handles, gathers and snapshots", || {
        drop(Task::new(t.gather([never(), never()])).poll());
        let stashed = t.add(never()).unwrap();
        let mut task = Task::new(stashed);
        assert_pending!(task.poll());
        drop(task);
        drop(Task::new(t.complete_snapshot()).poll());
        t.abort();
        drive(t);
    });
    leaves_nothing("parts that others poll", || {
        drop(never().in_transaction(t));
        let mut task = Task::new(never().in_transaction(t));
        assert_pending!(task.poll());
        drop(task);
    });
    done(long);
}

#[test]
fn of_registries() {
    leaves_nothing("a registry", || {
        let registry = Registry::new();
        let t = Transaction::builder().registry(&registry).begin();
        t.add(failing("x")).unwrap();
        t.add(never()).unwrap();
        drop(finish(registry.wait_all_within(yields(2))));
        drop(t);
        registry.root().add(never()).unwrap();
        drive(&registry.root());
    });
}

#[test]
fn of_local_ones() {
    let long = long_lived();
    let t = &long.0;
    leaves_nothing("local transactions", || {
        t.enter(|| {
            let local = begin_local();
            drop(local.add_local(never()));
            drop(local.add_local(yields(1)));
            drop(Task::new(local.wait()).poll());
        });
        drive(t);
    });
    leaves_nothing("local scopes that are given up", || {
        let mut task = Task::new(scope_local(async {
            drop(add_local(never()));
            add_local(yields(1)).await.unwrap();
            never().await;
        }));
        t.enter(|| assert_pending!(task.run()));
        drop(task);
        drive(t);
    });
    done(long);
}

#[test]
fn of_atomic_ones() {
    let long = long_lived();
    let t = &long.0;
    for well in [true, false] {
        leaves_nothing("atomic ones", || {
            let inner = || {
                atomic(async {
                    on_commit(|| ());
                    on_rollback(|| ());
                    add(yields(1));
                    add_cleanup(yields(1));
                    if well { Ok(()) } else { Err(()) }
                })
            };
            let outer = atomic(async {
                drop(inner().await);
                current().unwrap().before_commit(async { Err::<(), _>("no") });
                inner().await
            });
            t.enter(|| drop(finish(outer)));
            let given_up = atomic(inner().then(|_| never()).map(Ok::<_, ()>));
            t.enter(|| drop(Task::new(given_up).poll()));
            drive(t);
        });
    }
    done(long);
}

#[test]
fn of_tasks_that_a_runtime_drops() {
    let long = long_lived();
    leaves_nothing("tasks", || {
        let runtime = Runtime::new();
        let t = long.0.enter(|| Transaction::builder().spawner(runtime.spawner()).begin());
        t.add(never()).unwrap();
        t.add(yields(1)).unwrap();
        let mut end = Task::new(t.end());
        assert_pending!(end.run());
        runtime.run();
        runtime.shut_down();
        drop(assert_ready!(end.run()));
    });
    done(long);
}
