//! Awaiting a notification: from inside, from outside, many of them, in any order.

use std::sync::{Arc, Mutex};

use settled::{add, begin, scope};
use settled_signal::{Notification, Signal};
use support::{Gate, Log, Task, assert_pending, assert_ready, finish};

use crate::kit::noting_later;

#[test]
fn inside_a_transaction_it_resolves_when_the_handlers_themselves_are_done() {
    let (signal, log, gate) = (Signal::<u32>::new(), Log::new(), Gate::new());
    let (pass, noted) = (gate.clone(), log.clone());
    signal.connect_async(move |_| {
        let (pass, noted) = (pass.clone(), noted.clone());
        async move {
            add(async move {
                pass.pass().await;
                noted.note("consequence");
            });
        }
    });
    let mut task = Task::new(scope(async {
        signal.notify(1).await.unwrap();
        log.note("resolved");
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["resolved"]);
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["consequence"]);
}

#[test]
fn awaited_outside_it_drives_the_transaction() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.connect_async(noting_later(&log, "a"));
    let transaction = begin();
    let notification = transaction.enter(|| signal.notify(1));
    assert_eq!(log.take(), [""; 0]);
    finish(notification).unwrap();
    assert_eq!(log.take(), ["a1"]);
    finish(transaction.end()).unwrap();
}

#[test]
fn many_deliveries_are_awaited_without_a_wake_for_each() {
    let (signal, gate) = (Signal::<u32, u32>::new(), Gate::new());
    for index in 0..1000 {
        let gate = gate.clone();
        signal.connect_async(move |x| {
            let gate = gate.clone();
            async move {
                gate.pass().await;
                x + index
            }
        });
    }
    let transaction = begin();
    let mut task = Task::new(transaction.enter(|| signal.notify(1)));
    assert_pending!(task.run());
    gate.open();
    assert_eq!(assert_ready!(task.run()).unwrap(), (1..=1000).collect::<Vec<_>>());
    finish(transaction.end()).unwrap();
}

#[test]
fn a_notification_may_be_awaited_on_another_thread() {
    let signal = Signal::<u32, u32>::new();
    signal.connect_async(|x| async move { x });
    let notification = signal.notify(7);
    assert_eq!(support::elsewhere(|| finish(notification)).unwrap(), [7]);
}

#[test]
fn a_handler_may_return_a_notification_of_another_transaction() {
    let (elsewhere, log) = (Signal::<u32, u32>::new(), Log::new());
    let noted = log.clone();
    elsewhere.connect_async(move |x| {
        let noted = noted.clone();
        async move {
            support::yields(2).await;
            noted.note("driven");
            x
        }
    });
    let other = begin();
    let stored = Arc::new(Mutex::new(Some(other.enter(|| elsewhere.notify(9)))));
    let signal = Signal::<u32, u32>::new();
    let gate = Gate::new();
    signal.connect_async({
        let gate = gate.clone();
        move |x| {
            let gate = gate.clone();
            async move {
                gate.pass().await;
                x
            }
        }
    });
    signal.connect(move |_| -> Notification<u32> { stored.lock().unwrap().take().unwrap() });
    let mut task = Task::new(scope(async { signal.notify(1).await }));
    assert_pending!(task.run());
    // It is driven though the first handler is not done.
    assert_eq!(log.take(), ["driven"]);
    gate.open();
    assert_eq!(assert_ready!(task.run()).unwrap().unwrap(), [1, 9]);
    finish(other.end()).unwrap();
}

#[test]
fn awaiting_in_the_wrong_order_is_fine() {
    let signal = Signal::<u32, u32>::new();
    signal.connect_async(|x| async move { x });
    let results = finish(scope(async {
        let (a, b, c) = (signal.notify(1), signal.notify(2), signal.notify(3));
        (c.await.unwrap(), a.await.unwrap(), b.await.unwrap())
    }));
    assert_eq!(results.unwrap(), (vec![3], vec![1], vec![2]));
}

#[test]
fn its_debug_tells_how_far_it_is() {
    let signal = Signal::<u32>::new();
    signal.connect_async(|_| async {});
    let notification = signal.notify(1);
    assert_eq!(format!("{notification:?}"), "Notification { is_done: false, has_async: true }");
    finish(notification).unwrap();
    assert_eq!(format!("{signal:?}"), "Signal { handlers: 1 }");
}
