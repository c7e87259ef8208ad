//! Computeds and effects depend on what they have read of a collection, and on nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use settled::{atomic, scope};
use settled_signal::{Computed, Effect, ObservableMap, ObservableVec, batch};
use support::{Log, finish};

/// A computed, and how often it has been computed.
fn counted<T: Clone + PartialEq + Send + Sync + 'static>(
    f: impl Fn() -> T + Send + Sync + 'static,
) -> (Computed<T>, impl Fn() -> usize) {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = runs.clone();
    let computed = Computed::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        f()
    });
    (computed, move || runs.swap(0, Ordering::Relaxed))
}

#[test]
fn who_reads_an_item_depends_on_that() {
    let numbers = ObservableVec::from(vec![1, 2, 3]);
    let inside = numbers.clone();
    let (second, runs) = counted(move || inside.get(1));
    assert_eq!((second.get(), runs()), (Some(2), 1));
    numbers.set(0, 7);
    numbers.set(2, 7);
    numbers.push(4);
    numbers.extend([5, 6]);
    numbers.truncate(3);
    numbers.insert(2, 8);
    assert_eq!((second.get(), runs()), (Some(2), 0));
    numbers.set(1, 9);
    assert_eq!((second.get(), runs()), (Some(9), 1));
    numbers.insert(0, 5);
    assert_eq!((second.get(), runs()), (Some(7), 1));
    numbers.remove(0);
    assert_eq!((second.get(), runs()), (Some(9), 1));
    numbers.truncate(1);
    assert_eq!((second.get(), runs()), (None, 1));
    numbers.extend([3]);
    assert_eq!((second.get(), runs()), (Some(3), 1));
    numbers.replace_all(vec![1, 4]);
    assert_eq!((second.get(), runs()), (Some(4), 1));
    numbers.batch(|numbers| {
        numbers.push(1);
        numbers.set(1, 5);
        numbers.push(2);
    });
    assert_eq!((second.get(), runs()), (Some(5), 1));
}

#[test]
fn who_asks_how_many_there_are_depends_on_that() {
    let numbers = ObservableVec::from(vec![1, 2]);
    let inside = numbers.clone();
    let (len, runs) = counted(move || inside.len());
    assert_eq!((len.get(), runs()), (2, 1));
    numbers.set(0, 7);
    numbers.swap(0, 1);
    assert_eq!((len.get(), runs()), (2, 0));
    numbers.push(3);
    assert_eq!((len.get(), runs()), (3, 1));
    let inside = numbers.clone();
    let (all, runs) = counted(move || inside.with(|numbers| numbers.iter().sum::<i32>()));
    assert_eq!((all.get(), runs()), (12, 1));
    numbers.set(2, 4);
    assert_eq!((all.get(), runs()), (13, 1));
}

#[test]
fn who_reads_a_key_depends_on_that() {
    let ages = ObservableMap::from_iter([("Ada".to_string(), 36), ("Tim".to_string(), 7)]);
    let inside = ages.clone();
    let (ada, runs) = counted(move || inside.get("Ada"));
    assert_eq!((ada.get(), runs()), (Some(36), 1));
    ages.insert("Tim".into(), 8);
    ages.insert("Eva".into(), 20);
    assert_eq!((ada.get(), runs()), (Some(36), 0));
    ages.insert("Ada".into(), 37);
    assert_eq!((ada.get(), runs()), (Some(37), 1));
    ages.remove("Ada");
    assert_eq!((ada.get(), runs()), (None, 1));
    // It is not there: what keys there are matters, what they have does not.
    ages.insert("Tim".into(), 9);
    assert_eq!((ada.get(), runs()), (None, 0));
    ages.insert("Ada".into(), 38);
    assert_eq!((ada.get(), runs()), (Some(38), 1));
    let inside = ages.clone();
    let (len, runs) = counted(move || inside.len());
    assert_eq!(len.get(), 3);
    ages.insert("Tim".into(), 10);
    assert_eq!((len.get(), runs()), (3, 1));
    ages.clear();
    assert_eq!((len.get(), ada.get()), (0, None));
}

#[test]
fn views_are_tracked_too() {
    let numbers = ObservableVec::from(vec![1, 2, 4]);
    let even = numbers.filter(|x| x % 2 == 0);
    let inside = even.clone();
    let (first, runs) = counted(move || (inside.get(0), inside.len()));
    assert_eq!((first.get(), runs()), ((Some(2), 2), 1));
    numbers.push(5);
    numbers.set(2, 6);
    assert_eq!((first.get(), runs()), ((Some(2), 2), 0));
    numbers.set(0, 8);
    assert_eq!((first.get(), runs()), ((Some(8), 3), 1));
}

#[test]
fn an_effect_is_run_once_for_all_that_is_one_step() {
    let numbers = ObservableVec::from(vec![1]);
    let doubled = numbers.map(|x| x * 2);
    let (log, noted, all) = (Log::new(), numbers.clone(), doubled.clone());
    let seen = log.clone();
    let effect = Effect::new(move || seen.note(format!("{:?} {:?}", noted.to_vec(), all.to_vec())));
    assert_eq!(log.take(), ["[1] [2]"]);
    numbers.push(2);
    assert_eq!(log.take(), ["[1, 2] [2, 4]"]);
    batch(|| {
        numbers.push(3);
        numbers.remove(0);
    });
    assert_eq!(log.take(), ["[2, 3] [4, 6]"]);
    finish(scope(async {
        numbers.push(4);
        numbers.clear();
        assert!(log.take().is_empty());
    }))
    .unwrap();
    assert_eq!(log.take(), ["[] []"]);
    effect.stop();
}

#[test]
fn no_effect_is_run_because_of_what_is_uncommitted() {
    for well in [true, false] {
        let numbers = ObservableVec::from(vec![1]);
        let (log, inside) = (Log::new(), numbers.clone());
        let seen = log.clone();
        let effect = Effect::new(move || seen.note(format!("{:?}", inside.to_vec())));
        let inside = numbers.clone();
        let (first, _) = counted(move || inside.get(0));
        assert_eq!((log.take(), first.get()), (vec!["[1]".to_string()], Some(1)));
        let inside = numbers.clone();
        let result = finish(scope(async {
            atomic(async {
                inside.set(0, 2);
                inside.push(3);
                // Whoever asks reads what stands.
                assert_eq!(first.get(), Some(2));
                if well { Ok(()) } else { Err("no") }
            })
            .await
        }));
        assert_eq!(result.unwrap().is_ok(), well);
        assert_eq!(first.get(), Some(if well { 2 } else { 1 }));
        assert_eq!(log.take(), if well { vec!["[2, 3]"] } else { vec![] });
        numbers.push(4);
        assert_eq!(log.take().len(), 1);
        effect.stop();
    }
}
