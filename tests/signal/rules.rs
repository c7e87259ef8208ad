//! Validators, gates and the old value with the new one.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Context;

use async_trait::async_trait;
use futures::{FutureExt, StreamExt};
use settled::{Failures, Handled, atomic, scope};
use settled_signal::{AnyEvent, Delivery, ExternalSignal, ExternalSignaller, Observable, Rejected};
use support::{Log, Task, assert_pending, assert_ready, causes, finish, on_wake};

use crate::kit::{noting, noting_later, observed};

fn validated() -> (Observable<u32>, Log) {
    let level =
        Observable::builder(1).validate(|x: &u32| if *x < 100 { Ok(()) } else { Err("overflow") }).build();
    let log = Log::new();
    level.connect(noting(&log, ""));
    (level, log)
}

#[test]
fn try_set_gives_the_refused_value_back() {
    let (level, log) = validated();
    let failures = finish(scope(async {
        let Rejected { value, reason } = level.try_set(200).unwrap_err();
        assert_eq!((value, reason.to_string().as_str()), (200, "overflow"));
        level.try_set(2).unwrap();
    }));
    assert!(failures.is_ok());
    assert_eq!((level.get(), log.take()), (2, vec!["2".to_owned()]));
}

#[test]
fn try_update_gives_back_what_the_update_has_made_of_the_value() {
    let (level, log) = validated();
    let plain = Observable::new(1);
    let failures = finish(scope(async {
        let Rejected { value, reason } = level.try_update(|level| *level += 100).unwrap_err();
        assert_eq!((value, reason.to_string().as_str()), (101, "overflow"));
        assert_eq!(level.get(), 1);
        level.try_update(|level| *level += 1).unwrap();
        plain.try_update(|level| *level += 100).unwrap();
    }));
    assert!(failures.is_ok(), "who has it back has been told");
    assert_eq!((level.get(), plain.get(), log.take()), (2, 101, vec!["2".to_owned()]));
}

#[test]
fn set_leaves_the_old_value_and_puts_the_failure_into_the_transaction() {
    let (level, log) = validated();
    let ways: [fn(&Observable<u32>); 4] = [
        |level| drop(level.set(200)),
        |level| assert_eq!(level.replace(200), 200),
        |level| drop(level.update(|level| *level += 200)),
        |level| assert!(!level.set_if_changed(200)),
    ];
    for way in ways {
        let failures: Failures = finish(scope(async { way(&level) })).unwrap_err();
        assert_eq!(causes(&failures), ["overflow"]);
        assert!(failures.to_string().contains("rules.rs"));
        assert_eq!((level.get(), log.take()), (1, vec![]));
    }
    let notification = level.set(200);
    assert!(notification.is_done());
    assert_eq!(causes(&finish(notification).unwrap_err()), ["overflow"]);
}

#[test]
fn a_validator_that_panics_refuses() {
    let level = Observable::builder(1).validate(|x: &u32| -> Result<(), &str> { panic!("no {x}") }).build();
    let rejected = level.try_set(2).unwrap_err();
    assert!(rejected.to_string().contains("no 2"), "{rejected}");
    assert!(finish(level.update(|x| *x += 2)).unwrap_err().first().unwrap().is_panic());
    assert_eq!(level.get(), 1);
}

#[test]
fn all_validators_are_asked_in_order() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let asks = |name: &'static str, limit: u32| {
        let asked = asked.clone();
        move |x: &u32| {
            asked.lock().unwrap().push(name);
            if *x < limit { Ok(()) } else { Err(name) }
        }
    };
    let level = Observable::builder(1).validate(asks("a", 10)).validate(asks("b", 5)).build();
    assert_eq!(level.try_set(7).unwrap_err().reason.to_string(), "b");
    assert_eq!(level.try_set(12).unwrap_err().reason.to_string(), "a");
    level.try_set(3).unwrap();
    assert_eq!(*asked.lock().unwrap(), ["a", "b", "a", "a", "b"]);
}

#[test]
fn no_lock_is_held_while_a_validator_runs() {
    let inner = Arc::new(Mutex::new(None::<Observable<u32>>));
    let own = inner.clone();
    let level = Observable::builder(1)
        .validate(move |x: &u32| match &*own.lock().unwrap() {
            Some(level) if level.get() >= *x => Err("it only rises"),
            _ => Ok(()),
        })
        .build();
    *inner.lock().unwrap() = Some(level.clone());
    assert!(level.try_set(2).is_ok());
    assert!(level.try_set(2).is_err());
    *inner.lock().unwrap() = None;
}

#[test]
fn an_update_that_panics_leaves_a_validated_value_as_it_was() {
    let (level, log) = validated();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        level.update(|level| {
            *level = 50;
            panic!("half-way");
        });
    }));
    assert!(panicked.is_err());
    assert_eq!((level.get(), log.take()), (1, vec![]));
}

#[test]
fn a_gated_one_tells_only_of_changes() {
    let (level, log) = (Observable::builder(1).gated().build(), Log::new());
    level.connect(noting(&log, ""));
    level.replaced().connect({
        let log = log.clone();
        move |pair| log.note(format!("{pair:?}"))
    });
    let mut values = level.stream();
    assert_eq!(finish(values.next()), Some(1));
    assert!(level.set(1).is_done());
    assert_eq!(level.replace(1), 1);
    level.update(|_| ());
    level.try_set(1).unwrap();
    assert!(log.take().is_empty());
    assert!(values.next().now_or_never().is_none());
    level.set(2);
    level.update(|level| *level += 1);
    assert_eq!(level.replace(4), 3);
    assert_eq!(log.take(), ["2", "(1, 2)", "3", "(2, 3)", "4", "(3, 4)"]);
    assert_eq!(finish(values.next()), Some(4));
}

#[test]
fn replaced_is_ordered_with_changed_for_each_change() {
    let log = Log::new();
    let noted = log.clone();
    let level = observed(move |level, value| {
        noted.note(format!("{value}"));
        if value == 1 {
            level.set(2);
        }
    });
    let noted = log.clone();
    level.replaced().connect(move |pair| noted.note(format!("{pair:?}")));
    finish(scope(async {
        level.set(1);
        level.update(|level| *level += 1);
        assert_eq!(level.replace(4), 3);
        assert!(level.set_if_changed(5) && !level.set_if_changed(5));
    }))
    .unwrap();
    let expected = ["1", "(0, 1)", "2", "(1, 2)", "3", "(2, 3)", "4", "(3, 4)", "5", "(4, 5)"];
    assert_eq!(log.take(), expected);
}

#[test]
fn the_notification_has_the_handlers_of_both() {
    let (level, log) = (Observable::new(1), Log::new());
    level.connect_async(noting_later(&log, ""));
    level.replaced().connect_async({
        let log = log.clone();
        move |pair| {
            let log = log.clone();
            async move {
                log.note(format!("{pair:?}"));
                Err::<(), _>("no")
            }
        }
    });
    // Where there is no transaction, both are in one.
    let notification = level.set(2);
    assert!(notification.has_async() && !notification.is_done());
    assert_eq!(causes(&finish(notification).unwrap_err()), ["no"]);
    assert_eq!(log.take(), ["2", "(1, 2)"]);
}

#[test]
fn the_pair_is_made_only_where_somebody_listens() {
    #[derive(Debug)]
    struct Counting(Arc<Mutex<u32>>);
    impl Clone for Counting {
        fn clone(&self) -> Self {
            *self.0.lock().unwrap() += 1;
            Counting(self.0.clone())
        }
    }
    let clones = Arc::new(Mutex::new(0));
    let level = Observable::new(Counting(clones.clone()));
    let connection = level.replaced().connect(|_| ());
    level.set(Counting(clones.clone()));
    assert_eq!(std::mem::take(&mut *clones.lock().unwrap()), 2);
    connection.disconnect();
    level.set(Counting(clones.clone()));
    assert_eq!(*clones.lock().unwrap(), 0);
}

#[test]
fn in_an_atomic_transaction_rules_hold_as_well() {
    let (level, log) = validated();
    let inside = level.clone();
    finish(atomic(async move {
        inside.set(2);
        assert_eq!(inside.try_set(300).unwrap_err().value, 300);
        assert_eq!(inside.try_update(|level| *level += 300).unwrap_err().value, 302);
        inside.try_update(|level| *level += 1).unwrap();
        Ok::<_, String>(())
    }))
    .unwrap();
    assert_eq!((level.get(), log.take()), (3, vec!["2".to_owned(), "3".to_owned()]));
}

#[test]
fn a_stream_gives_the_latest_value_and_ends_with_its_source() {
    let level = Observable::new(1);
    let mut values = level.stream();
    assert_eq!(finish(values.next()), Some(1));
    let mut next = Task::new(async move { (values.next().await, values) });
    assert_pending!(next.run());
    level.set(2);
    level.set(3);
    let (value, mut values) = assert_ready!(next.run());
    assert_eq!(value, Some(3));
    assert!(values.next().now_or_never().is_none());
    let again = level.clone();
    level.update(|level| *level += 1);
    drop(level);
    let mut rest = Task::new(values.collect::<Vec<_>>());
    assert_pending!(rest.run());
    again.set(5);
    assert_pending!(rest.run());
    drop(again);
    assert_eq!(assert_ready!(rest.run()), [4, 5]);
}

#[test]
fn the_last_value_is_seen_though_its_source_is_gone() {
    let level = Observable::new(1);
    let values = level.stream();
    level.set(2);
    drop(level);
    assert_eq!(finish(values.collect::<Vec<_>>()), [2]);
}

#[test]
fn dropped_streams_leave_nothing() {
    let level = Observable::new(Arc::new(()));
    let value = level.get();
    for _ in 0..100 {
        let mut values = level.stream();
        assert!(values.next().now_or_never().is_some());
        let (kept, wakes) = (Arc::new(()), Arc::new(AtomicU32::new(0)));
        let (within, counted) = (kept.clone(), wakes.clone());
        let waker = on_wake(move || {
            let _ = &within;
            counted.fetch_add(1, Ordering::Relaxed);
        });
        assert!(values.poll_next_unpin(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        drop(values);
        assert_eq!(Arc::strong_count(&kept), 1);
        level.set(value.clone());
        assert_eq!(wakes.load(Ordering::Relaxed), 0);
    }
    let values = level.stream();
    drop(level);
    drop(values);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn a_stream_keeps_nothing_once_it_has_ended() {
    let (level, kept) = (Observable::new(1), Arc::new(()));
    let mut values = level.stream();
    level.connect({
        let kept = kept.clone();
        move |_| drop(kept.clone())
    });
    drop(level);
    assert_eq!(finish(values.next()), Some(1));
    assert_eq!(finish(values.next()), None);
    assert_eq!(Arc::strong_count(&kept), 1);
    assert_eq!(finish(values.next()), None);
}

/// Carries nothing; keeps what it is told.
#[derive(Default)]
struct Bus(Mutex<(Vec<ExternalSignal>, Vec<u32>)>);

#[async_trait]
impl ExternalSignaller for Bus {
    fn register_signal(&self, signal: ExternalSignal) {
        self.0.lock().unwrap().0.push(signal);
    }

    async fn publish(&self, _: &ExternalSignal, value: AnyEvent) -> Handled {
        let value = *value.downcast_ref::<u32>().ok_or("not a number")?;
        self.0.lock().unwrap().1.push(value);
        if value == 13 { Err("out of luck".into()) } else { Ok(()) }
    }
}

#[test]
fn an_external_signaller_hears_of_what_is_committed_and_sets_without_an_echo() {
    let bus = Arc::new(Bus::default());
    let level = Observable::builder(0u32)
        .name("level")
        .external(bus.clone())
        .validate(|x: &u32| if *x < 100 { Ok(()) } else { Err("overflow") })
        .build();
    let told = || std::mem::take(&mut bus.0.lock().unwrap().1);
    let (log, signal) = (Log::new(), bus.0.lock().unwrap().0[0].clone());
    level.connect(noting(&log, ""));
    finish(scope(async { drop(level.set(1)) })).unwrap();
    assert_eq!(told(), [1]);
    for well in [false, true] {
        let inside = level.clone();
        let body = async move {
            inside.set(2);
            inside.set(3);
            if well { Ok(()) } else { Err("no") }
        };
        assert_eq!(finish(atomic(body)).is_ok(), well);
        assert_eq!(told(), if well { vec![2, 3] } else { vec![] });
    }
    assert_eq!(causes(&finish(level.set(13)).unwrap_err()), ["out of luck"]);
    told();
    log.take();
    finish(signal.notify(&7u32)).unwrap();
    assert_eq!((level.get(), log.take(), told()), (7, vec!["7".to_owned()], vec![]));
    assert!(finish(signal.notify(&700u32)).unwrap_err().to_string().contains("overflow"));
    assert!(finish(signal.notify(&"seven")).unwrap_err().to_string().contains("not of its type"));
    drop(level);
    finish(signal.notify(&8u32)).unwrap();
}

#[test]
fn handlers_get_the_delivery_that_the_builder_says() {
    let (level, log) = (Observable::builder(0).delivery(Delivery::Coalesced).build(), Log::new());
    level.connect_async(noting_later(&log, "a"));
    level.changed().connect_with().delivery(Delivery::Queued).run(noting_later(&log, "b"));
    finish(scope(async { (1..4).for_each(|value| drop(level.set(value))) })).unwrap();
    let mut log = log.take();
    log.sort();
    assert_eq!(log, ["a3", "b1", "b2", "b3"]);
}
