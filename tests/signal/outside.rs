//! A notification where there is no transaction: one is made for it, when it is needed.

use std::sync::{Arc, Mutex};

use settled::{Transaction, add, current, scope};
use settled_signal::{Observable, Signal};
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, failing, finish};

use crate::kit::noting_later;

#[test]
fn its_transaction_is_current_in_its_handlers_and_awaiting_settles_it_whole() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let noted = log.clone();
    signal.connect(move |x| {
        assert!(current().is_some());
        add(noted.step(&format!("added {x}")));
    });
    let noted = log.clone();
    signal.connect_async(move |x| {
        let noted = noted.clone();
        async move {
            let consequence = noted.clone();
            add(async move {
                support::yields(3).await;
                consequence.note(format!("consequence {x}"));
            });
            noted.note(format!("called {x}"));
        }
    });
    assert!(current().is_none());
    let notification = signal.notify(1);
    assert!(!notification.is_done());
    assert!(current().is_none());
    assert_eq!(log.take(), [""; 0]);
    finish(notification).unwrap();
    assert_eq!(log.take(), ["added 1", "called 1", "consequence 1"]);
}

#[test]
fn what_a_synchronous_handler_adds_is_waited_for_too() {
    let (signal, log, gate) = (Signal::<u32, u32>::new(), Log::new(), Gate::new());
    let (noted, pass) = (log.clone(), gate.clone());
    signal.connect(move |x| {
        let (noted, pass) = (noted.clone(), pass.clone());
        add(async move {
            pass.pass().await;
            noted.note("added");
        });
        *x
    });
    let notification = signal.notify(1);
    assert!(!notification.has_async());
    assert_eq!(notification.results(), Some(&[1][..]));
    assert!(!notification.is_done(), "awaiting it waits");
    let mut task = Task::new(notification);
    assert_pending!(task.run());
    gate.open();
    assert_eq!(assert_ready!(task.run()).unwrap(), [1]);
    assert_eq!(log.take(), ["added"]);
}

#[test]
fn all_handlers_of_it_are_in_one_transaction_and_two_notifications_are_in_two() {
    let (signal, ids) = (Signal::<u32>::new(), Arc::new(Mutex::new(Vec::new())));
    for _ in 0..2 {
        let ids = ids.clone();
        signal.connect(move |_| ids.lock().unwrap().push(current().unwrap().id()));
    }
    finish(signal.notify(1)).unwrap();
    finish(signal.notify(1)).unwrap();
    let ids = ids.lock().unwrap();
    assert!(ids[0] == ids[1] && ids[2] == ids[3] && ids[0] != ids[2]);
}

#[test]
fn nested_notifications_are_part_of_the_outermost() {
    let (outer, inner, log) = (Signal::<u32>::new(), Signal::<u32>::new(), Log::new());
    inner.connect_async(noting_later(&log, "inner"));
    outer.connect({
        let inner = inner.clone();
        move |x| {
            inner.notify(*x);
        }
    });
    finish(outer.notify(1)).unwrap();
    assert_eq!(log.take(), ["inner1"]);
}

#[test]
fn its_failures_come_once_with_those_of_what_was_added() {
    let signal = Signal::<u32>::new();
    signal.connect(|_| {
        add(failing("added"));
        Err::<(), _>("sync")
    });
    signal.connect_async(|_| async {
        add(failing("consequence"));
        Err::<(), _>("async")
    });
    let mut texts = causes(&finish(signal.notify(1)).unwrap_err());
    texts.sort();
    assert_eq!(texts, ["added", "async", "consequence", "sync"]);
}

/// Drives the root until the gate is open; other tests use the root too, so that it may never be at rest.
fn drive_root_until(gate: &Gate) {
    while !gate.is_open() {
        let mut root = Task::new(Transaction::root().wait());
        let _ = root.poll();
        std::thread::yield_now();
    }
}

#[test]
fn dropped_before_it_has_settled_it_goes_to_the_root_then_and_not_before() {
    let (signal, done) = (Signal::<u32>::new(), Gate::new());
    signal.connect_async({
        let done = done.clone();
        move |_| {
            let done = done.clone();
            async move { done.open() }
        }
    });
    let notification = signal.notify(1);
    for _ in 0..10 {
        let _ = Task::new(Transaction::root().wait()).poll();
    }
    assert!(!done.is_open(), "the root does not have it yet");
    drop(notification);
    drive_root_until(&done);
}

#[test]
fn a_set_whose_notification_is_dropped_goes_to_the_root() {
    let (level, done) = (Observable::new(0), Gate::new());
    level.connect_async({
        let done = done.clone();
        move |_| {
            let done = done.clone();
            async move { done.open() }
        }
    });
    level.set(1);
    drive_root_until(&done);
    assert!(level.set_if_changed(2));
    assert_eq!(level.replace(3), 2);
}

#[test]
fn within_a_scope_no_transaction_is_made() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.connect({
        let log = log.clone();
        move |_| log.note(current().unwrap().id().to_string())
    });
    let id = finish(scope(async {
        signal.notify(1);
        current().unwrap().id().to_string()
    }));
    assert_eq!(log.take(), [id.unwrap()]);
}

#[test]
fn a_notification_of_synchronous_handlers_only_is_done_and_leaves_nothing() {
    let signal = Signal::<u32>::new();
    signal.connect(|_| {});
    let notification = signal.notify(1);
    assert!(notification.is_done() && notification.results() == Some(&[()]));
}

#[test]
fn a_failure_of_a_synchronous_handler_outside_is_with_who_awaits() {
    let signal = Signal::<u32>::new();
    signal.connect(|_| Err::<(), _>("no"));
    let notification = signal.notify(1);
    assert!(notification.is_done());
    assert_eq!(causes(&finish(notification).unwrap_err()), ["no"]);
}
