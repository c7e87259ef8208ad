//! Two threads.

use std::sync::{Arc, Barrier};
use std::thread;

use settled_signal::{Computed, Effect, Observable};
use support::{Log, elsewhere};

use crate::kit::{Count, caught, counted};

#[test]
fn what_another_thread_has_made_is_read_like_one_s_own() {
    let (level, count) = (Observable::new(1), Count::default());
    let double = counted(&level, &count, |level| level * 2);
    assert_eq!(double.get(), 2);
    let plus = elsewhere({
        let double = double.clone();
        move || {
            let plus = Computed::new(move || double.get() + 1);
            assert_eq!(plus.get(), 3);
            plus
        }
    });
    level.set(2);
    assert_eq!(plus.get(), 5);
    level.set(3);
    assert_eq!(
        elsewhere({
            let plus = plus.clone();
            move || plus.get()
        }),
        7
    );
    assert_eq!(count.get(), 3);
}

#[test]
fn effects_across_threads_and_back() {
    let (level, log) = (Observable::new(1), Log::new());
    let mine = level.map(|level| level % 10);
    mine.get();
    let theirs = elsewhere({
        let mine = mine.clone();
        move || {
            let theirs = mine.map(|x| x * 2);
            theirs.get();
            theirs
        }
    });
    // In this thread's graph again: a computed of theirs, of mine.
    let runs = Count::default();
    let _effect = Effect::new({
        let (log, theirs, runs) = (log.clone(), theirs.clone(), runs.clone());
        move || {
            runs.one();
            log.note(theirs.get().to_string());
        }
    });
    level.set(2);
    level.set(12);
    level.set(3);
    assert_eq!(log.take(), ["2", "4", "6"]);
    elsewhere({
        let level = level.clone();
        move || drop(level.set(4))
    });
    assert_eq!(log.take(), ["8"]);
    assert_eq!(runs.get(), 4);
}

#[test]
fn what_crosses_gives_everything_back() {
    let held = Arc::new(());
    let level = Observable::new(1);
    level.map(|level| *level).get();
    elsewhere({
        let (level, held) = (level.clone(), held.clone());
        move || {
            let of_there = level.map(|level| level + 1);
            let other = Observable::new(1);
            let sum = Computed::new(move || {
                let _ = &held;
                of_there.get() + other.get()
            });
            assert_eq!(sum.get(), 3);
        }
    });
    level.set(2);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn one_computed_is_computed_by_one_thread_at_a_time() {
    let (level, count, both) = (Observable::new(1), Count::default(), Arc::new(Barrier::new(2)));
    let (inside, most) = (Count::default(), Arc::new(std::sync::atomic::AtomicUsize::new(0)));
    let slow = Computed::new({
        let (level, count, inside, most) = (level.clone(), count.clone(), inside.clone(), most.clone());
        move || {
            inside.one();
            most.fetch_max(inside.get(), std::sync::atomic::Ordering::SeqCst);
            thread::yield_now();
            count.one();
            let value = level.get();
            inside.take();
            value
        }
    });
    for round in 2..200 {
        level.set(round);
        let other = thread::spawn({
            let (slow, both) = (slow.clone(), both.clone());
            move || {
                both.wait();
                slow.get()
            }
        });
        both.wait();
        assert_eq!((slow.get(), other.join().unwrap()), (round, round));
    }
    assert_eq!(count.get(), 198);
    assert_eq!(most.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn values_stood_together() {
    // The two are always set one after the other, by one thread; what is computed of them never shows more than that.
    let (a, b) = (Observable::new(0_i64), Observable::new(0_i64));
    let difference = Computed::new({
        let (a, b) = (a.clone(), b.clone());
        move || {
            let a = a.get();
            thread::yield_now();
            a - b.get()
        }
    });
    let writer = thread::spawn({
        let (a, b) = (a.clone(), b.clone());
        move || {
            for round in 1..=2000 {
                a.set(round);
                b.set(round);
            }
        }
    });
    while !writer.is_finished() {
        let difference = difference.get();
        assert!((0..=1).contains(&difference), "{difference}");
    }
    writer.join().unwrap();
    assert_eq!(difference.get(), 0);
}

#[test]
fn two_threads_whose_computeds_read_each_other_conditionally_do_not_wait_for_ever() {
    let turn = Observable::new(true);
    let first = Arc::new(std::sync::OnceLock::<Computed<i32>>::new());
    let second = Computed::new({
        let (turn, first) = (turn.clone(), first.clone());
        move || {
            if turn.get() {
                1
            } else {
                thread::yield_now();
                first.get().unwrap().get() + 1
            }
        }
    });
    first
        .set(Computed::new({
            let (turn, second) = (turn.clone(), second.clone());
            move || {
                if turn.get() {
                    thread::yield_now();
                    second.get() + 1
                } else {
                    1
                }
            }
        }))
        .unwrap();
    let readers: Vec<_> = [first.get().unwrap().clone(), second.clone()]
        .into_iter()
        .map(|computed| {
            thread::spawn(move || {
                for _ in 0..2000 {
                    // While it turns each may find the other half-way, and itself in it.
                    let value = caught(|| computed.get());
                    assert!(value.is_err() || matches!(value, Ok(1 | 2)));
                }
            })
        })
        .collect();
    for round in 0..2000 {
        turn.set(round % 2 == 0);
    }
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    turn.set(true);
    assert_eq!((first.get().unwrap().get(), second.get()), (2, 1));
}

#[test]
fn many_threads_set_and_the_last_value_is_seen() {
    let levels: Vec<Observable<i64>> = (0..4).map(|_| Observable::new(0)).collect();
    let sum = Computed::new({
        let levels = levels.clone();
        move || levels.iter().map(Observable::get).sum::<i64>()
    });
    let log = Log::new();
    let effect = Effect::new({
        let (sum, log) = (sum.clone(), log.clone());
        move || log.note(sum.get().to_string())
    });
    let threads: Vec<_> = levels
        .iter()
        .cloned()
        .map(|level| {
            thread::spawn(move || {
                for round in 1..=500 {
                    level.set(round);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(sum.get(), 2000);
    assert_eq!(log.take().last().map(String::as_str), Some("2000"));
    drop(effect);
}

#[test]
fn a_batch_of_one_thread_does_not_hold_up_another() {
    let (level, log) = (Observable::new(1), Log::new());
    let _effect = Effect::new({
        let (level, log) = (level.clone(), log.clone());
        move || log.note(level.get().to_string())
    });
    settled_signal::batch(|| {
        elsewhere({
            let level = level.clone();
            move || drop(level.set(2))
        });
        assert_eq!(log.take(), ["1", "2"]);
    });
}
