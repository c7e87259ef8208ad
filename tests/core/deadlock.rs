//! Waiting for oneself is an error at once.

use std::sync::{Arc, Mutex};

use settled::{Failure, Failures, Stashed, Transaction, add, begin, current, scope};
use support::{Gate, Task, assert_pending, assert_ready, finish, on_drop, yields};

fn refused(result: Result<(), Failures>) {
    let failures = result.expect_err("it waits for itself");
    assert_eq!(failures.len(), 1);
    refused_one(failures.first().unwrap());
}

fn refused_one(failure: &Failure) {
    assert!(failure.is_would_deadlock(), "{failure}");
    assert!(!failure.is_error() && !failure.is_panic() && !failure.is_cancelled());
}

#[test]
fn t22_a_body_cannot_await_the_end_of_its_own_transaction() {
    finish(scope(async {
        refused(current().unwrap().end().await);
        add(yields(1));
    }))
    .unwrap();
}

#[test]
fn t22_a_child_cannot_await_the_end_of_what_it_was_added_to() {
    finish(scope(async {
        let t = current().unwrap();
        add(async move {
            refused(t.end().await);
            yields(1).await;
            refused(t.end().await);
        });
    }))
    .unwrap();
    let t = begin();
    let handle = (*t).clone();
    t.add(async move { refused(handle.end().await) }).unwrap();
    finish(t.end()).unwrap();
}

#[test]
fn t22_a_child_cannot_await_its_own_end() {
    finish(scope(async {
        add(async {
            refused(current().unwrap().end().await);
        });
    }))
    .unwrap();
}

#[test]
fn t22_nor_of_anything_above_it() {
    finish(scope(async {
        let t = current().unwrap();
        let outer = t.clone();
        add(async move {
            add(async move {
                refused(outer.end().await);
                refused(outer.wait().await);
                scope(async { refused(outer.end().await) }).await.unwrap();
            });
        });
        scope(async { refused(t.end().await) }).await.unwrap();
        let inner = begin();
        let outer = t.clone();
        inner.add(async move { refused(outer.end().await) }).unwrap();
        inner.end().await.unwrap();
    }))
    .unwrap();
}

#[test]
fn t22_a_child_cannot_wait_for_what_it_is_part_of() {
    finish(scope(async {
        let t = current().unwrap();
        add(async move {
            refused(t.wait().await);
        });
    }))
    .unwrap();
}

#[test]
fn t22_a_child_cannot_await_its_own_stashed() {
    let slot: Arc<Mutex<Option<Stashed<()>>>> = Arc::default();
    let own = slot.clone();
    finish(scope(async {
        let stashed = add(async move {
            let own = own.lock().unwrap().take().unwrap();
            refused_one(&own.await.unwrap_err());
        });
        *slot.lock().unwrap() = Some(stashed);
    }))
    .unwrap();
}

#[test]
fn a_child_of_it_can_for_the_stashed_goes_with_the_future_alone() {
    let slot: Arc<Mutex<Option<Stashed<()>>>> = Arc::default();
    let own = slot.clone();
    finish(scope(async {
        let stashed = add(async move {
            add(async move {
                let parents = own.lock().unwrap().take().unwrap();
                parents.await.unwrap();
            });
            yields(2).await;
        });
        *slot.lock().unwrap() = Some(stashed);
    }))
    .unwrap();
}

#[test]
fn t22_the_destructor_of_a_body_that_is_given_up_cannot_await_its_own_end() {
    let refusals = Arc::new(Mutex::new(0));
    let counted = refusals.clone();
    let mut task = Task::new(scope(async {
        let t = current().unwrap();
        let _guard = on_drop(move || {
            refused(finish(t.end()));
            *counted.lock().unwrap() += 1;
        });
        std::future::pending::<()>().await;
    }));
    assert_pending!(task.run());
    drop(task);
    assert_eq!(*refusals.lock().unwrap(), 1);
}

#[test]
fn t22_it_is_found_through_another_tree() {
    let (a, b) = (begin(), begin());
    let back: Transaction = (*a).clone();
    b.add(async move { refused(back.end().await) }).unwrap();
    a.add(b.end()).unwrap();
    finish(a.end()).unwrap();
}

#[test]
fn t22_the_error_is_all_that_happens() {
    let gate = Gate::new();
    let mut task = Task::new(scope(async {
        add(gate.pass());
        refused(current().unwrap().end().await);
        let after = add(async { Ok::<_, std::io::Error>(5) }).await;
        assert_eq!(after.unwrap(), 5);
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn it_is_judged_by_what_is_polled_not_by_enter() {
    let t = begin();
    t.add(yields(1)).unwrap();
    let mut end = Task::new(t.end());
    t.enter(|| assert_ready!(end.run())).unwrap();

    let t = begin();
    t.add(yields(1)).unwrap();
    finish(scope(async {
        let mut end = Box::pin(t.end());
        let polled = futures::future::poll_fn(|cx| t.enter(|| end.as_mut().poll(cx)));
        polled.await.unwrap();
    }))
    .unwrap();
}

#[test]
fn it_is_found_when_only_entered_elsewhere() {
    finish(scope(async {
        let (t, other) = (current().unwrap(), begin());
        add(async move {
            let mut end = Box::pin(t.end());
            let polled = futures::future::poll_fn(|cx| other.enter(|| end.as_mut().poll(cx)));
            refused(polled.await);
            other.end().await.unwrap();
        });
    }))
    .unwrap();
}

#[test]
fn a_sibling_tree_that_is_merely_driven_from_inside_can_be_awaited() {
    let (a, b) = (begin(), begin());
    b.add(yields(2)).unwrap();
    a.add(b.end()).unwrap();
    a.add(b.wait()).unwrap();
    finish(a.end()).unwrap();
}

#[test]
fn an_end_made_inside_can_be_awaited_outside() {
    let slot = Arc::new(Mutex::new(None));
    let mut task = Task::new(scope(async {
        *slot.lock().unwrap() = Some(current().unwrap().end());
        yields(1).await;
        add(yields(1));
    }));
    assert_ready!(task.run()).unwrap();
    finish(slot.lock().unwrap().take().unwrap()).unwrap();
}

#[test]
fn an_unpolled_end_refuses_nothing() {
    finish(scope(async {
        let end = current().unwrap().end();
        add(yields(1));
        drop(end);
    }))
    .unwrap();
}

#[test]
fn awaiting_crosswise_is_none() {
    let slot: Arc<Mutex<Option<Stashed<()>>>> = Arc::default();
    finish(scope(async {
        let (gate, own) = (Gate::new(), slot.clone());
        let opened = gate.clone();
        let outer_child = add(async move {
            opened.pass().await;
            let inner_child = own.lock().unwrap().take().unwrap();
            inner_child.await.unwrap();
        });
        scope(async {
            *slot.lock().unwrap() = Some(add(yields(3)));
            gate.open();
            outer_child.await.unwrap();
        })
        .await
        .unwrap();
    }))
    .unwrap();
}
