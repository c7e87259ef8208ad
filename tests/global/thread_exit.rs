//! A thread's exit is survived: its thread-locals' destructors may still use everything.

use std::cell::RefCell;
use std::thread;

use settled::{Transaction, add, begin, current, scope, set_reporter};
use support::{Log, OnDrop, causes, failing, finish, on_drop};

/// Adds when its thread exits.
struct AtExit(Log);

impl Drop for AtExit {
    fn drop(&mut self) {
        assert!(current().is_none());
        add(self.0.step("added at exit"));
        let t = begin();
        t.add(self.0.step("by handle at exit")).unwrap();
        let handle = (*t).clone();
        handle.enter(|| {
            add(self.0.step("entered at exit"));
        });
        drop(t);
    }
}

thread_local! {
    static AT_EXIT: RefCell<Option<AtExit>> = const { RefCell::new(None) };
}

#[test]
fn adding_when_a_thread_exits_is_survived() {
    set_reporter(|_| {});
    let log = Log::new();
    for registered_first in [true, false] {
        let at_exit = log.clone();
        // Destructors of thread-locals run in one order or the other: both must do.
        thread::spawn(move || {
            let register = || AT_EXIT.with(|slot| *slot.borrow_mut() = Some(AtExit(at_exit)));
            let used = || finish(scope(async { drop(add(async {})) })).unwrap();
            if registered_first {
                register();
                used();
            } else {
                used();
                register();
            }
        })
        .join()
        .unwrap();
        finish(Transaction::root().wait()).unwrap();
        let mut lines = log.take();
        lines.sort();
        // What is entered may have gone to the root, had the thread's ambient been gone: but it ran.
        assert_eq!(lines, ["added at exit", "by handle at exit", "entered at exit"]);
    }
}

#[test]
fn a_thread_that_exits_with_an_unfinished_scope_leaves_it_whole() {
    let log = Log::new();
    let gate = support::Gate::new();
    let mut task = support::Task::new(scope({
        let (log, gate) = (log.clone(), gate.clone());
        async move {
            add(log.step("child"));
            gate.pass().await;
            add(log.step("after"));
        }
    }));
    let mut task = thread::spawn(move || {
        support::assert_pending!(task.run());
        task
    })
    .join()
    .unwrap();
    gate.open();
    support::assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["child", "after"]);
}

type LastWords = OnDrop<Box<dyn FnOnce()>>;

thread_local! {
    static LAST_WORDS: RefCell<Option<LastWords>> = const { RefCell::new(None) };
}

#[test]
fn a_scope_that_runs_when_a_thread_exits_is_whole() {
    let log = Log::new();
    for registered_first in [true, false] {
        let noted = log.clone();
        let last_words: Box<dyn FnOnce() + Send> = Box::new(move || {
            let outcome = finish(scope(async { drop(add(failing("told"))) }).outcome());
            noted.note(causes(&outcome.failures).concat());
            let t = begin();
            let stashed = t.add_value(async { current().is_some() }).unwrap();
            noted.note(format!("{}", finish(stashed).unwrap()));
            finish(t.end()).unwrap();
        });
        thread::spawn(move || {
            let register = || LAST_WORDS.with(|slot| *slot.borrow_mut() = Some(on_drop(last_words)));
            let used = || finish(scope(async { drop(add(async {})) })).unwrap();
            if registered_first {
                register();
                used();
            } else {
                used();
                register();
            }
        })
        .join()
        .unwrap();
        assert_eq!(log.take(), ["told", "true"]);
    }
}
