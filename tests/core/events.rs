//! What is told of a transaction to who collects its events.

use settled::testing::Events;
use settled::{Event, EventKind, Transaction, add, begin, current, scope};
use support::{Gate, Task, assert_pending, assert_ready, failing, finish, on_drop, panicking, yields};

use EventKind::{Added, Adopted, Begun, Closed, Dropped, Ending, Failed, Refused, Settled, Started};

#[test]
fn a_future_is_added_started_and_settled_in_its_transaction() {
    let t = Transaction::builder().name("import").begin();
    let events = Events::of(&t);
    t.add(yields(2)).unwrap();
    let line = line!() - 1;
    finish(t.end()).unwrap();
    assert_eq!(events.kinds(), [Added, Ending, Started, Settled, Closed]);
    let events = events.take();
    assert!(events.iter().all(|event| event.transaction() == t.id() && event.name() == Some("import")));
    let added = &events[0];
    assert_eq!((added.location().file(), added.location().line()), (file!(), line));
    assert!(added.future().is_some());
    assert_eq!(added.future(), events[3].future());
    assert_eq!((events[4].future(), events[4].location()), (None, t.location()));
    assert_eq!(
        added.to_string(),
        format!(
            "{}: future {} added in transaction {} \"import\"",
            added.location(),
            added.future().unwrap(),
            t.id()
        )
    );
}

#[test]
fn errors_and_panics_are_told_with_their_text() {
    let t = begin();
    let events = Events::of(&t);
    t.add(failing("disk full")).unwrap();
    t.add(panicking("oh")).unwrap();
    t.add(async {
        let _at_drop = on_drop(|| std::panic::panic_any("at drop"));
        std::future::ready(()).await;
    })
    .unwrap();
    let failures = finish(t.end()).unwrap_err();
    assert_eq!(failures.len(), 3, "all are failures as if nobody looked: {failures}");
    let failed = |event: Event| (event.kind() == Failed).then(|| event.detail().map(String::from)).flatten();
    let details: Vec<_> = events.take().into_iter().filter_map(failed).collect();
    assert_eq!(details, ["disk full", "panicked: oh", "panicked: at drop"]);
}

#[test]
fn what_is_cancelled_or_refused_is_told_too() {
    let t = begin();
    let events = Events::of(&t);
    let stashed = t.add(std::future::pending::<()>()).unwrap();
    stashed.cancel();
    assert!(finish(stashed).unwrap_err().is_cancelled());
    finish(t.end()).unwrap();
    assert!(t.add(async {}).is_err());
    assert_eq!(events.kinds(), [Added, Dropped, Ending, Closed, Refused]);
}

#[test]
fn scopes_and_transactions_within_are_told_of_and_others_are_not() {
    let t = begin();
    let other = begin();
    let events = Events::of(&t);
    other.add(async {}).unwrap();
    t.add(async {
        scope(async {
            add(async {});
            assert!(current().is_some());
        })
        .await
        .unwrap();
    })
    .unwrap();
    finish(other.end()).unwrap();
    finish(t.end()).unwrap();
    let outer = [Added, Ending, Started];
    let inner = [Begun, Added, Ending, Started, Settled, Closed];
    assert_eq!(events.kinds(), [&outer[..], &inner, &[Settled, Closed]].concat());
    let transactions: Vec<_> = events.take().iter().map(Event::transaction).collect();
    assert!(transactions[3..9].iter().all(|inner| *inner == transactions[3] && *inner != t.id()));
}

#[test]
fn a_scope_that_is_dropped_is_adopted() {
    let gate = Gate::new();
    let t = begin();
    let events = Events::of(&t);
    let waits = gate.clone();
    let mut dropped = Task::new(scope(async move {
        add(waits.pass());
        waits.pass().await;
    }));
    t.enter(|| assert_pending!(dropped.run()));
    drop(dropped);
    assert_eq!(events.kinds(), [Begun, Added, Started, Adopted]);
    gate.open();
    finish(t.end()).unwrap();
    assert_eq!(events.kinds()[4..], [Ending, Settled, Closed, Closed]);
}

#[test]
fn the_same_transaction_is_collected_once_and_clones_share() {
    let t = begin();
    let (events, same) = (Events::of(&t), Events::of(&t));
    finish(t.end()).unwrap();
    assert_eq!(events.clone().take().len(), 2);
    assert!(same.take().is_empty());
}

#[test]
fn what_is_watched_runs_as_it_does_unwatched() {
    let run = |watched: bool| {
        let log = settled::testing::Log::new();
        let t = begin();
        let _events = watched.then(|| Events::of(&t));
        let note = log.clone();
        t.add(async move {
            for n in 0..3 {
                let inner = note.clone();
                add(async move {
                    yields(n).await;
                    inner.note(format!("child {n}"));
                });
            }
            let stashed = settled::add_value(async { 7 });
            note.note(format!("{:?}", stashed.await.unwrap()));
        })
        .unwrap();
        let failing = t.add(failing("seen")).unwrap();
        let mut end = Task::new(t.end());
        assert_ready!(end.run()).unwrap_err();
        log.note(format!("{}", finish(failing).unwrap_err().is_error()));
        log.take()
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn a_commit_a_hand_over_and_a_rollback_are_told() {
    let t = begin();
    let events = Events::of(&t);
    let inner = || settled::Transaction::builder().name("inner").atomic(async { Ok::<_, &str>(()) });
    let task = t.enter(|| {
        settled::Transaction::builder().name("outer").atomic(async move {
            inner().await.unwrap();
            Ok::<_, &str>(())
        })
    });
    t.enter(|| finish(task)).unwrap();
    let failed = settled::Transaction::builder().name("failed").atomic(async { Err::<(), _>("no") });
    t.enter(|| assert!(finish(failed).is_err()));
    finish(t.end()).unwrap();
    let told = |event: Event| match event.kind() {
        EventKind::Committed | EventKind::HandedOver | EventKind::RolledBack => {
            Some((event.kind(), event.name().unwrap().to_owned()))
        }
        _ => None,
    };
    let told: Vec<_> = events.take().into_iter().filter_map(told).collect();
    assert_eq!(
        told,
        [
            (EventKind::HandedOver, "inner".to_owned()),
            (EventKind::Committed, "outer".to_owned()),
            (EventKind::RolledBack, "failed".to_owned())
        ]
    );
}
