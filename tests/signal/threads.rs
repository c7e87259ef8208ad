//! Several threads: barriers and channels, no clock.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

use settled::scope;
use settled_signal::{Observable, Signal};
use support::{Log, Task, assert_pending, assert_ready, elsewhere, finish};

use crate::kit::noting;

#[test]
fn a_change_set_by_another_thread_is_delivered_by_the_one_that_delivers_already() {
    let (level, log) = (Observable::new(0u32), Log::new());
    let (inside, wait_inside) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let (inside, wait) = (Mutex::new(inside), Mutex::new(wait));
    let noted = log.clone();
    let deliverers = Arc::new(Mutex::new(HashSet::new()));
    let who = deliverers.clone();
    level.connect(move |x| {
        who.lock().unwrap().insert(thread::current().id());
        noted.note(format!("a{x}"));
        if *x == 1 {
            inside.lock().unwrap().send(()).unwrap();
            wait.lock().unwrap().recv().unwrap();
        }
    });
    level.connect(noting(&log, "b"));
    thread::scope(|s| {
        let deliverer = s.spawn(|| level.set(1).is_done());
        wait_inside.recv().unwrap();
        // It is under way: this returns at once, stored but not delivered.
        let mut task = Task::new(scope(async {
            let notification = level.set(2);
            assert!(!notification.is_done());
            assert_eq!(level.get(), 2);
        }));
        assert_pending!(task.run());
        assert_eq!(log.take(), ["a1"]);
        go_on.send(()).unwrap();
        assert!(deliverer.join().unwrap());
        // Its transaction was told.
        assert!(task.is_woken());
        assert_ready!(task.run()).unwrap();
    });
    assert_eq!(log.take(), ["b1", "a2", "b2"]);
    assert_eq!(deliverers.lock().unwrap().len(), 1);
}

#[test]
fn every_handler_sees_the_changes_of_all_threads_once_in_one_order() {
    const EACH: u32 = 3000;
    let level = Observable::new((0u32, 0u32));
    let seen = [0, 1].map(|_| Arc::new(Mutex::new(Vec::<(u32, u32)>::new())));
    for seen in &seen {
        let seen = seen.clone();
        level.connect(move |x| seen.lock().unwrap().push(*x));
    }
    let later = Arc::new(Mutex::new(Vec::new()));
    let noted = later.clone();
    level.connect_async(move |x| {
        let noted = noted.clone();
        async move { noted.lock().unwrap().push(x) }
    });
    let start = Barrier::new(4);
    thread::scope(|s| {
        for thread in 0..4 {
            let (level, start) = (&level, &start);
            s.spawn(move || {
                start.wait();
                settled::block_on(scope(async {
                    for number in 0..EACH {
                        level.set((thread, number));
                        if number % 100 == 0 {
                            support::yields(1).await;
                        }
                    }
                }))
                .unwrap();
            });
        }
    });
    let first = seen[0].lock().unwrap();
    assert_eq!(first.len(), 4 * EACH as usize);
    assert!(*first == *seen[1].lock().unwrap(), "synchronous handlers agree");
    assert!(*first == *later.lock().unwrap(), "the asynchronous one too");
    assert_eq!(*first.last().unwrap(), level.get(), "the last one delivered stands");
    for thread in 0..4 {
        let of = first.iter().filter(|x| x.0 == thread).map(|x| x.1);
        assert!(of.eq(0..EACH), "each thread's in its order");
    }
}

#[test]
fn connecting_disconnecting_and_notifying_from_several_threads() {
    const ROUNDS: usize = 2000;
    let (signal, calls, start) = (Signal::<u32>::new(), AtomicUsize::new(0), Barrier::new(4));
    let calls = Arc::new(calls);
    let always = calls.clone();
    signal.connect(move |_| {
        always.fetch_add(1, Ordering::Relaxed);
    });
    thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                start.wait();
                for round in 0..ROUNDS {
                    let connection = signal.connect(|_| {});
                    let model = Arc::new(());
                    signal.connect_weak(&model, |_, _| {});
                    if round % 3 == 0 {
                        signal.connect_async(|_| async {}).disconnect();
                    }
                    drop(model);
                    assert!(connection.disconnect());
                }
            });
            s.spawn(|| {
                start.wait();
                settled::block_on(scope(async {
                    (0..ROUNDS).for_each(|_| drop(signal.notify(1)));
                }))
                .unwrap();
            });
        }
    });
    assert_eq!(calls.load(Ordering::Relaxed), 2 * ROUNDS);
    assert_eq!(signal.len(), 1);
}

#[test]
fn an_asynchronous_handler_never_overlaps_itself_whatever_threads_drive() {
    const EACH: u32 = 300;
    let (signal, running, most) = (Signal::<(u32, u32)>::new(), AtomicUsize::new(0), AtomicUsize::new(0));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let state = Arc::new((running, most));
    let (noted, of) = (seen.clone(), state.clone());
    signal.connect_async(move |x| {
        let (noted, of) = (noted.clone(), of.clone());
        async move {
            let now = of.0.fetch_add(1, Ordering::SeqCst) + 1;
            of.1.fetch_max(now, Ordering::SeqCst);
            support::yields(2).await;
            noted.lock().unwrap().push(x);
            of.0.fetch_sub(1, Ordering::SeqCst);
        }
    });
    let start = Barrier::new(3);
    thread::scope(|s| {
        for thread in 0..3 {
            let (signal, start) = (&signal, &start);
            s.spawn(move || {
                start.wait();
                for number in 0..EACH {
                    settled::block_on(scope(async {
                        signal.notify((thread, number));
                        signal.notify((thread, number));
                    }))
                    .unwrap();
                }
            });
        }
    });
    assert_eq!(state.1.load(Ordering::SeqCst), 1);
    let seen = seen.lock().unwrap();
    for thread in 0..3 {
        let of = seen.iter().filter(|x| x.0 == thread).map(|x| x.1);
        assert!(of.eq((0..EACH).flat_map(|number| [number, number])));
    }
}

#[test]
fn a_notification_that_waits_on_one_thread_is_woken_by_the_delivery_on_another() {
    let (signal, log) = (Signal::<u32, u32>::new(), Log::new());
    signal.connect_async(|x| async move { x });
    let transaction = settled::begin();
    let notification = transaction.enter(|| signal.notify(5));
    // Driven elsewhere: there is nothing left to do but take the result.
    elsewhere(|| finish(transaction.end())).unwrap();
    assert!(notification.is_done());
    assert_eq!(finish(notification).unwrap(), [5]);
    log.note("done");
}
