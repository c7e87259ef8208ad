//! Handles share one ticket as long as they are dropped at once: none is told what is meant for another.

use std::sync::Arc;

use settled::{add, add_value, begin, scope};
use support::{Log, finish, yields};

#[test]
fn a_callback_of_a_handle_that_is_dropped_is_of_its_own_future() {
    let log = Log::new();
    finish(scope(async {
        drop(add_value(async { 1 }));
        let notes = log.clone();
        drop(
            add_value(async { 2 }).on_settled(move |two| notes.note(format!("{:?}", two.as_ref().unwrap()))),
        );
        drop(add_value(async { 3 }));
    }))
    .unwrap();
    assert_eq!(log.take(), ["2"]);
}

#[test]
fn what_was_cancelled_by_a_handle_that_is_dropped_is_not_run_and_what_follows_is() {
    let log = Log::new();
    finish(scope(async {
        let first = add(log.step("cancelled"));
        first.cancel();
        drop(first);
        drop(add(log.step("second")));
        drop(add(log.step("third")));
    }))
    .unwrap();
    assert_eq!(log.take(), ["second", "third"]);
}

#[test]
fn kept_and_dropped_handles_in_turn_each_tell_their_own() {
    finish(scope(async {
        let mut kept = Vec::new();
        for n in 0..100 {
            let stashed = add_value(async move { n });
            if n % 3 == 0 {
                kept.push((n, stashed));
            }
        }
        for (n, stashed) in kept {
            assert_eq!(stashed.await.unwrap(), n);
        }
    }))
    .unwrap();
}

#[test]
fn a_handle_that_is_dropped_in_a_drive_of_another_tree_is_none_of_that() {
    let other = begin();
    finish(scope(async move {
        let one = add_value(async { 1 });
        other.add(async move { drop(one) }).unwrap();
        let two = other.add_value(async { 2 }).unwrap();
        drop(other.add_value(async { 3 }).unwrap());
        other.end().await.unwrap();
        let four = add_value(async { 4 });
        let five = add_value(async { 5 });
        assert_eq!(two.await.unwrap(), 2);
        assert_eq!(four.await.unwrap(), 4);
        assert_eq!(five.await.unwrap(), 5);
    }))
    .unwrap();
}

#[test]
fn a_handle_that_is_dropped_on_another_thread_leaves_the_next_one_its_own() {
    finish(scope(async {
        for n in 0..20 {
            let sent = add_value(async move { n });
            std::thread::spawn(move || drop(sent)).join().unwrap();
            let next = add_value(async move { n + 1 });
            assert_eq!(next.await.unwrap(), n + 1);
        }
    }))
    .unwrap();
}

/// Each of these leaves something in its ticket, or asks something of it.
#[test]
fn a_ticket_that_serves_again_has_nothing_of_the_last_future() {
    let log = Log::new();
    for round in 0..4 {
        let notes = log.clone();
        let handles = finish(scope(async move {
            let (failed, panicked) = (add(support::failing("no")), add(async { panic!("again") }));
            let cancelled = add(std::future::pending::<()>());
            cancelled.cancel();
            let told = add_value(async move { round }).on_settled(move |n| notes.note(format!("{n:?}")));
            let (awaited, mut polled) = (add_value(async { "awaited" }), Box::pin(add_value(yields(3))));
            assert_eq!(awaited.await.unwrap(), "awaited");
            assert!(futures::poll!(&mut polled).is_pending());
            assert!(failed.await.is_err() && panicked.await.is_err() && cancelled.await.is_err());
            drop(polled);
            [told, add_value(async move { round + 10 }), add_value(async move { round + 20 })]
        }))
        .unwrap();
        assert_eq!(log.take(), [format!("Ok({round})")]);
        let told = handles.map(|handle| finish(handle).unwrap());
        assert_eq!(told, [round, round + 10, round + 20]);
        // All tickets have served by now: in any order of coming back, each is as new.
        finish(scope(async {
            let kept: Vec<_> = (0..20).map(|n| add_value(async move { n })).collect();
            assert!(kept.iter().all(|handle| !handle.is_settled()));
            for (n, handle) in kept.into_iter().enumerate() {
                assert_eq!(handle.await.unwrap(), n);
            }
        }))
        .unwrap();
    }
}

#[test]
fn a_value_that_nobody_takes_is_dropped_with_its_handle() {
    let values = Arc::new(());
    for _ in 0..3 {
        let value = values.clone();
        let handle = finish(scope(async move { [add_value(async move { (1, value) })] })).unwrap();
        assert_eq!(Arc::strong_count(&values), 2, "it waits for its handle");
        drop(handle);
        assert_eq!(Arc::strong_count(&values), 1, "and not in what serves again");
    }
}

#[test]
fn values_of_many_types_and_sizes_arrive() {
    for n in 0..3_u8 {
        finish(scope(async {
            let (unit, byte, large) =
                (add_value(async {}), add_value(async move { n }), add_value(async move { [n; 4_000] }));
            let (pair, text) = (add_value(async move { (n, 1) }), add_value(async move { format!("{n}") }));
            let maybe = add_value(async move { Some(n).filter(|n| *n > 0) });
            unit.await.unwrap();
            assert_eq!(byte.await.unwrap(), n);
            assert_eq!(large.await.unwrap(), [n; 4_000]);
            assert_eq!(pair.await.unwrap(), (n, 1));
            assert_eq!(text.await.unwrap(), n.to_string());
            assert_eq!(maybe.await.unwrap(), Some(n).filter(|n| *n > 0));
        }))
        .unwrap();
    }
}

/// A handle that is dropped before the first poll is forgotten there; what it asked for is not.
#[test]
fn a_kept_handle_that_is_dropped_before_the_first_poll_leaves_what_it_asked_for() {
    let log = Log::new();
    finish(scope(async {
        let (plain, cancelled, told) = (add(log.step("plain")), add(log.step("no")), add(log.step("told")));
        let notes = log.clone();
        let told = told.on_settled(move |_| notes.note("callback"));
        let last = add(log.step("last"));
        cancelled.cancel();
        drop((plain, cancelled, told, last));
    }))
    .unwrap();
    assert_eq!(log.take(), ["plain", "told", "callback", "last"]);
}
