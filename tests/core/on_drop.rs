//! `OnDrop`: what becomes of what is pending when its transaction is dropped. (With the root: `tests/global/on_drop.rs`.)

use futures::{FutureExt, poll};
use settled::{OnDrop, State, Transaction, add, current, scope};
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, finish, on_drop, yields};

fn never(log: &Log, name: &str) -> impl Future<Output = ()> + Send + use<> + 'static {
    let guard = log.at_drop(name);
    std::future::pending::<()>().map(move |()| drop(guard))
}

fn cancels() -> settled::TransactionBuilder {
    Transaction::builder().on_drop(OnDrop::Cancel)
}

#[test]
fn t26_dropped_with_nothing_above_and_undriven_its_futures_are_dropped_at_once() {
    let log = Log::new();
    let t = cancels().begin();
    let handle = (*t).clone();
    let told = log.clone();
    let slot = t.add(never(&log, "slot")).unwrap().on_settled(move |_| told.note("told"));
    assert_pending!(Task::new(t.wait()).run());
    t.add(never(&log, "queued")).unwrap();
    drop(t);
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["queued", "slot", "told"]);
    assert_eq!(handle.state(), State::Closed);
    assert!(finish(slot).unwrap_err().is_cancelled());
}

#[test]
fn t26_dropped_below_another_one_its_futures_are_dropped_with_the_next_drive() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(scope(async {
        add(gate.pass());
        let t = cancels().begin();
        t.add(never(&log, "dropped")).unwrap();
        yields(2).await;
        drop(t);
        log.note("not within the drop");
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["not within the drop", "dropped"]);
    gate.open();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn t26_a_scope_dropped_half_way_cancels_if_asked() {
    let log = Log::new();
    finish(scope(async {
        let mut inner = Box::pin(cancels().scope(async {
            add(never(&log, "child"));
            let _guard = log.at_drop("body");
            futures::pending!();
            futures::pending!();
        }));
        assert_pending!(poll!(&mut inner));
        yields(1).await;
        drop(inner);
        log.note("after the drop");
    }))
    .unwrap();
    assert_eq!(log.take(), ["body", "after the drop", "child"]);
}

#[test]
fn t26_a_topmost_scope_dropped_half_way_drops_its_children_at_once() {
    let log = Log::new();
    let mut task = Task::new(cancels().scope(async {
        add(never(&log, "child"));
        let _guard = log.at_drop("body");
        futures::pending!();
        futures::pending!();
    }));
    assert_pending!(task.run());
    drop(task);
    assert_eq!(log.take(), ["body", "child"]);
}

#[test]
fn t26_what_destructors_add_goes_above() {
    let log = Log::new();
    let outer = settled::begin();
    let (of_child, of_body) = (log.clone(), log.clone());
    let mut inner = Task::new(cancels().scope(async move {
        let guard = on_drop(move || {
            add(of_child.step("goodbye of a child"));
        });
        add(async move {
            let _guard = guard;
            futures::pending!();
        });
        let _guard = on_drop(move || {
            add(of_body.step("goodbye of the body"));
        });
        futures::pending!();
        futures::pending!();
    }));
    outer.enter(|| assert_pending!(inner.run()));
    drop(inner);
    finish(outer.end()).unwrap();
    assert_eq!(log.take(), ["goodbye of the body", "goodbye of a child"]);
}

#[test]
fn dropped_by_its_own_child_it_is_dropped_by_who_drives() {
    let log = Log::new();
    let t = cancels().begin();
    let handle = (*t).clone();
    let slot = std::sync::Arc::new(std::sync::Mutex::new(None));
    let (own, noted) = (slot.clone(), log.clone());
    t.add(async move {
        yields(1).await;
        drop(own.lock().unwrap().take());
        noted.note("runs on to its suspension");
        futures::pending!();
        noted.note("never");
    })
    .unwrap();
    t.add(never(&log, "sibling")).unwrap();
    *slot.lock().unwrap() = Some(t);
    finish(handle.wait()).unwrap();
    assert_eq!(log.take(), ["runs on to its suspension", "sibling"]);
    assert_eq!(handle.state(), State::Closed);
}

#[test]
fn a_panic_in_a_destructor_does_not_leave_the_drop() {
    let outer = settled::begin();
    let t = outer.enter(|| cancels().begin());
    let guard = on_drop(|| panic!("in the destructor"));
    t.add(async move {
        let _guard = guard;
        futures::pending!();
    })
    .unwrap();
    drop(t);
    assert_eq!(causes(&finish(outer.end()).unwrap_err()), ["in the destructor"]);
}

#[test]
fn a_scope_of_somebody_else_below_runs_on() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = cancels().begin();
    let mut below = Task::new(scope(async {
        yields(1).await;
        add(never(&log, "its child"));
        gate.pass().await;
        log.note("its body");
    }));
    t.enter(|| assert_pending!(below.run()));
    drop(t);
    assert_eq!(log.take(), ["its child"]);
    gate.open();
    assert_ready!(below.run()).unwrap();
    assert_eq!(log.take(), ["its body"]);
}

#[test]
fn adopt_is_what_one_gets_unasked() {
    let log = Log::new();
    assert_eq!(OnDrop::default(), OnDrop::Adopt);
    finish(scope(async {
        drop(Transaction::builder().on_drop(OnDrop::Adopt).begin().add(log.step("adopted")).unwrap());
        let inner = settled::begin();
        inner.add(log.step("adopted too")).unwrap();
        assert!(current().is_some());
    }))
    .unwrap();
    assert_eq!(log.take(), ["adopted", "adopted too"]);
}

#[test]
fn many_in_which_nothing_is_pending_may_be_dropped() {
    // It takes its time if each is looked for in the whole tree.
    finish(scope(async {
        let all: Vec<_> = (0..20_000).map(|_| cancels().begin()).collect();
        yields(1).await;
        drop(all);
    }))
    .unwrap();
}
