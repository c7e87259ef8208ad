//! Waking a scope's body from another thread, against the suspension of the scope.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use loom::sync::atomic::{AtomicBool, Ordering};
use settled::{add, begin, scope};
use settled_models::{Gate, block_on, check, poll_once, spawn};

#[test]
fn a_wake_of_a_body_is_never_lost() {
    check(|| {
        let gate = Gate::new();
        let opener = gate.clone();
        block_on(scope(async move {
            spawn(move || opener.open());
            gate.pass().await;
        }))
        .unwrap();
    });
}

/// The body and what it added are woken by another thread, one after the other.
#[test]
fn nor_one_of_a_body_or_of_its_child() {
    check(|| {
        let (body, child) = (Gate::new(), Gate::new());
        let (opens_body, opens_child) = (body.clone(), child.clone());
        block_on(scope(async move {
            add(child.pass());
            spawn(move || {
                opens_child.open();
                opens_body.open();
            });
            body.pass().await;
        }))
        .unwrap();
    });
}

/// The child is the last to be woken, when the body is done.
#[test]
fn nor_one_of_a_child_of_a_body_that_is_done() {
    check(|| {
        let gate = Gate::new();
        let opener = gate.clone();
        block_on(scope(async move {
            add(gate.pass());
            spawn(move || opener.open());
        }))
        .unwrap();
    });
}

/// Two wakes, with something stored between them.
#[test]
fn a_body_sees_what_was_stored_before_the_wake_that_its_poll_answers() {
    check(|| {
        let ready = Arc::new(AtomicBool::new(false));
        let mut started = false;
        block_on(scope(poll_fn(move |cx| {
            if !std::mem::replace(&mut started, true) {
                let (waker, ready) = (cx.waker().clone(), ready.clone());
                spawn(move || {
                    waker.wake_by_ref();
                    ready.store(true, Ordering::Relaxed);
                    waker.wake();
                });
                return Poll::Pending;
            }
            if ready.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
        })))
        .unwrap();
    });
}

/// A scope that is polled on one thread and then on another one forgets the first one's waker.
#[test]
fn a_scope_that_migrates_is_woken_where_it_is() {
    check(|| {
        let (body, child) = (Gate::new(), Gate::new());
        let (opens_body, opens_child) = (body.clone(), child.clone());
        let mut scope = Box::pin(scope(async move {
            add(child.pass());
            body.pass().await;
        }));
        assert!(poll_once(&mut scope).is_pending());
        let owner = spawn(move || block_on(scope).unwrap());
        opens_body.open();
        opens_child.open();
        owner.join().unwrap();
    });
}

/// The body is in a child of another transaction: its wake goes to that child's slot.
#[test]
fn a_wake_of_a_body_in_a_child_is_never_lost() {
    check(|| {
        let (transaction, gate) = (begin(), Gate::new());
        let passes = gate.clone();
        transaction
            .add(async move {
                scope(passes.pass()).await.unwrap();
            })
            .unwrap();
        spawn(move || gate.open());
        block_on(transaction.end()).unwrap();
    });
}
