//! The faces of an observable.

use settled::scope;
use settled_signal::{Observable, Source};
use support::{Log, Task, assert_pending, assert_ready, finish};

use crate::kit::{Gated, noting, noting_later};

#[test]
fn set_stores_and_tells_even_where_the_value_is_the_same() {
    let (level, log) = (Observable::new(1), Log::new());
    level.connect(noting(&log, "a"));
    level.set(1);
    level.set(2);
    assert_eq!(log.take(), ["a1", "a2"]);
    assert_eq!(level.get(), 2);
}

#[test]
fn set_if_changed_tells_only_of_changes() {
    let (level, log) = (Observable::new(1), Log::new());
    level.connect(noting(&log, "a"));
    assert!(!level.set_if_changed(1));
    assert!(level.set_if_changed(2));
    assert!(!level.set_if_changed(2));
    assert_eq!(log.take(), ["a2"]);
}

#[test]
fn replace_gives_back_the_old_value_and_tells() {
    let (level, log) = (Observable::new(1), Log::new());
    level.connect(noting(&log, "a"));
    assert_eq!(level.replace(5), 1);
    assert_eq!(log.take(), ["a5"]);
}

#[test]
fn update_changes_in_place_and_tells() {
    let (level, log) = (Observable::new(1), Log::new());
    level.connect(noting(&log, "a"));
    assert!(level.update(|level| *level += 41).is_done());
    assert_eq!(log.take(), ["a42"]);
}

#[test]
fn with_runs_on_a_snapshot_so_that_the_observable_may_be_set_within() {
    let level = Observable::new(vec![1]);
    let seen = level.with(|value| {
        level.set(vec![2]);
        level.update(|value| value.push(3));
        value.clone()
    });
    assert_eq!((seen, level.get()), (vec![1], vec![2, 3]));
}

#[test]
fn clones_are_the_same_value() {
    let (level, log) = (Observable::new(1), Log::new());
    let again = level.clone();
    again.connect(noting(&log, "a"));
    level.set(2);
    assert_eq!((again.get(), log.take()), (2, vec!["a2".to_owned()]));
}

#[test]
fn changed_is_the_source_of_its_changes() {
    let (level, log) = (Observable::new(1), Log::new());
    let source: &Source<u32> = level.changed();
    let connection = source.connect(noting(&log, "a"));
    source.clone().connect_async(noting_later(&log, "b"));
    finish(level.set(2)).unwrap();
    assert_eq!(log.take(), ["a2", "b2"]);
    assert!(level.changed().disconnect(&connection));
    assert_eq!(level.changed().len(), 1);
}

#[test]
fn an_asynchronous_handler_sees_every_change_in_order_even_the_overtaken_ones() {
    let (level, log) = (Observable::new(0), Log::new());
    let gated = Gated::new(&log);
    gated.connect(level.changed());
    let mut task = Task::new(scope(async {
        level.set(1);
        level.set(2);
        support::yields(1).await;
        level.set(3);
    }));
    for value in 1..4 {
        assert_pending!(task.run());
        assert_eq!(log.take().last().unwrap(), &format!("begin {value}"));
        gated.open(value);
    }
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["end 3"]);
}

#[test]
fn its_debug_shows_the_value() {
    assert_eq!(format!("{:?}", Observable::new("x")), "Observable(\"x\")");
}
