//! Bodies, hooks, checks and callbacks whose destructors panic, in every place where they are dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use settled::{
    OnDrop, Transaction, add, add_cleanup, add_value, atomic, begin, current, on_commit, on_rollback, scope,
};
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, finish, on_drop, yields};

/// Panics when it is dropped.
fn bomb() -> impl Send + Sync {
    on_drop(|| std::panic::panic_any("in the destructor"))
}

fn noting(log: &Log, what: &'static str) -> impl FnOnce() + Send + use<> + 'static {
    let log = log.clone();
    move || log.note(what)
}

#[test]
fn an_atomic_one_that_is_given_up_is_rolled_back_though_its_body_panics_when_dropped() {
    let log = Log::new();
    let t = begin();
    let (gone, cleanup) = (on_drop(noting(&log, "held is dropped")), log.step("cleanup"));
    let (rolled_back, committed) = (noting(&log, "rolled back"), noting(&log, "committed"));
    let mut given_up = Task::new(atomic(async {
        let _bomb = bomb();
        on_rollback(rolled_back);
        on_commit(committed);
        add(async move { drop(gone) });
        add_cleanup(cleanup);
        std::future::pending::<Result<(), ()>>().await
    }));
    t.enter(|| assert_pending!(given_up.run()));
    drop(given_up);
    assert_eq!(log.take(), ["held is dropped", "rolled back"]);
    let failures = finish(t.end()).unwrap_err();
    assert_eq!(causes(&failures), ["in the destructor"]);
    assert_eq!(log.take(), ["cleanup"]);
}

#[test]
fn an_atomic_one_whose_body_fails_and_panics_when_dropped_is_rolled_back() {
    let log = Log::new();
    let rolled_back = noting(&log, "rolled back");
    let mut task = Task::new(atomic(async {
        on_rollback(rolled_back);
        let _bomb = bomb();
        yields(1).await;
        Err::<(), _>("refused")
    }));
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| task.run()));
    assert!(unwound.is_err());
    assert_eq!(log.take(), ["rolled back"]);
}

#[test]
fn hooks_and_checks_that_panic_when_dropped_stop_nobody() {
    let log = Log::new();
    for well in [true, false] {
        let (rolled_back, committed, held) =
            (noting(&log, "rolled back"), noting(&log, "committed"), log.step("held"));
        let bombs: [_; 4] = std::array::from_fn(|_| bomb());
        let [first, second, third, fourth] = bombs;
        let result = finish(atomic(async move {
            on_rollback(rolled_back);
            on_commit(committed);
            on_commit(move || drop(first));
            on_rollback(move || drop(second));
            current().unwrap().before_commit(async move {
                let _bomb = third;
                if well { Ok(()) } else { Err("no") }
            });
            current().unwrap().before_commit(async move { drop(fourth) });
            add(held);
            Ok::<_, ()>(())
        }));
        // A check whose destructor panics refuses.
        assert!(result.is_err());
        assert_eq!(log.take(), ["rolled back"]);
    }
}

#[test]
fn a_plain_scope_that_is_given_up_hands_its_children_on() {
    for policy in [OnDrop::Adopt, OnDrop::Cancel] {
        let (log, gate) = (Log::new(), Gate::new());
        let t = begin();
        let (passed, gone) = (gate.pass(), on_drop(noting(&log, "gone")));
        let mut given_up = Task::new(Transaction::builder().on_drop(policy).scope(async {
            add(async move {
                passed.await;
                drop(gone);
            });
            let _bomb = bomb();
            std::future::pending::<()>().await;
        }));
        t.enter(|| assert_pending!(given_up.run()));
        drop(given_up);
        let mut end = Task::new(t.end());
        let early = end.run();
        gate.open();
        let told = if early.is_ready() { early } else { end.run() };
        assert_eq!(causes(&assert_ready!(told).unwrap_err()), ["in the destructor"]);
        assert_eq!(log.take(), ["gone"]);
    }
}

#[test]
fn payloads_that_panic_when_dropped_are_failures_like_any_other() {
    struct Payload;
    impl Drop for Payload {
        fn drop(&mut self) {
            std::panic::panic_any("in the payload's destructor");
        }
    }
    let told = Arc::new(AtomicUsize::new(0));
    let seen = told.clone();
    let failures = finish(scope(async move {
        add(async { std::panic::panic_any(Payload) });
        drop(add_value(async { Payload }));
        let kept = add_value(async { Payload });
        add(async {}).on_settled(|_| std::panic::panic_any(Payload));
        let counted = add_value(async { std::panic::panic_any(Payload) });
        drop(counted.on_settled(move |result: &Result<(), _>| {
            seen.fetch_add(usize::from(result.is_err()), Ordering::SeqCst);
        }));
        yields(2).await;
        std::mem::forget(kept);
    }))
    .unwrap_err();
    assert!(failures.iter().all(settled::Failure::is_panic));
    assert_eq!(told.load(Ordering::SeqCst), 1);
}
