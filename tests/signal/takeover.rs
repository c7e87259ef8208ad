//! A deliverer takes along 1,024 changes and no more; nothing is lost, out of order or stuck then.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use settled::{begin, scope};
use settled_signal::Observable;
use support::{Task, assert_pending, assert_ready, finish};

use crate::kit::observed;

const LIMIT: u32 = 1024;

/// Notes what it is called with; at 0 it sets as many more as it was asked for.
fn cascade(more: u32) -> (Observable<u32>, Arc<Mutex<Vec<u32>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let level = observed(move |level, x| {
        noted.lock().unwrap().push(x);
        if x == 0 {
            (1..=more).for_each(|x| drop(level.set(x)));
        }
    });
    (level, seen)
}

fn delivered(seen: &Mutex<Vec<u32>>, up_to: u32) {
    assert!(seen.lock().unwrap().iter().copied().eq(0..up_to), "in order, each once, {up_to} of them");
}

#[test]
fn as_many_as_the_limit_are_taken_along() {
    let (level, seen) = cascade(LIMIT);
    finish(scope(async {
        level.set(0);
        delivered(&seen, LIMIT + 1);
    }))
    .unwrap();
}

#[test]
fn beyond_the_limit_the_setters_transaction_delivers() {
    let (level, seen) = cascade(3 * LIMIT + 5);
    finish(scope(async {
        level.set(0);
        delivered(&seen, LIMIT + 1);
    }))
    .unwrap();
    delivered(&seen, 3 * LIMIT + 6);
}

#[test]
fn beyond_the_limit_the_next_setter_takes_over() {
    let (level, seen) = cascade(LIMIT + 3);
    finish(scope(async {
        assert!(level.set(0).is_done());
        delivered(&seen, LIMIT + 1);
        // It delivers what waits, and then its own.
        assert!(level.set(LIMIT + 4).is_done());
        delivered(&seen, LIMIT + 5);
    }))
    .unwrap();
}

#[test]
fn the_next_setter_delivers_no_more_than_the_limit_either() {
    let (level, seen) = cascade(3 * LIMIT);
    finish(scope(async {
        level.set(0);
        assert!(!level.set(3 * LIMIT + 1).is_done());
        delivered(&seen, 2 * LIMIT + 1);
    }))
    .unwrap();
    delivered(&seen, 3 * LIMIT + 2);
}

#[test]
fn a_notification_that_waits_beyond_the_limit_delivers_when_it_is_awaited() {
    let last = Arc::new(Mutex::new(None));
    let (keep, seen) = (last.clone(), Arc::new(Mutex::new(Vec::new())));
    let noted = seen.clone();
    let level = observed(move |level, x| {
        noted.lock().unwrap().push(x);
        if x == 0 {
            (1..=2 * LIMIT).for_each(|x| *keep.lock().unwrap() = Some(level.set(x)));
        }
    });
    // There is no transaction: each of the changes has one of its own, and most of those are with the root by now.
    level.set(0);
    delivered(&seen, LIMIT + 1);
    let notification = last.lock().unwrap().take().unwrap();
    assert!(!notification.is_done());
    finish(notification).unwrap();
    delivered(&seen, 2 * LIMIT + 1);
}

#[test]
fn one_that_does_not_cease_lets_others_go_on() {
    let ceases = Arc::new(AtomicBool::new(false));
    let stop = ceases.clone();
    let level = observed(move |level, x| {
        if !stop.load(Ordering::SeqCst) {
            level.set(x + 1);
        }
    });
    let mut task = Task::new(scope(async {
        level.set(1);
    }));
    for _ in 0..3 {
        // Each poll comes to an end, and asks for another one.
        assert_pending!(task.poll());
        assert!(task.is_woken());
    }
    assert!(level.get() > 3 * LIMIT);
    ceases.store(true, Ordering::SeqCst);
    assert_ready!(task.run()).unwrap();
}

#[test]
fn whoever_is_awaited_delivers_though_the_first_one_is_not_driven() {
    // The first change that waits beyond the limit is in a transaction that nobody drives, the last in one that is awaited.
    let (idle, busy) = (begin(), begin());
    let (first, last) = ((*idle).clone(), (*busy).clone());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let level = observed(move |level, x| {
        noted.lock().unwrap().push(x);
        if x == 0 {
            first.enter(|| (1..=LIMIT + 1).for_each(|x| drop(level.set(x))));
            last.enter(|| drop(level.set(LIMIT + 2)));
        }
    });
    let (inside, wait_inside) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let hold = Mutex::new(Some((inside, wait)));
    level.connect(move |x| {
        if *x == 1
            && let Some((inside, wait)) = hold.lock().unwrap().take()
        {
            inside.send(()).unwrap();
            wait.recv().unwrap();
        }
    });
    thread::scope(|s| {
        let deliverer = s.spawn(|| drop(level.set(0)));
        wait_inside.recv().unwrap();
        // Awaited while another thread delivers: it has left its waker by the time that one stops.
        let mut task = Task::new(busy.end());
        assert_pending!(task.run());
        go_on.send(()).unwrap();
        deliverer.join().unwrap();
        delivered(&seen, LIMIT + 1);
        assert!(task.is_woken());
        assert_ready!(task.run()).unwrap();
    });
    delivered(&seen, LIMIT + 3);
    finish(idle.end()).unwrap();
}
