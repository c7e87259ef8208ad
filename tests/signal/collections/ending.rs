//! What ends with what.

use std::sync::{Arc, Weak};

use settled_signal::{ObservableMap, ObservableVec};
use support::{Gate, Task, assert_pending, assert_ready};

use super::kit::{streamed, streamed_map};

#[test]
fn a_stream_ends_with_the_last_handle_after_the_last_diff() {
    let numbers = ObservableVec::from(vec![1]);
    let other = numbers.clone();
    let mut stream = streamed(numbers.stream());
    drop(numbers);
    stream.catch_up();
    assert!(!stream.is_over);
    other.push(2);
    drop(other);
    assert_eq!(stream.catch_up(), vec![1, 2]);
    assert!(stream.is_over);
}

#[test]
fn a_stream_ends_when_no_rollback_can_change_anything() {
    let map = ObservableMap::from_iter([(1, 'a')]);
    let mut stream = streamed_map(map.stream());
    let (gate, inside) = (Gate::new(), map.clone());
    let wait = gate.clone();
    let mut task = Task::new(settled::atomic(async move {
        inside.insert(1, 'b');
        drop(inside);
        wait.pass().await;
        Err::<(), _>("no")
    }));
    assert_pending!(task.run());
    drop(map);
    assert_eq!(stream.catch_up()[&1], 'b');
    assert!(!stream.is_over);
    gate.open();
    assert!(assert_ready!(task.run()).is_err());
    assert_eq!(stream.catch_up()[&1], 'a');
    assert!(stream.is_over);
}

#[test]
fn streams_of_views_end_with_what_they_are_views_of() {
    let numbers = ObservableVec::from(vec![1, 2]);
    let mut near = streamed(numbers.filter(|x| x % 2 == 0).stream());
    let mut far = streamed(numbers.filter(|x| x % 2 == 0).map(|x| x * 2).limit(9).stream());
    near.catch_up();
    far.catch_up();
    numbers.push(4);
    drop(numbers);
    assert_eq!((near.catch_up(), far.catch_up()), (vec![2, 4], vec![4, 8]));
    assert!(near.is_over && far.is_over);
}

#[test]
fn a_view_is_kept_by_its_handles_alone() {
    let numbers = ObservableVec::from(vec![1]);
    let token = Arc::new(());
    let (first, second) = (token.clone(), token.clone());
    let shown = numbers.map(move |x| (*first, *x).1);
    let chained = shown.map(move |x| (*second, *x).1);
    assert_eq!(Arc::strong_count(&token), 3);
    // The first is kept by the second.
    drop(shown);
    numbers.push(2);
    assert_eq!((chained.to_vec(), Arc::strong_count(&token)), (vec![1, 2], 3));
    drop(chained);
    assert_eq!(Arc::strong_count(&token), 1);
    numbers.push(3);
}

#[test]
fn nothing_is_left_of_what_is_dropped() {
    let item = Arc::new(7);
    let gone: Weak<i32> = Arc::downgrade(&item);
    let items = ObservableVec::from(vec![item]);
    let view = items.sort_by(|a, b| a.cmp(b)).limit(3);
    let mut stream = streamed(view.stream());
    stream.catch_up();
    drop((items, view, stream));
    assert!(gone.upgrade().is_none());
}

#[test]
fn views_and_streams_that_are_gone_are_forgotten() {
    let numbers = ObservableVec::new();
    for n in 0..1_000 {
        drop(numbers.filter(|x| x % 2 == 0));
        drop(numbers.stream());
        numbers.push(n);
    }
    assert_eq!(numbers.len(), 1_000);
}
