//! Views stay in step.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use settled::scope;
use settled_signal::{ObservableMap, ObservableSet, ObservableVec, VecDiff};
use support::{Log, finish};

use super::kit::{later_replica, replica};

#[test]
fn a_handler_finds_views_in_step_with_the_change_of_which_it_hears() {
    let numbers = ObservableVec::from(vec![1]);
    let log = Log::new();
    let (seen, late) = (log.clone(), Arc::new(Mutex::new(None)));
    let view = late.clone();
    let inside = numbers.clone();
    numbers.changed().connect(move |diff: &VecDiff<u32>| {
        let view: Option<settled_signal::VecView<u32>> = view.lock().unwrap().clone();
        seen.note(format!("{:?}", view.unwrap().to_vec()));
        // Not told yet, so not shown yet.
        if let VecDiff::Insert { value: 2, .. } = diff {
            inside.push(3);
        }
    });
    // Made behind the handler.
    *late.lock().unwrap() = Some(numbers.map(|x| x * 10));
    numbers.push(2);
    assert_eq!(log.take(), ["[10, 20]", "[10, 20, 30]"]);
}

#[test]
fn what_the_handlers_of_a_view_owe_is_waited_for() {
    let numbers = ObservableVec::new();
    let even = numbers.filter(|x| x % 2 == 0);
    let built = later_replica(even.changed(), vec![]);
    finish(scope(async { drop(numbers.extend([1, 2, 3, 4])) })).unwrap();
    assert_eq!(*built.lock().unwrap(), [2, 4]);
    even.changed().connect_async(|_| async { Err::<(), _>("not even") });
    finish(scope(async { drop(numbers.push(5)) })).unwrap();
    let failures = finish(scope(async { drop(numbers.push(6)) })).unwrap_err();
    assert!(failures.to_string().contains("not even"));
    // And by the notification alone.
    let failures = finish(numbers.push(8)).unwrap_err();
    assert_eq!(failures.len(), 1);
    assert_eq!(*built.lock().unwrap(), [2, 4, 6, 8]);
}

#[test]
fn a_closure_is_called_once_for_each_item_and_without_a_lock() {
    let numbers: ObservableVec<usize> = (0..1_000).collect();
    let (calls, compares) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (inside, count) = (numbers.clone(), calls.clone());
    let doubled = numbers.map(move |x| {
        count.fetch_add(1, Ordering::Relaxed);
        assert_eq!(inside.len() / 900, 1);
        x * 2
    });
    let count = compares.clone();
    let falling = doubled.sort_by(move |a, b| {
        count.fetch_add(1, Ordering::Relaxed);
        b.cmp(a)
    });
    assert_eq!(calls.swap(0, Ordering::Relaxed), 1_000);
    compares.store(0, Ordering::Relaxed);
    numbers.insert(500, 7);
    numbers.set(3, 8);
    numbers.remove(9);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    assert!(
        compares.load(Ordering::Relaxed) < 120,
        "{compares:?} comparisons for two items among a thousand"
    );
    assert_eq!((doubled.len(), falling.get(0)), (1_000, Some(1_998)));
}

#[test]
fn where_a_closure_panics_the_setter_hears_of_it_and_the_view_is_made_anew() {
    let numbers = ObservableVec::from(vec![1, 2]);
    let inverse = numbers.map(|x| 100 / x);
    let big = inverse.filter(|x| *x >= 10);
    let seen = replica(big.changed(), big.to_vec());
    let failures = finish(scope(async { drop(numbers.push(0)) })).unwrap_err();
    assert!(failures.first().unwrap().panic_message().unwrap().contains("divide by zero"));
    assert_eq!(inverse.to_vec(), [100, 50]);
    numbers.set(2, 5);
    assert_eq!((inverse.to_vec(), big.to_vec()), (vec![100, 50, 20], vec![100, 50, 20]));
    numbers.push(25);
    assert_eq!((inverse.len(), big.to_vec()), (4, vec![100, 50, 20]));
    assert_eq!(*seen.lock().unwrap(), big.to_vec());
    // And where it panics of what is there already, there is no view.
    numbers.push(1);
    assert!(catch_unwind(AssertUnwindSafe(|| numbers.map(|x| 100 / (x - 1)))).is_err());
    numbers.push(4);
}

#[test]
fn items_that_are_equal_stay_in_the_order_of_the_source() {
    let words = ObservableVec::from(vec!["bb", "a"]);
    let by_length = words.sort_by_key(|word| word.len());
    words.push("c");
    words.insert(0, "d");
    words.insert(1, "ee");
    assert_eq!(by_length.to_vec(), ["d", "a", "c", "ee", "bb"]);
    words.set(0, "fff");
    words.remove(3);
    assert_eq!(by_length.to_vec(), ["c", "ee", "bb", "fff"]);
}

#[test]
fn views_of_maps_and_sets_stay_in_step() {
    let ages = ObservableMap::from_iter([("Tim", 7), ("Ada", 36)]);
    let (adults, names) = (ages.filter(|_, age| *age >= 18), ages.keys());
    let oldest = ages.entries().sort_by(|a, b| b.1.cmp(&a.1)).limit(1).map(|(name, _)| *name);
    let decades = adults.map_values(|_, age| age / 10);
    let seen = replica(decades.changed(), decades.to_map());
    ages.insert("Eva", 50);
    ages.update("Tim", |age| *age += 11);
    ages.update("Ada", |age| *age = 17);
    assert_eq!(adults.to_vec(), [("Eva", 50), ("Tim", 18)]);
    assert_eq!((names.to_vec(), oldest.to_vec()), (vec!["Ada", "Eva", "Tim"], vec!["Eva"]));
    ages.retain(|_, age| *age != 50);
    ages.batch(|ages| {
        ages.insert("Bob", 40);
        ages.remove("Ada");
    });
    assert_eq!((names.to_vec(), oldest.to_vec()), (vec!["Bob", "Tim"], vec!["Bob"]));
    assert_eq!((decades.get("Bob"), decades.contains_key("Eva"), decades.len()), (Some(4), false, 2));
    assert_eq!(*seen.lock().unwrap(), decades.to_map());
    let set = ObservableSet::from_iter([3, 1]);
    let even = set.values().filter(|x| x % 2 == 0);
    set.extend([4, 3, 2]);
    set.remove(&4);
    assert_eq!((set.to_vec(), even.to_vec()), (vec![1, 2, 3], vec![2]));
}
