//! Deliveries that go the short way, as most do: whatever comes of one is told to who awaits, once and in its place.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};

use settled::{Stashed, add, begin, scope};
use settled_signal::{Delivery, Notification, Observable, Signal};
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, finish, on_drop, yields};

use crate::kit::noting_later;

#[test]
#[expect(clippy::async_yields_async, reason = "a notification is what these give")]
fn results_stand_in_the_order_of_connection_whatever_gave_them() {
    let (inner, outer) = (Signal::<u32, u32>::new(), Signal::<u32, u32>::new());
    inner.connect_async(|x| async move { x + 20 });
    inner.connect(|x| x + 30);
    outer.connect_async(|x| async move {
        yields(3).await;
        x + 1
    });
    outer.connect_async(move |x| {
        let inner = inner.clone();
        async move { inner.notify(x) }
    });
    outer.connect_async(|x| async move { (x > 100).then_some(x) });
    outer.connect(|x| x + 2);
    outer.connect_async(|x| async move { x + 3 });
    assert_eq!(finish(outer.notify(0)).unwrap(), [1, 20, 30, 2, 3]);
    let looked_at = finish(scope(async { outer.notify(100) })).unwrap();
    assert_eq!(looked_at.results().unwrap(), [101, 120, 130, 102, 103]);
    assert_eq!(finish(looked_at).unwrap(), [101, 120, 130, 102, 103]);
}

#[test]
fn what_is_cancelled_with_its_transaction_is_told_as_cancelled() {
    let (signal, log) = (Signal::<u32, u32>::new(), Log::new());
    for name in ["a", "b"] {
        let log = log.clone();
        signal.connect_async(move |x| {
            let guard = on_drop({
                let log = log.clone();
                move || log.note(name)
            });
            async move {
                if x == 7 {
                    pending::<()>().await;
                }
                drop(guard);
                x
            }
        });
    }
    signal.connect_async(|x| async move { x });
    let transaction = begin();
    let notification = transaction.enter(|| signal.notify(7));
    let mut waiting = Task::new(notification);
    assert_pending!(waiting.poll());
    transaction.abort();
    let failures = assert_ready!(waiting.run()).unwrap_err();
    assert!(failures.iter().all(|failure| failure.is_cancelled()));
    let mut dropped = log.take();
    dropped.sort_unstable();
    assert_eq!((failures.len(), dropped), (2, vec!["a".to_string(), "b".to_string()]));
    finish(transaction.end()).unwrap();
    // Their queues are free again.
    assert_eq!(finish(signal.notify(8)).unwrap(), [8, 8, 8]);
}

#[test]
fn what_is_never_begun_is_told_as_cancelled_too() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.connect_async(noting_later(&log, "a"));
    let transaction = begin();
    let notification = transaction.enter(|| signal.notify(1));
    transaction.abort();
    finish(transaction.end()).unwrap();
    assert!(notification.is_done());
    assert!(finish(notification).unwrap_err().first().unwrap().is_cancelled());
    finish(signal.notify(2)).unwrap();
    assert_eq!(log.take(), ["a2"]);
}

#[test]
fn a_panic_in_a_handler_or_its_destructor_is_told() {
    let boom = |text: &'static str| -> () { resume_unwind(Box::new(text)) };
    let signal = Signal::<u32>::new();
    signal.connect_async(move |_| async move {
        yields(1).await;
        boom("polled");
    });
    // What is captured is dropped with the future that is done.
    signal.connect_async(move |_| {
        let guard = on_drop(move || boom("captured"));
        async move {
            let _guard = &guard;
            yields(1).await;
        }
    });
    let transaction = begin();
    let failures = finish(transaction.enter(|| signal.notify(1))).unwrap_err();
    assert!(failures.iter().all(|failure| failure.is_panic()));
    assert_eq!(causes(&failures), ["polled", "captured"]);
    finish(transaction.end()).unwrap();
    // Nobody awaits: all of it is the transaction's.
    let failures = finish(scope(async { drop(signal.notify(1)) })).unwrap_err();
    assert_eq!(causes(&failures), ["polled", "captured"]);
}

#[test]
fn a_notification_that_is_dropped_half_way_has_taken_no_failure() {
    let (signal, gate) = (Signal::<u32>::new(), Gate::new());
    signal.connect_async(|_| async { Err("first") });
    let pass = gate.clone();
    signal.connect_async(move |_| {
        let pass = pass.clone();
        async move {
            pass.pass().await;
            Err::<(), _>("second")
        }
    });
    let transaction = begin();
    let mut waiting = Task::new(transaction.enter(|| signal.notify(1)));
    assert_pending!(waiting.run());
    drop(waiting);
    gate.open();
    assert_eq!(causes(&finish(transaction.end()).unwrap_err()), ["first", "second"]);
}

#[test]
fn a_handler_that_awaits_its_own_notification_is_told_and_the_others_are_waited_for() {
    let (signal, log) = (Signal::<u32, u32>::new(), Log::new());
    let own: Arc<Mutex<Option<Notification<u32>>>> = Arc::default();
    let (slot, noted) = (own.clone(), log.clone());
    signal.connect_async(|x| async move {
        yields(2).await;
        x
    });
    signal.connect_async(move |x| {
        let (slot, log) = (slot.clone(), noted.clone());
        async move {
            let notification = slot.lock().unwrap().take().unwrap();
            let failures = notification.await.unwrap_err();
            log.note(format!("{} {}", failures.len(), failures.first().unwrap().is_would_deadlock()));
            x
        }
    });
    let noted = log.clone();
    signal.connect_async(move |x| {
        let log = noted.clone();
        async move {
            log.note("b");
            x
        }
    });
    finish(scope(async { *own.lock().unwrap() = Some(signal.notify(1)) })).unwrap();
    assert_eq!(log.take(), ["b", "1 true"]);
}

#[test]
fn only_a_delivery_that_is_awaited_waits_for_who_awaits_it() {
    // A future awaits a notification of another tree, and drives that. There somebody awaits that future: the delivery would
    // wait for itself, any other only waits.
    for by_delivery in [true, false] {
        let (signal, log) = (Signal::<u32>::new(), Log::new());
        let handle: Arc<Mutex<Option<Stashed<()>>>> = Arc::default();
        let (slot, noted) = (handle.clone(), log.clone());
        let ask = Mutex::new(Some(async move {
            let handle = slot.lock().unwrap().take().unwrap();
            let told = handle.await;
            noted.note(told.is_err_and(|failure| failure.is_would_deadlock()).to_string());
        }));
        let ask = Arc::new(ask);
        let other = begin();
        if !by_delivery {
            let ask = ask.lock().unwrap().take().unwrap();
            other.add(ask).unwrap();
        }
        signal.connect_async(move |_| {
            let ask = ask.lock().unwrap().take();
            async move {
                yields(1).await;
                if let Some(ask) = ask {
                    ask.await;
                }
            }
        });
        let notification = other.enter(|| signal.notify(1));
        finish(scope(async {
            *handle.lock().unwrap() = Some(add(async move { drop(notification.await.unwrap()) }));
        }))
        .unwrap();
        finish(other.end()).unwrap();
        assert_eq!(log.take(), [by_delivery.to_string()]);
    }
}

#[test]
fn notifications_under_way_at_once_are_told_apart() {
    let signal = Signal::<u32, u32>::new();
    for index in 0..3 {
        signal.connect_async(move |x| async move {
            yields(index).await;
            x + index as u32
        });
    }
    let tasks = [begin(), begin(), begin()];
    let waiting = [10, 20, 30].map(|x| tasks[x as usize / 10 - 1].enter(|| signal.notify(x)));
    for (index, notification) in waiting.into_iter().enumerate().rev() {
        let x = 10 * (index as u32 + 1);
        assert_eq!(finish(notification).unwrap(), [x, x + 1, x + 2]);
    }
    tasks.iter().for_each(|transaction| finish(transaction.end()).unwrap());
}

#[test]
fn a_notification_that_is_kept_gives_nothing_to_the_next_one() {
    let level = Observable::new(0);
    level.connect_async(|x| async move { if x == 1 { Err("one") } else { Ok(()) } });
    finish(scope(async {
        let first = level.set(1);
        yields(3).await;
        assert!(first.is_done());
        assert_eq!(level.set(2).await.unwrap().len(), 1);
        assert_eq!(causes(&first.await.unwrap_err()), ["one"]);
    }))
    .unwrap();
}

#[test]
fn a_handler_that_is_dropped_with_its_last_delivery_and_panics_is_told() {
    for cancels in [false, true] {
        let (signal, gate) = (Signal::<u32>::new(), Gate::new());
        let (pass, guard) = (gate.clone(), on_drop(|| resume_unwind(Box::new("closure"))));
        signal.connect_async(move |_| {
            let (_guard, pass) = (&guard, pass.clone());
            async move { pass.pass().await }
        });
        let transaction = begin();
        let mut waiting = Task::new(transaction.enter(|| signal.notify(1)));
        assert_pending!(waiting.run());
        drop(signal);
        if cancels {
            transaction.abort()
        } else {
            gate.open()
        }
        let failures = assert_ready!(waiting.run()).unwrap_err();
        let rest = finish(transaction.end());
        if cancels {
            assert!(failures.first().unwrap().is_cancelled());
            assert_eq!(causes(&rest.unwrap_err()), ["closure"]);
        } else {
            assert_eq!(causes(&failures), ["closure"]);
            rest.unwrap();
        }
    }
}

#[test]
#[expect(clippy::async_yields_async, reason = "a notification is what these give")]
fn who_waits_for_a_notification_of_another_tree_drives_his_own_meanwhile() {
    for delivery in [Delivery::Queued, Delivery::Every] {
        let (first, gate) = (Gate::new(), Gate::new());
        let (inner, outer) = (Signal::<u32>::new(), Signal::<u32>::new());
        let pass = gate.clone();
        inner.connect_async(move |_| {
            let pass = pass.clone();
            async move { pass.pass().await }
        });
        let other = Arc::new(begin());
        let (tree, pass) = (other.clone(), first.clone());
        outer.connect_with().delivery(delivery).run(move |_| {
            let (tree, inner, pass) = (tree.clone(), inner.clone(), pass.clone());
            async move {
                pass.pass().await;
                tree.enter(|| inner.notify(1))
            }
        });
        let (pass, opens) = (first.clone(), gate.clone());
        outer.connect_with().delivery(delivery).run(move |_| {
            let (pass, opens) = (pass.clone(), opens.clone());
            async move {
                pass.pass().await;
                yields(3).await;
                opens.open();
            }
        });
        let mut waiting = Task::new(outer.notify(1));
        assert_pending!(waiting.run());
        first.open();
        assert_eq!(assert_ready!(waiting.run()).unwrap().len(), 2);
        finish(other.end()).unwrap();
    }
}
