//! `Queued`: an asynchronous handler never overlaps itself, gets everything in order, and loses nothing.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use settled::{add, begin, scope};
use settled_signal::{Notification, Observable, Signal};
use support::{Gate, Log, Task, assert_pending, assert_ready, finish};

use crate::kit::{Gated, noting_later};

#[test]
fn deliveries_are_made_one_after_another_in_the_order_of_notify() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let gated = Gated::new(&log);
    gated.connect(&signal);
    let mut task = Task::new(scope(async {
        (1..=3).for_each(|x| drop(signal.notify(x)));
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["begin 1"]);
    // Those behind are let in only when those ahead are out, whatever is ready.
    gated.open(3);
    gated.open(2);
    assert_pending!(task.run());
    assert_eq!(log.take(), [""; 0]);
    gated.open(1);
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["end 1", "begin 2", "end 2", "begin 3", "end 3"]);
}

#[test]
fn each_handler_has_a_queue_of_its_own() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let gated = Gated::new(&log);
    gated.connect(&signal);
    signal.connect_async(noting_later(&log, "free "));
    let mut task = Task::new(scope(async {
        (1..=2).for_each(|x| drop(signal.notify(x)));
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["begin 1", "free 1", "free 2"]);
    gated.open(1);
    gated.open(2);
    assert_ready!(task.run()).unwrap();
}

#[test]
fn the_queue_goes_on_when_the_handlers_future_is_done_not_when_what_it_added_is() {
    let (signal, log, gate) = (Signal::<u32>::new(), Log::new(), Gate::new());
    let (noted, pass) = (log.clone(), gate.clone());
    signal.connect_async(move |x| {
        let (noted, pass) = (noted.clone(), pass.clone());
        async move {
            noted.note(format!("handled {x}"));
            add(async move {
                pass.pass().await;
                noted.note(format!("settled {x}"));
            });
        }
    });
    let mut task = Task::new(scope(async {
        (1..=2).for_each(|x| drop(signal.notify(x)));
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["handled 1", "handled 2"]);
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["settled 1", "settled 2"]);
}

#[test]
fn the_handlers_future_is_dropped_before_the_next_one_begins() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let noted = log.clone();
    signal.connect_async(move |x| {
        noted.note(format!("begin {x}"));
        let (guard, mut yields) = (noted.at_drop(&format!("drop {x}")), support::yields(1));
        poll_fn(move |cx| {
            let _held = &guard;
            Pin::new(&mut yields).poll(cx)
        })
    });
    finish(scope(async {
        (1..=2).for_each(|x| drop(signal.notify(x)));
    }))
    .unwrap();
    assert_eq!(log.take(), ["begin 1", "drop 1", "begin 2", "drop 2"]);
}

#[test]
fn a_failure_lets_the_next_one_in() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let noted = log.clone();
    signal.connect_async(move |x| {
        noted.note(format!("called {x}"));
        async move { if x < 3 { Err(format!("no {x}")) } else { Ok(()) } }
    });
    let failures = finish(scope(async {
        (1..=3).for_each(|x| drop(signal.notify(x)));
    }))
    .unwrap_err();
    assert_eq!(support::causes(&failures), ["no 1", "no 2"]);
    assert_eq!(log.take(), ["called 1", "called 2", "called 3"]);
}

#[test]
fn ten_thousand_deliveries_of_one_transaction() {
    const MANY: u32 = 10_000;
    let (signal, seen) = (Signal::<u32>::new(), Arc::new(Mutex::new(Vec::new())));
    let noted = seen.clone();
    signal.connect_async(move |x| {
        let noted = noted.clone();
        async move {
            support::yields(1).await;
            noted.lock().unwrap().push(x);
        }
    });
    settled::block_on(scope(async {
        (0..MANY).for_each(|x| drop(signal.notify(x)));
    }))
    .unwrap();
    assert!(seen.lock().unwrap().iter().copied().eq(0..MANY));
}

/// Connects a handler that, at 1, notifies 2 and does `f` with the notification.
fn nested<Fut>(f: impl Fn(Notification<()>, Log) -> Fut + Send + Sync + 'static) -> (Signal<u32>, Log)
where
    Fut: Future<Output = ()> + Send + 'static,
{
    let (signal, log, f) = (Signal::<u32>::new(), Log::new(), Arc::new(f));
    let (inner, noted) = (signal.clone(), log.clone());
    signal.connect_async(move |x| {
        let (inner, noted, f) = (inner.clone(), noted.clone(), f.clone());
        async move {
            noted.note(format!("begin {x}"));
            if x == 1 {
                f(inner.notify(2), noted.clone()).await;
            }
            noted.note(format!("end {x}"));
        }
    });
    (signal, log)
}

async fn refused(notification: Notification<()>, log: Log) {
    let failures = notification.await.unwrap_err();
    assert_eq!(failures.len(), 1);
    assert!(failures.first().unwrap().is_would_deadlock());
    log.note("refused");
}

#[test]
fn queued_behind_its_own_ancestor_an_awaiter_is_told_at_once_and_loses_only_the_waiting() {
    let (signal, log) = nested(refused);
    finish(scope(async {
        signal.notify(1);
    }))
    .unwrap();
    assert_eq!(log.take(), ["begin 1", "refused", "end 1", "begin 2", "end 2"]);
}

#[test]
fn queued_behind_its_own_ancestor_and_unawaited_it_simply_waits() {
    let (signal, log) = nested(async |notification, _| drop(notification));
    finish(scope(async {
        signal.notify(1);
    }))
    .unwrap();
    assert_eq!(log.take(), ["begin 1", "end 1", "begin 2", "end 2"]);
}

#[test]
fn it_is_told_at_once_in_a_transaction_of_the_notifications_own_too() {
    let (signal, log) = nested(refused);
    finish(signal.notify(1)).unwrap();
    assert_eq!(log.take(), ["begin 1", "refused", "end 1", "begin 2", "end 2"]);
}

#[test]
fn it_is_told_at_once_where_an_added_future_below_awaits_it() {
    let (signal, log) = nested(|notification, log| {
        let below = settled::add_value(refused(notification, log));
        async move { below.await.unwrap() }
    });
    finish(scope(async {
        signal.notify(1);
    }))
    .unwrap();
    assert_eq!(log.take(), ["begin 1", "refused", "end 1", "begin 2", "end 2"]);
}

#[test]
fn a_notification_made_elsewhere_and_awaited_in_the_handler_ahead_is_told_too() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let stored = Arc::new(Mutex::new(None::<Notification<()>>));
    let (noted, taken, gate) = (log.clone(), stored.clone(), Gate::new());
    let pass = gate.clone();
    signal.connect_async(move |x| {
        let (noted, taken, pass) = (noted.clone(), taken.clone(), pass.clone());
        async move {
            noted.note(format!("begin {x}"));
            if x == 1 {
                pass.pass().await;
                let notification = taken.lock().unwrap().take().unwrap();
                refused(notification, noted).await;
            }
        }
    });
    let mut task = Task::new(scope(async {
        signal.notify(1);
    }));
    assert_pending!(task.run());
    // With a transaction of its own, whose end would wait for the delivery too.
    *stored.lock().unwrap() = Some(signal.notify(2));
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["begin 1", "refused"]);
    // What is left of it is with the root, like all that was not awaited.
    let mut root = 0;
    while log.take() != ["begin 2"] {
        let _ = Task::new(settled::Transaction::root().wait()).poll();
        root += 1;
        assert!(root < 1_000_000);
        std::thread::yield_now();
    }
}

#[test]
fn setting_an_observable_in_its_own_asynchronous_handler() {
    let (level, log) = (Observable::new(0), Log::new());
    let (inner, noted) = (level.clone(), log.clone());
    level.connect_async(move |x: u32| {
        let (inner, noted) = (inner.clone(), noted.clone());
        async move {
            noted.note(format!("begin {x}"));
            if x < 3 {
                let notification = inner.set(x + 1);
                assert!(notification.await.unwrap_err().first().unwrap().is_would_deadlock());
            }
            noted.note(format!("end {x}"));
        }
    });
    finish(scope(async {
        level.set(1);
    }))
    .unwrap();
    assert_eq!(log.take(), ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]);
}

#[test]
fn of_two_deliveries_only_the_one_that_would_deadlock_is_not_waited_for() {
    let (signal, log) = (Signal::<u32, u32>::new(), Log::new());
    let (inner, noted) = (signal.clone(), log.clone());
    signal.connect_async(move |x| {
        let (inner, noted) = (inner.clone(), noted.clone());
        async move {
            if x == 1 {
                let notification = inner.notify(2);
                let failures = notification.await.unwrap_err();
                assert_eq!(failures.len(), 1);
                noted.note("refused");
            }
            x
        }
    });
    let noted = log.clone();
    signal.connect_async(move |x| {
        let noted = noted.clone();
        async move {
            support::yields(2).await;
            noted.note(format!("second {x}"));
            x
        }
    });
    finish(scope(async {
        signal.notify(1);
    }))
    .unwrap();
    assert_eq!(log.take(), ["second 1", "second 2", "refused"]);
}

#[test]
fn a_delivery_is_in_the_transaction_of_its_own_notify() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let gated = Gated::new(&log);
    gated.connect(&signal);
    let (a, b) = (begin(), begin());
    a.enter(|| drop(signal.notify(1)));
    b.enter(|| drop(signal.notify(2)));
    assert_eq!((a.pending(), b.pending()), (1, 1));
    let mut end = Task::new(a.end());
    assert_pending!(end.run());
    gated.open(1);
    assert_ready!(end.run()).unwrap();
    assert_eq!(b.pending(), 1);
    gated.open(2);
    finish(b.end()).unwrap();
    assert_eq!(log.take(), ["begin 1", "end 1", "begin 2", "end 2"]);
}
