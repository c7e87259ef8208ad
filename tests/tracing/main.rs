//! What a subscriber is told with the feature `tracing`: `cargo test -p settled-tests --features tracing --test tracing`.

mod collect;

use collect::{Collector, collected};
use settled::{Transaction, add, begin, scope};
use support::{Gate, Task, assert_pending, failing, finish, panicking, yields};
use tracing::Level;

#[test]
fn a_transaction_is_a_span_and_what_happens_in_it_are_events() {
    let lines = collected(Level::TRACE, || {
        let t = Transaction::builder().name("import").begin();
        t.add(async { tracing::info!("in the future") }).unwrap();
        t.add(failing("disk full")).unwrap();
        finish(t.end()).unwrap_err();
    });
    assert_eq!(
        lines,
        [
            "DEBUG span transaction{name=import kind=begun} in -",
            "TRACE span future{} in transaction",
            "TRACE event added{name=import} in transaction/future",
            "TRACE span future{} in transaction",
            "TRACE event added{name=import} in transaction/future",
            "TRACE event ending{name=import} in transaction",
            "TRACE event started{name=import} in transaction/future",
            "INFO event in the future{} in transaction/future",
            "TRACE event settled{name=import} in transaction/future",
            "TRACE event started{name=import} in transaction/future",
            "DEBUG event failed{name=import error=disk full} in transaction/future",
            "TRACE event closed{name=import} in transaction",
        ]
    );
}

#[test]
fn spans_are_nested_as_transactions_are_and_current_while_polled() {
    let gate = Gate::new();
    let lines = collected(Level::TRACE, || {
        let waits = gate.clone();
        let mut outer = Task::new(scope(async move {
            tracing::info!("body");
            add(async move {
                scope(async {
                    add(async {
                        yields(1).await;
                        tracing::info!("inmost");
                    });
                })
                .await
                .unwrap();
                tracing::info!("after");
                waits.pass().await;
                tracing::info!("woken");
            });
        }));
        assert_pending!(outer.run());
        tracing::info!("outside");
        gate.open();
        assert!(outer.run().is_ready());
        tracing::info!("outside again");
    });
    let info: Vec<_> = lines.iter().filter(|line| line.starts_with("INFO")).collect();
    assert_eq!(
        info,
        [
            "INFO event body{} in transaction",
            "INFO event inmost{} in transaction/future/transaction/future",
            "INFO event after{} in transaction/future",
            "INFO event outside{} in -",
            "INFO event woken{} in transaction/future",
            "INFO event outside again{} in -",
        ]
    );
}

#[test]
fn where_spans_of_futures_are_not_wanted_the_transactions_is_current_in_them() {
    let lines = collected(Level::DEBUG, || {
        let t = begin();
        t.add(async { tracing::info!("by handle") }).unwrap();
        t.enter(|| {
            tracing::info!("entered");
            drop(add(async { tracing::info!("ambient") }));
        });
        t.add(panicking("oh")).unwrap();
        finish(t.end()).unwrap_err();
    });
    assert_eq!(
        lines,
        [
            "DEBUG span transaction{kind=begun} in -",
            "INFO event entered{} in transaction",
            "INFO event by handle{} in transaction",
            "INFO event ambient{} in transaction",
            "DEBUG event failed{error=panicked: oh} in transaction",
        ]
    );
}

#[test]
fn what_is_left_open_is_a_warning_and_adoption_is_told() {
    let lines = collected(Level::DEBUG, || {
        let outer = begin();
        outer.enter(|| {
            let inner = begin();
            inner.add(async {}).unwrap();
        });
        finish(outer.end()).unwrap();
    });
    assert_eq!(
        lines,
        [
            "DEBUG span transaction{kind=begun} in -",
            "DEBUG span transaction{kind=begun} in transaction",
            "WARN event left open{} in transaction/transaction",
            "DEBUG event adopted{} in transaction/transaction",
        ]
    );
}

#[test]
fn every_span_is_closed_and_left_as_often_as_it_was_entered() {
    let collector = Collector::new(Level::TRACE);
    tracing::subscriber::with_default(collector.clone(), || {
        finish(scope(async {
            add(failing("one"));
            add(panicking("two"));
            add(std::future::pending::<()>()).cancel();
            add(async { scope(async { drop(add(yields(2))) }).await });
        }))
        .unwrap_err();
    });
    let (made, open, entered) = collector.spans();
    assert_eq!((made, open, entered), (7, 0, 0));
}

/// A subscriber may use whatever it likes, transactions as well.
#[test]
fn a_subscriber_is_called_with_no_lock_held_and_no_engine_borrowed() {
    let collector = Collector::new(Level::TRACE).calling(|| {
        if let Some(current) = settled::current() {
            let _ = (current.pending(), current.snapshot(), current.state());
        }
    });
    tracing::subscriber::with_default(collector, || {
        let t = begin();
        t.add(async {
            add(yields(1));
            let inner = begin();
            inner.add(failing("inner")).unwrap();
            let _ = inner.end().await;
            scope(async { drop(add(panicking("scope"))) }).await
        })
        .unwrap();
        drop(t.enter(begin));
        finish(t.end()).unwrap_err();
        assert!(t.add(async {}).is_err());
    });
}

#[test]
fn a_subscriber_that_panics_hurts_nobody() {
    let collector = Collector::new(Level::TRACE).calling(|| std::panic::panic_any("in the subscriber"));
    tracing::subscriber::with_default(collector, || {
        let t = begin();
        t.add(yields(1)).unwrap();
        let stashed = t.add_value(async { 7 }).unwrap();
        assert_eq!(finish(stashed).unwrap(), 7);
        finish(t.end()).unwrap();
    });
}
