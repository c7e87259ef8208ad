//! Which transaction is current, and where.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures::FutureExt;
use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;
use settled::{Transaction, TransactionId, add, begin, current, scope};
use support::{Gate, Log, Task, assert_pending, assert_ready, elsewhere, finish, yields};

pub(crate) fn here() -> Option<TransactionId> {
    current().map(|t| t.id())
}

fn above() -> Option<TransactionId> {
    current().and_then(|t| t.parent()).map(|t| t.id())
}

/// What was seen by code that runs later.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<Option<TransactionId>>>>);

impl Seen {
    pub(crate) fn see(&self, id: Option<TransactionId>) {
        self.0.lock().unwrap().push(id);
    }

    pub(crate) fn take(&self) -> Vec<Option<TransactionId>> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[test]
fn t17_outside_of_everything_there_is_no_current_transaction() {
    assert!(current().is_none());
    let t = begin();
    assert!(current().is_none(), "begin alone enters nothing");
    finish(t.end()).unwrap();
    let mut task = Task::new(scope(yields(1)));
    assert!(current().is_none(), "a scope that was not polled is not current");
    while task.poll().is_pending() {
        assert!(current().is_none(), "between its polls a scope is not current");
    }
    assert!(current().is_none());
}

#[test]
fn a_body_sees_its_own_transaction_at_every_poll() {
    let seen = Seen::default();
    let mut task = Task::new(scope(async {
        for _ in 0..3 {
            seen.see(here());
            yields(1).await;
        }
    }));
    assert_ready!(task.run()).unwrap();
    let ids = seen.take();
    assert!(ids[0].is_some());
    assert_eq!(ids, [ids[0]; 3]);
}

#[test]
fn t06_two_tasks_do_not_see_each_others_transaction() {
    let seen = Seen::default();
    let body = |gate: Gate| {
        let seen = seen.clone();
        scope(async move {
            seen.see(here());
            gate.pass().await;
            seen.see(here());
        })
    };
    let gates = [Gate::new(), Gate::new()];
    let (mut a, mut b) = (Task::new(body(gates[0].clone())), Task::new(body(gates[1].clone())));
    assert_pending!(a.run());
    assert_pending!(b.run());
    gates[0].open();
    gates[1].open();
    assert_ready!(a.run()).unwrap();
    assert_ready!(b.run()).unwrap();
    let ids = seen.take();
    assert_ne!(ids[0], ids[1]);
    assert_eq!(ids[2..], ids[..2]);
}

#[test]
fn t07_what_is_merely_awaited_sees_its_callers_transaction() {
    async fn callee() -> Option<TransactionId> {
        yields(1).await;
        here()
    }
    finish(scope(async {
        assert_eq!(callee().await, here());
        add(async {
            assert_eq!(callee().await, here());
        });
    }))
    .unwrap();
}

#[test]
fn t07_a_new_task_does_not_inherit_the_transaction() {
    let (seen, mut pool) = (Seen::default(), LocalPool::new());
    let spawner = pool.spawner();
    finish(scope(async {
        let inner = seen.clone();
        spawner.spawn_local(async move { inner.see(here()) }).unwrap();
        let threads = seen.clone();
        elsewhere(move || threads.see(here()));
    }))
    .unwrap();
    pool.run();
    assert_eq!(seen.take(), [None, None]);
}

#[test]
fn t05_an_added_future_has_a_transaction_of_its_own_below_the_one_it_was_added_to() {
    let seen = Seen::default();
    finish(scope(async {
        let body = here();
        let inner = seen.clone();
        add(async move {
            inner.see(here());
            assert_eq!(above(), body);
            yields(2).await;
            inner.see(here());
        });
        add(async move {
            assert_ne!(here(), body);
            assert_eq!(above(), body);
        });
    }))
    .unwrap();
    let ids = seen.take();
    assert!(ids[0].is_some());
    assert_eq!(ids[0], ids[1], "it is the same one at every poll");
}

#[test]
fn added_by_handle_or_in_enter_the_parent_is_that_handle() {
    let t = begin();
    let id = Some(t.id());
    t.add(async move { assert_eq!(above(), id) }).unwrap();
    t.enter(|| {
        add(async move { assert_eq!(above(), id) });
    });
    drop(t.gather([async move { assert_eq!(above(), id) }]));
    finish(t.end()).unwrap();
}

#[test]
fn t10_a_callback_runs_in_the_transaction_of_its_future() {
    let seen = Seen::default();
    finish(scope(async {
        let (in_future, in_callback) = (seen.clone(), seen.clone());
        add(async move { in_future.see(here()) }).on_settled(move |_| in_callback.see(here()));
    }))
    .unwrap();
    let ids = seen.take();
    assert!(ids[0].is_some());
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn t10_what_a_callback_adds_is_waited_for() {
    let (gate, seen) = (Gate::new(), Seen::default());
    let mut task = Task::new(scope(async {
        let (gate, in_future, in_added) = (gate.clone(), seen.clone(), seen.clone());
        add(async move { in_future.see(here()) }).on_settled(move |_| {
            add(async move {
                in_added.see(above());
                gate.pass().await;
            });
        });
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
    let ids = seen.take();
    assert_eq!(ids[0], ids[1], "it was added below the future whose callback it is");
}

#[test]
fn enter_makes_current_for_the_length_of_the_call() {
    let (a, b) = (begin(), begin());
    let result = a.enter(|| {
        assert_eq!(here(), Some(a.id()));
        b.enter(|| {
            assert_eq!(here(), Some(b.id()));
            a.enter(|| assert_eq!(here(), Some(a.id())));
            assert_eq!(here(), Some(b.id()));
        });
        assert_eq!(here(), Some(a.id()));
        5
    });
    assert_eq!(result, 5);
    assert!(current().is_none());
    finish(a.end()).unwrap();
    finish(b.end()).unwrap();
}

#[test]
fn what_was_current_is_so_again_when_another_tree_has_been_driven() {
    let (a, b, log) = (begin(), begin(), Log::new());
    b.add(async {}).unwrap();
    a.enter(|| {
        finish(b.end()).unwrap();
        assert_eq!(here(), Some(a.id()));
        add(log.step("added"));
    });
    assert_eq!(a.pending(), 1);
    finish(a.end()).unwrap();
    assert_eq!(log.take(), ["added"]);
}

#[test]
fn what_is_added_in_enter_is_run_and_no_strangers_though_the_entered_one_ends_meanwhile() {
    let seen = Seen::default();
    finish(scope(async {
        let (t, body) = (begin(), current().unwrap());
        t.enter(|| {
            assert_pending!(t.end().now_or_never().map_or(Poll::Pending, Poll::Ready));
            // Opening and polling another one makes the tree settle what has ended.
            let _ = scope(async { assert!(current().is_some()) }).now_or_never();
            let strangers = [body.enter(begin), body.enter(begin)];
            let saw = seen.clone();
            add(async move { saw.see(above()) });
            assert_eq!(strangers.map(|stranger| stranger.pending()), [0; 2]);
        });
        yields(2).await;
        let own = seen.take();
        assert!(own == [Some(t.id())] || own == [Some(body.id())], "{own:?}");
    }))
    .unwrap();
}

#[test]
fn enter_is_left_when_its_closure_panics() {
    let t = begin();
    let unwound = catch_unwind(AssertUnwindSafe(|| t.enter(|| panic!("in enter"))));
    assert!(unwound.is_err());
    assert!(current().is_none());
    finish(scope(async {
        let body = here();
        let unwound = catch_unwind(AssertUnwindSafe(|| t.enter(|| panic!("in enter"))));
        assert!(unwound.is_err());
        assert_eq!(here(), body);
    }))
    .unwrap();
    finish(t.end()).unwrap();
}

#[test]
fn a_scope_whose_body_panics_leaves_nothing_current() {
    let mut task = Task::new(scope(async { panic!("in the body") }));
    let unwound: Result<std::task::Poll<Result<(), _>>, _> = catch_unwind(AssertUnwindSafe(|| task.run()));
    assert!(unwound.is_err());
    assert!(current().is_none());
}

#[test]
fn a_handle_of_another_tree_can_be_entered_inside_a_body() {
    let other = begin();
    let id = other.id();
    finish(scope(async {
        let own = here();
        other.enter(|| {
            add(async move { assert_eq!(above(), Some(id)) });
        });
        assert_eq!(here(), own);
    }))
    .unwrap();
    assert_eq!(other.pending(), 1, "it belongs to the other tree");
    finish(other.end()).unwrap();
}

#[test]
fn ids_grow() {
    let (a, b) = (begin(), begin());
    assert!(a.id() < b.id());
    let handle: Transaction = (*a).clone();
    assert_eq!(handle.id(), a.id());
    finish(a.end()).unwrap();
    finish(b.end()).unwrap();
}
