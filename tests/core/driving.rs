//! Who polls what: a scope, who awaits from outside, who awaits from inside.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use futures::future::poll_fn;
use futures::{FutureExt, poll};
use settled::{State, Transaction, add, begin, current, scope};
use support::{Gate, Log, Task, assert_pending, assert_ready, elsewhere, finish, yields};

/// How often a future was polled.
#[derive(Clone, Default)]
struct Polls(Arc<AtomicUsize>);

impl Polls {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn of<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let (polls, mut future) = (self.clone(), Box::pin(future));
        poll_fn(move |cx| {
            polls.0.fetch_add(1, Ordering::SeqCst);
            future.as_mut().poll(cx)
        })
    }
}

#[test]
fn a_scope_polls_its_body_only_when_that_was_woken() {
    let (gate, polls) = (Gate::new(), Polls::default());
    let mut task = Task::new(scope(polls.of(async {
        add(yields(10));
        add(gate.pass());
        gate.pass().await;
    })));
    assert_pending!(task.run());
    assert_pending!(task.poll());
    assert_pending!(task.poll());
    assert_eq!(polls.count(), 1);
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(polls.count(), 2);
}

#[test]
fn a_child_is_polled_only_when_it_was_woken() {
    let (gate, polls) = (Gate::new(), Polls::default());
    let t = begin();
    t.add(polls.of(gate.pass())).unwrap();
    t.add(yields(5)).unwrap();
    let mut end = Task::new(t.end());
    for _ in 0..5 {
        assert_pending!(end.poll());
    }
    assert_eq!(polls.count(), 1);
    gate.rattle();
    assert_pending!(end.run());
    assert_eq!(polls.count(), 2);
    gate.open();
    assert_ready!(end.run()).unwrap();
    assert_eq!(polls.count(), 3);
}

#[test]
fn a_finished_child_is_never_polled_again() {
    let (gate, polls) = (Gate::new(), Polls::default());
    let mut task = Task::new(scope(async {
        let inner = gate.clone();
        // Its waker is kept by the gate, and woken when it has long been done.
        add(polls.of(async move {
            let mut pass = inner.pass();
            assert_pending!(poll!(&mut pass));
            add(inner.pass());
        }));
        gate.pass().await;
    }));
    assert_pending!(task.run());
    assert_eq!(polls.count(), 1);
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(polls.count(), 1);
}

#[test]
fn whoever_awaits_from_outside_drives() {
    let log = Log::new();
    let t = begin();
    t.add(log.step("before the wait")).unwrap();
    finish(t.wait()).unwrap();
    assert_eq!(log.take(), ["before the wait"]);

    t.add(log.step("before the stashed")).unwrap();
    let stashed = t.add(log.step("the stashed")).unwrap();
    finish(stashed).unwrap();
    assert_eq!(log.take(), ["before the stashed", "the stashed"]);

    t.add(log.step("before the gather")).unwrap();
    finish(t.gather([log.step("gathered")])).unwrap();
    assert_eq!(log.take(), ["before the gather", "gathered"]);

    t.add(log.step("before the end")).unwrap();
    finish(t.end()).unwrap();
    assert_eq!(log.take(), ["before the end"]);
}

#[test]
fn who_awaits_inside_only_listens() {
    let log = Log::new();
    finish(scope(async {
        let mut stashed = add(log.step("child"));
        assert_pending!(poll!(&mut stashed));
        assert!(log.take().is_empty(), "a body that awaits does not run its children itself");
        let t = current().unwrap();
        assert_pending!(poll!(pin!(t.wait())));
        assert_pending!(poll!(pin!(t.gather([log.step("gathered")]))));
        let inner = begin();
        inner.add(log.step("below")).unwrap();
        assert_pending!(poll!(pin!(inner.end())));
        assert!(log.take().is_empty());
        stashed.await.unwrap();
    }))
    .unwrap();
    assert_eq!(log.take(), ["child", "gathered", "below"]);
}

#[test]
fn who_awaits_inside_is_woken_only_by_what_he_waits_for() {
    let (polls, gates) = (Polls::default(), [Gate::new(), Gate::new()]);
    let t = begin();
    let (other, awaited) = (gates[0].pass(), gates[1].pass());
    t.add(other.then(|()| yields(2))).unwrap();
    t.add(polls.of(async { add(awaited).await.unwrap() }.boxed())).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    let before = polls.count();
    gates[0].open(); // Nobody drives: those who would are woken, and he is none of them.
    assert_pending!(end.run());
    assert_eq!(polls.count(), before);
    gates[1].open();
    assert_ready!(end.run()).unwrap();
}

#[test]
fn an_inner_scope_is_driven_by_the_outer_one() {
    let log = Log::new();
    finish(scope(async {
        let mut inner = Box::pin(scope(async {
            add(log.step("inner child"));
        }));
        assert_pending!(poll!(&mut inner));
        assert!(log.take().is_empty());
        inner.await.unwrap();
    }))
    .unwrap();
    assert_eq!(log.take(), ["inner child"]);
}

#[test]
fn a_scope_can_be_driven_from_outside_while_its_owner_is_not_polled() {
    let (log, handle) = (Log::new(), Arc::new(Mutex::new(None)));
    let mut body = Task::new(scope(async {
        *handle.lock().unwrap() = current();
        add(yields(2_000));
        add(log.step("child"));
    }));
    assert_pending!(body.poll());
    let t: Transaction = handle.lock().unwrap().take().unwrap();
    finish(t.end()).unwrap();
    assert_eq!(log.take(), ["child"]);
    assert!(matches!(t.state(), State::Closed));
    assert_ready!(body.run()).unwrap();
}

#[test]
fn a_second_driver_on_another_thread_registers_and_is_woken() {
    let gate = Gate::new();
    let t = begin();
    let mut second = Task::new(t.end());
    let (sender, receiver) = std::sync::mpsc::channel();
    let passed = gate.clone();
    t.add(async move {
        // While this thread drives, another one comes to drive: it must neither block nor drive.
        let polled = elsewhere(|| second.poll().is_pending());
        assert!(polled);
        sender.send(second).unwrap();
        passed.pass().await;
    })
    .unwrap();
    let mut first = Task::new(t.end());
    assert_pending!(first.run());
    let mut second = receiver.recv().unwrap();
    gate.open();
    assert_ready!(first.run()).unwrap();
    assert!(second.is_woken());
    assert_ready!(second.run()).unwrap();
}

#[test]
fn a_second_driver_takes_over_from_one_that_is_dropped() {
    let (gate, t) = (Gate::new(), begin());
    t.add(gate.pass().then(|()| yields(3))).unwrap();
    let (mut first, mut second) = (Task::new(t.end()), Task::new(t.end()));
    assert_pending!(first.run());
    assert_pending!(second.run());
    drop(first);
    gate.open();
    assert_ready!(second.run()).unwrap();
}

#[test]
fn a_driver_that_is_never_polled_again_blocks_nobody() {
    let (gate, t) = (Gate::new(), begin());
    let stashed = t.add(gate.pass().then(|()| yields(3))).unwrap();
    let (mut idle, mut other, mut third) = (Task::new(t.end()), Task::new(t.wait()), Task::new(stashed));
    assert_pending!(other.run());
    assert_pending!(third.run());
    assert_pending!(idle.run());
    gate.open();
    assert!(idle.is_woken() && other.is_woken() && third.is_woken(), "every outside driver is told");
    assert_ready!(other.run()).unwrap();
    assert_ready!(third.run()).unwrap();
    assert_ready!(idle.run()).unwrap();
}

#[test]
fn a_driver_that_leaves_work_behind_blocks_nobody() {
    let (t, log) = (begin(), Log::new());
    for _ in 0..3_000 {
        t.add(yields(1)).unwrap();
    }
    t.add(log.step("last")).unwrap();
    let (mut first, mut second) = (Task::new(t.end()), Task::new(t.end()));
    assert_pending!(second.poll());
    assert_pending!(first.poll());
    drop(first);
    assert_ready!(second.run()).unwrap();
    assert_eq!(log.take(), ["last"]);
}

#[test]
fn a_driver_whose_budget_is_spent_wakes_the_others() {
    let (gate, log, (give, take)) = (Gate::new(), Log::new(), channel());
    let mut owner = Task::new(scope(async {
        give.send(current().unwrap()).unwrap();
        gate.pass().await;
        (0..3_000).for_each(|_| drop(add(async {})));
        add(log.step("last"));
    }));
    assert_pending!(owner.run());
    let mut other = Task::new(take.recv().unwrap().end());
    assert_pending!(other.run());
    gate.open();
    assert!(owner.is_woken() && !other.is_woken(), "a body's waker wakes its scope alone");
    assert_pending!(owner.poll());
    assert!(other.is_woken(), "the owner may never be polled again");
    assert_ready!(other.run()).unwrap();
    assert_eq!(log.take(), ["last"]);
    assert_ready!(owner.run()).unwrap();
}

/// Polls the task on another thread, while this one drives; gives it back then.
fn polled_elsewhere<F>(mut task: Task<F>) -> (impl Future<Output = ()> + Send, Receiver<Task<F>>)
where
    F: Future<Output: Send> + Send + 'static,
{
    let (give, take) = channel();
    let future = async move {
        assert!(elsewhere(|| task.poll().is_pending()));
        give.send(task).unwrap();
    };
    (future, take)
}

#[test]
fn who_comes_while_another_thread_drives_goes_on_when_that_one_is_gone() {
    let (gate, t) = (Gate::new(), begin());
    let (polled, second) = polled_elsewhere(Task::new(t.end()));
    t.add(polled).unwrap();
    t.add(gate.pass().then(|()| yields(3))).unwrap();
    let mut first = Task::new(t.end());
    assert_pending!(first.run());
    drop(first);
    let mut second = second.recv().unwrap();
    assert!(!second.is_woken());
    gate.open();
    assert!(second.is_woken());
    assert_ready!(second.run()).unwrap();
}

#[test]
fn a_driver_that_has_what_it_waits_for_wakes_who_came_meanwhile() {
    let (log, t) = (Log::new(), begin());
    let (polled, second) = polled_elsewhere(Task::new(t.end()));
    let mut first = Task::new(t.add(polled).unwrap());
    t.add(log.step("left behind")).unwrap();
    assert_ready!(first.poll()).unwrap();
    assert_eq!(log.take(), [""; 0]);
    let mut second = second.recv().unwrap();
    assert!(second.is_woken());
    assert_ready!(second.run()).unwrap();
    assert_eq!(log.take(), ["left behind"]);
}

#[test]
fn a_scope_polls_its_body_first_and_then_what_was_added() {
    let (log, gates) = (Log::new(), [Gate::new(), Gate::new()]);
    let mut task = Task::new(scope(async {
        add(gates[0].pass().then({
            let child = log.step("child");
            |()| child
        }));
        gates[1].pass().await;
        log.note("body");
    }));
    assert_pending!(task.run());
    gates.iter().for_each(Gate::open);
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["body", "child"]);
}
