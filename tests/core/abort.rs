//! `abort` of a plain transaction: what is pending below it is cancelled.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use settled::{State, Transaction, add, begin, current, scope};
use support::{
    Gate, Log, Task, assert_pending, assert_ready, causes, elsewhere, failing, finish, on_drop, yields,
};

/// Pending for good; notes when it is dropped.
fn never(log: &Log, name: &str) -> impl Future<Output = ()> + Send + use<> + 'static {
    let guard = log.at_drop(name);
    std::future::pending::<()>().map(move |()| drop(guard))
}

fn sorted(log: &Log) -> Vec<String> {
    let mut lines = log.take();
    lines.sort();
    lines
}

#[test]
fn abort_drops_what_is_pending_with_the_next_drive_and_tells() {
    let log = Log::new();
    let t = begin();
    let (told, inner) = (log.clone(), log.clone());
    let slot = t.add(never(&log, "slot")).unwrap().on_settled(move |result| {
        assert!(result.as_ref().unwrap_err().is_cancelled());
        told.note("told");
    });
    t.add(async move {
        add(never(&inner, "below"));
    })
    .unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    let queued = t.add(never(&log, "queued")).unwrap();
    t.abort();
    assert!(log.take().is_empty(), "nothing is dropped inside the call");
    assert!(end.is_woken());
    assert_ready!(end.run()).expect("cancellations are no failures of the transaction");
    assert_eq!(sorted(&log), ["below", "queued", "slot", "told"]);
    assert!(finish(queued).unwrap_err().is_cancelled());
    assert!(finish(slot).unwrap_err().is_cancelled());
}

#[test]
fn the_transaction_stays_open_and_takes_what_comes_later() {
    let log = Log::new();
    let t = begin();
    t.add(never(&log, "dropped")).unwrap();
    t.abort();
    t.add(log.step("later")).unwrap();
    assert_eq!(t.state(), State::Open);
    finish(t.end()).unwrap();
    assert_eq!(log.take(), ["dropped", "later"]);
    t.abort();
}

#[test]
fn the_body_runs_on_and_so_do_bodies_below() {
    let log = Log::new();
    let mut task = Task::new(scope(async {
        let t = current().unwrap();
        add(never(&log, "child"));
        scope(async {
            add(never(&log, "child of the inner scope"));
            yields(1).await;
            t.abort();
            yields(3).await;
            add(log.step("added later"));
            log.note("inner body");
        })
        .await
        .unwrap();
        log.note("body");
        5
    }));
    assert_eq!(assert_ready!(task.run()).unwrap(), 5);
    assert_eq!(log.take(), ["child", "child of the inner scope", "inner body", "added later", "body"]);
}

#[test]
fn a_child_can_abort_its_transaction_and_is_dropped_when_it_rests() {
    for yields_before in 0..2 {
        let log = Log::new();
        let t = begin();
        let (handle, noted) = ((*t).clone(), log.clone());
        let guard = log.at_drop("dropped");
        t.add(async move {
            yields(yields_before).await;
            handle.abort();
            noted.note("runs on to its suspension");
            futures::pending!();
            noted.note("never");
            drop(guard);
        })
        .unwrap();
        t.add(never(&log, "sibling")).unwrap();
        finish(t.end()).unwrap();
        let lines = log.take();
        assert_eq!(lines[0], "runs on to its suspension");
        assert_eq!(lines.len(), 3, "{lines:?}");
    }
}

#[test]
fn a_child_that_is_done_after_it_aborted_keeps_its_value() {
    let t = begin();
    let handle = (*t).clone();
    let stashed = t
        .add_value(async move {
            handle.abort();
            7
        })
        .unwrap();
    finish(t.end()).unwrap();
    assert_eq!(finish(stashed).unwrap(), 7);
}

#[test]
fn a_future_that_aborts_its_own_transaction_drops_what_it_added_and_goes_on() {
    let log = Log::new();
    let noted = log.clone();
    finish(scope(async {
        add(async move {
            add(never(&noted, "its child"));
            yields(2).await;
            current().unwrap().abort();
            yields(2).await;
            noted.note("goes on");
        });
        add(log.step("sibling"));
    }))
    .unwrap();
    assert_eq!(log.take(), ["sibling", "its child", "goes on"]);
}

#[test]
fn abort_reaches_neither_up_nor_aside() {
    let (log, gate) = (Log::new(), Gate::new());
    let outer = begin();
    let passed = gate.clone();
    outer
        .add(passed.pass().then({
            let log = log.clone();
            move |()| log.step("of the outer one")
        }))
        .unwrap();
    let (a, b) = (outer.enter(begin), outer.enter(begin));
    a.add(never(&log, "of a")).unwrap();
    b.add(gate.pass().then({
        let log = log.clone();
        move |()| log.step("of b")
    }))
    .unwrap();
    let mut end = Task::new(outer.end());
    assert_pending!(end.run());
    a.abort();
    assert_pending!(end.run());
    gate.open();
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["of a", "of the outer one", "of b"]);
}

#[test]
fn abort_from_another_thread_wakes_who_drives() {
    let log = Log::new();
    let t = begin();
    t.add(never(&log, "dropped")).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    elsewhere(|| t.abort());
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn what_destructors_add_goes_to_the_nearest_open_one_above() {
    let (log, gate) = (Log::new(), Gate::new());
    let outer = begin();
    let inner = outer.enter(|| Transaction::builder().name("inner").begin());
    let handle = (*outer).clone();
    let (noted, passed) = (log.clone(), gate.clone());
    let guard = on_drop(move || {
        assert_eq!(current().unwrap().id(), handle.id());
        add(passed.pass().then(move |()| noted.step("goodbye")));
    });
    inner
        .add(async move {
            let _guard = guard;
            futures::pending!();
        })
        .unwrap();
    let mut end = Task::new(inner.end());
    assert_pending!(end.run());
    inner.abort();
    assert_ready!(end.run()).unwrap();
    assert_eq!(inner.state(), State::Closed);
    assert_eq!(outer.pending(), 1, "the goodbye is the outer one's");
    gate.open();
    finish(outer.end()).unwrap();
    assert_eq!(log.take(), ["goodbye"]);
}

#[test]
fn also_what_the_body_of_a_scope_adds_that_is_dropped_with_its_future() {
    let log = Log::new();
    let outer = begin();
    let inner = outer.enter(begin);
    let noted = log.clone();
    inner
        .add(async move {
            let body = async {
                add(never(&noted, "child of the scope"));
                let again = noted.clone();
                let _guard = on_drop(move || {
                    add(again.step("goodbye"));
                });
                futures::pending!();
                futures::pending!();
            };
            let _ = scope(body).await;
        })
        .unwrap();
    let mut end = Task::new(inner.end());
    assert_pending!(end.run());
    inner.abort();
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["child of the scope"], "the goodbye is not for the one that was aborted");
    finish(outer.end()).unwrap();
    assert_eq!(log.take(), ["goodbye"]);
}

#[test]
fn aborted_again_and_above_the_goodbye_of_each_goes_above_what_was_aborted_then() {
    let log = Log::new();
    let (top, seen) = (begin(), Arc::new(Mutex::new(Vec::new())));
    let middle = top.enter(begin);
    let low = middle.enter(begin);
    let guarded = || {
        let seen = seen.clone();
        let guard = on_drop(move || seen.lock().unwrap().push(current().unwrap().id()));
        async move {
            let _guard = guard;
            futures::pending!();
        }
    };
    middle.abort();
    low.add(guarded()).unwrap();
    low.abort();
    finish(low.wait()).unwrap();
    low.add(guarded()).unwrap();
    middle.abort();
    low.abort();
    finish(low.wait()).unwrap();
    assert_eq!(*seen.lock().unwrap(), [middle.id(), top.id()]);
    finish(top.end()).unwrap();
    assert!(log.take().is_empty());
}

#[test]
fn a_destructor_that_panics_and_a_callback_that_panics_are_failures() {
    let t = begin();
    let guard = on_drop(|| panic!("destructor"));
    t.add(async move {
        let _guard = guard;
        futures::pending!();
    })
    .unwrap()
    .on_settled(|_| panic!("callback"));
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    t.abort();
    let failures = assert_ready!(end.run()).unwrap_err();
    assert_eq!(causes(&failures), ["destructor", "callback"]);
}

#[test]
fn what_failed_before_is_still_reported() {
    let t = begin();
    t.add(failing("before")).unwrap();
    t.add(never(&Log::new(), "")).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    t.abort();
    assert_eq!(causes(&assert_ready!(end.run()).unwrap_err()), ["before"]);
}

#[test]
fn a_task_on_a_spawner_is_dropped_by_its_next_poll() {
    let log = Log::new();
    let (sender, tasks) = std::sync::mpsc::channel();
    let t = Transaction::builder()
        .spawner(move |task: futures::future::BoxFuture<'static, ()>| sender.send(task).unwrap())
        .begin();
    let stashed = t.add(never(&log, "dropped")).unwrap();
    let mut task = Task::new(tasks.try_recv().unwrap());
    assert_pending!(task.run());
    t.abort();
    assert!(task.is_woken());
    assert_ready!(task.run());
    finish(t.end()).unwrap();
    assert!(finish(stashed).unwrap_err().is_cancelled());
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn an_atomic_one_below_is_rolled_back_when_its_body_is_done() {
    let log = Log::new();
    let result = finish(scope(async {
        let t = current().unwrap();
        let committed = settled::atomic(async {
            add(log.step("never: held back, then undone"));
            t.abort();
            add(log.step("never: all or nothing"));
            settled::on_rollback({
                let log = log.clone();
                move || log.note("rolled back")
            });
            Ok::<_, String>(())
        })
        .await;
        let Err(settled::ScopeError::Refused(failure)) = committed else { panic!("{committed:?}") };
        assert!(failure.is_cancelled());
        add(log.step("later"));
    }));
    result.unwrap();
    assert_eq!(log.take(), ["rolled back", "later"]);
}

#[test]
fn a_plain_one_inside_an_atomic_one_cancels_what_is_held_back_of_it() {
    let log = Log::new();
    finish(settled::atomic(async {
        add(log.step("of the atomic one"));
        let inner = begin();
        let cancelled = inner.add(log.step("never")).unwrap();
        inner.abort();
        inner.add(log.step("later")).unwrap();
        yields(1).await;
        assert!(cancelled.is_settled());
        Ok::<_, String>(())
    }))
    .unwrap();
    assert_eq!(log.take(), ["of the atomic one", "later"]);
}

#[test]
fn what_a_committed_one_has_set_going_is_cancelled_by_its_abort() {
    let log = Log::new();
    let t = begin();
    let handle = Arc::new(Mutex::new(None));
    let seen = handle.clone();
    let inner = never(&log, "dropped");
    let mut task = Task::new(settled::atomic(async move {
        *seen.lock().unwrap() = current();
        add(inner);
        Ok::<_, String>(())
    }));
    t.enter(|| assert_pending!(task.run()));
    let atomic = handle.lock().unwrap().take().unwrap();
    atomic.abort();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["dropped"]);
    finish(t.end()).unwrap();
}

#[test]
fn the_root_cannot_be_aborted() {
    let gate = Gate::new();
    let stashed = Transaction::root().add_value(gate.pass().map(|()| 3)).unwrap();
    Transaction::root().abort();
    gate.open();
    assert_eq!(finish(stashed).unwrap(), 3);
}

#[test]
fn a_large_tree_is_aborted_in_one_walk() {
    let log = Log::new();
    let t = begin();
    for _ in 0..300 {
        let log = log.clone();
        t.add(async move {
            add(async move {
                add(never(&log, "x"));
                futures::pending!();
            });
        })
        .unwrap();
    }
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    t.abort();
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take().len(), 300);
}
