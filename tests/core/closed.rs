//! Adding to what has ended.

use std::sync::{Arc, Mutex};

use settled::{Closed, State, Transaction, add, add_value, begin, current, scope};
use support::{Gate, Log, Task, assert_pending, assert_ready, finish, yields};

#[test]
fn t24_adding_by_handle_after_the_end_gives_the_future_back() {
    let log = Log::new();
    let t = begin();
    finish(t.end()).unwrap();
    let Closed(future) = t.add(log.step("mine again")).unwrap_err();
    assert!(log.take().is_empty());
    finish(future);
    assert_eq!(log.take(), ["mine again"]);
    let Closed(future) = t.add_value(async { 5 }).unwrap_err();
    assert_eq!(finish(future), 5);
}

#[test]
fn t24_closed_is_an_error_whatever_it_holds() {
    fn is_error<E: std::error::Error>(_: &E) {}
    let t = begin();
    finish(t.end()).unwrap();
    let closed = t.add(async {}).unwrap_err();
    is_error(&closed);
    assert!(!closed.to_string().is_empty());
    assert!(format!("{closed:?}").contains("Closed"));
}

#[test]
fn t24_while_it_is_ending_adding_is_open_to_all() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    t.add(gate.pass()).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    t.add(log.step("by handle")).unwrap();
    t.enter(|| {
        add(log.step("in enter"));
    });
    assert!(end.is_woken(), "who drives is told");
    assert_pending!(end.run());
    assert_eq!(log.take(), ["by handle", "in enter"]);
    gate.open();
    assert_ready!(end.run()).unwrap();
    assert!(t.add(async {}).is_err());
}

#[test]
fn t24_gathering_on_a_closed_one_is_a_failure_that_says_so() {
    let t = begin();
    finish(t.end()).unwrap();
    let failure = finish(t.gather([async { 1 }])).unwrap_err();
    assert!(failure.is_closed());
}

#[test]
fn ambient_adds_where_a_closed_one_is_entered_go_to_the_nearest_open_ancestor() {
    finish(scope(async {
        let outer = current().unwrap().id();
        let closed = begin();
        let below = closed.enter(begin);
        closed.end().await.unwrap();
        assert!(matches!(below.state(), State::Closed));
        let stashed = below.enter(|| add_value(async { current().unwrap().parent().map(|t| t.id()) }));
        assert_eq!(stashed.await.unwrap(), Some(outer));
    }))
    .unwrap();
}

#[test]
fn a_child_is_closed_when_all_below_it_has_settled() {
    let kept: Arc<Mutex<Option<Transaction>>> = Arc::default();
    let gate = Gate::new();
    let t = begin();
    let (keep, below) = (kept.clone(), gate.clone());
    t.add(async move {
        *keep.lock().unwrap() = current();
        add(below.pass());
    })
    .unwrap();
    let mut wait = Task::new(t.wait());
    assert_pending!(wait.run());
    let child = kept.lock().unwrap().clone().unwrap();
    assert!(!matches!(child.state(), State::Closed));
    child.add(yields(1)).map(drop).expect("something below is pending: it is open yet");
    gate.open();
    assert_ready!(wait.run()).unwrap();
    assert!(matches!(child.state(), State::Closed));
    assert!(child.add(async {}).is_err());
    let parent = child.enter(|| add_value(async { current().unwrap().parent().map(|t| t.id()) }));
    assert_eq!(finish(parent).unwrap(), Some(t.id()));
    finish(t.end()).unwrap();
}

#[test]
fn a_handle_of_a_slot_that_was_used_again_is_closed() {
    let kept: Arc<Mutex<Vec<Transaction>>> = Arc::default();
    let t = begin();
    for _ in 0..10 {
        let keep = kept.clone();
        t.add(async move {
            keep.lock().unwrap().extend(current());
            yields(1).await;
        })
        .unwrap();
        finish(t.wait()).unwrap();
    }
    let gate = Gate::new();
    t.add(gate.pass()).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    for old in kept.lock().unwrap().iter() {
        assert!(matches!(old.state(), State::Closed));
        assert!(old.add(async {}).is_err());
        assert_eq!(old.pending(), 0);
    }
    gate.open();
    assert_ready!(end.run()).unwrap();
}
