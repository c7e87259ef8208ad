//! Values that follow from others.

use std::sync::{Arc, Mutex};

use futures::{FutureExt, StreamExt};
use settled::scope;
use settled_signal::{Computed, Dependency, Observable, untracked};
use support::{Log, finish};

use crate::kit::{Count, caught, counted};

#[test]
fn it_is_lazy_and_cached() {
    let (level, count) = (Observable::new(1), Count::default());
    let double = counted(&level, &count, |level| level * 2);
    assert_eq!(count.get(), 0);
    assert_eq!((double.get(), double.get()), (2, 2));
    assert_eq!(count.take(), 1);
    level.set(2);
    level.set(3);
    assert_eq!(count.get(), 0);
    assert_eq!(double.get(), 6);
    assert_eq!(count.take(), 1);
}

#[test]
fn what_comes_to_the_same_goes_no_further() {
    let (level, count) = (Observable::new(1), Count::default());
    let is_odd = counted(&level, &Count::default(), |level| level % 2);
    let text = Computed::new({
        let count = count.clone();
        move || {
            count.one();
            is_odd.get().to_string()
        }
    });
    assert_eq!(text.get(), "1");
    level.set(3);
    assert_eq!(text.get(), "1");
    assert_eq!(count.take(), 1);
    level.set(4);
    assert_eq!(text.get(), "0");
    assert_eq!(count.take(), 1);
}

#[test]
fn with_eq_decides_what_is_the_same() {
    let (level, count) = (Observable::new(1.0_f64), Count::default());
    let root = Computed::with_eq(
        {
            let level = level.clone();
            move || -level.get().sqrt()
        },
        |a, b| a.to_bits() == b.to_bits(),
    );
    let text = Computed::new({
        let (root, count) = (root.clone(), count.clone());
        move || {
            count.one();
            root.get().to_string()
        }
    });
    level.set(-1.0);
    assert_eq!(text.get(), "NaN");
    level.set(-2.0);
    assert_eq!(text.get(), "NaN");
    assert_eq!(count.get(), 1);
}

#[test]
fn dependencies_are_found_anew_at_each_run() {
    let (which, a, b, count) =
        (Observable::new(true), Observable::new(1), Observable::new(2), Count::default());
    let chosen = Computed::new({
        let (which, a, b, count) = (which.clone(), a.clone(), b.clone(), count.clone());
        move || {
            count.one();
            if which.get() { a.get() } else { b.get() }
        }
    });
    assert_eq!(chosen.get(), 1);
    b.set(20);
    assert_eq!((chosen.get(), count.take()), (1, 1));
    which.set(false);
    assert_eq!((chosen.get(), count.take()), (20, 1));
    a.set(10);
    assert_eq!((chosen.get(), count.take()), (20, 0));
    which.set(true);
    assert_eq!((chosen.get(), count.take()), (10, 1));
}

#[test]
fn it_is_consistent_in_the_midst_of_a_transaction() {
    let (a, b) = (Observable::new(1), Observable::new(2));
    let sum = Computed::new({
        let (a, b) = (a.clone(), b.clone());
        move || a.get() + b.get()
    });
    finish(scope(async {
        a.set(10);
        assert_eq!(sum.get(), 12);
        b.set(20);
        assert_eq!(sum.get(), 30);
    }))
    .unwrap();
    // And in a handler that is called by the set.
    let seen = Arc::new(Mutex::new(0));
    a.connect({
        let (sum, seen) = (sum.clone(), seen.clone());
        move |_| *seen.lock().unwrap() = sum.get()
    });
    a.set(100);
    assert_eq!(*seen.lock().unwrap(), 120);
}

#[test]
fn a_panic_is_told_to_who_reads_and_heals_at_the_next_change() {
    let (level, count) = (Observable::new(0), Count::default());
    let inverse = counted(&level, &count, |level| 100 / level);
    let plus = Computed::new({
        let inverse = inverse.clone();
        move || inverse.get() + 1
    });
    for _ in 0..2 {
        let message = caught(|| plus.get()).unwrap_err();
        assert!(message.contains("divide by zero") && message.contains(file!()), "{message}");
    }
    assert_eq!(count.take(), 1);
    level.set(50);
    assert_eq!((inverse.get(), plus.get()), (2, 3));
}

#[test]
fn a_comparison_that_panics_is_told_too() {
    let level = Observable::new(1);
    let computed = Computed::with_eq(
        {
            let level = level.clone();
            move || level.get()
        },
        |_, b| if *b == 2 { panic!("no") } else { false },
    );
    assert_eq!(computed.get(), 1);
    level.set(2);
    assert!(caught(|| computed.get()).is_err());
    level.set(3);
    assert_eq!(computed.get(), 3);
}

#[test]
fn what_is_read_untracked_does_not_count() {
    let (a, b) = (Observable::new(1), Observable::new(1));
    let sum = Computed::new({
        let (a, b) = (a.clone(), b.clone());
        move || untracked(|| b.get()) + a.get()
    });
    assert_eq!(sum.get(), 2);
    b.set(5);
    assert_eq!(sum.get(), 2);
    a.set(2);
    assert_eq!(sum.get(), 7);
}

#[test]
fn what_handlers_and_validators_read_does_not_count() {
    let (level, other, count) = (Observable::new(1), Observable::new(1), Count::default());
    let noted = Observable::builder(0)
        .validate({
            let other = other.clone();
            move |_| {
                other.get();
                Ok::<_, String>(())
            }
        })
        .build();
    noted.connect({
        let other = other.clone();
        move |_| {
            other.get();
        }
    });
    let computed = Computed::new({
        let (level, count, noted) = (level.clone(), count.clone(), noted.clone());
        move || {
            count.one();
            noted.set(1);
            level.get()
        }
    });
    computed.get();
    other.set(2);
    computed.get();
    assert_eq!(count.get(), 1);
}

#[test]
fn changed_tells_of_each_other_value_once() {
    let (level, log) = (Observable::new(1), Log::new());
    let is_high = level.map(|level| *level > 9);
    is_high.changed().connect({
        let log = log.clone();
        move |is_high| log.note(is_high.to_string())
    });
    level.set(2);
    level.set(12);
    finish(scope(async {
        level.set(2);
        level.set(11);
    }))
    .unwrap();
    assert_eq!(log.take(), ["true"]);
    finish(scope(async { drop(level.set(2)) })).unwrap();
    assert_eq!(log.take(), ["false"]);
}

#[test]
fn a_stream_ends_with_the_last_handle() {
    let level = Observable::new(1);
    let double = level.map(|level| level * 2);
    let mut stream = double.stream();
    assert_eq!(stream.next().now_or_never(), Some(Some(2)));
    assert_eq!(stream.next().now_or_never(), None);
    level.set(4);
    assert_eq!(stream.next().now_or_never(), Some(Some(8)));
    drop(double);
    assert_eq!(stream.next().now_or_never(), Some(None));
}

#[test]
fn what_is_made_and_dropped_within_still_counts() {
    let level = Observable::new(1);
    let computed = Computed::new({
        let level = level.clone();
        move || level.map(|level| level + 1).get()
    });
    assert_eq!(computed.get(), 2);
    level.set(5);
    assert_eq!(computed.get(), 6);
}

#[test]
fn what_is_dropped_gives_everything_back() {
    let held = Arc::new(());
    let level = Observable::new(1);
    {
        let mut computeds = vec![level.map(|level| *level)];
        for _ in 0..10 {
            let (last, held) = (computeds[computeds.len() - 1].clone(), held.clone());
            computeds.push(Computed::new(move || {
                let _ = &held;
                last.get()
            }));
        }
        assert_eq!(computeds[10].get(), 1);
        computeds[10].changed();
        assert_eq!(Arc::strong_count(&held), 11);
    }
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn one_observable_can_be_set_many_times_while_computeds_come_and_go() {
    let level = Observable::new(1);
    for round in 0..1000 {
        let computed = level.map(|level| *level);
        level.set(round);
        assert_eq!(computed.get(), round);
    }
}

#[test]
fn a_dependency_lets_other_data_join_in() {
    let (dependency, data, count) = (Dependency::new(), Arc::new(Mutex::new(1)), Count::default());
    let computed = Computed::new({
        let (dependency, data, count) = (dependency.clone(), data.clone(), count.clone());
        move || {
            count.one();
            dependency.depend();
            *data.lock().unwrap()
        }
    });
    assert_eq!(computed.get(), 1);
    *data.lock().unwrap() = 2;
    assert_eq!(computed.get(), 1);
    dependency.changed();
    assert_eq!(computed.get(), 2);
}
