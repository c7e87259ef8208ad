//! Handlers that use the signal or observable that calls them.

use std::sync::{Arc, Mutex};

use settled::{add, begin, current, scope};
use settled_signal::{Notification, Observable, Signal};
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, finish};

use crate::kit::{connect_all, noting, observed};

#[test]
fn notify_is_never_deferred_it_calls_the_handlers_recursively() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let (inner, noted) = (signal.clone(), log.clone());
    signal.connect(move |x| {
        noted.note(format!("enter{x}"));
        if *x > 1 {
            assert!(inner.notify(x - 1).is_done());
        }
        noted.note(format!("leave{x}"));
    });
    signal.connect(noting(&log, "b"));
    signal.notify(2);
    assert_eq!(log.take(), ["enter2", "enter1", "leave1", "b1", "leave2", "b2"]);
}

#[test]
fn a_set_within_a_delivery_is_delivered_next_to_all() {
    let log = Log::new();
    let noted = log.clone();
    let level = observed(move |level, x| {
        noted.note(format!("a{x}"));
        if x % 10 < 3 {
            let notification = level.set(x + 1);
            assert!(!notification.is_done() && notification.has_async());
            assert_eq!(level.get(), x + 1, "stored at once");
            noted.note(format!("a{x} done"));
        }
    });
    level.connect(noting(&log, "b"));
    finish(scope(async {
        assert!(level.set(1).is_done());
        assert_eq!(log.take(), ["a1", "a1 done", "b1", "a2", "a2 done", "b2", "a3", "b3"]);
    }))
    .unwrap();
    assert_eq!(level.get(), 3);
}

#[test]
fn each_handler_sees_each_change_once_in_the_order_stored_and_the_last_is_the_value_that_stands() {
    let log = Log::new();
    let first = log.clone();
    let level = observed(move |level, x| {
        first.note(format!("a{x}"));
        if x == 1 {
            level.set(10);
            level.set(11);
        }
    });
    let (inner, second) = (level.clone(), log.clone());
    level.connect(move |x| {
        second.note(format!("b{x}"));
        if *x == 10 {
            inner.update(|x| *x += 10);
            assert!(inner.set_if_changed(30));
            assert!(!inner.set_if_changed(30));
        }
    });
    level.set(1);
    let noted = log.take();
    let of = |name: &str| noted.iter().filter(|line| line.starts_with(name)).cloned().collect::<Vec<_>>();
    // When 10 was delivered, 11 was the value already.
    assert_eq!(of("a"), ["a1", "a10", "a11", "a21", "a30"]);
    assert_eq!(of("b"), ["b1", "b10", "b11", "b21", "b30"]);
    assert_eq!(level.get(), 30);
}

#[test]
fn the_setters_transaction_is_current_in_the_handlers_and_waits_for_the_change() {
    let (log, gate, inner) = (Log::new(), Gate::new(), begin());
    let handle = (*inner).clone();
    let (noted, pass) = (log.clone(), gate.clone());
    let id = handle.id();
    let level = observed(move |level, x| match x {
        1 => handle.enter(|| drop(level.set(2))),
        _ => {
            assert_eq!(current().unwrap().id(), id);
            let (noted, pass) = (noted.clone(), pass.clone());
            add(async move {
                pass.pass().await;
                noted.note("done");
            });
        }
    });
    finish(scope(async { level.set(1).await })).unwrap().unwrap();
    assert!(inner.pending() > 0, "the outer one has settled, this one waits");
    let mut end = Task::new(inner.end());
    assert_pending!(end.run());
    gate.open();
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["done"]);
}

#[test]
fn the_notification_of_a_change_that_waits_has_its_results_and_failures() {
    let kept = Arc::new(Mutex::new(None::<Notification<()>>));
    let keep = kept.clone();
    let level = observed(move |level, x| {
        if x == 1 {
            *keep.lock().unwrap() = Some(level.set(2));
        }
    });
    level.connect(|x| if *x == 2 { Err("sync") } else { Ok(()) });
    level.connect_async(|x| async move {
        support::yields(2).await;
        if x == 2 { Err("async") } else { Ok(()) }
    });
    let failures = finish(scope(async {
        level.set(1);
        let notification = kept.lock().unwrap().take().unwrap();
        assert!(!notification.is_done(), "the asynchronous handler is not done");
        notification.await.unwrap_err()
    }));
    assert_eq!(causes(&failures.unwrap()), ["sync", "async"]);
}

#[test]
fn unawaited_the_failures_of_a_change_that_waits_are_in_its_setters_transaction() {
    let level = observed(|level, x| {
        if x == 1 {
            level.set(2);
        }
    });
    level.connect(|x| if *x == 2 { Err("no") } else { Ok(()) });
    let failures = finish(scope(async { level.set(1).await }));
    assert_eq!(causes(&failures.unwrap_err()), ["no"]);
}

#[test]
fn outside_a_transaction_a_change_that_waits_is_awaited_with_its_own_notification() {
    let kept = Arc::new(Mutex::new(None::<Notification<()>>));
    let (keep, log) = (kept.clone(), Log::new());
    let level = observed(move |level, x| {
        if x == 1 {
            *keep.lock().unwrap() = Some(level.set(2));
        }
    });
    level.connect_async(crate::kit::noting_later(&log, "a"));
    let first = level.set(1);
    let second = kept.lock().unwrap().take().unwrap();
    // Awaiting the second drives the queue of the handler before which the first is.
    finish(second).unwrap();
    assert_eq!(log.take(), ["a1", "a2"]);
    finish(first).unwrap();
}

#[test]
fn awaited_within_the_delivery_that_is_to_take_it_along_it_would_wait_for_itself() {
    let (log, seen) = (Log::new(), Log::new());
    let noted = log.clone();
    let level = observed(move |level, x| {
        if x == 1 {
            let failures = finish(level.set(2)).unwrap_err();
            assert!(failures.first().unwrap().is_would_deadlock());
            noted.note("refused");
        }
    });
    level.connect(noting(&seen, "a"));
    finish(level.set(1)).unwrap();
    assert_eq!(log.take(), ["refused"]);
    assert_eq!(seen.take(), ["a1", "a2"], "only the waiting is lost");
}

#[test]
fn two_observables_that_set_each_other_come_to_rest() {
    let (a, b, log) = (Observable::new(0), Observable::new(0), Log::new());
    let (to, noted) = (b.clone(), log.clone());
    a.connect(move |x: &u32| {
        noted.note(format!("a{x}"));
        to.set_if_changed(*x);
    });
    let (to, noted) = (a.clone(), log.clone());
    b.connect(move |x: &u32| {
        noted.note(format!("b{x}"));
        to.set_if_changed((*x).min(3) + 1);
    });
    a.set(1);
    assert_eq!(log.take(), ["a1", "b1", "a2", "b2", "a3", "b3", "a4", "b4"]);
    assert_eq!((a.get(), b.get()), (4, 4));
}

#[test]
fn handlers_may_use_everything() {
    let (signal, level, log) = (Signal::<u32>::new(), Observable::new(0u32), Log::new());
    let (s, l) = (signal.clone(), level.clone());
    let use_all = move |x: &u32| {
        let connection = s.connect(|_| {});
        assert!(connection.is_connected() && s.disconnect(&connection));
        l.changed().connect(|_| {}).disconnect();
        if *x < 2 {
            s.notify(x + 1);
            l.set(x + 1);
            l.update(|value| *value += 1);
            l.replace(l.get() + 1);
        }
        let _ = (s.len(), l.with(|value| *value), format!("{s:?} {l:?}"));
    };
    signal.connect(use_all.clone());
    level.connect(use_all);
    connect_all(&signal, &log, &["s"]);
    signal.notify(1);
    assert_eq!(log.take(), ["s2", "s1"]);
    // 1 is delivered: 2, 3, 4 are stored; those are not below 2 any more.
    level.set(1);
    assert_eq!(level.get(), 4);
}
