//! What was changed in an atomic transaction is undone when that is rolled back; and who hears of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use settled::{atomic, scope};
use settled_signal::{MapDiff, ObservableMap, ObservableVec, Source, VecDiff};
use support::{Gate, Task, assert_pending, assert_ready, finish};

use super::kit::{later_replica, replica, streamed};

type Open = (Gate, Task<BoxFuture<'static, bool>>);

/// Does this in an atomic transaction, which stays open.
fn opened(change: impl FnOnce() + Send + 'static, well: bool) -> Open {
    let gate = Gate::new();
    let wait = gate.clone();
    let body = async move {
        change();
        wait.pass().await;
        if well { Ok(()) } else { Err("no") }
    };
    // What is owed after a rollback goes to the scope around.
    let mut task =
        Task::new(async move { scope(async { atomic(body).await.is_ok() }).await.unwrap() }.boxed());
    assert_pending!(task.run());
    (gate, task)
}

fn ends((gate, mut task): Open) {
    gate.open();
    assert_ready!(task.run());
}

fn later<D: Clone + Send + Sync + 'static>(source: &Source<D>) -> Arc<Mutex<Vec<D>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let inside = heard.clone();
    source.connect_async(move |diff: D| {
        let heard = inside.clone();
        async move { heard.lock().unwrap().push(diff) }
    });
    heard
}

fn take<D>(heard: &Mutex<Vec<D>>) -> Vec<D> {
    std::mem::take(&mut heard.lock().unwrap())
}

#[test]
fn a_rollback_restores_and_is_told_once_to_handlers_and_streams() {
    let numbers = ObservableVec::from(vec![1, 2, 3]);
    let told = Arc::new(Mutex::new(0));
    let count = told.clone();
    numbers.changed().connect(move |_| *count.lock().unwrap() += 1);
    let seen = replica(numbers.changed(), numbers.to_vec());
    let mut stream = streamed(numbers.stream());
    stream.catch_up();
    let later = later(numbers.changed());
    let inside = numbers.clone();
    let open = opened(
        move || {
            inside.push(4);
            inside.remove(0);
            inside.set(0, 7);
        },
        false,
    );
    assert_eq!(numbers.to_vec(), [7, 3, 4]);
    assert_eq!(*told.lock().unwrap(), 3);
    assert_eq!(stream.catch_up(), vec![7, 3, 4]);
    ends(open);
    assert_eq!(numbers.to_vec(), [1, 2, 3]);
    assert_eq!(*told.lock().unwrap(), 4);
    assert_eq!(*seen.lock().unwrap(), [1, 2, 3]);
    assert_eq!((stream.catch_up(), stream.diffs), (vec![1, 2, 3], 5));
    assert!(take(&later).is_empty());
}

#[test]
fn asynchronous_handlers_hear_of_a_commit_as_one_diff() {
    let numbers = ObservableVec::from(vec![1]);
    let heard = later(numbers.changed());
    let inside = numbers.clone();
    let open = opened(
        move || {
            inside.push(2);
            inside.push(3);
            inside.set(0, 7);
            inside.remove(1);
        },
        true,
    );
    assert!(take(&heard).is_empty());
    ends(open);
    let steps = [VecDiff::Set { index: 0, value: 7 }, VecDiff::Insert { index: 1, value: 3 }];
    assert_eq!(take(&heard), [VecDiff::Batch(steps.into_iter().collect())]);
    let map = ObservableMap::from_iter([("a", 1)]);
    let heard = later(map.changed());
    let inside = map.clone();
    ends(opened(
        move || {
            inside.insert("b", 1);
            inside.insert("b", 2);
            inside.remove("a");
        },
        true,
    ));
    let steps = [MapDiff::Remove { key: "a" }, MapDiff::Insert { key: "b", value: 2 }];
    assert_eq!(take(&heard), [MapDiff::Batch(steps.into_iter().collect())]);
}

#[test]
fn what_others_have_changed_stays_when_one_is_rolled_back() {
    let letters = ObservableVec::from(vec!['a', 'b']);
    let inside = letters.clone();
    let open = opened(
        move || {
            inside.insert(0, 'x');
            inside.set(1, 'A');
            inside.remove(2);
        },
        false,
    );
    assert_eq!(letters.to_vec(), ['x', 'A']);
    letters.push('c');
    letters.insert(1, 'd');
    assert_eq!(letters.to_vec(), ['x', 'd', 'A', 'c']);
    ends(open);
    assert_eq!(letters.to_vec(), ['d', 'a', 'b', 'c']);
}

#[test]
fn a_plain_change_beside_an_open_one_is_heard_at_once_in_committed_positions() {
    for well in [true, false] {
        let letters = ObservableVec::from(vec!['a']);
        let heard = later(letters.changed());
        let built = later_replica(letters.changed(), letters.to_vec());
        let inside = letters.clone();
        let open = opened(
            move || {
                inside.insert(0, 'x');
                inside.insert(0, 'y');
            },
            well,
        );
        finish(scope(async { drop(letters.push('b')) })).unwrap();
        assert_eq!(take(&heard), [VecDiff::Insert { index: 1, value: 'b' }]);
        assert_eq!(*built.lock().unwrap(), ['a', 'b']);
        // Not committed, so nobody is told that it changes.
        finish(scope(async { drop(letters.set(0, 'z')) })).unwrap();
        assert!(take(&heard).is_empty());
        ends(open);
        assert_eq!(letters.to_vec(), if well { vec!['z', 'x', 'a', 'b'] } else { vec!['a', 'b'] });
        assert_eq!(*built.lock().unwrap(), letters.to_vec());
    }
}

#[test]
fn what_was_set_plainly_on_top_stands() {
    let numbers = ObservableVec::from(vec![1]);
    let inside = numbers.clone();
    let open = opened(move || drop(inside.set(0, 2)), false);
    numbers.set(0, 3);
    ends(open);
    assert_eq!(numbers.to_vec(), [3]);
    let map = ObservableMap::from_iter([("a", 1), ("b", 1)]);
    let (inside, built) = (map.clone(), later_replica(map.changed(), map.to_map()));
    let open = opened(
        move || {
            inside.insert("a", 2);
            inside.remove("b");
        },
        false,
    );
    finish(scope(async { drop(map.insert("a", 3)) })).unwrap();
    assert_eq!(*built.lock().unwrap(), BTreeMap::from([("a", 3), ("b", 1)]));
    ends(open);
    assert_eq!(map.to_vec(), [("a", 3), ("b", 1)]);
}

#[test]
fn what_was_rolled_back_does_not_come_back_by_another() {
    let numbers = ObservableVec::from(vec![1]);
    let (first, second) = (numbers.clone(), numbers.clone());
    let first = opened(
        move || {
            first.push(2);
            first.set(0, 5);
        },
        false,
    );
    let second = opened(
        move || {
            // The first one's item, and its value.
            second.remove(1);
            second.set(0, 6);
        },
        false,
    );
    ends(first);
    assert_eq!(numbers.to_vec(), [6]);
    ends(second);
    assert_eq!(numbers.to_vec(), [1]);
}

#[test]
fn an_inner_one_hands_over_to_the_outer_one() {
    for well in [true, false] {
        let numbers = ObservableVec::from(vec![1, 2]);
        let built = later_replica(numbers.changed(), numbers.to_vec());
        let inside = numbers.clone();
        let body = async move {
            inside.push(3);
            let inner = inside.clone();
            let done = atomic(async move {
                inner.set(2, 4);
                inner.remove(0);
                Ok::<_, &str>(())
            });
            done.await.unwrap();
            let inner = inside.clone();
            let undone = atomic(async move {
                inner.clear();
                Err::<(), _>("no")
            });
            assert!(undone.await.is_err());
            assert_eq!(inside.to_vec(), [2, 4]);
            if well { Ok(()) } else { Err("no") }
        };
        assert_eq!(finish(atomic(body)).is_ok(), well);
        assert_eq!(numbers.to_vec(), if well { vec![2, 4] } else { vec![1, 2] });
        assert_eq!(*built.lock().unwrap(), numbers.to_vec());
    }
}

#[test]
fn views_follow_and_their_asynchronous_handlers_hear_of_what_is_committed() {
    let numbers = ObservableVec::from(vec![1, 2]);
    let even = numbers.filter(|x| x % 2 == 0);
    let heard = later(even.changed());
    let inside = numbers.clone();
    let open = opened(
        move || {
            inside.push(4);
            inside.set(0, 6);
        },
        false,
    );
    assert_eq!(even.to_vec(), [6, 2, 4]);
    ends(open);
    assert_eq!(even.to_vec(), [2]);
    assert!(take(&heard).is_empty());
    let inside = numbers.clone();
    let open = opened(
        move || {
            inside.push(4);
            inside.push(6);
        },
        true,
    );
    assert!(take(&heard).is_empty());
    ends(open);
    let steps = [VecDiff::Insert { index: 1, value: 4 }, VecDiff::Insert { index: 2, value: 6 }];
    assert_eq!(take(&heard), [VecDiff::Batch(steps.into_iter().collect())]);
    finish(scope(async { drop(numbers.push(8)) })).unwrap();
    assert_eq!(take(&heard), [VecDiff::Insert { index: 3, value: 8 }]);
    // Others in between: all at once, when nothing is uncommitted any more.
    let inside = numbers.clone();
    let open = opened(move || drop(inside.push(10)), false);
    finish(scope(async { drop(numbers.insert(0, 12)) })).unwrap();
    assert_eq!(even.to_vec(), [12, 2, 4, 6, 8, 10]);
    assert!(take(&heard).is_empty());
    ends(open);
    assert_eq!(take(&heard), [VecDiff::Reset { values: vec![12, 2, 4, 6, 8].into() }]);
}

#[test]
fn what_was_made_within_an_open_one_is_in_step_when_that_is_rolled_back() {
    let numbers = ObservableVec::from(vec![2]);
    let inside = numbers.clone();
    let open = opened(move || drop(inside.push(4)), false);
    let even = numbers.filter(|x| x % 2 == 0);
    let built = later_replica(even.changed(), vec![]);
    assert_eq!(even.to_vec(), [2, 4]);
    finish(scope(async { drop(numbers.push(6)) })).unwrap();
    ends(open);
    assert_eq!(even.to_vec(), [2, 6]);
    assert_eq!(*built.lock().unwrap(), [2, 6]);
}

#[test]
fn what_ends_within_a_batch_is_told_of_when_that_has_returned() {
    for well in [true, false] {
        let numbers = ObservableVec::from(vec![1]);
        let built = later_replica(numbers.changed(), numbers.to_vec());
        let mut stream = streamed(numbers.stream());
        let other = numbers.stream();
        stream.catch_up();
        let inside = numbers.clone();
        let open = opened(move || drop(inside.push(2)), well);
        finish(scope(async {
            numbers.batch(|numbers| {
                numbers.insert(0, 3);
                drop(other);
                ends(open);
            });
        }))
        .unwrap();
        let expected = if well { vec![3, 1, 2] } else { vec![3, 1] };
        assert_eq!((numbers.to_vec(), stream.catch_up()), (expected.clone(), expected.clone()));
        assert_eq!(*built.lock().unwrap(), expected);
    }
}
