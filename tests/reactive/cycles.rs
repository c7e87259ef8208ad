//! What would never come to rest is found, named, and does not break the rest.

use std::sync::{Arc, Mutex, OnceLock};

use settled::scope;
use settled_signal::{Computed, Effect, Observable};
use support::finish;

use crate::kit::caught;

fn message(f: impl FnOnce() -> i32) -> String {
    caught(f).unwrap_err()
}

#[test]
fn a_computed_that_reads_itself() {
    let (level, this) = (Observable::new(true), Arc::new(OnceLock::<Computed<i32>>::new()));
    let computed = Computed::new({
        let (level, this) = (level.clone(), this.clone());
        move || if level.get() { this.get().unwrap().get() } else { 7 }
    });
    this.set(computed.clone()).unwrap();
    let what = message(|| computed.get());
    assert!(what.contains("reads itself") && what.contains(file!()), "{what}");
    level.set(false);
    assert_eq!(computed.get(), 7);
}

#[test]
fn computeds_that_read_each_other() {
    let (level, first) = (Observable::new(1), Arc::new(OnceLock::<Computed<i32>>::new()));
    let second = Computed::new({
        let first = first.clone();
        move || first.get().unwrap().get() + 1
    });
    first
        .set(Computed::new({
            let (level, second) = (level.clone(), second.clone());
            move || if level.get() > 0 { second.get() } else { level.get() }
        }))
        .unwrap();
    for _ in 0..2 {
        assert!(message(|| second.get()).contains("reads itself"));
    }
    assert!(message(|| first.get().unwrap().get()).contains("reads itself"));
    level.set(-1);
    assert_eq!((second.get(), first.get().unwrap().get()), (0, -1));
    level.set(1);
    assert!(message(|| second.get()).contains("reads itself"));
    level.set(-5);
    assert_eq!(second.get(), -4);
}

#[test]
fn what_changes_sides_is_no_cycle() {
    // Each reads the other, but never both at once.
    let (left, first) = (Observable::new(true), Arc::new(OnceLock::<Computed<i32>>::new()));
    let second = Computed::new({
        let (left, first) = (left.clone(), first.clone());
        move || if left.get() { 1 } else { first.get().unwrap().get() + 10 }
    });
    first
        .set(Computed::new({
            let (left, second) = (left.clone(), second.clone());
            move || if left.get() { second.get() + 100 } else { 2 }
        }))
        .unwrap();
    let first = first.get().unwrap();
    for _ in 0..3 {
        left.set(true);
        assert_eq!((first.get(), second.get()), (101, 1));
        left.set(false);
        assert_eq!((first.get(), second.get()), (2, 12));
        left.set(true);
        assert_eq!((second.get(), first.get()), (1, 101));
        left.set(false);
        assert_eq!((second.get(), first.get()), (12, 2));
    }
}

#[test]
fn a_computed_that_changes_what_it_reads() {
    let (level, on) = (Observable::new(0), Observable::new(true));
    let computed = Computed::new({
        let (level, on) = (level.clone(), on.clone());
        move || {
            if on.get() {
                level.set(level.get() + 1);
            }
            level.get()
        }
    });
    let what = message(|| computed.get());
    assert!(what.contains("keeps changing what it reads"), "{what}");
    assert!(level.get() <= 101, "{}", level.get());
    on.set(false);
    assert_eq!(computed.get(), level.get());
}

#[test]
fn an_effect_that_changes_what_it_reads() {
    let level = Observable::new(0);
    let on = Observable::new(false);
    let _effect = Effect::new({
        let (level, on) = (level.clone(), on.clone());
        move || {
            let value = level.get();
            if on.get() {
                level.set(value + 1);
            }
        }
    });
    let failures = finish(scope(async { drop(on.set(true)) })).unwrap_err();
    let what = failures.to_string();
    assert!(what.contains("do not come to rest after 100 rounds") && what.contains(file!()), "{what}");
    assert!((90..=110).contains(&level.get()), "{}", level.get());
    // Without a transaction it is the notification that has it.
    assert!(finish(level.set(0)).unwrap_err().to_string().contains("100 rounds"));
    // And all is usable afterwards.
    finish(on.set(false)).unwrap();
    let rest = level.get();
    finish(level.set(5)).unwrap();
    assert_eq!((level.get(), rest != 5), (5, true));
}

#[test]
fn an_effect_that_comes_to_rest_is_no_cycle() {
    let level = Observable::new(0);
    let _effect = Effect::new({
        let level = level.clone();
        move || {
            if level.get() < 50 {
                level.set(level.get() + 1);
            }
        }
    });
    assert_eq!(level.get(), 50);
    finish(level.set(10)).unwrap();
    assert_eq!(level.get(), 50);
    finish(scope(async { drop(level.set(20)) })).unwrap();
    assert_eq!(level.get(), 50);
}

#[test]
fn two_effects_that_chase_each_other() {
    let (a, b, on) = (Observable::new(0), Observable::new(0), Observable::new(false));
    let places = Arc::new(Mutex::new(Vec::new()));
    let chase = |from: &Observable<i32>, to: &Observable<i32>| {
        let (from, to, on) = (from.clone(), to.clone(), on.clone());
        move || {
            if on.get() {
                to.set(from.get() + 1);
            }
        }
    };
    let _first = Effect::new(chase(&a, &b));
    places.lock().unwrap().push(line!() - 1);
    let _second = Effect::new(chase(&b, &a));
    places.lock().unwrap().push(line!() - 1);
    let what = finish(scope(async { drop(on.set(true)) })).unwrap_err().to_string();
    assert!(
        places.lock().unwrap().iter().any(|line| what.contains(&format!("{}:{line}", file!()))),
        "{what}"
    );
    finish(scope(async { drop(on.set(false)) })).unwrap();
    finish(scope(async { drop(a.set(0)) })).unwrap();
    assert_eq!(a.get(), 0);
}

#[test]
fn an_asynchronous_effect_that_changes_what_it_reads() {
    let (level, on) = (Observable::new(0), Observable::new(false));
    let _effect = Effect::new_async({
        let (level, on) = (level.clone(), on.clone());
        move || {
            let (level, on) = (level.clone(), on.clone());
            async move {
                let value = level.get();
                if on.get() {
                    level.set(value + 1);
                }
            }
        }
    });
    finish(settled::Transaction::root().wait()).unwrap();
    let failures = finish(scope(async { drop(on.set(true)) })).unwrap_err();
    let what = failures.to_string();
    assert!(what.contains("100 rounds") && what.contains(file!()), "{what}");
    assert!((90..=110).contains(&level.get()), "{}", level.get());
    finish(scope(async { drop(on.set(false)) })).unwrap();
    finish(scope(async { drop(level.set(5)) })).unwrap();
    assert_eq!(level.get(), 5);
}
