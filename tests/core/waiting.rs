//! `wait`: settle what was added so far, and stay open.

use settled::{State, add, begin, current, scope};
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, failing, finish, yields};

#[test]
fn t13_wait_settles_what_was_added_and_leaves_open() {
    let log = Log::new();
    let t = begin();
    t.add(log.step("first")).unwrap();
    finish(t.wait()).unwrap();
    assert_eq!(log.take(), ["first"]);
    assert!(matches!(t.state(), State::Open));
    assert_eq!(t.pending(), 0);
    t.add(log.step("second")).unwrap();
    finish(t.wait()).unwrap();
    assert_eq!(log.take(), ["second"]);
    finish(t.wait()).unwrap();
    finish(t.end()).unwrap();
}

#[test]
fn t13_wait_is_deep() {
    let gate = Gate::new();
    let t = begin();
    let passed = gate.clone();
    t.add(async move {
        add(async move {
            add(passed.pass());
        });
    })
    .unwrap();
    let mut wait = Task::new(t.wait());
    assert_pending!(wait.run());
    gate.open();
    assert_ready!(wait.run()).unwrap();
    finish(t.end()).unwrap();
}

#[test]
fn t13_wait_does_not_wait_for_what_was_added_after_the_call() {
    let (before, after) = (Gate::new(), Gate::new());
    let t = begin();
    t.add(before.pass()).unwrap();
    let mut wait = Task::new(t.wait());
    t.add(after.pass()).unwrap();
    assert_pending!(wait.run());
    t.add(after.pass()).unwrap();
    before.open();
    assert_ready!(wait.run()).unwrap();
    assert_eq!(t.pending(), 2);
    after.open();
    finish(t.end()).unwrap();
}

#[test]
fn t13_what_was_added_after_the_call_does_not_stand_in_for_what_was_before() {
    let gate = Gate::new();
    let t = begin();
    t.add(gate.pass()).unwrap();
    let mut wait = Task::new(t.wait());
    t.add(async {}).unwrap();
    assert_pending!(wait.run());
    assert_eq!(t.pending(), 1, "the later one is done");
    gate.open();
    assert_ready!(wait.run()).unwrap();
    finish(t.end()).unwrap();
}

#[test]
fn t13_wait_includes_what_is_added_later_below_what_was_added_before() {
    let (first, second) = (Gate::new(), Gate::new());
    let t = begin();
    let (a, b) = (first.clone(), second.clone());
    t.add(async move {
        a.pass().await;
        add(b.pass());
    })
    .unwrap();
    let mut wait = Task::new(t.wait());
    assert_pending!(wait.run());
    first.open();
    assert_pending!(wait.run());
    second.open();
    assert_ready!(wait.run()).unwrap();
    finish(t.end()).unwrap();
}

#[test]
fn t13_a_body_can_wait_for_what_it_added() {
    let log = Log::new();
    finish(scope(async {
        let inner = log.clone();
        add(async move {
            yields(2).await;
            add(inner.step("deep"));
        });
        current().unwrap().wait().await.unwrap();
        log.note("waited");
        add(log.step("more"));
    }))
    .unwrap();
    assert_eq!(log.take(), ["deep", "waited", "more"]);
}

#[test]
fn t13_a_child_can_wait_for_what_it_added() {
    let log = Log::new();
    finish(scope(async {
        let inner = log.clone();
        add(async move {
            add(inner.step("below"));
            current().unwrap().wait().await.unwrap();
            inner.note("waited");
        });
    }))
    .unwrap();
    assert_eq!(log.take(), ["below", "waited"]);
}

#[test]
fn wait_includes_the_work_of_what_was_begun_below() {
    let gate = Gate::new();
    let outer = begin();
    let inner = outer.enter(begin);
    inner.add(gate.pass()).unwrap();
    let mut wait = Task::new(outer.wait());
    assert_pending!(wait.run());
    gate.open();
    assert_ready!(wait.run()).unwrap();
    assert!(matches!(inner.state(), State::Open), "wait closes nothing");
    finish(outer.end()).unwrap();
}

#[test]
fn a_wait_that_nobody_polls_receives_nothing() {
    let t = begin();
    t.add(failing("told by the end")).unwrap();
    let wait = t.wait();
    assert_eq!(causes(&finish(t.end()).unwrap_err()), ["told by the end"]);
    drop(wait);
}
