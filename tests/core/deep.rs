//! How far below `end`, `wait`, a scope and a `Stashed` look.

use std::sync::{Arc, Mutex};

use futures::poll;
use settled::{OwnedTransaction, State, add, begin, current, scope};
use support::{Gate, Log, Task, assert_pending, assert_ready, failing, finish, yields};

#[test]
fn t05_children_of_children_settle_before_the_parent() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(scope(async {
        let (log, gate) = (log.clone(), gate.clone());
        add(async move {
            add(async move {
                add(async move {
                    gate.pass().await;
                    log.note("grandchild's child");
                });
            });
        });
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["grandchild's child"]);
}

#[test]
fn t05_to_any_depth() {
    fn nest(depth: usize, log: Log) {
        if depth == 0 {
            return log.note("deepest");
        }
        add(async move {
            yields(depth % 3).await;
            nest(depth - 1, log);
        });
    }
    let log = Log::new();
    finish(scope(async { nest(500, log.clone()) })).unwrap();
    assert_eq!(log.take(), ["deepest"]);
}

#[test]
fn t05_end_includes_what_is_added_while_it_ends() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    let (handle, late, passed) = ((*t).clone(), log.clone(), gate.clone());
    t.add(async move {
        passed.pass().await;
        handle.add(late.step("late, by handle")).unwrap();
        add(late.step("late, ambient"));
    })
    .unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert!(matches!(t.state(), State::Ending));
    t.add(log.step("from outside")).unwrap();
    gate.open();
    assert_ready!(end.run()).unwrap();
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["from outside", "late, ambient", "late, by handle"]);
}

#[test]
fn a_stashed_is_ready_when_its_own_future_is_done() {
    let gate = Gate::new();
    let mut task = Task::new(scope(async {
        let inner = gate.clone();
        let stashed = add(async move {
            add(inner.pass());
            Ok::<_, std::io::Error>(5)
        });
        assert_eq!(stashed.await.unwrap(), 5);
        assert!(!gate.is_open());
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn a_callback_and_is_settled_go_with_the_future_not_with_what_is_below() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    let (noted, below) = (log.clone(), gate.clone());
    let stashed = t
        .add(async move {
            add(below.pass());
        })
        .unwrap()
        .on_settled(move |result| noted.note(format!("told: {}", result.is_ok())));
    assert!(!stashed.is_settled());
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert!(stashed.is_settled());
    assert_eq!(log.take(), ["told: true"]);
    gate.open();
    assert_ready!(end.run()).unwrap();
}

#[test]
fn a_gather_is_ready_when_its_own_futures_are_done() {
    let gate = Gate::new();
    let mut task = Task::new(scope(async {
        let futures = [1, 2].map(|i| {
            let gate = gate.clone();
            async move {
                add(gate.pass());
                i
            }
        });
        assert_eq!(current().unwrap().gather(futures).await.unwrap(), [1, 2]);
        assert!(!gate.is_open());
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn t23_ending_the_outer_one_settles_and_closes_the_inner() {
    let (log, gate) = (Log::new(), Gate::new());
    let outer = begin();
    let inner = outer.enter(begin);
    inner.add(log.step("inner work")).unwrap();
    inner.add(gate.pass()).unwrap();
    let mut end = Task::new(outer.end());
    assert_pending!(end.run());
    assert_eq!(log.take(), ["inner work"]);
    gate.open();
    assert_ready!(end.run()).unwrap();
    assert!(matches!(inner.state(), State::Closed), "its owner still has it: it counts by its work");
    assert!(inner.add(async {}).is_err());
    finish(inner.end()).unwrap();
}

#[test]
fn t23_an_idle_transaction_below_does_not_hold_up_the_end() {
    let kept: Arc<Mutex<Option<OwnedTransaction>>> = Arc::default();
    finish(scope(async { *kept.lock().unwrap() = Some(begin()) })).unwrap();
    let inner = kept.lock().unwrap().take().unwrap();
    assert!(matches!(inner.state(), State::Closed));
}

#[test]
fn t23_failures_of_what_was_begun_below_reach_the_outer_end() {
    let outer = begin();
    let inner = outer.enter(begin);
    inner.add(failing("inner")).unwrap();
    let failures = finish(outer.end()).unwrap_err();
    assert_eq!(support::causes(&failures), ["inner"]);
}

#[test]
fn a_live_body_counts_as_work() {
    let (gate, handle) = (Gate::new(), Arc::new(Mutex::new(None)));
    let mut body = Task::new(scope(async {
        *handle.lock().unwrap() = current();
        gate.pass().await;
        add(yields(3));
        5
    }));
    assert_pending!(body.run());
    let t = handle.lock().unwrap().take().unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    gate.open();
    assert_pending!(end.run());
    assert_eq!(assert_ready!(body.run()).unwrap(), 5);
    assert_ready!(end.run()).unwrap();
}

#[test]
fn an_outer_end_waits_for_a_live_body_below() {
    let (gate, outer) = (Gate::new(), begin());
    let mut body = Task::new(scope(gate.pass()));
    assert_pending!(outer.enter(|| body.run()));
    let mut end = Task::new(outer.end());
    assert_pending!(end.run());
    gate.open();
    assert_ready!(body.run()).unwrap();
    assert_ready!(end.run()).unwrap();
}

#[test]
fn a_parent_that_is_done_stays_pending_while_its_children_do() {
    let gate = Gate::new();
    finish(scope(async {
        let below = gate.clone();
        let mut stashed = add(async move {
            add(below.pass());
        });
        assert_pending!(poll!(&mut stashed));
        yields(3).await;
        assert_ready!(poll!(&mut stashed)).unwrap();
        assert_eq!(current().unwrap().pending(), 1);
        gate.open();
        yields(3).await;
        assert_eq!(current().unwrap().pending(), 0);
    }))
    .unwrap();
}

#[test]
fn t23_what_a_child_has_begun_is_ended_with_the_whole() {
    let slot: Arc<Mutex<Option<OwnedTransaction>>> = Arc::default();
    let kept = slot.clone();
    let t = begin();
    t.add(async move {
        let inner = begin();
        inner.add(yields(2)).unwrap();
        *kept.lock().unwrap() = Some(inner);
    })
    .unwrap();
    finish(t.end()).unwrap();
    let inner = slot.lock().unwrap().take().unwrap();
    assert!(matches!(inner.state(), State::Closed));
}
