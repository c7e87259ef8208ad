//! `wait_all` ends every open transaction of the process: nothing else may run beside these tests, and they take turns.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use settled::{State, Transaction, add, begin, current, scope, set_reporter, wait_all, wait_all_within};
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, elsewhere, failing, finish, yields};

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    let guard = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    set_reporter(|_| {});
    guard
}

#[test]
fn t14_wait_all_ends_every_transaction_that_is_open_anywhere() {
    let _turn = turn();
    let log = Log::new();
    let (a, b) = (begin(), elsewhere(begin));
    a.add(log.step("a")).unwrap();
    b.add(log.step("b")).unwrap();
    let settlement = finish(wait_all());
    assert_eq!(settlement.ended, 2);
    assert!(settlement.failures.is_empty());
    assert!(settlement.pending.is_empty());
    assert!(matches!(a.state(), State::Closed));
    assert!(matches!(b.state(), State::Closed));
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["a", "b"]);
}

#[test]
fn t14_where_nothing_is_open_nothing_is_ended() {
    let _turn = turn();
    let settlement = finish(wait_all());
    assert_eq!((settlement.ended, settlement.pending.len()), (0, 0));
    finish(scope(async { drop(add(async {})) })).unwrap();
    finish(begin().end()).unwrap();
    assert_eq!(finish(wait_all()).ended, 0, "what has ended before is not ended again");
}

#[test]
fn t14_wait_all_tells_the_failures() {
    let _turn = turn();
    let t = begin();
    t.add(failing("told")).unwrap();
    let stashed = t.add(failing("received")).unwrap();
    assert!(finish(stashed).is_err());
    assert_eq!(causes(&finish(wait_all()).failures), ["told"]);
    assert_eq!(causes(&finish(t.end()).unwrap_err()), ["told"], "every end gets the same");
    assert!(finish(wait_all()).failures.is_empty());
}

#[test]
fn t14_wait_all_waits_for_what_is_pending() {
    let _turn = turn();
    let gate = Gate::new();
    let t = begin();
    t.add(gate.pass()).unwrap();
    let mut all = Task::new(wait_all());
    assert_pending!(all.run());
    assert!(matches!(t.state(), State::Ending));
    elsewhere(|| gate.open());
    assert_eq!(assert_ready!(all.run()).ended, 1);
}

#[test]
fn t14_wait_all_within_tells_what_still_pends_and_that_goes_on_pending() {
    let _turn = turn();
    let (log, gate, timer) = (Log::new(), Gate::new(), Gate::new());
    let (quick, slow) = (begin(), begin());
    quick.add(log.step("quick")).unwrap();
    slow.add(gate.pass()).unwrap();
    slow.add(log.step("slow's other")).unwrap();
    let mut all = Task::new(wait_all_within(timer.pass()));
    assert_pending!(all.run());
    timer.open();
    let settlement = assert_ready!(all.run());
    assert_eq!(settlement.ended, 1);
    assert_eq!(settlement.pending, [slow.id()]);
    assert!(matches!(quick.state(), State::Closed));
    assert!(matches!(slow.state(), State::Ending));
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["quick", "slow's other"]);
    gate.open();
    finish(slow.end()).unwrap();
}

#[test]
fn t14_a_timer_that_is_late_changes_nothing() {
    let _turn = turn();
    let t = begin();
    t.add(yields(3)).unwrap();
    let settlement = finish(wait_all_within(std::future::pending()));
    assert_eq!((settlement.ended, settlement.pending.len()), (1, 0));
    drop(t);
}

#[test]
fn a_timer_that_is_due_at_once_still_lets_what_is_ready_run() {
    let _turn = turn();
    let log = Log::new();
    let t = begin();
    t.add(log.step("ready")).unwrap();
    let settlement = finish(wait_all_within(async {}));
    assert_eq!(settlement.ended + settlement.pending.len(), 1);
    finish(t.end()).unwrap();
    assert_eq!(log.take(), ["ready"]);
}

#[test]
fn wait_all_settles_the_root_and_leaves_it_open() {
    let _turn = turn();
    let log = Log::new();
    add(log.step("the root's"));
    add(failing("the root's failure"));
    let settlement = finish(wait_all());
    assert_eq!(causes(&settlement.failures), ["the root's failure"]);
    assert_eq!(log.take(), ["the root's"]);
    assert!(matches!(Transaction::root().state(), State::Open));
    add(log.step("more"));
    finish(wait_all());
    assert_eq!(log.take(), ["more"]);
}

#[test]
fn wait_all_settles_what_was_dropped_unended() {
    let _turn = turn();
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    let handle = (*t).clone();
    t.add(gate.pass()).unwrap();
    t.add(log.step("dropped")).unwrap();
    drop(t);
    let mut all = Task::new(wait_all());
    assert_pending!(all.run());
    assert_eq!(log.take(), ["dropped"]);
    gate.open();
    assert_ready!(all.run());
    assert!(matches!(handle.state(), State::Closed));
}

#[test]
fn wait_all_inside_a_scope_does_not_wait_for_that() {
    let _turn = turn();
    let log = Log::new();
    let other = begin();
    other.add(log.step("other")).unwrap();
    finish(scope(async {
        let settlement = wait_all().await;
        assert_eq!(settlement.ended, 1);
        assert!(matches!(other.state(), State::Closed));
        log.note("waited");
        assert!(matches!(current().unwrap().state(), State::Open), "its own goes on");
        add(log.step("own"));
    }))
    .unwrap();
    assert_eq!(log.take(), ["other", "waited", "own"]);
}

#[test]
fn wait_all_inside_an_added_future_does_not_wait_for_what_that_is_part_of() {
    let _turn = turn();
    let log = Log::new();
    let other = begin();
    other.add(log.step("other")).unwrap();
    finish(scope(async {
        let noted = log.clone();
        add(async move {
            scope(async {
                wait_all().await;
                noted.note("waited");
            })
            .await
            .unwrap();
        });
    }))
    .unwrap();
    assert_eq!(log.take(), ["other", "waited"]);
}

#[test]
fn wait_all_does_not_wait_for_what_it_is_part_of_when_that_was_dropped_either() {
    let _turn = turn();
    let t = begin();
    let stashed = t.add_value(wait_all()).unwrap();
    drop(t);
    let settlement = finish(stashed).unwrap();
    assert!(settlement.failures.is_empty(), "{}", settlement.failures);
    finish(Transaction::root().wait()).unwrap();
}

#[test]
fn wait_all_waits_for_a_live_body() {
    let _turn = turn();
    let (log, gate) = (Log::new(), Gate::new());
    let mut body = Task::new(scope(async {
        add(log.step("child"));
        gate.pass().await;
        add(log.step("later child"));
    }));
    assert_pending!(body.run());
    let mut all = Task::new(wait_all());
    assert_pending!(all.run());
    gate.open();
    assert_pending!(all.run());
    assert_ready!(body.run()).unwrap();
    assert_ready!(all.run());
    assert_eq!(log.take(), ["child", "later child"]);
}

#[test]
fn wait_all_drives_what_its_owner_does_not() {
    let _turn = turn();
    let (log, gate) = (Log::new(), Gate::new());
    let mut body = Task::new(scope(async {
        add(gate.pass());
        let t = current().unwrap();
        let noted = log.clone();
        let passed = gate.clone();
        t.add(async move {
            passed.pass().await;
            noted.note("driven");
        })
        .unwrap();
    }));
    assert_pending!(body.run());
    let mut all = Task::new(wait_all());
    assert_pending!(all.run());
    gate.open();
    let settlement = assert_ready!(all.run());
    assert_eq!(settlement.ended, 1);
    assert_eq!(log.take(), ["driven"]);
    assert_ready!(body.run()).unwrap();
}

#[test]
fn t14_wait_all_reaches_what_is_below() {
    let _turn = turn();
    let log = Log::new();
    let outer = begin();
    let inner = outer.enter(begin);
    let noted = log.clone();
    inner
        .add(async move {
            yields(1).await;
            add(noted.step("deep"));
        })
        .unwrap();
    finish(wait_all());
    assert_eq!(log.take(), ["deep"]);
    assert!(matches!(outer.state(), State::Closed));
    assert!(matches!(inner.state(), State::Closed));
}

#[test]
fn a_wait_all_that_is_dropped_leaves_everything_usable() {
    let _turn = turn();
    let gate = Gate::new();
    let t = begin();
    t.add(gate.pass()).unwrap();
    let mut all = Task::new(wait_all());
    assert_pending!(all.run());
    drop(all);
    t.add(async {}).unwrap();
    gate.open();
    finish(t.end()).unwrap();
}

#[test]
fn a_wait_all_that_is_dropped_has_received_nothing() {
    let _turn = turn();
    let (gate, pending, t) = (Gate::new(), begin(), begin());
    pending.add(gate.pass()).unwrap();
    t.add(failing("of one that was ended")).unwrap();
    add(failing("the root's"));
    let mut all = Task::new(wait_all());
    assert_pending!(all.run());
    drop(all);
    drop(t);
    let mut told = causes(&finish(Transaction::root().wait()).unwrap_err());
    told.sort();
    assert_eq!(told, ["of one that was ended", "the root's"]);
    gate.open();
    finish(pending.end()).unwrap();
}

#[test]
fn a_wait_all_that_moves_to_another_task_wakes_that() {
    let _turn = turn();
    let kept = Arc::new(Mutex::new(None));
    let mut body = Task::new(scope(async {
        *kept.lock().unwrap() = Some(elsewhere(|| {
            let mut all = Box::pin(wait_all());
            assert_pending!(all.as_mut().poll(&mut Context::from_waker(Waker::noop())));
            let mut moved = Task::new(all);
            assert_pending!(moved.poll());
            moved
        }));
    }));
    assert_ready!(body.run()).unwrap();
    let mut moved = kept.lock().unwrap().take().unwrap();
    assert_ready!(moved.run());
}

#[test]
fn two_wait_alls_come_both_to_their_end() {
    let _turn = turn();
    let gate = Gate::new();
    let t = begin();
    t.add(gate.pass()).unwrap();
    let (mut one, mut two) = (Task::new(wait_all()), Task::new(wait_all()));
    assert_pending!(one.run());
    assert_pending!(two.run());
    gate.open();
    assert_ready!(one.run());
    assert_ready!(two.run());
    drop(t);
}

#[test]
fn what_another_thread_runs_is_not_hidden_from_wait_all() {
    let _turn = turn();
    // A scope that has never been suspended is open all the same: here it is in the middle of its first poll.
    let (log, settled) = (Log::new(), Arc::new(Mutex::new(None)));
    let mut body = Task::new(scope(async {
        let mut all = elsewhere(|| {
            let mut all = Task::new(wait_all());
            assert_pending!(all.poll());
            all
        });
        add(log.step("child"));
        elsewhere(|| assert_pending!(all.poll()));
        *settled.lock().unwrap() = Some(all);
    }));
    assert_ready!(body.run()).unwrap();
    let mut all = settled.lock().unwrap().take().unwrap();
    assert_ready!(all.run());
    assert_eq!(log.take(), ["child"]);
}

#[test]
fn nothing_grows_with_what_came_and_went() {
    let _turn = turn();
    let gate = Gate::new();
    let t = begin();
    t.add(gate.pass()).unwrap();
    let rounds = |rounds: u32| {
        for _ in 0..rounds {
            let settlement = finish(wait_all_within(async {}));
            assert_eq!(settlement.pending, [t.id()]);
            finish(begin().end()).unwrap();
        }
    };
    rounds(100);
    let left = allocation_counter::measure(|| rounds(1_000)).bytes_current;
    assert!(left.abs() < 1_024, "{left} bytes more");
    gate.open();
    finish(t.end()).unwrap();
}
