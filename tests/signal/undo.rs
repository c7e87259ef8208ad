//! What was stored in an atomic transaction is undone when that is rolled back.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use allocation_counter::measure;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use settled::{Transaction, atomic, on_commit, on_rollback, scope};
use settled_signal::Observable;
use support::{Gate, Log, Task, assert_pending, assert_ready, finish};

use crate::kit::noting;

/// Sets these, waits at a gate, and returns.
fn sets(
    level: &Observable<u32>,
    values: &[u32],
    well: bool,
) -> (Gate, Task<BoxFuture<'static, Result<(), ()>>>) {
    let (gate, level, values) = (Gate::new(), level.clone(), values.to_vec());
    let wait = gate.clone();
    let body = async move {
        values.into_iter().for_each(|value| drop(level.set(value)));
        wait.pass().await;
        if well { Ok(()) } else { Err("no") }
    };
    let mut task = Task::new(async move { atomic(body).await.map_err(drop) }.boxed());
    assert_pending!(task.run());
    (gate, task)
}

fn ends((gate, mut task): (Gate, Task<BoxFuture<'static, Result<(), ()>>>)) {
    gate.open();
    let _ = assert_ready!(task.run());
}

#[test]
fn reads_are_uncommitted_and_a_rollback_restores() {
    let level = Observable::new(1);
    let open = sets(&level, &[2, 3], false);
    assert_eq!(level.get(), 3);
    ends(open);
    assert_eq!(level.get(), 1);
}

#[test]
fn a_commit_lets_it_stand() {
    let level = Observable::new(1);
    ends(sets(&level, &[2, 3], true));
    assert_eq!(level.get(), 3);
}

#[test]
fn all_ways_of_storing_are_undone() {
    let level = Observable::new(1);
    let inside = level.clone();
    let result = finish(atomic(async move {
        inside.set(2);
        assert_eq!(inside.replace(3), 2);
        inside.update(|level| *level += 1);
        assert!(inside.set_if_changed(5) && !inside.set_if_changed(5));
        inside.try_set(6).unwrap();
        assert_eq!(inside.get(), 6);
        Err::<(), _>("no")
    }));
    assert!(result.is_err());
    assert_eq!(level.get(), 1);
}

#[test]
fn each_way_of_storing_can_be_the_first() {
    let ways: [fn(&Observable<u32>); 5] = [
        |level| drop(level.set(2)),
        |level| assert_eq!(level.replace(2), 1),
        |level| drop(level.update(|level| *level += 1)),
        |level| assert!(level.set_if_changed(2)),
        |level| drop(level.try_set(2).unwrap()),
    ];
    for way in ways {
        let (level, log) = (Observable::new(1), Log::new());
        level.connect(noting(&log, ""));
        let inside = level.clone();
        let body = async move {
            way(&inside);
            Err::<(), _>("no")
        };
        assert!(finish(atomic(body)).is_err());
        assert_eq!((level.get(), log.take()), (1, vec!["2".to_owned(), "1".to_owned()]));
    }
}

#[test]
fn a_plain_store_on_top_stands() {
    let level = Observable::new(1);
    let open = sets(&level, &[2], false);
    level.set(7);
    ends(open);
    assert_eq!(level.get(), 7);
}

#[test]
fn what_was_stored_over_a_plain_store_falls_back_to_that() {
    let level = Observable::new(1);
    let (gate, inside) = (Gate::new(), level.clone());
    let wait = gate.clone();
    let mut task = Task::new(atomic(async move {
        inside.set(2);
        wait.pass().await;
        inside.set(3);
        Err::<(), _>("no")
    }));
    assert_pending!(task.run());
    level.set(7);
    gate.open();
    assert!(assert_ready!(task.run()).is_err());
    assert_eq!(level.get(), 7);
}

#[test]
fn what_was_rolled_back_never_comes_back() {
    for first_ends_first in [true, false] {
        let level = Observable::new(1);
        let (first, second) = (sets(&level, &[2], false), sets(&level, &[3], false));
        assert_eq!(level.get(), 3);
        if first_ends_first {
            ends(first);
            assert_eq!(level.get(), 3);
            ends(second);
        } else {
            ends(second);
            assert_eq!(level.get(), 2);
            ends(first);
        }
        assert_eq!(level.get(), 1);
    }
}

#[test]
fn what_was_committed_beneath_comes_back() {
    let level = Observable::new(1);
    let (first, second) = (sets(&level, &[2], true), sets(&level, &[3], false));
    ends(first);
    ends(second);
    assert_eq!(level.get(), 2);
}

#[test]
fn what_was_committed_on_top_stands() {
    let level = Observable::new(1);
    let (first, second) = (sets(&level, &[2], false), sets(&level, &[3], true));
    ends(second);
    ends(first);
    assert_eq!(level.get(), 3);
}

#[test]
fn an_inner_rollback_undoes_its_own_and_an_inner_commit_hands_over() {
    for (well, expected) in [(true, 4), (false, 1)] {
        let level = Observable::new(1);
        let inside = level.clone();
        let result = finish(atomic(async move {
            inside.set(2);
            let refused = atomic(async {
                inside.set(3);
                Err::<(), _>("no")
            });
            assert!(refused.await.is_err());
            assert_eq!(inside.get(), 2);
            let inner = atomic(async {
                inside.set(4);
                Ok::<_, &str>(())
            });
            inner.await.unwrap();
            if well { Ok(()) } else { Err("no") }
        }));
        assert_eq!(result.is_ok(), well);
        assert_eq!(level.get(), expected);
    }
}

#[test]
fn one_that_is_dropped_undoes_too() {
    let level = Observable::new(1);
    drop(sets(&level, &[2], true));
    assert_eq!(level.get(), 1);
}

#[test]
fn a_restoration_is_told_once_for_each_observable_the_last_stored_first() {
    let (low, high, log) = (Observable::new(1), Observable::new(10), Log::new());
    low.connect(noting(&log, "low "));
    high.connect(noting(&log, "high "));
    low.replaced().connect({
        let log = log.clone();
        move |pair| log.note(format!("{pair:?}"))
    });
    let (inside, above) = (low.clone(), high.clone());
    let result = finish(atomic(async move {
        inside.set(2);
        above.set(20);
        inside.set(3);
        Err::<(), _>("no")
    }));
    assert!(result.is_err());
    assert_eq!(log.take(), ["low 2", "(1, 2)", "high 20", "low 3", "(2, 3)", "high 10", "low 1", "(3, 1)"]);
}

#[test]
fn what_a_rollback_does_not_change_is_not_told() {
    let (level, log) = (Observable::new(1), Log::new());
    level.connect(noting(&log, ""));
    let open = sets(&level, &[2], false);
    level.set(7);
    log.take();
    ends(open);
    assert!(log.take().is_empty());
}

#[test]
fn a_gated_one_is_not_told_of_what_equals() {
    let level = Observable::builder(1).gated().build();
    let log = Log::new();
    level.connect(noting(&log, ""));
    ends(sets(&level, &[2, 2, 1], false));
    assert_eq!(log.take(), ["2", "1"]);
}

#[test]
fn streams_hear_of_a_restoration() {
    let level = Observable::new(1);
    let mut values = level.stream();
    let open = sets(&level, &[2], false);
    assert_eq!(finish(values.next()), Some(2));
    let mut next = Task::new(async move { (values.next().await, values) });
    assert_pending!(next.run());
    ends(open);
    let (value, mut values) = assert_ready!(next.run());
    assert_eq!(value, Some(1));
    drop(level);
    assert_eq!(finish(values.next()), None);
}

#[test]
fn a_stream_ends_when_no_rollback_can_bring_anything_back() {
    for (well, last) in [(false, Some(1)), (true, None)] {
        let level = Observable::new(1);
        let mut values = level.stream();
        let (gate, inside) = (Gate::new(), level.clone());
        let wait = gate.clone();
        let mut task = Task::new(async move {
            let body = async move {
                inside.set(2);
                drop(inside);
                wait.pass().await;
                if well { Ok(()) } else { Err("no") }
            };
            drop(atomic(body).await);
        });
        assert_pending!(task.run());
        drop(level);
        assert_eq!(finish(values.next()), Some(2));
        let mut next = Task::new(async move { values.next().await });
        assert_pending!(next.run());
        gate.open();
        assert_ready!(task.run());
        assert_eq!(assert_ready!(next.run()), last);
    }
}

#[test]
fn hooks_are_called_among_the_restorations_the_last_given_first() {
    let (level, log) = (Observable::new(1), Log::new());
    level.connect(noting(&log, ""));
    let (inside, noted) = (level.clone(), log.clone());
    let result = finish(atomic(async move {
        let note = |what: &'static str| {
            let (level, noted) = (inside.clone(), noted.clone());
            move || noted.note(format!("{what}, at {}", level.get()))
        };
        on_rollback(note("first"));
        inside.set(2);
        on_rollback(note("last"));
        Err::<(), _>("no")
    }));
    assert!(result.is_err());
    assert_eq!(log.take(), ["2", "last, at 2", "1", "first, at 1"]);
}

#[test]
fn hooks_of_the_commit_may_store() {
    let level = Observable::new(1);
    let inside = level.clone();
    finish(atomic(async move {
        inside.set(2);
        let hook = inside.clone();
        on_commit(move || drop(hook.set(3)));
        Ok::<_, String>(())
    }))
    .unwrap();
    ends(sets(&level, &[4], false));
    assert_eq!(level.get(), 3);
}

#[test]
fn nothing_grows_however_often_it_is_set() {
    let level = Observable::new(0);
    let inside = level.clone();
    finish(atomic(async move {
        inside.set(1);
        let first = measure(|| (0..100_000).for_each(|value| drop(inside.set(value))));
        assert_eq!(first.count_total, 0);
        Err::<(), _>("no")
    }))
    .unwrap_err();
    assert_eq!(level.get(), 0);
}

/// The most that is allocated at a time while so many inner transactions commit.
fn most(inner: u32, level: Option<&Observable<u32>>) -> u64 {
    measure(|| {
        let result = finish(atomic(async {
            for value in 0..inner {
                let body = async { Ok::<_, String>(level.map(|level| drop(level.set(value)))) };
                atomic(body).await.unwrap();
            }
            Err::<(), _>("no")
        }));
        assert!(result.is_err());
    })
    .bytes_max
}

#[test]
fn nor_with_the_number_of_inner_ones() {
    let level = Observable::new(7);
    most(1, Some(&level));
    let [few, many] = [10, 3_000].map(|inner| most(inner, Some(&level)).saturating_sub(most(inner, None)));
    assert!(many <= few + 1024, "{few} bytes for few, {many} for many");
    assert_eq!(level.get(), 7);
}

/// Counts how many there are.
struct Counted(Arc<AtomicU32>);

impl Counted {
    fn new(count: &Arc<AtomicU32>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(count.clone())
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Counted::new(&self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn one_value_is_kept_for_each_transaction_and_none_at_the_end() {
    for well in [true, false] {
        let count = Arc::new(AtomicU32::new(0));
        let level = Observable::new(Counted::new(&count));
        let (inside, counted) = (level.clone(), count.clone());
        let _ = finish(atomic(async move {
            for _ in 0..10 {
                inside.set(Counted::new(&counted));
                let inner = atomic(async {
                    inside.update(|_| ());
                    Ok::<_, String>(())
                });
                inner.await.unwrap();
                // The value, the one before this, and what an inner one has handed over.
                assert!(counted.load(Ordering::Relaxed) <= 3);
            }
            if well { Ok(()) } else { Err("no") }
        }));
        assert_eq!(count.load(Ordering::Relaxed), 1);
        drop(level);
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn a_restoration_waits_its_turn_where_another_thread_delivers() {
    let (level, seen) = (Observable::new(0), Arc::new(Mutex::new(Vec::new())));
    let (inside, wait_inside) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let hold = Mutex::new(Some((inside, wait)));
    let noted = seen.clone();
    level.connect(move |value| {
        noted.lock().unwrap().push(*value);
        if *value == 1
            && let Some((inside, wait)) = hold.lock().unwrap().take()
        {
            inside.send(()).unwrap();
            wait.recv().unwrap();
        }
    });
    thread::scope(|s| {
        let deliverer = s.spawn(|| drop(level.set(1)));
        wait_inside.recv().unwrap();
        ends(sets(&level, &[2, 3], false));
        // It stands at once; who delivers tells of it.
        assert_eq!((level.get(), &*seen.lock().unwrap()), (1, &vec![1]));
        go_on.send(()).unwrap();
        deliverer.join().unwrap();
    });
    assert_eq!(*seen.lock().unwrap(), [1, 2, 3, 1]);
}

#[test]
fn what_waits_when_it_is_rolled_back_is_not_for_asynchronous_handlers() {
    let (level, log) = (Observable::new(0), Log::new());
    let (inside, noted) = (level.clone(), log.clone());
    // The handler itself has one rolled back: its change waits by then.
    let first = AtomicBool::new(true);
    level.connect(move |value| {
        noted.note(format!("sync {value}"));
        if first.swap(false, Ordering::Relaxed) {
            drop(sets(&inside, &[2], false));
        }
    });
    let noted = log.clone();
    level.connect_async(move |value| {
        let noted = noted.clone();
        async move { noted.note(format!("async {value}")) }
    });
    let outside = level.clone();
    finish(scope(async move { drop(outside.set(1)) })).unwrap();
    // Nor is it left with the root.
    finish(Transaction::root().wait()).unwrap();
    assert_eq!(log.take(), ["sync 1", "sync 2", "sync 1", "async 1"]);
    assert_eq!(level.get(), 1);
}

#[test]
fn handlers_that_store_are_undone_with_what_they_were_told() {
    let (level, double) = (Observable::new(1), Observable::new(2));
    let derived = double.clone();
    level.connect(move |value| derived.set(value * 2));
    ends(sets(&level, &[5, 6], false));
    assert_eq!((level.get(), double.get()), (1, 2));
}

#[test]
fn a_handler_that_fails_at_a_restoration_is_reported() {
    let level = Observable::new(1);
    level.connect(|value| if *value == 1 { Err("one again") } else { Ok(()) });
    let inside = level.clone();
    let failures = finish(scope(async move {
        let refused = atomic(async {
            inside.set(2);
            Err::<(), _>("no")
        });
        assert!(refused.await.is_err());
    }))
    .unwrap_err();
    assert_eq!(failures.len(), 1);
    assert!(failures.to_string().ends_with("one again") && failures.to_string().contains("undo.rs"));
}

#[test]
fn threads_that_set_and_roll_back_leave_what_was_stored_plainly_last() {
    let (level, last) = (Observable::new(0u32), Arc::new(Mutex::new(0)));
    let noted = last.clone();
    level.connect(move |value| *noted.lock().unwrap() = *value);
    thread::scope(|s| {
        for n in 1..4 {
            let level = level.clone();
            s.spawn(move || {
                for round in 0..300 {
                    let inside = level.clone();
                    let _ = settled::block_on(atomic(async move {
                        inside.set(1_000 * n + round);
                        inside.update(|value| *value += 1);
                        if round % 3 == 0 { Ok(()) } else { Err("no") }
                    }));
                }
            });
        }
    });
    let standing = level.get();
    assert_eq!(*last.lock().unwrap(), standing, "the last delivered is the value that stands");
    assert_eq!(standing % 1_000 % 3, 1, "a committed one: {standing}");
}

#[test]
fn a_transaction_that_ends_within_an_update_is_told_of_when_that_has_returned() {
    for commits in [false, true] {
        for handlers in [false, true] {
            let (level, log) = (Observable::new(1), Log::new());
            if handlers {
                level.connect(noting(&log, ""));
            }
            let (gate, mut task) = sets(&level, &[7], commits);
            log.take();
            // Plain: it stands, whatever becomes of what it was stored over.
            level.update(|value| {
                gate.open();
                assert_eq!(assert_ready!(task.run()).is_ok(), commits);
                *value += 1;
            });
            assert_eq!(level.get(), 8);
            assert_eq!(log.take().len(), usize::from(handlers));

            // Atomic, and rolled back itself: what stands is what stood, or what was committed, beneath.
            level.set(1);
            let (gate, mut task) = sets(&level, &[7], commits);
            let rolled_back: Result<(), _> = finish(atomic(async {
                level.update(|value| {
                    gate.open();
                    assert_eq!(assert_ready!(task.run()).is_ok(), commits);
                    *value += 1;
                });
                assert_eq!(level.get(), 8);
                Err::<(), _>("no")
            }));
            assert!(rolled_back.is_err());
            assert_eq!(level.get(), if commits { 7 } else { 1 });
            // Nothing is left of either.
            let (gate, task) = sets(&level, &[7], false);
            ends((gate, task));
            assert_eq!(level.get(), if commits { 7 } else { 1 });
        }
    }
}

#[test]
fn a_transaction_that_is_rolled_back_within_an_update_of_its_own_takes_that_with_it() {
    let (level, log) = (Observable::new(1), Log::new());
    level.connect(noting(&log, ""));
    let (inner, own) = (level.clone(), Arc::new(Mutex::new(None)));
    let tell = own.clone();
    let mut task = Task::new(atomic(async move {
        inner.set(7);
        *tell.lock().unwrap() = settled::current();
        std::future::pending::<Result<(), ()>>().await
    }));
    assert_pending!(task.run());
    let own = own.lock().unwrap().take().expect("it is in one");
    own.enter(|| {
        level.update(|value| {
            *value = 8;
            drop(task);
        });
    });
    assert_eq!((level.get(), log.take()), (1, vec!["7".to_string(), "8".into(), "1".into()]));
}

#[test]
fn what_ends_within_an_update_that_panics_is_told_of_too() {
    let level = Observable::new(1);
    let (gate, mut task) = sets(&level, &[7], false);
    let updating = std::panic::AssertUnwindSafe(|| {
        finish(atomic(async {
            level.update(|_| {
                gate.open();
                assert!(assert_ready!(task.run()).is_err());
                std::panic::resume_unwind(Box::new("no"));
            });
            Ok::<(), ()>(())
        }))
    });
    assert!(std::panic::catch_unwind(updating).is_err());
    assert_eq!(level.get(), 1);
}

#[test]
fn a_transaction_that_ends_within_a_try_update_is_told_of_too() {
    for commits in [false, true] {
        let level =
            Observable::builder(1).validate(|x: &u32| if *x < 100 { Ok(()) } else { Err("much") }).build();
        for (more, standing) in [(1, 8), (100, if commits { 7 } else { 1 })] {
            level.set(1);
            let (gate, mut task) = sets(&level, &[7], commits);
            let tried = level.try_update(|value| {
                gate.open();
                assert_eq!(assert_ready!(task.run()).is_ok(), commits);
                *value += more;
            });
            assert_eq!((tried.is_ok(), level.get()), (more == 1, standing));
        }
    }
}

#[test]
fn a_transaction_that_ends_within_an_update_is_not_told_of_by_another_one_that_is_refused_there() {
    for commits in [false, true] {
        let level = Observable::new(1);
        let (gate, mut task) = sets(&level, &[7], commits);
        let rolled_back: Result<(), _> = finish(atomic(async {
            level.update(|value| {
                gate.open();
                assert_eq!(assert_ready!(task.run()).is_ok(), commits);
                let again = std::panic::AssertUnwindSafe(|| drop(level.update(|value| *value += 1)));
                assert!(std::panic::catch_unwind(again).is_err());
                *value += 1;
            });
            assert_eq!(level.get(), 8);
            Err::<(), _>("no")
        }));
        assert!(rolled_back.is_err());
        assert_eq!(level.get(), if commits { 7 } else { 1 });
    }
}
