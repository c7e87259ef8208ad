//! What is dropped half-way is adopted by what is around it. (By the root: see `tests/global/root.rs`.)

use std::sync::{Arc, Mutex};

use futures::{FutureExt, poll};
use settled::{State, Transaction, TransactionId, add, begin, current, scope};
use support::{
    Gate, Log, Task, assert_pending, assert_ready, causes, elsewhere, failing, finish, on_drop, yields,
};

#[test]
fn t26_a_scope_dropped_half_way_is_adopted_by_the_one_around_it() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(scope(async {
        let mut inner = Box::pin(scope(async {
            add(gate.pass().then({
                let log = log.clone();
                move |()| log.step("finished all the same")
            }));
            add(log.step("not yet started"));
            std::future::pending::<()>().await;
        }));
        assert_pending!(poll!(&mut inner));
        drop(inner);
        log.note("dropped");
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["dropped", "not yet started"]);
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["finished all the same"]);
}

#[test]
fn t26_a_scope_dropped_while_it_settles_is_adopted() {
    let gate = Gate::new();
    let mut task = Task::new(scope(async {
        let mut inner = Box::pin(scope(async {
            add(gate.pass());
        }));
        assert_pending!(poll!(&mut inner));
        yields(2).await;
        assert_pending!(poll!(&mut inner));
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn t16_an_owned_transaction_dropped_with_work_in_it_is_adopted() {
    let gate = Gate::new();
    let kept: Arc<Mutex<Option<Transaction>>> = Arc::default();
    let mut task = Task::new(scope(async {
        let inner = begin();
        *kept.lock().unwrap() = Some((*inner).clone());
        inner.add(gate.pass()).unwrap();
    }));
    assert_pending!(task.run());
    let inner = kept.lock().unwrap().clone().unwrap();
    assert!(matches!(inner.state(), State::Ending));
    assert_eq!(inner.pending(), 1);
    let log = Log::new();
    inner.add(log.step("by handle")).expect("it takes more until it has settled");
    inner.enter(|| {
        add(log.step("entered"));
    });
    assert_pending!(task.run());
    assert_eq!(log.take(), ["by handle", "entered"]);
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert!(matches!(inner.state(), State::Closed));
    assert!(inner.add(async {}).is_err());
}

#[test]
fn the_failures_of_what_was_adopted_reach_the_adopter() {
    let failures = finish(scope(async {
        let inner = begin();
        inner.add(failing("already there")).unwrap();
        yields(3).await;
        inner.add(failing("later")).unwrap();
        drop(inner);
        let mut dropped = Box::pin(scope(async {
            add(failing("of a scope"));
            std::future::pending::<()>().await;
        }));
        assert_pending!(poll!(&mut dropped));
        yields(3).await;
        drop(dropped);
    }))
    .unwrap_err();
    assert_eq!(causes(&failures), ["already there", "later", "of a scope"]);
}

#[test]
fn a_body_is_dropped_inside_its_transaction_and_what_it_adds_is_adopted() {
    let (log, gate) = (Log::new(), Gate::new());
    let ids: Arc<Mutex<Vec<Option<TransactionId>>>> = Arc::default();
    let see = |ids: &Mutex<Vec<_>>| ids.lock().unwrap().push(current().map(|t| t.id()));
    let mut task = Task::new(scope(async {
        let (goodbye, passed, seen) = (log.clone(), gate.clone(), ids.clone());
        let mut inner = Box::pin(scope(async {
            see(&ids);
            let _guard = on_drop(move || {
                see(&seen);
                add(passed.pass().then(move |()| goodbye.step("goodbye")));
            });
            std::future::pending::<()>().await;
        }));
        assert_pending!(poll!(&mut inner));
        drop(inner);
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["goodbye"]);
    let ids = ids.lock().unwrap();
    assert!(ids[0].is_some());
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn a_scope_that_was_never_polled_is_nothing() {
    let log = Log::new();
    finish(scope(async {
        let guard = log.at_drop("dropped");
        drop(scope(async {
            let _guard = guard;
            log.note("never");
        }));
    }))
    .unwrap();
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn dropping_a_scope_never_panics() {
    let failures = finish(scope(async {
        let bomb = on_drop(|| panic!("in the body's destructor"));
        let mut inner = Box::pin(scope(async {
            let _bomb = bomb;
            std::future::pending::<()>().await;
        }));
        assert_pending!(poll!(&mut inner));
        drop(inner);
    }))
    .unwrap_err();
    assert_eq!(causes(&failures), ["in the body's destructor"]);
}

#[test]
fn a_scope_can_be_dropped_on_another_thread() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(scope(async {
        let child = gate.pass().then({
            let log = log.clone();
            move |()| log.step("child")
        });
        let mut inner = Box::pin(scope(async {
            add(child);
            std::future::pending::<()>().await;
        }));
        assert_pending!(poll!(&mut inner));
        elsewhere(move || drop(inner));
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["child"]);
}

#[test]
fn a_loser_of_a_race_is_adopted() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(scope(async {
        let slow = Box::pin(scope(async {
            add(gate.pass().then({
                let log = log.clone();
                move |()| log.step("slow child")
            }));
            std::future::pending::<()>().await;
        }));
        let quick = Box::pin(scope(async {
            add(log.step("quick child"));
        }));
        futures::future::select(slow, quick).await;
        log.note("raced");
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["quick child", "raced"]);
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["slow child"]);
}

#[test]
fn a_child_of_what_was_adopted_keeps_its_transaction() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(scope(async {
        let inner = begin();
        let (passed, noted) = (gate.clone(), log.clone());
        inner
            .add(async move {
                let before = current().unwrap();
                passed.pass().await;
                assert_eq!(current().unwrap().id(), before.id());
                add(noted.step("added after the adoption"));
                before.add(noted.step("by handle")).unwrap();
            })
            .unwrap();
        yields(2).await;
        drop(inner);
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["added after the adoption", "by handle"]);
}

#[test]
fn one_begun_below_a_dropped_one_lives_on() {
    let gate = Gate::new();
    let kept = Arc::new(Mutex::new(None));
    let mut task = Task::new(scope(async {
        let middle = begin();
        let inner = middle.enter(begin);
        inner.add(gate.pass()).unwrap();
        drop(middle);
        assert!(matches!(inner.state(), State::Open | State::Ending));
        inner.add(yields(1)).unwrap();
        *kept.lock().unwrap() = Some(inner);
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert!(matches!(kept.lock().unwrap().as_ref().unwrap().state(), State::Closed));
}

#[test]
fn who_awaits_the_end_of_what_was_dropped_gets_its_outcome() {
    let gate = Gate::new();
    let kept = Arc::new(Mutex::new(None));
    let mut task = Task::new(scope(async {
        let inner = begin();
        *kept.lock().unwrap() = Some((*inner).clone());
        inner.add(gate.pass()).unwrap();
        inner.add(failing("inner")).unwrap();
        yields(2).await;
    }));
    assert_pending!(task.run());
    let inner: Transaction = kept.lock().unwrap().take().unwrap();
    let mut end = Task::new(inner.end());
    assert_pending!(end.run());
    gate.open();
    assert_eq!(causes(&assert_ready!(end.run()).unwrap_err()), ["inner"]);
    // It was awaited from outside while the scope was ending: that one may be told, too.
    let _ = assert_ready!(task.run());
}

#[test]
fn nearest_open_ancestor_of_a_scope_in_a_child_is_that_child() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    let (noted, passed) = (log.clone(), gate.clone());
    let stashed = t
        .add(async move {
            let mut inner = Box::pin(scope(async {
                add(passed.pass().then(move |()| noted.step("inner child")));
                std::future::pending::<()>().await;
            }));
            assert_pending!(poll!(&mut inner));
            drop(inner);
            assert_eq!(current().unwrap().pending(), 1);
        })
        .unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert!(stashed.is_settled());
    gate.open();
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["inner child"]);
}

#[test]
fn a_scope_can_be_dropped_by_a_child_of_the_one_around_it() {
    let log = Log::new();
    finish(scope(async {
        let noted = log.clone();
        let mut inner = Box::pin(scope(async move {
            add(yields(3).map(move |()| noted.note("inner child")));
            std::future::pending::<()>().await;
        }));
        assert_pending!(poll!(&mut inner));
        add(async move {
            yields(1).await;
            drop(inner);
        });
    }))
    .unwrap();
    assert_eq!(log.take(), ["inner child"]);
}
