//! The root's driver, which is spawned when there is work: against adds, and against its own end.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use loom::sync::{Condvar, Mutex};
use settled::{Transaction, add, set_root_spawner};
use settled_models::{Log, block_on, check, poll_once, spawn, told_to_root, yield_now};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What was spawned, in order.
#[derive(Clone, Default)]
struct Runtime(Arc<(Mutex<VecDeque<Task>>, Condvar)>);

impl Runtime {
    fn start() -> Self {
        let runtime = Runtime::default();
        let spawner = runtime.clone();
        set_root_spawner(move |task| spawner.push(task));
        runtime
    }

    fn push(&self, task: Task) {
        self.0.0.lock().unwrap().push_back(task);
        self.0.1.notify_one();
    }

    /// Waits for the next one.
    fn next(&self) -> Task {
        let mut tasks = self.0.0.lock().unwrap();
        loop {
            match tasks.pop_front() {
                Some(task) => return task,
                None => tasks = self.0.1.wait(tasks).unwrap(),
            }
        }
    }

    /// Runs what is spawned until this many things are in the log: for ever, if there are fewer.
    fn run_until(&self, log: &Log, many: usize) {
        while log.noted().len() < many {
            block_on(self.next());
        }
    }

    /// Drops what has not been run. The last thing that a model does: the root goes with it.
    fn stop(&self) {
        let tasks = std::mem::take(&mut *self.0.0.lock().unwrap());
        drop(tasks);
    }
}

fn note(log: &Log, what: u32) {
    let log = log.clone();
    add(async move { log.note(what) });
}

/// While the driver that was spawned is at its end.
#[test]
fn what_is_added_from_two_threads_is_run() {
    check(|| {
        let (runtime, log) = (Runtime::start(), Log::default());
        let notes = log.clone();
        let other = spawn(move || note(&notes, 1));
        note(&log, 2);
        runtime.run_until(&log, 2);
        other.join().unwrap();
        runtime.stop();
    });
}

/// While somebody else drives the root, for something else.
#[test]
fn what_is_added_while_another_one_drives_is_run() {
    check(|| {
        let (runtime, log) = (Runtime::start(), Log::default());
        let notes = log.clone();
        note(&log, 1);
        let other = spawn(move || note(&notes, 2));
        block_on(Transaction::root().wait()).unwrap();
        runtime.run_until(&log, 2);
        other.join().unwrap();
        runtime.stop();
    });
}

/// Somebody drives it, the one that was spawned comes to its end, a third one adds.
#[test]
fn what_is_added_while_another_one_drives_and_the_one_spawned_goes_is_run() {
    check(|| {
        let (runtime, log) = (Runtime::start(), Log::default());
        note(&log, 1);
        let (mut spawned, again) = (runtime.next(), runtime.clone());
        let runner = spawn(move || {
            if poll_once(&mut spawned).is_pending() {
                again.push(spawned);
            }
        });
        let notes = log.clone();
        let other = spawn(move || note(&notes, 2));
        block_on(Transaction::root().wait()).unwrap();
        runner.join().unwrap();
        other.join().unwrap();
        runtime.run_until(&log, 2);
        runtime.stop();
    });
}

/// Also if somebody else did the work.
#[test]
fn the_driver_that_was_spawned_ends_when_nothing_is_pending() {
    check(|| {
        let (runtime, log) = (Runtime::start(), Log::default());
        note(&log, 1);
        let spawned = runtime.next();
        let runner = spawn(move || block_on(spawned));
        block_on(Transaction::root().wait()).unwrap();
        runner.join().unwrap();
        assert!(log.has(1));
        runtime.stop();
    });
}

/// A runtime that is shut down and drops what it was given: with the next add another one is spawned, and nothing is lost.
#[test]
fn a_driver_that_is_dropped_makes_room_for_the_next() {
    check(|| {
        let (runtime, log) = (Runtime::start(), Log::default());
        note(&log, 1);
        let mut dropped = runtime.next();
        let other = spawn(move || {
            let _left = poll_once(&mut dropped);
        });
        note(&log, 2);
        other.join().unwrap();
        note(&log, 3);
        runtime.run_until(&log, 3);
        runtime.stop();
    });
}

/// Nobody spawns anything: who waits for the root runs what has come by then, whoever else does so.
#[test]
fn two_who_wait_for_the_root_are_both_told() {
    check(|| {
        let log = Log::default();
        note(&log, 1);
        let notes = log.clone();
        let other = spawn(move || {
            add({
                let notes = notes.clone();
                async move {
                    yield_now().await;
                    notes.note(2);
                }
            });
            let mut wait = Transaction::root().wait();
            let _left = poll_once(&mut wait);
            drop(wait);
            told_to_root();
            assert!(notes.has(2));
        });
        told_to_root();
        assert!(log.has(1));
        other.join().unwrap();
    });
}
