//! Who hears of what.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use settled::scope;
use settled_signal::{MapDiff, ObservableMap, ObservableSet, ObservableVec, Source, VecDiff};
use support::{Log, assert_pending, assert_ready, finish, yields};

use super::kit::{replica, streamed};

/// All that a synchronous handler hears.
fn heard<D: Clone + Send + Sync + 'static>(source: &Source<D>) -> Arc<Mutex<Vec<D>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let inside = heard.clone();
    source.connect(move |diff: &D| inside.lock().unwrap().push(diff.clone()));
    heard
}

fn take<D>(heard: &Mutex<Vec<D>>) -> Vec<D> {
    std::mem::take(&mut heard.lock().unwrap())
}

#[test]
fn each_change_is_told_once_as_a_diff() {
    let numbers = ObservableVec::new();
    let heard = heard(numbers.changed());
    numbers.push(1);
    numbers.insert(0, 2);
    numbers.set(1, 3);
    assert_eq!(numbers.remove(0), 2);
    numbers.extend([4, 5]);
    numbers.truncate(2);
    let diffs = [
        VecDiff::Insert { index: 0, value: 1 },
        VecDiff::Insert { index: 0, value: 2 },
        VecDiff::Set { index: 1, value: 3 },
        VecDiff::Remove { index: 0 },
        VecDiff::Append { values: vec![4, 5].into() },
        VecDiff::Truncate { len: 2 },
    ];
    assert_eq!(take(&heard), diffs);
    numbers.swap(0, 1);
    let steps = [VecDiff::Set { index: 0, value: 4 }, VecDiff::Set { index: 1, value: 3 }];
    assert_eq!(take(&heard), [VecDiff::Batch(steps.into_iter().collect())]);
    numbers.sort_now_by(|a, b| a.cmp(b));
    numbers.replace_all(vec![9]);
    let diffs = [VecDiff::Reset { values: vec![3, 4].into() }, VecDiff::Reset { values: vec![9].into() }];
    assert_eq!(take(&heard), diffs);
}

#[test]
fn each_change_of_a_map_and_of_a_set_is_told_once() {
    let map = ObservableMap::new();
    let told = heard(map.changed());
    map.insert("a", 1);
    map.insert("a", 2);
    assert!(map.update("a", |value| *value += 1));
    assert_eq!(map.remove("a"), Some(3));
    let diffs = [
        MapDiff::Insert { key: "a", value: 1 },
        MapDiff::Update { key: "a", value: 2 },
        MapDiff::Update { key: "a", value: 3 },
        MapDiff::Remove { key: "a" },
    ];
    assert_eq!(take(&told), diffs);
    let set = ObservableSet::new();
    let told = heard(set.changed());
    assert!(set.insert(1) && !set.insert(1) && set.remove(&1));
    assert_eq!(take(&told), [MapDiff::Insert { key: 1, value: () }, MapDiff::Remove { key: 1 }]);
}

#[test]
fn nobody_hears_of_what_changes_nothing() {
    let numbers = ObservableVec::from(vec![1, 2]);
    let told = heard(numbers.changed());
    numbers.truncate(2);
    numbers.extend([]);
    numbers.retain(|_| true);
    numbers.swap(1, 1);
    numbers.sort_now_by(|a, b| a.cmp(b));
    numbers.batch(|_| {});
    numbers.batch(|numbers| {
        numbers.push(3);
        numbers.pop();
    });
    assert!(take(&told).is_empty());
    let map = ObservableMap::<u8, u8>::new();
    let told = heard(map.changed());
    map.clear();
    map.extend([]);
    map.retain(|_, _| false);
    assert_eq!(map.remove(&1), None);
    assert!(!map.update(&1, |_| {}));
    assert!(take(&told).is_empty());
}

#[test]
fn a_batch_is_told_as_one_diff_and_as_a_reset_where_that_is_less() {
    let numbers = ObservableVec::from(vec![0; 5]);
    let told = heard(numbers.changed());
    numbers.batch(|numbers| (1..=4).for_each(|x| numbers.push(x)));
    assert_eq!(take(&told).len(), 1);
    numbers.batch(|numbers| (0..9).for_each(|index| _ = numbers.set(index, 7)));
    let [VecDiff::Batch(steps)] = &*take(&told) else { panic!("not a batch") };
    assert_eq!(steps.len(), 9);
    numbers.batch(|numbers| (0..40).for_each(|n| _ = numbers.set(n % 9, n)));
    assert!(matches!(&*take(&told), [VecDiff::Reset { values }] if *values == numbers.to_vec()));
}

#[test]
fn asynchronous_handlers_are_owed_in_the_transaction_of_the_setter() {
    let (numbers, log) = (ObservableVec::new(), Log::new());
    let inside = log.clone();
    numbers.changed().connect_async(move |diff: VecDiff<u32>| {
        let log = inside.clone();
        async move {
            yields(2).await;
            log.note(format!("{:?}", diff.steps().len()));
            if diff == (VecDiff::Remove { index: 0 }) { Err("not that one") } else { Ok(()) }
        }
    });
    finish(scope(async { drop(numbers.push(1)) })).unwrap();
    assert_eq!(log.take(), ["1"]);
    let failures = finish(scope(async { numbers.remove(0) })).unwrap_err();
    assert!(failures.to_string().contains("not that one"));
    // Outside of any, the notification is what is awaited.
    let mut notification = numbers.push(1).boxed();
    log.take();
    assert!(finish(&mut notification).is_ok());
    assert_eq!(log.take(), ["1"]);
}

#[test]
fn a_change_within_a_handler_is_told_next_in_its_own_transaction() {
    let (numbers, log) = (ObservableVec::new(), Log::new());
    let (inside, noted) = (numbers.clone(), log.clone());
    numbers.changed().connect(move |diff: &VecDiff<u32>| {
        if let VecDiff::Insert { value, .. } = diff
            && *value < 3
        {
            let notification = inside.push(value + 1);
            assert!(!notification.is_done() && notification.has_async());
            noted.note(format!("pushed {}", value + 1));
        }
    });
    let noted = log.clone();
    numbers.changed().connect(move |diff: &VecDiff<u32>| {
        if let VecDiff::Insert { value, .. } = diff {
            noted.note(format!("heard {value}"));
        }
    });
    let seen = replica(numbers.changed(), vec![]);
    finish(scope(async { drop(numbers.push(1)) })).unwrap();
    assert_eq!(log.take(), ["pushed 2", "heard 1", "pushed 3", "heard 2", "heard 3"]);
    assert_eq!(*seen.lock().unwrap(), [1, 2, 3]);
}

#[test]
fn what_a_batch_did_before_it_panicked_stands_and_is_told() {
    let numbers = ObservableVec::from(vec![1]);
    let seen = replica(numbers.changed(), numbers.to_vec());
    let mut stream = streamed(numbers.stream());
    stream.catch_up();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        numbers.batch(|numbers| {
            numbers.push(2);
            panic!("half-way");
        })
    }));
    assert!(unwound.is_err());
    assert_eq!(numbers.to_vec(), [1, 2]);
    assert_eq!(*seen.lock().unwrap(), [1, 2]);
    assert_eq!(stream.catch_up(), vec![1, 2]);
    let methods: [fn(&ObservableVec<i32>); 3] = [
        |numbers| drop(numbers.update(0, |_| panic!("half-way"))),
        |numbers| drop(numbers.retain(|_| panic!("half-way"))),
        |numbers| drop(numbers.sort_now_by(|_, _| panic!("half-way"))),
    ];
    for method in methods {
        assert!(catch_unwind(AssertUnwindSafe(|| method(&numbers))).is_err());
        assert_eq!((numbers.to_vec(), seen.lock().unwrap().clone()), (vec![1, 2], vec![1, 2]));
    }
}

#[test]
fn a_touch_from_within_panics_and_names_both_places() {
    let numbers = ObservableVec::from(vec![1]);
    let inside = numbers.clone();
    let payload =
        catch_unwind(AssertUnwindSafe(|| numbers.batch(move |_| drop(inside.push(2))))).unwrap_err();
    let message = payload.downcast::<String>().unwrap();
    assert_eq!(message.matches("telling.rs").count(), 2, "{message}");
    assert_eq!(format!("{numbers:?}"), "ObservableVec([1])");
    let (shown, inside) = (Log::new(), numbers.clone());
    numbers.batch(|_| shown.note(format!("{inside:?}")));
    assert!(shown.take()[0].starts_with("ObservableVec(updated at "));
}

#[test]
fn an_index_out_of_range_panics_and_changes_nothing() {
    let numbers = ObservableVec::from(vec![1]);
    let seen = replica(numbers.changed(), numbers.to_vec());
    let methods: [fn(&ObservableVec<i32>); 5] = [
        |numbers| drop(numbers.insert(2, 7)),
        |numbers| drop(numbers.set(1, 7)),
        |numbers| _ = numbers.remove(1),
        |numbers| drop(numbers.swap(0, 1)),
        |numbers| drop(numbers.update(1, |_| {})),
    ];
    for method in methods {
        let payload = catch_unwind(AssertUnwindSafe(|| method(&numbers))).unwrap_err();
        let message = payload.downcast::<String>().unwrap();
        assert!(message.contains("out of range") && message.contains("telling.rs"), "{message}");
        assert_eq!((numbers.to_vec(), seen.lock().unwrap().clone()), (vec![1], vec![1]));
    }
    numbers.push(2);
    assert_eq!(*seen.lock().unwrap(), [1, 2]);
}

#[test]
fn a_snapshot_stays_as_it_is() {
    let numbers = ObservableVec::from(vec![1, 2]);
    let before = numbers.snapshot();
    numbers.set(0, 7);
    numbers.push(3);
    numbers.with(|now| {
        numbers.clear();
        assert_eq!(now, [7, 2, 3]);
    });
    assert_eq!(before, [1, 2]);
    assert!(numbers.is_empty());
}

#[test]
fn a_stream_begins_with_what_there_is_and_goes_on_with_each_change() {
    let numbers = ObservableVec::from(vec![1]);
    let mut stream = streamed(numbers.stream());
    numbers.push(2);
    assert_eq!((stream.catch_up(), stream.diffs), (vec![1, 2], 1));
    numbers.push(3);
    numbers.remove(0);
    assert_eq!((stream.catch_up(), stream.diffs), (vec![2, 3], 3));
}

#[test]
fn a_stream_that_is_behind_gets_a_reset_and_keeps_no_more_than_that() {
    let numbers = ObservableVec::from(vec![0; 10]);
    let mut stream = streamed(numbers.stream());
    stream.catch_up();
    (0..10_000).for_each(|n| drop(numbers.set(n % 10, n)));
    assert_eq!(stream.catch_up(), numbers.to_vec());
    assert!(stream.diffs < 100, "{} diffs, most of which cannot matter", stream.diffs);
    // Many that are worth keeping are kept.
    let before = stream.diffs;
    (0..1_000).for_each(|n| drop(numbers.push(n)));
    assert_eq!(stream.catch_up(), numbers.to_vec());
    assert_eq!(stream.diffs - before, 1_000);
}

#[test]
fn a_stream_that_waits_is_woken() {
    let numbers = ObservableVec::new();
    let mut stream = numbers.stream();
    let mut next = support::Task::new(async move {
        let first = futures::StreamExt::next(&mut stream).await;
        (first, futures::StreamExt::next(&mut stream).await)
    });
    assert_pending!(next.poll());
    numbers.push(1);
    assert!(next.is_woken());
    let (_, second) = assert_ready!(next.poll());
    assert_eq!(second, Some(VecDiff::Insert { index: 0, value: 1 }));
}

/// An item whose destructor looks at the vector that it was in.
#[derive(Clone)]
struct Curious(Arc<Mutex<Option<ObservableVec<Curious>>>>);

impl Drop for Curious {
    fn drop(&mut self) {
        let of = self.0.lock().unwrap().clone();
        if let Some(of) = of {
            let _ = of.len();
        }
    }
}

#[test]
fn nothing_is_dropped_while_the_vector_is_locked() {
    let home = Arc::new(Mutex::new(None));
    let item = || Curious(home.clone());
    let curious: ObservableVec<Curious> = (0..20).map(|_| item()).collect();
    *home.lock().unwrap() = Some(curious.clone());
    let mut stream = curious.stream();
    streamed(&mut stream).catch_up();
    curious.changed().connect(|_| {});
    let view = curious.filter(|_| true);
    curious.set(0, item());
    curious.push(item());
    drop(curious.remove(3));
    curious.swap(0, 1);
    curious.extend([item(), item()]);
    curious.update(0, |_| {});
    curious.truncate(9);
    let mut odd = false;
    curious.retain(|_| {
        odd = !odd;
        odd
    });
    let mut out = Vec::new();
    curious.batch(|curious| {
        curious.push(item());
        out.extend(curious.pop());
        out.push(curious.set(0, item()));
        curious.push(item());
        curious.update(0, |_| {});
        curious.swap(0, 1);
        curious.replace_all(vec![item()]);
    });
    drop(out);
    let inside = curious.clone();
    let result = finish(settled::atomic(async move {
        inside.push(Curious(Arc::default()));
        inside.set(0, Curious(Arc::default()));
        inside.remove(0);
        Err::<(), _>("no")
    }));
    assert!(result.is_err());
    curious.clear();
    assert!(view.is_empty());
    *home.lock().unwrap() = None;
}
