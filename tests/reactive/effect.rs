//! What is done again whenever something that was read has changed.

use std::sync::{Arc, Mutex};

use settled::{Transaction, scope};
use settled_signal::{Effect, Observable, batch, on_flush};
use support::{Log, Oops, Task, assert_pending, assert_ready, causes, finish, yields};

use crate::kit::{Count, caught, counted, noting};

#[test]
fn it_runs_at_once_and_at_the_end_of_each_set() {
    let (level, log) = (Observable::new(1), Log::new());
    let _effect = noting(&level, &log);
    level.set(2);
    assert_eq!(log.take(), ["1", "2"]);
}

#[test]
fn in_a_transaction_it_runs_when_the_body_is_suspended_and_before_the_end() {
    let (level, log) = (Observable::new(1), Log::new());
    let _effect = noting(&level, &log);
    finish(scope(async {
        level.set(2);
        level.set(3);
        log.note("set");
        yields(1).await;
        log.note("resumed");
        level.set(4);
        level.set(5);
        log.note("done");
    }))
    .unwrap();
    assert_eq!(log.take(), ["1", "set", "3", "resumed", "done", "5"]);
}

#[test]
fn wait_and_end_are_settle_points() {
    let (level, log) = (Observable::new(1), Log::new());
    let _effect = noting(&level, &log);
    let owned = settled::begin();
    owned.enter(|| drop(level.set(2)));
    assert_eq!(log.take(), ["1"]);
    finish(owned.wait()).unwrap();
    assert_eq!(log.take(), ["2"]);
    owned.enter(|| drop(level.set(3)));
    finish(owned.end()).unwrap();
    assert_eq!(log.take(), ["3"]);
}

#[test]
fn it_runs_once_however_much_has_changed() {
    let (a, b, log) = (Observable::new(1), Observable::new(1), Log::new());
    let sum = settled_signal::Computed::new({
        let (a, b) = (a.clone(), b.clone());
        move || a.get() + b.get()
    });
    let _effect = Effect::new({
        let (a, sum, log) = (a.clone(), sum.clone(), log.clone());
        move || log.note(format!("{} {}", a.get(), sum.get()))
    });
    finish(scope(async {
        a.set(2);
        b.set(2);
        a.set(3);
    }))
    .unwrap();
    assert_eq!(log.take(), ["1 2", "3 5"]);
    batch(|| {
        a.set(4);
        b.set(4);
    });
    assert_eq!(log.take(), ["4 8"]);
}

#[test]
fn it_does_not_run_if_all_is_the_same_after_all() {
    let (level, log) = (Observable::new(1), Log::new());
    let is_odd = counted(&level, &Count::default(), |level| level % 2);
    let _effect = Effect::new({
        let log = log.clone();
        move || log.note(is_odd.get().to_string())
    });
    level.set(3);
    finish(scope(async {
        level.set(2);
        level.set(5);
    }))
    .unwrap();
    assert_eq!(log.take(), ["1"]);
}

#[test]
fn its_failures_are_the_transactions() {
    let level = Observable::new(1);
    let _errs = Effect::new({
        let level = level.clone();
        move || if level.get() > 1 { Err(Oops("high".into())) } else { Ok(()) }
    });
    let _panics = Effect::new({
        let level = level.clone();
        move || assert!(level.get() < 3, "much too high")
    });
    let failures = finish(scope(async { drop(level.set(2)) })).unwrap_err();
    assert_eq!(causes(&failures), ["high"]);
    let failures = finish(scope(async { drop(level.set(3)) })).unwrap_err();
    assert_eq!(causes(&failures), ["high", "much too high"]);
    finish(scope(async { drop(level.set(1)) })).unwrap();
}

#[test]
fn without_a_transaction_its_failures_are_the_notifications() {
    let level = Observable::new(1);
    let _effect = Effect::new({
        let level = level.clone();
        move || if level.get() > 1 { Err(Oops("high".into())) } else { Ok(()) }
    });
    let failures = finish(level.set(2)).unwrap_err();
    assert_eq!(causes(&failures), ["high"]);
    assert!(level.set(1).is_done());
}

#[test]
fn one_that_sets_what_another_reads_leads_to_another_round() {
    let (a, b, log) = (Observable::new(1), Observable::new(0), Log::new());
    let _second = Effect::new({
        let (b, log) = (b.clone(), log.clone());
        move || log.note(format!("b{}", b.get()))
    });
    let _first = Effect::new({
        let (a, b, log) = (a.clone(), b.clone(), log.clone());
        move || {
            log.note(format!("a{}", a.get()));
            b.set(a.get() * 10);
        }
    });
    assert_eq!(log.take(), ["b0", "a1", "b10"]);
    a.set(2);
    assert_eq!(log.take(), ["a2", "b20"]);
    finish(scope(async { drop(a.set(3)) })).unwrap();
    assert_eq!(log.take(), ["a3", "b30"]);
}

#[test]
fn one_that_a_handler_sets_is_run_at_the_end_of_the_outermost_set() {
    let (a, b, log) = (Observable::new(1), Observable::new(1), Log::new());
    a.connect({
        let b = b.clone();
        move |value| b.set(*value)
    });
    a.connect({
        let log = log.clone();
        move |_| log.note("handler")
    });
    let _effect = Effect::new({
        let (a, b, log) = (a.clone(), b.clone(), log.clone());
        move || log.note(format!("{} {}", a.get(), b.get()))
    });
    a.set(2);
    assert_eq!(log.take(), ["1 1", "handler", "2 2"]);
}

#[test]
fn one_that_was_stopped_by_another_of_its_round_does_not_run() {
    let (level, log) = (Observable::new(1), Log::new());
    let second = Arc::new(Mutex::new(None::<Effect>));
    let _first = Effect::new({
        let (level, second) = (level.clone(), second.clone());
        move || {
            if level.get() > 1 {
                drop(second.lock().unwrap().take());
            }
        }
    });
    *second.lock().unwrap() = Some(noting(&level, &log));
    level.set(2);
    assert_eq!(log.take(), ["1"]);
}

#[test]
fn of_owner_and_owned_the_owner_runs_first() {
    let (level, on, log) = (Observable::new(1), Observable::new(true), Log::new());
    let _owner = Effect::new({
        let (level, on, log) = (level.clone(), on.clone(), log.clone());
        move || {
            // Read last, so that it is marked last.
            if untracked_get(&on) {
                noting(&level, &log).detach();
            }
            on.get();
            level.get();
        }
    });
    assert_eq!(log.take(), ["1"]);
    batch(|| {
        level.set(2);
        on.set(false);
    });
    assert_eq!(log.take(), [""; 0]);
}

fn untracked_get(of: &Observable<bool>) -> bool {
    settled_signal::untracked(|| of.get())
}

#[test]
fn a_detached_one_goes_on() {
    let (level, log) = (Observable::new(1), Log::new());
    noting(&level, &log).detach();
    drop(noting(&level, &log));
    level.set(2);
    assert_eq!(log.take(), ["1", "1", "2"]);
}

#[test]
fn it_may_be_stopped_from_within() {
    let (level, log) = (Observable::new(1), Log::new());
    let this = Arc::new(Mutex::new(None::<Effect>));
    let effect = Effect::new({
        let (level, log, this) = (level.clone(), log.clone(), this.clone());
        move || {
            log.note(level.get().to_string());
            if level.get() == 2
                && let Some(this) = &*this.lock().unwrap()
            {
                this.stop();
            }
        }
    });
    *this.lock().unwrap() = Some(effect);
    level.set(2);
    level.set(3);
    assert_eq!(log.take(), ["1", "2"]);
}

#[test]
fn two_transactions_that_change_something_for_it_both_wait_for_it() {
    let (a, b, log) = (Observable::new(1), Observable::new(1), Log::new());
    let sum = settled_signal::Computed::new({
        let (a, b) = (a.clone(), b.clone());
        move || a.get() + b.get()
    });
    let _effect = Effect::new({
        let log = log.clone();
        move || log.note(format!("{} in {}", sum.get(), settled::current().is_some()))
    });
    let (first, second) = (settled::begin(), settled::begin());
    first.enter(|| drop(a.set(2)));
    second.enter(|| drop(b.set(2)));
    assert_eq!(log.take(), ["2 in false"]);
    // The second one must not go by what the first is to do.
    finish(second.end()).unwrap();
    assert_eq!(log.take(), ["4 in true"]);
    finish(first.end()).unwrap();
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn where_the_transaction_is_cancelled_it_runs_elsewhere() {
    let (level, log) = (Observable::new(1), Log::new());
    let _effect = noting(&level, &log);
    let mut outer = Task::new(scope(async {
        let inner = settled::begin();
        inner.enter(|| drop(level.set(2)));
        inner.abort();
        finish_inner(inner).await;
    }));
    let _ = assert_ready!(outer.run());
    assert_eq!(log.take(), ["1", "2"]);
}

async fn finish_inner(inner: settled::OwnedTransaction) {
    let _ = inner.end().await;
}

#[test]
fn a_batch_that_panics_is_a_batch_all_the_same() {
    let (level, log) = (Observable::new(1), Log::new());
    let _effect = noting(&level, &log);
    let result = caught(|| {
        batch(|| {
            level.set(2);
            level.set(3);
            panic!("half-way");
        })
    });
    assert!(result.is_err());
    assert_eq!(log.take(), ["1", "3"]);
}

#[test]
fn it_is_subscribed_to_what_it_reads_and_not_to_what_it_sets_going() {
    let (level, other, count) = (Observable::new(1), Observable::new(1), Count::default());
    let _effect = Effect::new({
        let (level, other, count) = (level.clone(), other.clone(), count.clone());
        move || {
            count.one();
            level.get();
            let other = other.clone();
            settled::add(async move {
                {
                    other.get();
                }
            });
        }
    });
    finish(scope(async { drop(level.set(2)) })).unwrap();
    assert_eq!(count.take(), 2);
    other.set(2);
    assert_eq!(count.take(), 0);
}

#[test]
fn a_hundred_thousand_effects_of_one_source_are_dropped_one_by_one() {
    let level = Observable::new(1);
    let effects: Vec<Effect> = (0..100_000)
        .map(|_| {
            Effect::new({
                let level = level.clone();
                move || {
                    level.get();
                }
            })
        })
        .collect();
    drop(effects);
    level.set(2);
}

#[test]
fn before_and_after_a_flush() {
    let (level, log) = (Observable::new(1), Log::new());
    let _effect = noting(&level, &log);
    // Other tests flush, too: only on this thread.
    let thread = std::thread::current().id();
    let note = |what: &'static str| {
        let log = log.clone();
        move |_: &()| {
            if std::thread::current().id() == thread {
                log.note(what);
            }
        }
    };
    let (before, after) =
        (on_flush().before().connect(note("before")), on_flush().after().connect(note("after")));
    finish(scope(async { drop(level.set(2)) })).unwrap();
    before.disconnect();
    after.disconnect();
    assert_eq!(log.take(), ["1", "before", "2", "after"]);
}

#[test]
fn in_a_transaction_whose_body_is_pending_it_is_run_by_who_drives() {
    let (level, log) = (Observable::new(1), Log::new());
    let _effect = noting(&level, &log);
    let mut task = Task::new(scope(async {
        level.set(2);
        std::future::pending::<()>().await;
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["1", "2"]);
    let _: Option<Transaction> = settled::current();
}
