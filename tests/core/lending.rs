//! Handles share one ticket as long as they are dropped at once: none is told what is meant for another.

use settled::{add, add_value, begin, scope};
use support::{Log, finish};

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
