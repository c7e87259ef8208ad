//! Waking a pending child from another thread, against the drive and its end.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, Ordering};
use settled::begin;
use settled_models::{Gate, Log, block_on, check, poll_once, spawn, yield_now};

/// At any time from before the first poll until who drives has gone to sleep.
#[test]
fn a_wake_from_another_thread_is_never_lost() {
    check(|| {
        let (transaction, gate) = (begin(), Gate::new());
        transaction.add(gate.pass()).unwrap();
        spawn(move || gate.open());
        block_on(transaction.end()).unwrap();
    });
}

/// Two children: the wake of one comes while the other one is polled, or has been woken by the same thread.
#[test]
fn nor_is_one_of_two() {
    check(|| {
        let (transaction, first, second) = (begin(), Gate::new(), Gate::new());
        transaction.add(first.pass()).unwrap();
        transaction.add(second.pass()).unwrap();
        spawn(move || {
            second.open();
            first.open();
        });
        block_on(transaction.end()).unwrap();
    });
}

/// A child that wakes itself while others wake it.
#[test]
fn nor_is_one_of_a_child_that_wakes_itself() {
    check(|| {
        let (transaction, gate) = (begin(), Gate::new());
        let passes = gate.clone();
        transaction
            .add(async move {
                let mut gate = passes.pass();
                let _registered = poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut gate).poll(cx))).await;
                yield_now().await;
                gate.await;
            })
            .unwrap();
        spawn(move || gate.open());
        block_on(transaction.end()).unwrap();
    });
}

/// A waker that anybody may wake, any number of times.
#[derive(Clone, Default)]
struct Bell(Arc<Mutex<Option<Waker>>>);

impl Bell {
    fn register(&self, waker: &Waker) {
        let old = self.0.lock().unwrap().replace(waker.clone());
        drop(old);
    }

    fn ring(&self) {
        let waker = self.0.lock().unwrap().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// What was stored before a wake is seen by the poll that the wake leads to, also where an earlier wake has queued that
/// poll already.
#[test]
fn a_poll_sees_what_was_stored_before_the_wake_that_it_answers() {
    check(|| {
        let (transaction, bell, ready) = (begin(), Bell::default(), Arc::new(AtomicBool::new(false)));
        let (hears, sees) = (bell.clone(), ready.clone());
        transaction
            .add(poll_fn(move |cx| {
                if sees.load(Ordering::Relaxed) {
                    return Poll::Ready(());
                }
                hears.register(cx.waker());
                if sees.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
            }))
            .unwrap();
        let mut end = transaction.end();
        assert!(poll_once(&mut end).is_pending());
        let waker = bell.0.lock().unwrap().clone().unwrap();
        spawn(move || {
            waker.wake_by_ref();
            ready.store(true, Ordering::Relaxed);
            waker.wake();
        });
        block_on(end).unwrap();
    });
}

/// A wake of who had the slot before costs a poll, and takes no wake from who has it now.
#[test]
fn a_stale_wake_takes_none_from_who_has_the_slot_now() {
    check(|| {
        let (transaction, bell, gate) = (begin(), Bell::default(), Gate::new());
        let hears = bell.clone();
        transaction
            .add(poll_fn(move |cx| {
                hears.register(cx.waker());
                Poll::Ready(())
            }))
            .unwrap();
        transaction.add(gate.pass()).unwrap();
        spawn(move || {
            bell.ring();
            gate.open();
        });
        block_on(transaction.end()).unwrap();
    });
}

/// One thread wakes while another one adds.
#[test]
fn a_wake_and_an_add_from_two_threads_are_both_seen() {
    check(|| {
        let (transaction, gate, log) = (begin(), Gate::new(), Log::default());
        transaction.add(gate.pass()).unwrap();
        let (handle, notes) = (transaction.clone(), log.clone());
        let adder = spawn(move || handle.add(async move { notes.note(1) }).is_ok());
        spawn(move || gate.open());
        block_on(transaction.end()).unwrap();
        assert_eq!(adder.join().unwrap(), log.has(1));
    });
}
