//! One queue, deliveries of several transactions: who waits drives the one ahead, whoever owns it.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

use settled::{OwnedTransaction, begin, scope};
use settled_signal::Signal;
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, elsewhere, finish, on_drop};

use crate::kit::{Gated, noting_later};

fn notified_in_each(signal: &Signal<u32>, values: impl IntoIterator<Item = u32>) -> Vec<OwnedTransaction> {
    let notify = |value| {
        let transaction = begin();
        transaction.enter(|| drop(signal.notify(value)));
        transaction
    };
    values.into_iter().map(notify).collect()
}

fn end_all(transactions: Vec<OwnedTransaction>) {
    transactions.iter().for_each(|transaction| finish(transaction.end()).unwrap());
}

#[test]
fn who_awaits_a_delivery_drives_the_one_ahead_in_a_transaction_that_nobody_drives() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.connect_async(noting_later(&log, "a"));
    let all = notified_in_each(&signal, [1, 2]);
    finish(all[1].end()).unwrap();
    assert_eq!(log.take(), ["a1", "a2"]);
    end_all(all);
}

#[test]
fn also_where_the_one_ahead_is_suspended_and_woken_later() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let gated = Gated::new(&log);
    gated.connect(&signal);
    let all = notified_in_each(&signal, [1, 2]);
    let mut second = Task::new(all[1].end());
    assert_pending!(second.run());
    assert_eq!(log.take(), ["begin 1"]);
    gated.open(1);
    assert!(second.is_woken(), "it drives the first one's tree");
    assert_pending!(second.run());
    assert_eq!(log.take(), ["end 1", "begin 2"]);
    gated.open(2);
    assert_ready!(second.run()).unwrap();
    end_all(all);
}

#[test]
fn a_hundred_transactions_in_a_row_are_driven_by_who_awaits_the_last() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let noted = log.clone();
    signal.connect_async(move |x| {
        let noted = noted.clone();
        async move {
            support::yields(1).await;
            noted.note(x.to_string());
        }
    });
    let all = notified_in_each(&signal, 0..100);
    finish(all[99].end()).unwrap();
    assert_eq!(log.take(), (0..100).map(|x| x.to_string()).collect::<Vec<_>>());
    end_all(all);
}

#[test]
fn it_only_listens_while_the_owner_drives() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let gated = Gated::new(&log);
    gated.connect(&signal);
    let all = notified_in_each(&signal, [1, 2]);
    let (mut first, mut second) = (Task::new(all[0].end()), Task::new(all[1].end()));
    assert_pending!(first.run());
    assert_pending!(second.run());
    gated.open(1);
    // Whichever is polled first, the other one is not stuck.
    assert_ready!(first.run()).unwrap();
    assert_pending!(second.run());
    assert_eq!(log.take(), ["begin 1", "end 1", "begin 2"]);
    gated.open(2);
    assert_ready!(second.run()).unwrap();
    drop(all);
}

#[test]
fn one_that_has_begun_is_driven_on_when_its_owner_is_never_polled_again() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let gated = Gated::new(&log);
    gated.connect(&signal);
    let mut owner = Task::new(scope(async {
        signal.notify(1);
    }));
    assert_pending!(owner.run());
    let mut other = Task::new(scope(async {
        signal.notify(2);
    }));
    assert_pending!(other.run());
    gated.open(1);
    gated.open(2);
    // The owner is woken too, but not polled.
    assert_ready!(other.run()).unwrap();
    assert_eq!(log.take(), ["begin 1", "end 1", "begin 2", "end 2"]);
    assert_ready!(owner.run()).unwrap();
}

#[test]
fn one_whose_scope_is_dropped_half_way_does_not_block_those_behind() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let gated = Gated::new(&log);
    gated.connect(&signal);
    let mut dropped = Task::new(scope(async {
        signal.notify(1);
        signal.notify(2);
    }));
    assert_pending!(dropped.run());
    let mut other = Task::new(scope(async {
        signal.notify(3);
    }));
    assert_pending!(other.run());
    // Its deliveries are the root's now. Who waits behind them drives that.
    drop(dropped);
    gated.open(1);
    gated.open(2);
    gated.open(3);
    assert_ready!(other.run()).unwrap();
    assert_eq!(log.take(), ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]);
}

#[test]
fn a_failure_goes_to_the_transaction_of_its_own_notify_whoever_drives() {
    let signal = Signal::<u32>::new();
    signal.connect_async(|x| async move { Err::<(), _>(format!("no {x}")) });
    let all = notified_in_each(&signal, [1, 2]);
    assert_eq!(causes(&finish(all[1].end()).unwrap_err()), ["no 2"]);
    assert_eq!(causes(&finish(all[0].end()).unwrap_err()), ["no 1"]);
}

#[test]
fn of_a_tree_with_many_behind_the_one_that_waits_longest_helps_and_then_the_next() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let gated = Gated::new(&log);
    gated.connect(&signal);
    let (a, b) = (begin(), begin());
    // a, b, a, b, b, a: of each tree another has to take over the driving of the other one's.
    for (transaction, value) in [(&a, 1), (&b, 2), (&a, 3), (&b, 4), (&b, 5), (&a, 6)] {
        transaction.enter(|| drop(signal.notify(value)));
    }
    let mut last = Task::new(a.end());
    for value in 1..=6 {
        assert_pending!(last.run());
        assert_eq!(log.take().last().unwrap(), &format!("begin {value}"));
        gated.open(value);
    }
    assert_ready!(last.run()).unwrap();
    finish(b.end()).unwrap();
}

#[test]
fn a_notification_awaited_alone_drives_what_is_ahead() {
    let (signal, log) = (Signal::<u32, u32>::new(), Log::new());
    signal.connect_async(|x| async move {
        support::yields(2).await;
        x
    });
    let a = begin();
    let first = a.enter(|| signal.notify(1));
    let second = signal.notify(2);
    assert_eq!(finish(second).unwrap(), [2]);
    assert_eq!(finish(first).unwrap(), [1]);
    finish(a.end()).unwrap();
    log.note("done");
}

#[test]
fn awaited_inside_another_transactions_body() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.connect_async(noting_later(&log, "a"));
    let all = notified_in_each(&signal, [1, 2, 3]);
    finish(scope(async {
        signal.notify(4).await.unwrap();
        log.note("resolved");
    }))
    .unwrap();
    assert_eq!(log.take(), ["a1", "a2", "a3", "a4", "resolved"]);
    end_all(all);
}

#[test]
fn who_waits_in_a_tree_that_the_one_ahead_only_drives_does_not_wait_for_himself() {
    // The delivery ahead awaits something of another transaction, and so drives it. In there somebody awaits the delivery
    // behind: the one ahead goes on without him.
    let (signal, log, other) = (Signal::<u32>::new(), Log::new(), begin());
    let wanted = Arc::new(Mutex::new(Some(other.add_value(support::yields(3)).unwrap())));
    let noted = log.clone();
    signal.connect_async(move |x| {
        let (noted, wanted) = (noted.clone(), wanted.lock().unwrap().take());
        async move {
            if let Some(wanted) = wanted {
                wanted.await.unwrap();
            }
            noted.note(format!("handled {x}"));
        }
    });
    let first = begin();
    first.enter(|| drop(signal.notify(1)));
    let second = other.enter(|| signal.notify(2));
    let noted = log.clone();
    other
        .add(async move {
            second.await.unwrap();
            noted.note("resolved");
        })
        .unwrap();
    finish(first.end()).unwrap();
    finish(other.end()).unwrap();
    assert_eq!(log.take(), ["handled 1", "handled 2", "resolved"]);
}

#[test]
fn the_handlers_future_is_dropped_before_the_turn_passes_on() {
    let (signal, log, second) = (Signal::<u32>::new(), Log::new(), Arc::new(begin()));
    let (noted, other) = (log.clone(), second.clone());
    signal.connect_async(move |x| {
        noted.note(format!("begin {x}"));
        let (noted, other) = (noted.clone(), other.clone());
        // Whoever drives the second transaction from here would begin its delivery, if it could.
        let guard = on_drop(move || {
            let _ = Task::new(other.end()).poll();
            noted.note(format!("dropped {x}"));
        });
        // Unlike an async block it keeps what it captured until it is dropped itself.
        poll_fn(move |_| {
            let _held = &guard;
            Poll::Ready(())
        })
    });
    let first = begin();
    first.enter(|| drop(signal.notify(1)));
    second.enter(|| drop(signal.notify(2)));
    finish(first.end()).unwrap();
    assert_eq!(log.take(), ["begin 1", "dropped 1"]);
    finish(second.end()).unwrap();
    assert_eq!(log.take(), ["begin 2", "dropped 2"]);
}

#[test]
fn two_queues_with_two_trees_in_opposite_order() {
    // In the one queue b is behind a, in the other a behind b. It is no cycle: each has its front.
    let (one, two, log) = (Signal::<u32>::new(), Signal::<u32>::new(), Log::new());
    let gate = Gate::new();
    for signal in [&one, &two] {
        let (noted, pass) = (log.clone(), gate.clone());
        signal.connect_async(move |x| {
            let (noted, pass) = (noted.clone(), pass.clone());
            async move {
                pass.pass().await;
                noted.note(x.to_string());
            }
        });
    }
    let (a, b) = (begin(), begin());
    a.enter(|| drop(one.notify(1)));
    b.enter(|| drop(two.notify(2)));
    b.enter(|| drop(one.notify(3)));
    a.enter(|| drop(two.notify(4)));
    let (mut first, mut second) = (Task::new(a.end()), Task::new(b.end()));
    assert_pending!(first.run());
    assert_pending!(second.run());
    gate.open();
    assert_ready!(first.run()).unwrap();
    assert_ready!(second.run()).unwrap();
    let mut noted = log.take();
    noted.sort();
    assert_eq!(noted, ["1", "2", "3", "4"]);
}

#[test]
fn only_one_of_several_threads_awaits_and_all_are_delivered() {
    let (signal, seen) = (Signal::<u32>::new(), Arc::new(Mutex::new(Vec::new())));
    let noted = seen.clone();
    signal.connect_async(move |x| {
        let noted = noted.clone();
        async move {
            support::yields(1).await;
            noted.lock().unwrap().push(x);
        }
    });
    let all = thread::scope(|s| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let signal = &signal;
                s.spawn(move || notified_in_each(signal, thread * 50..(thread + 1) * 50))
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let last = begin();
    last.enter(|| drop(signal.notify(200)));
    elsewhere(|| finish(last.end())).unwrap();
    let mut delivered = seen.lock().unwrap().clone();
    assert_eq!(delivered.last(), Some(&200));
    delivered.sort_unstable();
    assert!(delivered.iter().copied().eq(0..=200));
    end_all(all);
}
