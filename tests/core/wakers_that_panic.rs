//! Wakers of somebody's that panic when they are woken or dropped: what goes on meanwhile is not touched by it.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use settled::{Transaction, add, atomic, begin, scope};
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, failing, finish, yields};

/// Panics when it is woken.
struct WhenWoken;

impl Wake for WhenWoken {
    fn wake(self: Arc<Self>) {
        panic_any("woken");
    }
}

/// Panics with its last reference.
struct WhenDropped;

impl Wake for WhenDropped {
    fn wake(self: Arc<Self>) {}
}

impl Drop for WhenDropped {
    fn drop(&mut self) {
        panic_any("the last one is dropped");
    }
}

/// Polls with a waker of which whoever has kept it has the last reference.
fn poll_with<F: Future + Unpin>(waker: Waker, future: &mut F) -> Poll<F::Output> {
    let poll = Pin::new(future).poll(&mut Context::from_waker(&waker));
    // Where nobody has kept it, this is the last.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
    poll
}

/// Polls with one kind of them, then with the other: so each is replaced.
fn poll_hostile<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    match poll_with(Arc::new(WhenDropped).into(), future) {
        Poll::Pending => poll_with(Arc::new(WhenWoken).into(), future),
        ready => ready,
    }
}

#[test]
fn a_scope_whose_waker_is_replaced_and_woken_settles_all_the_same() {
    let (gate, log) = (Gate::new(), Log::new());
    let (step, passed) = (log.step("child"), gate.pass());
    let mut task = Box::pin(scope(async {
        add(async move {
            passed.await;
            step.await;
        });
        yields(3).await;
        gate.pass().await;
        add(failing("told"));
    }));
    for _ in 0..3 {
        assert_pending!(poll_hostile(&mut task));
    }
    gate.open();
    assert_eq!(causes(&finish(task).unwrap_err()), ["told"]);
    assert_eq!(log.take(), ["child"]);
}

#[test]
fn whatever_is_awaited_from_outside_is_told_all_the_same() {
    let gate = Gate::new();
    let t = begin();
    let mut stashed = t.add_value(async { 5 }).unwrap();
    let mut gather = t.gather([gate.pass(), gate.pass()]);
    t.add(failing("told")).unwrap();
    let mut wait = t.wait();
    assert_pending!(poll_hostile(&mut wait));
    assert_eq!(assert_ready!(poll_hostile(&mut stashed)).unwrap(), 5);
    assert_pending!(poll_hostile(&mut gather));
    assert_pending!(poll_hostile(&mut wait));
    let mut end = t.end();
    assert_pending!(poll_hostile(&mut end));
    assert_pending!(poll_hostile(&mut end));
    gate.open();
    assert_eq!(finish(gather).unwrap().len(), 2);
    // By now it has ended, so the end has what the wait would have had.
    finish(wait).unwrap();
    assert_eq!(causes(&finish(end).unwrap_err()), ["told"]);
}

#[test]
fn who_listens_beside_one_that_panics_is_woken() {
    let gate = Gate::new();
    let t = begin();
    t.add(gate.pass()).unwrap();
    let mut hostile: Vec<_> = (0..3).map(|_| t.end()).collect();
    let mut good = Task::new(t.end());
    hostile.iter_mut().for_each(|end| assert_pending!(poll_hostile(end)));
    assert_pending!(good.run());
    gate.open();
    assert_ready!(good.run()).unwrap();
    drop(hostile);
}

#[test]
fn what_is_dropped_half_way_leaves_nothing_undone() {
    let (gate, log) = (Gate::new(), Log::new());
    let top = begin();
    let (hook, held) = (log.clone(), log.step("held"));
    let mut given_up = Box::pin(top.enter(|| {
        atomic(async {
            settled::on_rollback(move || hook.note("rolled back"));
            add(held);
            gate.pass().await;
            Ok::<_, ()>(())
        })
    }));
    // Its parent is what is current at the first poll.
    top.enter(|| assert_pending!(poll_hostile(&mut given_up)));
    let mut end = top.end();
    assert_pending!(poll_hostile(&mut end));
    drop(given_up);
    assert_eq!(log.take(), ["rolled back"]);
    finish(top.end()).unwrap();
    drop(end);
}

#[test]
fn the_owner_of_an_atomic_one_is_told_of_an_abort() {
    let t = begin();
    let mut refused = Box::pin(t.enter(|| {
        atomic(async {
            let own = settled::current().unwrap();
            let _keep: Transaction = own.clone();
            own.before_commit(std::future::pending::<()>());
            Ok::<_, ()>(own)
        })
    }));
    t.enter(|| assert_pending!(poll_hostile(&mut refused)));
    t.abort();
    assert!(finish(refused).is_err());
    finish(t.end()).unwrap();
}
