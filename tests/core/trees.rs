//! Awaiting inside of one tree what belongs to it, or to another tree.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use settled::{add, add_value, begin, block_on, scope};
use support::{Gate, Log, Task, assert_pending, assert_ready, elsewhere, finish, yields};

#[test]
fn a_sibling_can_await_a_sibling_whichever_comes_first() {
    finish(scope(async {
        let first = add_value(async { 1 });
        let second = add_value(async move { first.await.unwrap() + 1 });
        let (give, take) = futures::channel::oneshot::channel();
        let third = add_value(async move { take.await.unwrap() });
        let fourth = add_value(async move { third.await.unwrap() + second.await.unwrap() });
        add(async move { give.send(10).unwrap() });
        assert_eq!(fourth.await.unwrap(), 12);
    }))
    .unwrap();
}

#[test]
fn who_listens_inside_another_tree_is_told_when_its_owner_is_gone() {
    let (gate, t) = (Gate::new(), begin());
    t.add(gate.pass().then(|()| yields(2))).unwrap();
    let end = t.end();
    let mut owner = Task::new(t.end());
    assert_pending!(owner.run());
    let mut listener = Task::new(scope(async {
        add(end);
    }));
    assert_pending!(listener.run());
    drop(owner);
    gate.open();
    assert_ready!(listener.run()).unwrap();
}

#[test]
fn a_tree_can_be_driven_from_inside_another_tree() {
    let log = Log::new();
    let other = begin();
    other.add(log.step("other tree")).unwrap();
    let stashed = other.add(log.step("other tree's stashed")).unwrap();
    finish(scope(async {
        stashed.await.unwrap();
        log.note("body");
        other.add(yields(3)).unwrap();
        add(other.end());
    }))
    .unwrap();
    assert_eq!(log.take(), ["other tree", "other tree's stashed", "body"]);
}

#[test]
fn block_on_inside_a_drive_panics_and_does_not_hang() {
    let failures = finish(scope(async {
        add(async {
            block_on(async {});
        });
        let inner = add(yields(3));
        add(async move {
            block_on(inner).unwrap();
        });
    }))
    .unwrap_err();
    assert_eq!(failures.len(), 2);
    assert!(failures.iter().all(|failure| failure.is_panic()));
    let mut body = Task::new(scope(async { block_on(async { 5 }) }));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body.run())).is_err());
    assert_eq!(block_on(async { 5 }), 5, "outside it works again");
}

#[test]
fn drives_nest_far_without_overflowing_the_stack() {
    let log = Log::new();
    let innermost = begin();
    innermost.add(log.step("innermost")).unwrap();
    let mut chain = vec![innermost];
    for _ in 0..2_000 {
        let outer = begin();
        outer.add(chain.last().unwrap().end()).unwrap();
        chain.push(outer);
    }
    let mut outermost = Task::new(chain.last().unwrap().end());
    let _ = outermost.poll();
    // Beyond some depth drives only listen; from inside out all come to their end.
    for t in &chain {
        finish(t.end()).unwrap();
    }
    assert_ready!(outermost.run()).unwrap();
    assert_eq!(log.take(), ["innermost"]);
}

#[test]
fn a_future_that_is_polled_by_hand_inside_keeps_its_waker_straight() {
    let gate = Gate::new();
    let mut task = Task::new(scope(async {
        let mut stashed = add(gate.pass());
        // Polled with a waker that leads nowhere, then with the body's own.
        let mut nowhere = std::task::Context::from_waker(std::task::Waker::noop());
        assert_pending!(stashed.poll_unpin(&mut nowhere));
        stashed.await.unwrap();
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn a_scope_that_awaits_a_tree_which_another_thread_drives_is_woken() {
    let slot = Arc::new(Mutex::new(None));
    let t = begin();
    let (handle, kept) = ((*t).clone(), slot.clone());
    t.add(async move {
        let mut listener = Task::new(scope(async move { handle.end().await.unwrap() }));
        elsewhere(|| assert_pending!(listener.run()));
        *kept.lock().unwrap() = Some(listener);
        yields(2).await;
    })
    .unwrap();
    finish(t.wait()).unwrap();
    let mut listener = slot.lock().unwrap().take().unwrap();
    assert_ready!(listener.run()).unwrap();
}

#[test]
fn a_handle_may_be_awaited_by_one_and_then_by_another() {
    finish(scope(async {
        let gate = Gate::new();
        let slot = Arc::new(Mutex::new(Some(add(gate.pass()))));
        let first = slot.clone();
        add(async move {
            let mut stashed = first.lock().unwrap().take().unwrap();
            assert_pending!(futures::poll!(&mut stashed));
            *first.lock().unwrap() = Some(stashed);
        })
        .await
        .unwrap();
        let second = add(async move {
            let stashed = slot.lock().unwrap().take().unwrap();
            stashed.await.unwrap();
        });
        yields(3).await;
        gate.open();
        second.await.unwrap();
    }))
    .unwrap();
}

#[test]
fn trees_that_await_each_other_come_to_their_end_however_many() {
    let log = Log::new();
    let mut outermost = elsewhere(begin);
    outermost.add(log.step("innermost")).unwrap();
    for _ in 0..200 {
        let outer = elsewhere(begin);
        outer.add(async move { outermost.end().await }).unwrap();
        outermost = outer;
    }
    finish(outermost.end()).unwrap();
    assert_eq!(log.take(), ["innermost"]);
}

#[test]
fn who_is_polled_only_because_another_drives_his_tree_may_await_that_one() {
    let (t, u, gate) = (begin(), begin(), Gate::new());
    let passes = gate.clone();
    let first = u
        .add_value(async move {
            passes.pass().await;
            1
        })
        .unwrap();
    // The second drives `u` for the sake of the first. The third is polled in that, and waits for the second in vain only
    // as long as the gate is closed: it is no part of what the second waits for.
    let second = t.add_value(async move { first.await.unwrap() + 1 }).unwrap();
    let third = u.add_value(async move { second.await.unwrap() + 1 }).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    gate.open();
    assert_ready!(end.run()).unwrap();
    assert_eq!(finish(third).unwrap(), 3);
}

#[test]
fn a_long_chain_of_transactions_is_dropped_without_overflowing_the_stack() {
    // Also in no time: to begin one costs the same however deep it is.
    let mut chain = vec![begin()];
    for _ in 0..50_000 {
        let next = chain.last().unwrap().enter(begin);
        chain.push(next);
    }
    let last = (**chain.last().unwrap()).clone();
    finish(chain[0].end()).unwrap();
    drop(chain);
    drop(last);
}
