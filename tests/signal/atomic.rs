//! Asynchronous handlers and atomic transactions: nothing before the commit, in the order of the commits, nothing of what
//! was rolled back.

use std::sync::{Arc, Mutex};

use settled::{Transaction, atomic, begin, scope};
use settled_signal::{Delivery, Observable, Signal};
use support::{Gate, Log, Task, assert_pending, assert_ready, elsewhere, finish};

use crate::kit::{Gated, noting, noting_later};

const ALL: [Delivery; 4] = [Delivery::Queued, Delivery::Every, Delivery::Latest, Delivery::Coalesced];

fn noted(delivery: Delivery) -> (Signal<u32>, Log) {
    let (signal, log) = (Signal::new(), Log::new());
    signal.connect_with().delivery(delivery).run(noting_later(&log, ""));
    (signal, log)
}

#[test]
fn nothing_reaches_an_asynchronous_handler_before_the_commit() {
    for delivery in ALL {
        let (signal, log) = noted(delivery);
        signal.connect(noting(&log, "sync "));
        let gate = Gate::new();
        let mut task = Task::new(atomic(async {
            signal.notify(1);
            gate.pass().await;
            Ok::<_, String>(())
        }));
        assert_pending!(task.run());
        assert_eq!(log.take(), ["sync 1"]);
        gate.open();
        assert_ready!(task.run()).unwrap();
        assert_eq!(log.take(), ["1"]);
    }
}

#[test]
fn what_was_rolled_back_reaches_nobody_and_holds_up_nobody() {
    for delivery in ALL {
        let (signal, log) = noted(delivery);
        let gate = Gate::new();
        let mut rolled_back = Task::new(atomic(async {
            signal.notify(1);
            gate.pass().await;
            signal.notify(2);
            Err::<(), _>("no")
        }));
        assert_pending!(rolled_back.run());
        // Meanwhile another one passes: what is held has no place in the queue.
        finish(scope(async { drop(signal.notify(3)) })).unwrap();
        assert_eq!(log.take(), ["3"]);
        gate.open();
        assert!(assert_ready!(rolled_back.run()).is_err());
        finish(scope(async { drop(signal.notify(4)) })).unwrap();
        assert_eq!(log.take(), ["4"], "{delivery:?}");
    }
}

#[test]
fn the_order_is_that_of_the_commits() {
    let (signal, log) = noted(Delivery::Queued);
    let gates = [Gate::new(), Gate::new()];
    let mut tasks = [0, 1].map(|x| {
        let (signal, gate) = (signal.clone(), gates[x].clone());
        Task::new(atomic(async move {
            signal.notify(x as u32);
            gate.pass().await;
            signal.notify(x as u32 + 10);
            Ok::<_, String>(())
        }))
    });
    tasks.iter_mut().for_each(|task| assert_pending!(task.run()));
    gates[1].open();
    assert_ready!(tasks[1].run()).unwrap();
    gates[0].open();
    assert_ready!(tasks[0].run()).unwrap();
    assert_eq!(log.take(), ["1", "11", "0", "10"]);
}

#[test]
fn the_place_in_the_queue_is_taken_at_the_commit_not_at_the_first_poll() {
    // The commit of one is observed by a hook behind ours: what is notified then comes after it, though that is polled first.
    let (signal, log) = noted(Delivery::Queued);
    let later = begin();
    let mut others = Vec::new();
    finish(atomic(async {
        signal.notify(1);
        let (signal, handle) = (signal.clone(), (*later).clone());
        settled::on_commit(move || {
            elsewhere(|| handle.enter(|| drop(signal.notify(2))));
        });
        others.push(());
        Ok::<_, String>(())
    }))
    .unwrap();
    finish(later.end()).unwrap();
    assert_eq!(log.take(), ["1", "2"]);
}

#[test]
fn an_inner_one_hands_over_and_one_that_is_rolled_back_discards_its_own() {
    for delivery in [Delivery::Queued, Delivery::Every] {
        let (signal, log) = noted(delivery);
        finish(atomic(async {
            signal.notify(1);
            atomic(async {
                signal.notify(2);
                Ok::<_, String>(())
            })
            .await
            .unwrap();
            let inner = atomic(async {
                signal.notify(3);
                Err::<(), _>("no")
            });
            assert!(inner.await.is_err());
            scope(async { drop(signal.notify(4)) }).await.unwrap();
            assert_eq!(log.take(), [""; 0]);
            Ok::<_, String>(())
        }))
        .unwrap();
        assert_eq!(log.take(), ["1", "2", "4"], "{delivery:?}");
    }
}

#[test]
fn one_that_is_cancelled_before_the_commit_leaves_no_place_behind() {
    for delivery in ALL {
        let (signal, log) = noted(delivery);
        finish(atomic(async {
            let inner = begin();
            inner.enter(|| drop(signal.notify(1)));
            inner.abort();
            signal.notify(2);
            Ok::<_, String>(())
        }))
        .unwrap();
        finish(scope(async { drop(signal.notify(3)) })).unwrap();
        assert_eq!(log.take(), ["2", "3"], "{delivery:?}");
    }
}

#[test]
fn a_thousand_sets_in_an_atomic_transaction_are_one_call_with_the_last_value() {
    let (level, log) = (Observable::new(0), Log::new());
    level.changed().connect_with().delivery(Delivery::Coalesced).run(noting_later(&log, ""));
    finish(atomic(async {
        (1..=1000).for_each(|x| drop(level.set(x)));
        Ok::<_, String>(())
    }))
    .unwrap();
    assert_eq!(log.take(), ["1000"]);
}

#[test]
fn latest_and_coalesced_supersede_what_runs_at_the_commit_not_before() {
    for delivery in [Delivery::Latest, Delivery::Coalesced] {
        let (signal, log) = (Signal::<u32>::new(), Log::new());
        let gated = Gated::new(&log);
        gated.connect_by(&signal, delivery);
        let running = begin();
        running.enter(|| drop(signal.notify(1)));
        let mut end = Task::new(running.end());
        assert_pending!(end.run());
        let gate = Gate::new();
        let mut committing = Task::new(atomic(async {
            signal.notify(2);
            gate.pass().await;
            Ok::<_, String>(())
        }));
        assert_pending!(committing.run());
        assert!(!end.is_woken(), "nothing has happened yet");
        gate.open();
        gated.open(2);
        assert_pending!({
            let poll = committing.run();
            if delivery == Delivery::Latest { std::task::Poll::Pending } else { poll.map(drop) }
        });
        gated.open(1);
        assert_ready!(end.run()).unwrap();
        let _ = finish(Transaction::root().wait());
        let rest = log.take();
        assert_eq!(rest.first().map(String::as_str), Some("begin 1"));
        assert_eq!(rest.contains(&"end 1".to_owned()), delivery == Delivery::Coalesced);
    }
}

#[test]
fn a_sequential_signal_keeps_its_order_after_the_commit() {
    let (signal, log) = (Signal::<u32>::builder().sequential().build(), Log::new());
    let gated = Gated::new(&log);
    gated.connect(&signal);
    signal.connect_async(noting_later(&log, "second "));
    let mut task = Task::new(atomic(async {
        signal.notify(1);
        Ok::<_, String>(())
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["begin 1"]);
    gated.open(1);
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["end 1", "second 1"]);
}

#[test]
fn a_handler_awaited_before_the_commit_is_told_that_it_is_uncommitted() {
    let (signal, _log) = noted(Delivery::Queued);
    finish(atomic(async {
        let failures = signal.notify(1).await.unwrap_err();
        assert!(failures.first().unwrap().is_uncommitted() && failures.first().unwrap().is_would_deadlock());
        Ok::<_, String>(())
    }))
    .unwrap();
}

#[test]
fn commits_of_several_threads_are_each_delivered_whole() {
    const THREADS: u32 = 4;
    const EACH: u32 = 200;
    let (signal, seen) = (Signal::<u32>::new(), Arc::new(Mutex::new(Vec::new())));
    let noted = seen.clone();
    signal.connect_async(move |x| {
        let noted = noted.clone();
        async move { noted.lock().unwrap().push(x) }
    });
    std::thread::scope(|threads| {
        for thread in 0..THREADS {
            let signal = &signal;
            threads.spawn(move || {
                for round in 0..EACH {
                    let value = 2 * (thread * EACH + round);
                    let result = settled::block_on(atomic(async {
                        signal.notify(value);
                        signal.notify(value + 1);
                        if round.is_multiple_of(3) { Err("rolled back") } else { Ok(()) }
                    }));
                    assert_eq!(result.is_ok(), !round.is_multiple_of(3));
                }
            });
        }
    });
    let seen = seen.lock().unwrap();
    let committed = (0..THREADS * EACH).filter(|n| !(n % EACH).is_multiple_of(3)).count();
    assert_eq!(seen.len(), 2 * committed);
    for thread in 0..THREADS {
        let own: Vec<_> = seen.iter().filter(|x| *x / 2 / EACH == thread).collect();
        assert!(own.is_sorted(), "in the order of its commits");
    }
}

#[test]
fn a_change_that_a_later_one_has_overtaken_before_the_commit_comes_to_nothing() {
    for delivery in ALL {
        for set_outside in [false, true] {
            let (level, log) = (Observable::builder(0).delivery(delivery).build(), Log::new());
            level.connect_async(noting_later(&log, ""));
            let set = |value| finish(scope(async { drop(level.set(value)) })).unwrap();
            set(1);
            let (gate, inner) = (Gate::new(), level.clone());
            let pass = gate.clone();
            let mut late = Task::new(atomic(async move {
                inner.set(2);
                pass.pass().await;
                Ok::<_, String>(())
            }));
            assert_pending!(late.run());
            if set_outside {
                set(3);
            } else {
                // Another one commits before.
                finish(atomic(async {
                    level.set(3);
                    Ok::<_, String>(())
                }))
                .unwrap();
            }
            gate.open();
            assert_ready!(late.run()).unwrap();
            assert_eq!(log.take(), ["1", "3"], "{delivery:?}");
            set(4);
            assert_eq!((log.take(), level.get()), (vec!["4".to_string()], 4), "{delivery:?}");
        }
    }
}
