//! What concerns a `Registry` and the process: neither touches the other; what is left in one that is dropped is reported.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use settled::{OnDrop, Registry, Transaction, add, begin, set_reporter, wait_all};
use support::{Gate, Log, Task, assert_pending, assert_ready, failing, finish, on_drop};

static TURN: Mutex<()> = Mutex::new(());

type Heard = Arc<Mutex<Vec<String>>>;

/// Root and reporter are one for the process: the tests take turns.
fn turn() -> (MutexGuard<'static, ()>, Heard) {
    let guard = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let heard = Heard::default();
    let hear = heard.clone();
    set_reporter(move |report| hear.lock().unwrap().push(report.to_string()));
    (guard, heard)
}

#[test]
fn t19_wait_all_of_the_process_touches_no_registry() {
    let (_turn, heard) = turn();
    let registry = Registry::new();
    let own = Transaction::builder().registry(&registry).begin();
    let gate = Gate::new();
    own.add(gate.pass()).unwrap();
    registry.root().add(gate.pass()).unwrap();
    let of_process = begin();
    let settlement = finish(wait_all());
    assert_eq!((settlement.ended, settlement.pending.len()), (1, 0));
    assert_eq!(of_process.state(), settled::State::Closed);
    assert_eq!(own.state(), settled::State::Open);
    gate.open();
    assert_eq!(finish(registry.wait_all()).ended, 1);
    drop(registry);
    assert_eq!(*heard.lock().unwrap(), [""; 0], "nothing is left: nothing is reported");
}

#[test]
fn t19_the_root_of_the_process_gets_nothing_of_a_registry() {
    let (_turn, heard) = turn();
    let registry = Registry::new();
    let closed = Transaction::builder().registry(&registry).begin();
    finish(closed.end()).unwrap();
    closed.enter(|| add(failing("late")));
    assert_eq!(Transaction::root().pending(), 0);
    finish(Transaction::root().wait()).unwrap();
    assert_eq!(finish(registry.wait_all()).failures.len(), 1);
    assert_eq!(*heard.lock().unwrap(), [""; 0]);
}

#[test]
fn what_is_left_in_a_registry_that_is_dropped_is_reported_with_where_it_was_made() {
    let (_turn, heard) = turn();
    let line = line!() + 1;
    let registry = Registry::new();
    registry.root().add(failing("nobody hears of it")).unwrap();
    let mut wait = Task::new(registry.root().add(async {}).unwrap());
    assert_ready!(wait.run()).unwrap();
    registry.root().add(std::future::pending::<()>()).unwrap();
    drop(registry);
    let reports = heard.lock().unwrap().clone();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains(&format!("{}:{line}", file!())), "{reports:?}");
    assert!(reports[0].contains("1 pending") && reports[0].contains("1 failures"), "{reports:?}");
    assert_eq!(Transaction::root().pending(), 0);
}

#[test]
fn what_a_transaction_leaves_that_outlived_its_registry_goes_to_the_process() {
    let (_turn, _heard) = turn();
    let log = Log::new();
    let registry = Registry::new();
    let own = Transaction::builder().registry(&registry).begin();
    drop(registry);
    own.add(log.step("orphaned")).unwrap();
    drop(own);
    finish(Transaction::root().wait()).unwrap();
    assert_eq!(log.take(), ["orphaned"]);
}

#[test]
fn a_goodbye_of_what_a_dropped_registry_cancels_goes_to_the_process() {
    let (_turn, _heard) = turn();
    let log = Log::new();
    let registry = Registry::new();
    let noted = log.clone();
    let guard = on_drop(move || drop(add(noted.step("goodbye"))));
    registry.root().add(std::future::pending::<()>().map(move |()| drop(guard))).unwrap();
    finish(registry.wait_all_within(async {}));
    drop(registry);
    finish(Transaction::root().wait()).unwrap();
    assert_eq!(log.take(), ["goodbye"]);
}

#[test]
fn t26_a_goodbye_of_what_is_cancelled_with_nothing_above_goes_to_the_root() {
    let (_turn, heard) = turn();
    let log = Log::new();
    let noted = log.clone();
    let guard = on_drop(move || drop(add(noted.step("goodbye"))));
    let t = Transaction::builder().on_drop(OnDrop::Cancel).begin();
    t.add(std::future::pending::<()>().map(move |()| drop(guard))).unwrap();
    let mut wait = Task::new(t.wait());
    assert_pending!(wait.run());
    drop(wait);
    drop(t);
    assert!(log.take().is_empty());
    assert_eq!(Transaction::root().pending(), 1);
    finish(Transaction::root().wait()).unwrap();
    assert_eq!(log.take(), ["goodbye"]);
    assert!(!heard.lock().unwrap().iter().any(|report| report.contains("before it was ended")));
}
