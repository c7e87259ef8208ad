//! `Every`, `Latest`, `Coalesced`: what becomes of an event while the handler is not done with the one before.

use std::future::pending;
use std::sync::{Arc, Mutex};

use settled::{Transaction, begin, scope};
use settled_signal::{Connection, Delivery, Notification, Observable, Signal};
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, finish, yields};

use crate::kit::{Gated, noting_later};

fn gated(signal: &Signal<u32>, delivery: Delivery) -> (Log, Gated) {
    let log = Log::new();
    let gated = Gated::new(&log);
    gated.connect_by(signal, delivery);
    (log, gated)
}

/// A handler that notes when its future is dropped, and gives its value.
fn dropping(signal: &Signal<u32, u32>, log: &Log, delivery: Delivery) -> (Gated, Connection) {
    let (gated, noted) = (Gated::new(log), log.clone());
    let (handler, each) = (gated.clone(), move |value| (gated.clone(), noted.clone(), value));
    let connection = signal.connect_with().delivery(delivery).run(move |value| {
        let (gated, noted, value) = each(value);
        async move {
            let _guard = noted.at_drop(&format!("drop {value}"));
            gated.handle(value).await;
            value
        }
    });
    (handler, connection)
}

#[test]
fn every_runs_all_at_once() {
    let signal = Signal::<u32>::new();
    let (log, gated) = gated(&signal, Delivery::Every);
    let mut task = Task::new(scope(async { (1..=3).for_each(|x| drop(signal.notify(x))) }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["begin 1", "begin 2", "begin 3"]);
    [3, 1, 2].iter().for_each(|x| gated.open(*x));
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["end 3", "end 1", "end 2"]);
}

#[test]
fn every_may_await_its_own_signal() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let (again, noted) = (signal.clone(), log.clone());
    signal.connect_with().delivery(Delivery::Every).run(move |x| {
        let (signal, log) = (again.clone(), noted.clone());
        async move {
            if x > 0 {
                signal.notify(x - 1).await.unwrap();
            }
            log.note(x.to_string());
        }
    });
    finish(signal.notify(2)).unwrap();
    assert_eq!(log.take(), ["0", "1", "2"]);
}

#[test]
fn latest_cancels_the_running_one_and_starts_when_that_has_been_dropped() {
    let (signal, log) = (Signal::<u32, u32>::new(), Log::new());
    let (gated, _) = dropping(&signal, &log, Delivery::Latest);
    let notifications: Arc<Mutex<Vec<Notification<u32>>>> = Arc::default();
    let notify = |x| notifications.lock().unwrap().push(signal.notify(x));
    let transaction = begin();
    transaction.enter(|| notify(1));
    let mut end = Task::new(transaction.end());
    assert_pending!(end.run());
    assert_eq!(log.take(), ["begin 1"]);
    transaction.enter(|| [2, 3].map(notify));
    assert!(end.is_woken());
    assert_pending!(end.run());
    // 2 was overtaken before it began.
    assert_eq!(log.take(), ["drop 1", "begin 3"]);
    gated.open(3);
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["end 3", "drop 3"]);
    let results = std::mem::take(&mut *notifications.lock().unwrap());
    let results: Vec<_> = results.into_iter().map(|notification| finish(notification).unwrap()).collect();
    assert_eq!(results, [vec![], vec![], vec![3]]);
}

#[test]
fn latest_that_is_superseded_while_it_may_go_on_does_not_go_on() {
    let (signal, log) = (Signal::<u32, u32>::new(), Log::new());
    let (gated, _) = dropping(&signal, &log, Delivery::Latest);
    let transaction = begin();
    transaction.enter(|| drop(signal.notify(1)));
    let mut end = Task::new(transaction.end());
    assert_pending!(end.run());
    gated.open(1);
    transaction.enter(|| drop(signal.notify(2)));
    gated.open(2);
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["begin 1", "drop 1", "begin 2", "end 2", "drop 2"]);
}

#[test]
fn latest_supersedes_across_transactions_whoever_drives() {
    let (signal, log) = (Signal::<u32, u32>::new(), Log::new());
    let (gated, _) = dropping(&signal, &log, Delivery::Latest);
    let (old, new) = (begin(), begin());
    old.enter(|| drop(signal.notify(1)));
    // It runs, and then nobody drives it any more.
    let mut end = Task::new(old.end());
    assert_pending!(end.run());
    drop(end);
    new.enter(|| drop(signal.notify(2)));
    let mut end = Task::new(new.end());
    assert_pending!(end.run());
    assert_eq!(log.take(), ["begin 1", "drop 1", "begin 2"]);
    gated.open(2);
    assert_ready!(end.run()).unwrap();
    assert_eq!(old.pending(), 0);
    finish(old.end()).unwrap();
}

#[test]
fn latest_that_supersedes_itself_is_dropped_at_its_next_suspension() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let (again, noted) = (signal.clone(), log.clone());
    signal.connect_with().delivery(Delivery::Latest).run(move |x| {
        let (signal, log) = (again.clone(), noted.clone());
        async move {
            let _guard = log.at_drop(&format!("drop {x}"));
            if x < 2 {
                signal.notify(x + 1);
                log.note(format!("goes on {x}"));
                pending::<()>().await;
            }
        }
    });
    finish(signal.notify(0)).unwrap();
    assert_eq!(log.take(), ["goes on 0", "drop 0", "goes on 1", "drop 1", "drop 2"]);
}

#[test]
fn latest_that_is_done_in_the_poll_in_which_it_was_superseded_loses_no_failure() {
    let signal = Signal::<u32>::new();
    let again = signal.clone();
    signal.connect_with().delivery(Delivery::Latest).run(move |x| {
        let signal = again.clone();
        async move {
            if x == 0 {
                signal.notify(1);
                return Err("all the same");
            }
            Ok(())
        }
    });
    assert_eq!(causes(&finish(scope(async { drop(signal.notify(0)) })).unwrap_err()), ["all the same"]);
}

#[test]
fn coalesced_keeps_only_the_newest_while_one_runs() {
    let (signal, log) = (Signal::<u32, u32>::new(), Log::new());
    let (gated, _) = dropping(&signal, &log, Delivery::Coalesced);
    let transaction = begin();
    transaction.enter(|| drop(signal.notify(1)));
    let mut end = Task::new(transaction.end());
    assert_pending!(end.run());
    let mut all: Vec<_> = transaction.enter(|| (2..=9).map(|x| Task::new(signal.notify(x))).collect());
    assert_pending!(end.run());
    assert_eq!(log.take(), ["begin 1"]);
    // What was superseded is done at once, behind one that runs.
    let last = all.pop().unwrap();
    for mut superseded in all {
        assert_eq!(assert_ready!(superseded.run()).unwrap(), [0; 0]);
    }
    gated.open(1);
    gated.open(9);
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["end 1", "drop 1", "begin 9", "end 9", "drop 9"]);
    assert_eq!(assert_ready!({ last }.run()).unwrap(), [9]);
}

#[test]
fn a_thousand_sets_in_one_transaction_are_one_call_with_the_last_value() {
    for delivery in [Delivery::Coalesced, Delivery::Latest] {
        let (level, log) = (Observable::new(0), Log::new());
        level.changed().connect_with().delivery(delivery).run(noting_later(&log, ""));
        finish(scope(async { (1..=1000).for_each(|x| drop(level.set(x))) })).unwrap();
        assert_eq!(log.take(), ["1000"]);
    }
}

#[test]
fn what_waits_in_another_transaction_is_superseded_and_that_ends() {
    for delivery in [Delivery::Coalesced, Delivery::Latest] {
        let signal = Signal::<u32>::new();
        let (log, gated) = gated(&signal, delivery);
        let [running, waiting, newest] = [begin(), begin(), begin()];
        running.enter(|| drop(signal.notify(1)));
        let mut first = Task::new(running.end());
        assert_pending!(first.run());
        assert_eq!(log.take(), ["begin 1"]);
        if delivery == Delivery::Coalesced {
            waiting.enter(|| drop(signal.notify(2)));
            let mut second = Task::new(waiting.end());
            assert_pending!(second.run());
            newest.enter(|| drop(signal.notify(3)));
            assert!(second.is_woken());
            assert_ready!(second.run()).unwrap();
            gated.open(1);
        } else {
            newest.enter(|| drop(signal.notify(3)));
        }
        gated.open(3);
        finish(newest.end()).unwrap();
        assert_eq!(log.take().last().map(String::as_str), Some("end 3"));
        assert_ready!(first.run()).unwrap();
        finish(waiting.end()).unwrap();
    }
}

#[test]
fn cancelling_any_one_never_blocks_the_queue() {
    for delivery in [Delivery::Queued, Delivery::Every, Delivery::Latest, Delivery::Coalesced] {
        for cancelled in 0..3 {
            let signal = Signal::<u32>::new();
            let (log, gated) = gated(&signal, delivery);
            let all = [begin(), begin(), begin()];
            for (x, transaction) in (0..).zip(&all) {
                transaction.enter(|| drop(signal.notify(x)));
                let mut end = Task::new(transaction.wait());
                let _ = end.run();
            }
            all[cancelled].abort();
            (0..10).for_each(|x| gated.open(x));
            let last = begin();
            last.enter(|| drop(signal.notify(9)));
            finish(last.end()).unwrap();
            assert!(log.take().contains(&"end 9".to_owned()), "{delivery:?} {cancelled}");
            for transaction in &all {
                let _ = finish(transaction.end());
            }
        }
    }
}

#[test]
fn a_handler_that_awaits_its_own_signal_is_told() {
    for delivery in [Delivery::Queued, Delivery::Latest, Delivery::Coalesced] {
        let (signal, log) = (Signal::<u32>::new(), Log::new());
        let (again, noted) = (signal.clone(), log.clone());
        signal.connect_with().delivery(delivery).run(move |x| {
            let (signal, log) = (again.clone(), noted.clone());
            async move {
                if x == 0 {
                    let failures = signal.notify(1).await.unwrap_err();
                    log.note(failures.first().unwrap().is_would_deadlock().to_string());
                } else {
                    log.note("delivered later");
                }
            }
        });
        finish(signal.notify(0)).unwrap();
        settled::block_on(Transaction::root().wait()).unwrap();
        assert_eq!(log.take(), ["true", "delivered later"], "{delivery:?}");
    }
}

#[test]
fn one_that_waits_takes_no_place_of_a_limit() {
    for delivery in [Delivery::Queued, Delivery::Coalesced] {
        let (signal, other) = (Signal::<u32>::new(), Signal::<u32>::new());
        let (log, gated) = gated(&signal, delivery);
        other.connect_async(noting_later(&log, "other "));
        let busy = begin();
        busy.enter(|| drop(signal.notify(1)));
        let mut first = Task::new(busy.end());
        assert_pending!(first.run());
        let limited = Transaction::builder().limit(1).begin();
        limited.enter(|| {
            signal.notify(2);
            signal.notify(3);
            other.notify(4);
        });
        let mut second = Task::new(limited.end());
        assert_pending!(second.run());
        assert_eq!(log.take(), ["begin 1", "other 4"], "{delivery:?}");
        (1..=3).for_each(|x| gated.open(x));
        assert_ready!(second.run()).unwrap();
        assert_ready!(first.run()).unwrap();
        let rest = log.take();
        match delivery {
            Delivery::Queued => assert_eq!(rest, ["end 1", "begin 2", "end 2", "begin 3", "end 3"]),
            _ => assert_eq!(rest, ["end 1", "begin 3", "end 3"]),
        }
    }
}

#[test]
fn a_disconnected_handler_is_called_no_more_by_whatever_delivery() {
    for delivery in [Delivery::Queued, Delivery::Every, Delivery::Latest, Delivery::Coalesced] {
        let (signal, log) = (Signal::<u32, u32>::new(), Log::new());
        let (_gated, connection) = dropping(&signal, &log, delivery);
        let transaction = begin();
        let notification = transaction.enter(|| signal.notify(1));
        connection.disconnect();
        finish(transaction.end()).unwrap();
        assert_eq!(finish(notification).unwrap(), [0; 0]);
        assert_eq!(log.take(), [""; 0]);
    }
}

#[test]
fn a_queue_that_is_empty_again_is_as_before() {
    for delivery in [Delivery::Latest, Delivery::Coalesced] {
        let (signal, log) = (Signal::<u32>::new(), Log::new());
        let noted = log.clone();
        signal.connect_with().delivery(delivery).run(move |x| {
            let noted = noted.clone();
            async move {
                yields(2).await;
                noted.note(x.to_string());
            }
        });
        (1..=3).for_each(|x| _ = finish(signal.notify(x)).unwrap());
        assert_eq!(log.take(), ["1", "2", "3"]);
    }
}

#[test]
fn one_that_has_the_turn_but_no_place_of_its_limit_is_superseded() {
    let signal = Signal::<u32>::new();
    let (log, gated) = gated(&signal, Delivery::Coalesced);
    let [first, newest] = [begin(), begin()];
    first.enter(|| drop(signal.notify(1)));
    let mut running = Task::new(first.end());
    assert_pending!(running.run());
    let (limited, busy) = (Transaction::builder().limit(1).begin(), Gate::new());
    limited.enter(|| drop(signal.notify(2)));
    let _ = limited.add(busy.pass());
    let mut end = Task::new(limited.end());
    assert_pending!(end.run());
    gated.open(1);
    assert_ready!(running.run()).unwrap();
    // It has the turn, and its transaction is busy with something else.
    assert_pending!(end.run());
    gated.open(3);
    newest.enter(|| drop(signal.notify(3)));
    finish(newest.end()).unwrap();
    assert_eq!(log.take(), ["begin 1", "end 1", "begin 3", "end 3"]);
    busy.open();
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), [""; 0]);
}
