//! What has no transaction goes to the root. The root is one for the process: the tests take turns.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use settled::{State, Transaction, add, begin, current, scope, set_reporter};
use support::{
    Gate, Log, Oops, Task, assert_pending, assert_ready, causes, elsewhere, failing, finish, on_drop, yields,
};

mod root_adopts;

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    set_reporter(|_| {});
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn what_is_added_outside_of_everything_goes_to_the_root() {
    let _turn = turn();
    let log = Log::new();
    let root = Transaction::root();
    let noted = log.clone();
    add(async move {
        assert_eq!(current().unwrap().parent().unwrap().id(), Transaction::root().id());
        noted.note("ran");
    });
    assert!(log.take().is_empty());
    assert_eq!(root.pending(), 1);
    finish(root.wait()).unwrap();
    assert_eq!(log.take(), ["ran"]);
    assert_eq!(root.pending(), 0);
}

#[test]
fn the_root_is_one_and_never_closes() {
    let _turn = turn();
    let root = Transaction::root();
    assert_eq!(root.id(), Transaction::root().id());
    assert!(root.parent().is_none());
    assert!(matches!(root.state(), State::Open));
    let log = Log::new();
    add(log.step("settled by an end"));
    let _ = finish(root.end());
    assert_eq!(log.take(), ["settled by an end"]);
    assert!(matches!(root.state(), State::Open));
    add(log.step("added after it"));
    root.add(log.step("by handle")).expect("it takes whatever comes");
    finish(root.wait()).unwrap();
    assert_eq!(log.take(), ["added after it", "by handle"]);
}

#[test]
fn a_stashed_of_the_root_can_be_awaited() {
    let _turn = turn();
    assert_eq!(finish(add(async { Ok::<_, Oops>(5) })).unwrap(), 5);
    let failure = finish(add(failing("received"))).unwrap_err();
    assert_eq!(support::cause(&failure), "received");
    finish(Transaction::root().wait()).unwrap();
}

#[test]
fn the_roots_failures_are_told_by_its_wait() {
    let _turn = turn();
    add(failing("one"));
    add(support::panicking("two"));
    assert_eq!(causes(&finish(Transaction::root().wait()).unwrap_err()), ["one", "two"]);
    finish(Transaction::root().wait()).unwrap();
}

#[test]
fn the_root_can_be_waited_for_inside_a_scope() {
    let _turn = turn();
    let log = Log::new();
    add(log.step("the root's"));
    finish(scope(async {
        Transaction::root().wait().await.unwrap();
        log.note("waited");
    }))
    .unwrap();
    assert_eq!(log.take(), ["the root's", "waited"]);
}

#[test]
fn t26_a_scope_dropped_half_way_is_adopted_by_the_root() {
    let _turn = turn();
    let (log, gate) = (Log::new(), Gate::new());
    let goodbye = log.clone();
    let mut task = Task::new(scope(async {
        let _guard = on_drop(move || {
            add(goodbye.step("goodbye"));
        });
        add(gate.pass().then({
            let log = log.clone();
            move |()| log.step("child")
        }));
        std::future::pending::<()>().await;
    }));
    assert_pending!(task.run());
    let mut wait = Task::new(Transaction::root().wait());
    drop(task);
    assert!(current().is_none());
    assert_eq!(log.take(), [""; 0]);
    let mut after = Task::new(Transaction::root().wait());
    assert_pending!(after.run());
    assert_eq!(log.take(), ["goodbye"]);
    gate.open();
    assert_ready!(after.run()).unwrap();
    assert_eq!(log.take(), ["child"]);
    assert_ready!(wait.run()).unwrap();
}

#[test]
fn t26_a_scope_dropped_while_it_settles_is_adopted_by_the_root() {
    let _turn = turn();
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(scope(async {
        add(gate.pass().then({
            let log = log.clone();
            move |()| log.step("child")
        }));
        add(failing("nobody was told"));
    }));
    assert_pending!(task.run());
    drop(task);
    gate.open();
    assert_eq!(causes(&finish(Transaction::root().wait()).unwrap_err()), ["nobody was told"]);
    assert_eq!(log.take(), ["child"]);
}

#[test]
fn t16_what_was_left_in_a_dropped_transaction_is_adopted_not_lost() {
    let _turn = turn();
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    let handle = (*t).clone();
    t.add(log.step("child")).unwrap();
    t.add(gate.pass()).unwrap();
    t.add(failing("its failure")).unwrap();
    drop(t);
    assert!(matches!(handle.state(), State::Ending));
    let mut wait = Task::new(Transaction::root().wait());
    assert_pending!(wait.run());
    assert_eq!(log.take(), ["child"]);
    handle.add(log.step("by handle")).expect("good until it has settled");
    handle.enter(|| {
        add(log.step("entered"));
    });
    assert!(wait.is_woken());
    gate.open();
    assert_eq!(causes(&assert_ready!(wait.run()).unwrap_err()), ["its failure"]);
    assert_eq!(log.take(), ["by handle", "entered"]);
    assert!(matches!(handle.state(), State::Closed));
    assert!(handle.add(async {}).is_err());
    let log = Log::new();
    handle.enter(|| {
        add(log.step("to the root"));
    });
    finish(Transaction::root().wait()).unwrap();
    assert_eq!(log.take(), ["to the root"]);
}

#[test]
fn what_was_adopted_can_still_be_ended_by_handle() {
    let _turn = turn();
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    let handle = (*t).clone();
    t.add(gate.pass().then({
        let log = log.clone();
        move |()| log.step("child")
    }))
    .unwrap();
    let mut before = Task::new(t.end());
    assert_pending!(before.run());
    drop(t);
    let mut after = Task::new(handle.end());
    assert_pending!(after.run());
    gate.open();
    assert_ready!(before.run()).unwrap();
    assert_ready!(after.run()).unwrap();
    assert_eq!(log.take(), ["child"]);
    finish(Transaction::root().wait()).unwrap();
}

#[test]
fn an_adopted_tree_keeps_its_own_order() {
    let _turn = turn();
    let log = Log::new();
    let (a, b) = (begin(), begin());
    for i in 0..3 {
        a.add(log.step(&format!("a{i}"))).unwrap();
        b.add(log.step(&format!("b{i}"))).unwrap();
    }
    drop(a);
    drop(b);
    finish(Transaction::root().wait()).unwrap();
    let lines = log.take();
    for tree in ["a", "b"] {
        let own: Vec<_> = lines.iter().filter(|line| line.starts_with(tree)).collect();
        assert_eq!(own, [&format!("{tree}0"), &format!("{tree}1"), &format!("{tree}2")]);
    }
}

#[test]
fn what_was_dropped_empty_leaves_nothing_behind() {
    let _turn = turn();
    let t = begin();
    let handle = (*t).clone();
    drop(t);
    finish(Transaction::root().wait()).unwrap();
    assert!(matches!(handle.state(), State::Closed));
    let mut task = Task::new(scope(std::future::pending::<()>()));
    assert_pending!(task.run());
    drop(task);
    finish(Transaction::root().wait()).unwrap();
    assert_eq!(Transaction::root().pending(), 0);
}

#[test]
fn what_lives_below_a_dropped_one_lives_on() {
    let _turn = turn();
    let gate = Gate::new();
    let outer = begin();
    let inner = outer.enter(begin);
    inner.add(gate.pass()).unwrap();
    drop(outer);
    inner.add(yields(1)).unwrap();
    let mut end = Task::new(inner.end());
    assert_pending!(end.run());
    gate.open();
    assert_ready!(end.run()).unwrap();
    finish(Transaction::root().wait()).unwrap();
}

#[test]
fn a_scope_below_a_dropped_one_runs_to_its_end() {
    let _turn = turn();
    let (log, gate) = (Log::new(), Gate::new());
    let outer = begin();
    let mut body = Task::new(scope(async {
        gate.pass().await;
        add(log.step("child"));
        5
    }));
    assert_pending!(outer.enter(|| body.run()));
    drop(outer);
    gate.open();
    assert_eq!(assert_ready!(body.run()).unwrap(), 5);
    assert_eq!(log.take(), ["child"]);
    finish(Transaction::root().wait()).unwrap();
}

#[test]
fn ambient_adds_in_a_closed_one_without_ancestors_go_to_the_root() {
    let _turn = turn();
    let log = Log::new();
    let t = begin();
    finish(t.end()).unwrap();
    t.enter(|| {
        add(log.step("to the root"));
    });
    assert_eq!(Transaction::root().pending(), 1);
    finish(Transaction::root().wait()).unwrap();
    assert_eq!(log.take(), ["to the root"]);
}

#[test]
fn many_dropped_on_many_threads_are_all_settled() {
    let _turn = turn();
    let ran = Arc::new(Mutex::new(0));
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                for _ in 0..100 {
                    let t = begin();
                    let ran = ran.clone();
                    t.add(async move {
                        yields(2).await;
                        *ran.lock().unwrap() += 1;
                    })
                    .unwrap();
                    drop(t);
                }
            });
        }
        s.spawn(|| (0..20).for_each(|_| drop(finish(Transaction::root().wait()))));
    });
    finish(Transaction::root().wait()).unwrap();
    assert_eq!(*ran.lock().unwrap(), 400);
}

#[test]
fn a_goodbye_in_drop_is_not_lost() {
    struct Connection(Log);
    impl Drop for Connection {
        fn drop(&mut self) {
            add(self.0.step("goodbye"));
        }
    }
    let _turn = turn();
    let log = Log::new();
    drop(Connection(log.clone()));
    elsewhere(|| drop(Connection(log.clone())));
    finish(Transaction::root().wait()).unwrap();
    assert_eq!(log.take(), ["goodbye", "goodbye"]);
    finish(scope(async { drop(Connection(log.clone())) })).unwrap();
    assert_eq!(log.take(), ["goodbye"], "in a scope it is part of that");
}

#[test]
fn waiting_for_the_root_from_what_is_part_of_it_is_an_error() {
    let _turn = turn();
    add(async {
        let failures = Transaction::root().wait().await.unwrap_err();
        assert!(failures.first().unwrap().is_would_deadlock());
    });
    finish(Transaction::root().wait()).unwrap();
}

#[test]
fn also_from_what_the_root_has_adopted() {
    let _turn = turn();
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    let (noted, passed) = (log.clone(), gate.clone());
    t.add(async move {
        passed.pass().await;
        let failures = Transaction::root().wait().await.unwrap_err();
        noted.note(format!("{}", failures.first().unwrap().is_would_deadlock()));
    })
    .unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    drop(t);
    gate.open();
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["true"]);
    finish(Transaction::root().wait()).unwrap();
}
