//! Atomic transactions: effects wait for the commit, and a rollback leaves nothing behind.

use std::future::ready;

use settled::{atomic, scope};
use settled_signal::{Computed, Effect, Observable};
use support::{Gate, Log, Task, assert_pending, assert_ready, finish};

use crate::kit::{Count, counted, noting};

#[test]
fn effects_run_at_the_commit() {
    let (level, log) = (Observable::new(1), Log::new());
    let _effect = noting(&level, &log);
    finish(atomic(async {
        level.set(2);
        support::yields(1).await;
        level.set(3);
        log.note("body");
        Ok::<_, String>(())
    }))
    .unwrap();
    assert_eq!(log.take(), ["1", "body", "3"]);
}

#[test]
fn no_effect_runs_because_of_what_is_rolled_back() {
    let (level, log) = (Observable::new(1), Log::new());
    let _effect = noting(&level, &log);
    let double = level.map(|level| level * 2);
    let _other = Effect::new({
        let (double, log) = (double.clone(), log.clone());
        move || log.note(double.get().to_string())
    });
    log.take();
    finish(atomic(async {
        level.set(2);
        assert_eq!(level.get(), 2);
        Err::<(), _>("no")
    }))
    .unwrap_err();
    assert_eq!(log.take(), [""; 0]);
    assert_eq!((level.get(), double.get()), (1, 2));
    level.set(5);
    assert_eq!(log.take(), ["5", "10"]);
}

#[test]
fn computeds_show_what_is_uncommitted_and_agree_with_what_is_restored() {
    let (level, count) = (Observable::new(1), Count::default());
    let (read, unread) =
        (counted(&level, &count, |level| level + 1), counted(&level, &count, |level| level + 2));
    assert_eq!((read.get(), unread.get()), (2, 3));
    count.take();
    finish(atomic(async {
        level.set(10);
        assert_eq!(read.get(), 11);
        Err::<(), _>("no")
    }))
    .unwrap_err();
    assert_eq!(count.take(), 1);
    // What was not read meanwhile is as it was.
    assert_eq!(unread.get(), 3);
    assert_eq!(count.take(), 0);
    assert_eq!(read.get(), 2);
    assert_eq!(count.take(), 1);
}

#[test]
fn an_effect_that_something_else_ran_meanwhile_is_run_again_by_the_rollback() {
    let (level, other, log, gate) = (Observable::new(1), Observable::new(1), Log::new(), Gate::new());
    let _effect = Effect::new({
        let (level, other, log) = (level.clone(), other.clone(), log.clone());
        move || log.note(format!("{} {}", level.get(), other.get()))
    });
    let mut task = Task::new(atomic(async {
        level.set(2);
        gate.pass().await;
        Err::<(), _>("no")
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["1 1"]);
    finish(scope(async { drop(other.set(2)) })).unwrap();
    assert_eq!(log.take(), ["2 2"]);
    gate.open();
    assert_ready!(task.run()).unwrap_err();
    assert_eq!(log.take(), ["1 2"]);
}

#[test]
fn the_same_by_way_of_a_computed() {
    let (level, other, log, gate) = (Observable::new(1), Observable::new(1), Log::new(), Gate::new());
    let sum = Computed::new({
        let (level, other) = (level.clone(), other.clone());
        move || level.get() * 10 + other.get()
    });
    let _effect = Effect::new({
        let (sum, log) = (sum.clone(), log.clone());
        move || log.note(sum.get().to_string())
    });
    let mut task = Task::new(atomic(async {
        level.set(2);
        gate.pass().await;
        Err::<(), _>("no")
    }));
    assert_pending!(task.run());
    other.set(2);
    assert_eq!(log.take(), ["11", "22"]);
    gate.open();
    assert_ready!(task.run()).unwrap_err();
    assert_eq!(log.take(), ["12"]);
    assert_eq!(sum.get(), 12);
}

#[test]
fn committed_an_effect_that_ran_meanwhile_is_not_run_again() {
    let (level, other, log, gate) = (Observable::new(1), Observable::new(1), Log::new(), Gate::new());
    let _effect = Effect::new({
        let (level, other, log) = (level.clone(), other.clone(), log.clone());
        move || log.note(format!("{} {}", level.get(), other.get()))
    });
    let mut task = Task::new(atomic(async {
        level.set(2);
        gate.pass().await;
        Ok::<_, String>(())
    }));
    assert_pending!(task.run());
    other.set(2);
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["1 1", "2 2"]);
}

#[test]
fn one_that_a_plain_change_has_made_due_too_is_run_by_that() {
    let (level, other, log, gate) = (Observable::new(1), Observable::new(1), Log::new(), Gate::new());
    let sum = Computed::new({
        let (level, other) = (level.clone(), other.clone());
        move || level.get() * 10 + other.get()
    });
    let _effect = Effect::new({
        let (sum, log) = (sum.clone(), log.clone());
        move || log.note(sum.get().to_string())
    });
    let mut task = Task::new(atomic(async {
        level.set(2);
        gate.pass().await;
        Err::<(), _>("no")
    }));
    assert_pending!(task.run());
    // The effect is marked already, on behalf of what will be rolled back.
    let owned = settled::begin();
    owned.enter(|| drop(other.set(2)));
    gate.open();
    assert_ready!(task.run()).unwrap_err();
    assert_eq!(log.take(), ["11"]);
    finish(owned.end()).unwrap();
    assert_eq!(log.take(), ["12"]);
}

#[test]
fn an_inner_one_that_is_rolled_back_takes_its_own_back() {
    let (a, b, log) = (Observable::new(1), Observable::new(1), Log::new());
    let _a = noting(&a, &log);
    let _b = noting(&b, &log);
    log.take();
    finish(atomic(async {
        a.set(2);
        let _ = atomic(async {
            b.set(2);
            Err::<(), _>("no")
        })
        .await;
        Ok::<_, String>(())
    }))
    .unwrap();
    assert_eq!(log.take(), ["2"]);
    assert_eq!((a.get(), b.get()), (2, 1));
}

#[test]
fn asynchronous_effects_begin_at_the_commit_or_not_at_all() {
    let (level, log) = (Observable::new(1), Log::new());
    let mut effect = None;
    finish(scope(async {
        effect = Some(Effect::new_async({
            let (level, log) = (level.clone(), log.clone());
            move || {
                let (level, log) = (level.clone(), log.clone());
                async move { log.note(level.get().to_string()) }
            }
        }));
    }))
    .unwrap();
    finish(atomic(async {
        level.set(2);
        Err::<(), _>("no")
    }))
    .unwrap_err();
    assert_eq!(log.take(), ["1"]);
    finish(atomic(async {
        level.set(3);
        ready(()).await;
        Ok::<_, String>(())
    }))
    .unwrap();
    assert_eq!(log.take(), ["3"]);
}

#[test]
fn an_effect_that_is_made_within_sees_what_is_uncommitted_and_then_what_is_restored() {
    let (level, log) = (Observable::new(1), Log::new());
    let mut effect = None;
    finish(atomic(async {
        level.set(2);
        effect = Some(noting(&level, &log));
        Err::<(), _>("no")
    }))
    .unwrap_err();
    assert_eq!(log.take(), ["2", "1"]);
}

#[test]
fn a_plain_set_on_top_stands_and_effects_agree() {
    let (level, log, gate) = (Observable::new(1), Log::new(), Gate::new());
    let _effect = noting(&level, &log);
    let mut task = Task::new(atomic(async {
        level.set(2);
        gate.pass().await;
        Err::<(), _>("no")
    }));
    assert_pending!(task.run());
    level.set(3);
    assert_eq!(log.take(), ["1", "3"]);
    gate.open();
    assert_ready!(task.run()).unwrap_err();
    assert_eq!((level.get(), log.take().len()), (3, 0));
}
