//! A transaction that its owner drops without an end is reported, with where it was begun.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use settled::{Transaction, add, begin, scope, set_reporter};
use support::{Gate, Task, assert_pending, assert_ready, finish};

static TURN: Mutex<()> = Mutex::new(());

type Heard = Arc<Mutex<Vec<String>>>;

/// The reporter is one for the process: the tests take turns.
fn turn() -> (MutexGuard<'static, ()>, Heard) {
    let guard = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let heard = Heard::default();
    let hear = heard.clone();
    set_reporter(move |report| hear.lock().unwrap().push(report.to_string()));
    (guard, heard)
}

#[test]
fn t16_left_open_with_work_in_it_is_reported_with_where_it_was_begun() {
    let (_turn, heard) = turn();
    let line = line!() + 1;
    let t = begin();
    t.add(async {}).unwrap();
    assert!(heard.lock().unwrap().is_empty());
    drop(t);
    let reports = heard.lock().unwrap().clone();
    assert!(reports.iter().any(|text| text.contains(&format!("{}:{line}", file!()))), "{reports:?}");
    finish(Transaction::root().wait()).unwrap();
}

#[test]
fn t16_also_inside_a_scope_and_with_its_name() {
    let (_turn, heard) = turn();
    let line = line!() + 2;
    finish(scope(async {
        let t = Transaction::builder().name("import").begin();
        t.add(async {}).unwrap();
    }))
    .unwrap();
    let reports = heard.lock().unwrap().clone();
    let place = format!("{}:{line}", file!());
    assert!(reports.iter().any(|text| text.contains(&place) && text.contains("import")), "{reports:?}");
}

#[test]
fn what_was_ended_is_not_reported() {
    let (_turn, heard) = turn();
    let t = begin();
    t.add(async {}).unwrap();
    finish(t.end()).unwrap();
    drop(t);
    let by_handle = begin();
    by_handle.add(async {}).unwrap();
    let handle = (*by_handle).clone();
    finish(handle.end()).unwrap();
    drop(by_handle);
    finish(scope(async {
        let inner = begin();
        inner.add(async {}).unwrap();
        inner.end().await.unwrap();
    }))
    .unwrap();
    let outer = begin();
    let inner = outer.enter(begin);
    inner.add(async {}).unwrap();
    finish(outer.end()).unwrap();
    drop(inner);
    assert_eq!(*heard.lock().unwrap(), [""; 0]);
}

#[test]
fn a_scope_that_comes_to_its_end_is_not_reported() {
    let (_turn, heard) = turn();
    let gate = Gate::new();
    let mut task = Task::new(scope(async {
        add(gate.pass());
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
    drop(task);
    assert_eq!(*heard.lock().unwrap(), [""; 0]);
}
