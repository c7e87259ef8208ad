//! The behaviours of the original, one by one.

use std::sync::{Arc, Mutex};

use futures::StreamExt;
use futures::stream::select_all;
use settled::scope;
use settled_signal::{Computed, Dependency, Effect, Observable, UntrackedExt, batch, on_flush, untracked};
use support::{Gate, Log, Task, assert_pending, assert_ready, finish};

use crate::kit::{Count, counted, noting};

#[test]
fn r01_a_computation_is_run_again_when_what_it_read_changes_and_finds_its_dependencies_anew() {
    let (which, a, b, log) = (Observable::new(true), Observable::new(1), Observable::new(2), Log::new());
    let _effect = Effect::new({
        let (which, a, b, log) = (which.clone(), a.clone(), b.clone(), log.clone());
        move || log.note(if which.get() { a.get() } else { b.get() }.to_string())
    });
    b.set(20);
    a.set(10);
    which.set(false);
    a.set(11);
    b.set(21);
    assert_eq!(log.take(), ["1", "10", "20", "21"]);
}

#[test]
fn r02_a_value_set_to_what_it_equals_runs_nothing_again() {
    let log = Log::new();
    let (plain, gated) = (Observable::new(1), Observable::builder(1).gated().build());
    let _plain = noting(&plain, &log);
    let _gated = noting(&gated, &log);
    let same = counted(&plain, &Count::default(), |_| 7);
    let _computed = Effect::new({
        let (same, log) = (same.clone(), log.clone());
        move || log.note(same.get().to_string())
    });
    assert_eq!(log.take(), ["1", "1", "7"]);
    plain.set_if_changed(1);
    gated.set(1);
    assert_eq!(log.take(), [""; 0]);
    plain.set_if_changed(2);
    gated.set(3);
    assert_eq!(log.take(), ["2", "3"]);
}

#[test]
fn r03_stop_and_a_parent_that_runs_again_or_stops_stops_its_children() {
    let (outer, inner, log) = (Observable::new(1), Observable::new(1), Log::new());
    let effect = Effect::new({
        let (outer, inner, log) = (outer.clone(), inner.clone(), log.clone());
        move || {
            let at = outer.get();
            let (inner, log) = (inner.clone(), log.clone());
            Effect::new(move || {
                let (inner, log) = (inner.clone(), log.clone());
                // A grandchild.
                Effect::new(move || log.note(format!("{at}.{}", inner.get()))).detach();
            })
            .detach();
        }
    });
    inner.set(2);
    assert_eq!(log.take(), ["1.1", "1.2"]);
    outer.set(2);
    assert_eq!(log.take(), ["2.2"]);
    inner.set(3);
    assert_eq!(log.take(), ["2.3"]);
    effect.stop();
    inner.set(4);
    outer.set(3);
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn r04_on_invalidate_and_on_stop_also_for_who_comes_late() {
    let (level, log) = (Observable::new(1), Log::new());
    let note = |what: &'static str| {
        let log = log.clone();
        move |_: &()| log.note(what)
    };
    let effect = noting(&level, &log);
    effect.on_invalidate().connect(note("invalid"));
    effect.on_stop().connect(note("stopped"));
    level.set(2);
    assert_eq!(log.take(), ["1", "invalid", "2"]);
    finish(scope(async {
        level.set(3);
        // It is not run yet, and known to be invalid.
        effect.on_invalidate().connect(note("late"));
        assert_eq!(log.take(), ["late"]);
    }))
    .unwrap();
    assert_eq!(log.take(), ["invalid", "late", "3"]);
    effect.stop();
    assert_eq!(log.take(), ["stopped"]);
    effect.on_stop().connect(note("too late"));
    assert_eq!(log.take(), ["too late"]);
}

#[test]
fn r05_in_one_flush_each_runs_once_and_in_order() {
    let (a, b, log) = (Observable::new(1), Observable::new(1), Log::new());
    let _effects = ["x", "y", "z"].map(|name| {
        let (a, b, log) = (a.clone(), b.clone(), log.clone());
        Effect::new(move || log.note(format!("{name}{}{}", a.get(), b.get())))
    });
    log.take();
    batch(|| {
        a.set(2);
        b.set(2);
    });
    finish(scope(async {
        b.set(3);
        a.set(3);
    }))
    .unwrap();
    assert_eq!(log.take(), ["x22", "y22", "z22", "x33", "y33", "z33"]);
}

#[test]
fn r06_what_is_invalid_again_and_again_is_an_error() {
    let level = Observable::new(0);
    let on = Observable::new(false);
    let _effect = Effect::new({
        let (level, on) = (level.clone(), on.clone());
        move || if on.get() { level.set(level.get() + 1) } else { Default::default() }
    });
    let failures = finish(scope(async { drop(on.set(true)) })).unwrap_err();
    assert!(failures.to_string().contains("do not come to rest"), "{failures}");
}

#[test]
fn r07_before_and_after_a_flush() {
    let (level, log, thread) = (Observable::new(1), Log::new(), std::thread::current().id());
    let _effect = noting(&level, &log);
    let note = |what: &'static str| {
        let log = log.clone();
        move |_: &()| {
            if std::thread::current().id() == thread {
                log.note(what)
            }
        }
    };
    let (before, after) =
        (on_flush().before().connect(note("before")), on_flush().after().connect(note("after")));
    level.set(2);
    before.disconnect();
    after.disconnect();
    assert_eq!(log.take(), ["1", "before", "2", "after"]);
}

#[test]
fn r08_reading_where_nothing_tracks_is_plain_code() {
    let level = Observable::new(1);
    let double = level.map(|level| level * 2);
    let dependency = Dependency::new();
    dependency.depend();
    assert_eq!((level.get(), double.get()), (1, 2));
    assert!(level.set(2).is_done() && dependency.changed().is_done());
    assert_eq!((level.get(), double.get()), (2, 4));
}

#[test]
fn r09_tracking_is_suspended_for_a_block_and_across_an_await() {
    let (a, b, gate, log) = (Observable::new(1), Observable::new(1), Gate::new(), Log::new());
    let mut task = Task::new(scope(async {
        Effect::new_async({
            let (a, b, gate, log) = (a.clone(), b.clone(), gate.clone(), log.clone());
            move || {
                let (a, b, gate, log) = (a.clone(), b.clone(), gate.clone(), log.clone());
                async move {
                    let first = untracked(|| b.get());
                    let second = async {
                        gate.pass().await;
                        b.get()
                    };
                    let second = second.untracked().await;
                    log.note(format!("{first} {second} {}", a.get()));
                }
            }
        })
        .detach();
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
    finish(scope(async { drop(b.set(2)) })).unwrap();
    assert_eq!(log.take(), ["1 1 1"]);
    finish(scope(async { drop(a.set(2)) })).unwrap();
    assert_eq!(log.take(), ["2 2 2"]);
}

#[test]
fn r10_a_computed_field_of_a_model_is_one_of_each_instance() {
    struct Rectangle {
        width: Observable<u32>,
        area: Computed<u32>,
    }
    let rectangle = |width, height: u32| {
        let width = Observable::new(width);
        Rectangle { area: width.map(move |width| width * height), width }
    };
    let (first, second) = (rectangle(1, 2), rectangle(3, 4));
    first.width.set(10);
    assert_eq!((first.area.get(), second.area.get()), (20, 12));
}

#[test]
fn r11_a_dependency_lets_any_data_join_in() {
    let (dependency, data, log) = (Dependency::new(), Arc::new(Mutex::new(1)), Log::new());
    let _effect = Effect::new({
        let (dependency, data, log) = (dependency.clone(), data.clone(), log.clone());
        move || {
            dependency.depend();
            log.note(data.lock().unwrap().to_string());
        }
    });
    *data.lock().unwrap() = 2;
    assert_eq!(log.take(), ["1"]);
    finish(scope(async { drop(dependency.changed()) })).unwrap();
    assert_eq!(log.take(), ["2"]);
}

#[test]
fn r13_streams_of_changes_and_a_selection_of_them() {
    let (a, b) = (Observable::new(1), Observable::new(10));
    let double = a.map(|a| a * 2);
    let mut all = select_all([a.stream().boxed(), b.stream().boxed(), double.stream().boxed()]);
    let mut now = |count| {
        let mut values: Vec<i32> = (0..count).map(|_| finish(all.next()).unwrap()).collect();
        values.sort_unstable();
        values
    };
    assert_eq!(now(3), [1, 2, 10]);
    a.set(2);
    assert_eq!(now(2), [2, 4]);
    b.set(20);
    assert_eq!(now(1), [20]);
}
