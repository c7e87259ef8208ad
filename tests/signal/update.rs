//! `update` has the value to itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use settled_signal::Observable;
use support::Log;

use crate::kit::noting;

fn message(panic: Box<dyn std::any::Any + Send>) -> String {
    *panic.downcast::<String>().unwrap()
}

#[test]
fn touching_it_from_within_its_own_update_panics_and_names_both_places() {
    let level = Observable::new(1);
    let line = line!() + 1;
    let panic = catch_unwind(AssertUnwindSafe(|| level.update(|value| *value = level.get()))).unwrap_err();
    let message = message(panic);
    let place = format!("{}:{line}:", file!());
    assert_eq!(message.matches(&place).count(), 2, "{message}");
    assert!(message.contains("within its own `update`"));
    assert_eq!(level.get(), 1);
}

#[test]
fn whatever_touches_it_panics() {
    let level = Observable::new(1);
    type Touch = fn(&Observable<i32>);
    let touches: [(&str, Touch); 7] = [
        ("get", |level| _ = level.get()),
        ("with", |level| level.with(|_| ())),
        ("set", |level| _ = level.set(2)),
        ("set_if_changed", |level| _ = level.set_if_changed(2)),
        ("replace", |level| _ = level.replace(2)),
        ("update", |level| _ = level.update(|_| ())),
        ("a clone's get", |level| _ = level.clone().get()),
    ];
    for heard in [false, true] {
        if heard {
            level.connect(|_| {});
        }
        for (name, touch) in touches {
            let panic = catch_unwind(AssertUnwindSafe(|| level.update(|_| touch(&level)))).unwrap_err();
            assert!(message(panic).contains("own `update`"), "{name}");
            assert_eq!(level.get(), 1, "{name}");
        }
    }
}

#[test]
fn connecting_is_no_touch_and_debug_leaves_the_value_out() {
    let (level, log) = (Observable::new(1), Log::new());
    level.update(|value| {
        *value = 2;
        level.connect(noting(&log, "a"));
        assert!(format!("{level:?}").contains(file!()));
    });
    level.set(3);
    assert_eq!(log.take(), ["a3"]);
}

#[test]
fn afterwards_all_is_as_before() {
    let level = Observable::new(1);
    level.update(|value| *value = 2);
    assert_eq!(format!("{level:?}"), "Observable(2)");
    let _ = catch_unwind(AssertUnwindSafe(|| {
        level.update(|_| std::panic::resume_unwind(Box::new("boom")));
    }));
    assert_eq!(format!("{level:?}"), "Observable(2)");
    assert_eq!((level.get(), level.replace(3), level.get()), (2, 2, 3));
}

#[test]
fn another_observable_may_be_touched() {
    let (a, b) = (Observable::new(1), Observable::new(2));
    a.update(|a| {
        *a += b.get();
        b.set(*a);
    });
    assert_eq!((a.get(), b.get()), (3, 3));
}

#[test]
fn other_threads_wait_until_it_has_returned() {
    let level = Observable::new(0);
    let (entered, wait_entered) = mpsc::channel();
    let (touching, wait_touching) = mpsc::channel::<()>();
    thread::scope(|s| {
        s.spawn(|| {
            level.update(move |value| {
                *value = 1;
                entered.send(()).unwrap();
                wait_touching.recv().unwrap();
                // The other thread is about to read by now. What it must not see:
                (0..100).for_each(|_| thread::yield_now());
                *value = 2;
            });
        });
        wait_entered.recv().unwrap();
        touching.send(()).unwrap();
        assert_eq!(level.get(), 2);
    });
}

#[test]
fn updates_of_several_threads_lose_nothing() {
    let level = Observable::new(0u32);
    level.connect(|_| {});
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| (0..1000).for_each(|_| drop(level.update(|value| *value += 1))));
        }
    });
    assert_eq!(level.get(), 4000);
}

#[test]
fn a_panic_in_it_leaves_the_observable_usable_and_tells_nobody() {
    let (level, log) = (Observable::new(1), Log::new());
    level.connect(noting(&log, "a"));
    let panic = catch_unwind(AssertUnwindSafe(|| {
        level.update(|value| {
            *value = 2;
            std::panic::resume_unwind(Box::new("boom"));
        })
    }));
    assert!(panic.is_err());
    assert_eq!((level.get(), log.take()), (2, vec![]));
    level.update(|value| *value += 1);
    assert_eq!(log.take(), ["a3"]);
}

#[test]
fn a_panic_in_it_within_a_delivery_leaves_the_observable_usable_and_the_transaction_settles() {
    let (level, log) = (Observable::new(0), Log::new());
    let inner = level.clone();
    level.connect(move |x| {
        if *x == 1 {
            let panic = catch_unwind(AssertUnwindSafe(|| {
                inner.update(|_| std::panic::resume_unwind(Box::new("boom")));
            }));
            assert!(panic.is_err());
            // It found others ahead, and then there was nothing to do.
            assert!(!inner.set_if_changed(1));
        }
    });
    level.connect(noting(&log, "a"));
    support::finish(settled::scope(async {
        level.set(1);
        level.set(2);
    }))
    .unwrap();
    assert_eq!(log.take(), ["a1", "a2"]);
}
