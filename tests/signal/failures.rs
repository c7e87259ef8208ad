//! To whom failures of handlers go: to who awaits the notification, else to the transaction; to nobody twice, never lost.

use std::future::ready;
use std::sync::{Arc, Mutex};

use settled::{Failures, add, scope};
use settled_signal::Signal;
use support::{Gate, Task, assert_pending, assert_ready, causes, failing, finish};

fn failing_signal() -> Signal<u32> {
    let signal = Signal::new();
    signal.connect(|x| Err::<(), _>(format!("sync {x}")));
    signal.connect_async(|x| failing(format!("async {x}")));
    signal
}

#[test]
fn who_awaits_the_notification_receives_the_failures_and_the_transaction_does_not() {
    let signal = failing_signal();
    let failures: Failures = finish(scope(async { signal.notify(1).await.unwrap_err() })).unwrap();
    assert_eq!(causes(&failures), ["sync 1", "async 1"]);
}

#[test]
fn what_nobody_awaits_is_in_the_transaction() {
    let signal = failing_signal();
    let failures = finish(scope(async {
        signal.notify(1);
        let _kept = signal.notify(2);
    }))
    .unwrap_err();
    let texts = causes(&failures);
    assert_eq!(texts.len(), 4);
    let of = |kind: &str| texts.iter().filter(|text| text.starts_with(kind)).cloned().collect::<Vec<_>>();
    assert_eq!(of("sync"), ["sync 1", "sync 2"]);
    assert_eq!(of("async"), ["async 1", "async 2"]);
}

#[test]
fn a_failure_says_where_the_notification_was_made() {
    let signal = failing_signal();
    let line = line!() + 1;
    let failures = finish(signal.notify(1)).unwrap_err();
    assert_eq!(failures.len(), 2);
    for failure in &failures {
        assert_eq!((failure.location().file(), failure.location().line()), (file!(), line));
    }
}

#[test]
fn a_notification_that_is_dropped_half_way_has_received_nothing() {
    let (signal, gate) = (Signal::<u32>::new(), Gate::new());
    signal.connect(|_| Err::<(), _>("sync"));
    signal.connect_async(|_| failing("first"));
    signal.connect_async({
        let gate = gate.clone();
        move |_| gate.pass()
    });
    let mut task = Task::new(scope(async {
        let mut notification = Task::new(signal.notify(1));
        support::yields(3).await;
        // By now the first is done, the second is not.
        assert_pending!(notification.poll());
        drop(notification);
    }));
    assert_pending!(task.run());
    gate.open();
    assert_eq!(causes(&assert_ready!(task.run()).unwrap_err()), ["sync", "first"]);
}

#[test]
fn what_a_nested_transaction_has_given_up_is_not_lost_when_the_outer_notification_is_dropped() {
    // The inner notification has a transaction of its own, which ends while the outer one still waits.
    let (inner, outer, gate) = (Signal::<u32>::new(), Signal::<u32>::new(), Gate::new());
    inner.connect_async(|_| failing("inner"));
    let stored = Arc::new(Mutex::new(Some(inner.notify(1))));
    outer.connect(move |_| stored.lock().unwrap().take().unwrap());
    outer.connect_async({
        let gate = gate.clone();
        move |_| gate.pass()
    });
    let mut task = Task::new(scope(async {
        let mut notification = Task::new(outer.notify(1));
        assert_pending!(notification.run());
        drop(notification);
        gate.open();
    }));
    let failures = assert_ready!(task.run()).unwrap_err();
    assert!(causes(&failures)[0].ends_with("inner"), "{failures}");
}

#[test]
fn looking_at_the_results_receives_no_failure() {
    let signal = Signal::<u32, u32>::new();
    signal.connect_async(|x| async move { Ok::<_, String>(x) });
    signal.connect_async(|_| async { Err::<u32, _>("no") });
    let failures = finish(scope(async {
        let notification = signal.notify(1);
        add(async move {
            support::yields(3).await;
            assert!(notification.is_done());
            assert_eq!(notification.results(), Some(&[1][..]));
        });
    }))
    .unwrap_err();
    assert_eq!(causes(&failures), ["no"]);
}

#[test]
fn the_failures_of_a_nested_notification_are_flattened() {
    let (inner, outer) = (failing_signal(), Signal::<u32>::new());
    outer.connect(|_| Err::<(), _>("before"));
    outer.connect({
        let inner = inner.clone();
        move |x| inner.notify(*x)
    });
    outer.connect_async({
        let inner = inner.clone();
        move |x| ready(inner.notify(x + 1))
    });
    outer.connect(|_| Err::<(), _>("after"));
    let expected = ["before", "sync 1", "async 1", "sync 2", "async 2", "after"];
    assert_eq!(causes(&finish(scope(async { outer.notify(1).await.unwrap_err() })).unwrap()), expected);
    // The same where the notification has a transaction of its own: each comes once.
    let mut all = causes(&finish(outer.notify(1)).unwrap_err());
    let mut expected = expected.to_vec();
    all.sort();
    expected.sort_unstable();
    assert_eq!(all, expected);
    // And where nobody awaits it.
    let mut unawaited = causes(
        &finish(scope(async {
            outer.notify(1);
        }))
        .unwrap_err(),
    );
    unawaited.sort();
    assert_eq!(unawaited, expected);
}

#[test]
fn a_failure_beside_results_leaves_the_results_to_be_looked_at() {
    let signal = Signal::<u32, u32>::new();
    signal.connect(|x| *x);
    signal.connect(|_| Err::<u32, _>("no"));
    signal.connect_async(|x| async move { x + 1 });
    let notification = signal.notify(1);
    assert_eq!(notification.results(), None);
    let outcome = finish(scope(async { (signal.notify(2),) }).outcome());
    assert_eq!(outcome.value.0.results(), Some(&[2, 3][..]));
    assert_eq!(causes(&outcome.failures), ["no"]);
    assert_eq!(causes(&finish(notification).unwrap_err()), ["no"]);
}
