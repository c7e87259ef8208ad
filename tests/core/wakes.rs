//! How often the task is woken, and by what.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};

use futures::FutureExt;
use settled::{Stashed, add, begin, current, scope};
use support::{
    Bomb, Gate, Log, Task, Wakes, assert_pending, assert_ready, elsewhere, finish, on_wake, yields,
};

#[test]
fn an_idle_scope_is_not_woken() {
    let gate = Gate::new();
    let mut task = Task::new(scope(async {
        add(gate.pass());
        add(async {});
        gate.pass().await;
    }));
    assert_pending!(task.run());
    assert_eq!(task.wakes(), 0);
    gate.open();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn what_becomes_ready_while_nobody_drives_wakes_once() {
    let gate = Gate::new();
    let t = begin();
    for _ in 0..10 {
        t.add(gate.pass()).unwrap();
    }
    let mut end = Task::new(t.end());
    for _ in 0..5 {
        assert_pending!(end.poll());
    }
    assert_eq!(end.wakes(), 0);
    gate.open();
    assert_eq!(end.wakes(), 1, "ten futures, five registrations, one wake");
    assert_ready!(end.run()).unwrap();
}

#[test]
fn drivers_of_one_task_are_one_driver() {
    let gate = Gate::new();
    let t = begin();
    t.add(gate.pass()).unwrap();
    let mut both = Task::new(futures::future::join3(t.end(), t.wait(), t.end()));
    assert_pending!(both.run());
    gate.open();
    assert_eq!(both.wakes(), 1, "the same waker three times");
    let (end, wait, again) = assert_ready!(both.run());
    assert!(end.is_ok() && wait.is_ok() && again.is_ok());
}

#[test]
fn adding_from_outside_wakes_who_drives() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    t.add(gate.pass()).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    t.add(log.step("here")).unwrap();
    assert!(end.is_woken());
    assert_pending!(end.run());
    elsewhere(|| t.add(log.step("elsewhere")).map(drop).unwrap());
    assert!(end.is_woken());
    assert_pending!(end.run());
    t.enter(|| {
        add(log.step("entered"));
    });
    assert!(end.is_woken());
    assert_pending!(end.run());
    assert_eq!(log.take(), ["here", "elsewhere", "entered"]);
    gate.open();
    assert_ready!(end.run()).unwrap();
}

#[test]
fn adding_from_outside_wakes_the_scope() {
    let (log, gate) = (Log::new(), Gate::new());
    let (give, take) = mpsc::channel();
    let mut task = Task::new(scope(async {
        give.send(current().unwrap()).unwrap();
        gate.pass().await;
    }));
    assert_pending!(task.run());
    let t = take.recv().unwrap();
    t.add(log.step("here")).unwrap();
    assert_pending!(task.run());
    assert_eq!(log.take(), ["here"]);
    gate.open();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn the_latest_waker_is_the_one_that_counts() {
    let gate = Gate::new();
    let t = begin();
    t.add(gate.pass()).unwrap();
    let mut end = Box::pin(t.end());
    let old = Arc::<support::Wakes>::default();
    let waker = old.clone().into();
    assert_pending!(end.as_mut().poll(&mut Context::from_waker(&waker)));
    // The future goes on in another task.
    let mut moved = Task::new(end);
    assert_pending!(moved.run());
    gate.open();
    assert!(moved.is_woken());
    assert_ready!(moved.run()).unwrap();
}

#[test]
fn a_scope_that_moves_to_another_task_wakes_that() {
    let gate = Gate::new();
    let mut moving = Box::pin(scope(async {
        add(gate.pass());
        gate.pass().await;
    }));
    assert_pending!(moving.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    let mut moved = Task::new(moving);
    assert_pending!(moved.run());
    gate.open();
    assert_ready!(moved.run()).unwrap();
}

#[test]
fn a_wake_of_the_body_or_of_a_child_reaches_the_task_from_any_thread() {
    let gates = [Gate::new(), Gate::new()];
    let mut task = Task::new(scope(async {
        add(gates[0].pass());
        gates[1].pass().await;
        add(yields(2));
    }));
    assert_pending!(task.run());
    elsewhere(|| gates[0].open());
    assert!(task.is_woken());
    assert_pending!(task.run());
    elsewhere(|| gates[1].open());
    assert_ready!(task.run()).unwrap();
}

#[test]
fn a_wake_during_the_own_poll_is_not_lost() {
    let t = begin();
    let mut polls = 0;
    t.add(futures::future::poll_fn(move |cx| {
        polls += 1;
        if polls == 5 {
            return Poll::Ready(());
        }
        // From another thread, while it is being polled.
        let waker = cx.waker().clone();
        elsewhere(|| waker.wake());
        Poll::Pending
    }))
    .unwrap();
    assert_ready!(Task::new(t.end()).run()).unwrap();
}

#[test]
fn a_waker_used_when_all_is_over_does_nothing() {
    let (gate, kept) = (Gate::new(), Arc::new(Mutex::new(None)));
    let t = begin();
    let (passed, keep) = (gate.clone(), kept.clone());
    t.add(async move {
        let mut pass = passed.pass();
        futures::future::poll_fn(move |cx| {
            *keep.lock().unwrap() = Some(cx.waker().clone());
            pass.poll_unpin(cx)
        })
        .await;
    })
    .unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    gate.open();
    assert_ready!(end.run()).unwrap();
    let waker = kept.lock().unwrap().take().unwrap();
    waker.wake_by_ref();
    drop(t);
    elsewhere(|| waker.wake());
}

#[test]
fn who_awaits_a_stashed_in_another_task_is_woken_when_it_is_done() {
    let gate = Gate::new();
    let t = begin();
    let stashed = t.add(gate.pass()).unwrap();
    let (mut end, mut value) = (Task::new(t.end()), Task::new(stashed));
    assert_pending!(value.run());
    assert_pending!(end.run());
    gate.open();
    assert_ready!(end.run()).unwrap();
    assert_ready!(value.run()).unwrap();
}

#[test]
fn who_ends_is_woken_when_another_one_drives_to_the_end() {
    let gate = Gate::new();
    let t = begin();
    t.add(gate.pass()).unwrap();
    let (mut one, mut two) = (Task::new(t.end()), Task::new(t.end()));
    assert_pending!(one.run());
    assert_pending!(two.run());
    gate.open();
    assert_ready!(one.run()).unwrap();
    assert!(two.is_woken());
    assert_ready!(two.run()).unwrap();
}

#[test]
fn no_waker_is_kept_of_a_handle_that_another_driver_has_settled() {
    let (gate, slot, wakes) = (Gate::new(), Arc::new(Mutex::new(None)), Arc::<Wakes>::default());
    let waker: Waker = wakes.clone().into();
    let t = begin();
    let mut stashed = t.add(gate.pass()).unwrap();
    let (kept, listener) = (slot.clone(), waker.clone());
    t.add(async move {
        elsewhere(|| assert_pending!(stashed.poll_unpin(&mut Context::from_waker(&listener))));
        *kept.lock().unwrap() = Some(stashed);
        gate.open();
    })
    .unwrap();
    finish(t.wait()).unwrap();
    assert!(wakes.count() > 0);
    let mut stashed: Stashed<()> = slot.lock().unwrap().take().unwrap();
    assert_ready!(stashed.poll_unpin(&mut Context::from_waker(&waker))).unwrap();
    drop((stashed, waker));
    assert_eq!(Arc::strong_count(&wakes), 1);
}

#[test]
fn who_ends_is_woken_though_the_destructor_of_an_error_panics() {
    let t = begin();
    let stashed = t.add(async { Err::<(), _>(Bomb) }).unwrap();
    let mut inner = Task::new(scope(std::future::pending::<()>()));
    assert_pending!(t.enter(|| inner.run()));
    drop(finish(stashed).unwrap_err());
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    // Closes it, and what it has kept of the error is dropped: dropping a scope never panics.
    drop(inner);
    assert_ready!(end.run()).unwrap();
}

#[test]
fn two_wakers_that_panic_do_not_abort() {
    let slot: Arc<Mutex<Option<Stashed<()>>>> = Arc::default();
    let (taken, waker) = (slot.clone(), on_wake(|| panic_any("in the waker")));
    let t = begin();
    t.add(async move {
        // Left behind by who came while this thread drives: to be woken when that is done, and when the handle is.
        let mut stashed = taken.lock().unwrap().take().unwrap();
        elsewhere(|| assert_pending!(stashed.poll_unpin(&mut Context::from_waker(&waker))));
        *taken.lock().unwrap() = Some(stashed);
    })
    .unwrap();
    *slot.lock().unwrap() = Some(t.add(async {}).unwrap());
    t.add(async {}).unwrap();
    let mut end = Task::new(t.end());
    let _ = catch_unwind(AssertUnwindSafe(|| end.poll()));
    finish(t.end()).unwrap();
    finish(slot.lock().unwrap().take().unwrap()).unwrap();
}
