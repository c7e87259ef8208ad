//! Panics, wherever the user's code may panic: the others go on, nothing stays locked, nothing is half-delivered.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;

use settled::scope;
use settled_signal::{Observable, Signal};
use support::{Log, causes, finish, on_drop};

use crate::kit::{connect_all, noting, noting_later};

/// Panics without a message on stderr.
fn boom(text: &'static str) -> ! {
    resume_unwind(Box::new(text))
}

#[test]
fn in_a_synchronous_handler() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    connect_all(&signal, &log, &["a"]);
    signal.connect(|_| boom("one"));
    connect_all(&signal, &log, &["b"]);
    signal.connect(|_| boom("two"));
    let failures = finish(signal.notify(1)).unwrap_err();
    assert!(failures.iter().all(|failure| failure.is_panic()));
    assert_eq!(causes(&failures), ["one", "two"]);
    assert_eq!(log.take(), ["a1", "b1"]);
    finish(signal.notify(2)).unwrap_err();
    assert_eq!(log.take(), ["a2", "b2"]);
}

#[test]
fn in_an_asynchronous_handler_before_and_in_its_future() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.connect_async(|_| -> std::future::Ready<()> { boom("call") });
    signal.connect_async(|_| async { boom("poll") });
    signal.connect_async(noting_later(&log, "a"));
    for round in 1..3 {
        assert_eq!(causes(&finish(signal.notify(round)).unwrap_err()), ["call", "poll"]);
        assert_eq!(log.take(), [format!("a{round}")], "the queues have gone on");
    }
}

#[test]
fn in_the_destructor_of_a_handlers_future() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let noted = log.clone();
    signal.connect_async(move |x| {
        let guard = on_drop(move || {
            if x == 1 {
                boom("drop")
            }
        });
        noted.note(format!("called {x}"));
        // Unlike an async block it keeps what it captured until it is dropped itself.
        poll_fn(move |_| {
            let _held = &guard;
            Poll::Ready(())
        })
    });
    let failures = finish(scope(async {
        signal.notify(1);
        signal.notify(2);
    }))
    .unwrap_err();
    assert_eq!(causes(&failures), ["drop"]);
    assert_eq!(log.take(), ["called 1", "called 2"]);
}

/// Its clone panics if it is told to.
#[derive(Debug)]
struct Grenade(u32, Arc<AtomicBool>);

impl Clone for Grenade {
    fn clone(&self) -> Self {
        if self.1.load(Ordering::SeqCst) {
            boom("clone");
        }
        Grenade(self.0, self.1.clone())
    }
}

#[test]
fn in_the_events_clone() {
    let (signal, log, armed) = (Signal::<Grenade>::new(), Log::new(), Arc::new(AtomicBool::new(true)));
    let noted = log.clone();
    signal.connect_async(|_| async {});
    signal.connect(move |event| noted.note(format!("sync {}", event.0)));
    let noted = log.clone();
    signal.connect_async(move |event| {
        noted.note(format!("async {}", event.0));
        async {}
    });
    // The last one gets the event itself.
    assert_eq!(causes(&finish(signal.notify(Grenade(1, armed.clone()))).unwrap_err()), ["clone"]);
    assert_eq!(log.take(), ["sync 1", "async 1"]);
    armed.store(false, Ordering::SeqCst);
    finish(signal.notify(Grenade(2, armed))).unwrap();
    assert_eq!(log.take(), ["sync 2", "async 2"]);
}

#[test]
fn in_the_values_clone_a_set_leaves_the_old_value_and_the_observable_usable() {
    let armed = Arc::new(AtomicBool::new(false));
    let (level, log) = (Observable::new(Grenade(0, armed.clone())), Log::new());
    let noted = log.clone();
    level.connect(move |level| noted.note(level.0.to_string()));
    armed.store(true, Ordering::SeqCst);
    let caught = catch_unwind(AssertUnwindSafe(|| level.set(Grenade(1, armed.clone()))));
    assert!(caught.is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| level.get())).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| level.update(|level| level.0 = 2))).is_err());
    armed.store(false, Ordering::SeqCst);
    assert_eq!(level.get().0, 2);
    level.set(Grenade(3, armed));
    assert_eq!(log.take(), ["3"]);
}

#[test]
fn in_the_values_comparison() {
    #[derive(Clone)]
    struct Touchy(u32);
    impl PartialEq for Touchy {
        fn eq(&self, other: &Self) -> bool {
            if other.0 == 13 { boom("eq") } else { self.0 == other.0 }
        }
    }
    let (level, log) = (Observable::new(Touchy(1)), Log::new());
    let noted = log.clone();
    level.connect(move |level| noted.note(level.0.to_string()));
    assert!(catch_unwind(AssertUnwindSafe(|| level.set_if_changed(Touchy(13)))).is_err());
    assert!(!level.set_if_changed(Touchy(1)));
    assert!(level.set_if_changed(Touchy(2)));
    assert_eq!(log.take(), ["2"]);
}

#[test]
fn in_the_destructor_of_the_old_value() {
    #[derive(Clone)]
    struct Bomb(u32, #[allow(dead_code)] Arc<support::OnDrop<Box<dyn FnOnce() + Send + Sync>>>);
    let bomb = |x, live: bool| {
        Bomb(
            x,
            Arc::new(on_drop(Box::new(move || {
                if live {
                    boom("drop")
                }
            }) as Box<dyn FnOnce() + Send + Sync>)),
        )
    };
    let (level, log) = (Observable::new(bomb(0, true)), Log::new());
    let noted = log.clone();
    level.connect(move |level| noted.note(level.0.to_string()));
    assert!(catch_unwind(AssertUnwindSafe(|| level.set(bomb(1, false)))).is_err());
    assert_eq!(level.with(|level| level.0), 1);
    level.set(bomb(2, false));
    assert_eq!(log.take(), ["1", "2"]);
}

#[test]
fn in_the_destructor_of_a_handler_that_is_dropped_within_the_round() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let guard = on_drop(|| boom("handler's drop"));
    let inner = signal.clone();
    connect_all(&signal, &log, &["a"]);
    signal.connect(move |_| {
        let _held = &guard;
        inner.clear();
    });
    let failures = finish(signal.notify(1)).unwrap_err();
    assert_eq!(causes(&failures), ["handler's drop"]);
    assert_eq!(log.take(), ["a1"]);
    connect_all(&signal, &log, &["b"]);
    finish(signal.notify(2)).unwrap();
    assert_eq!(log.take(), ["b2"]);
}

#[test]
fn in_the_destructor_of_a_handler_that_is_disconnected_it_is_the_callers() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let guard = on_drop(|| boom("handler's drop"));
    let connection = signal.connect(move |_| {
        let _held = &guard;
    });
    signal.connect(noting(&log, "a"));
    assert!(catch_unwind(AssertUnwindSafe(|| connection.disconnect())).is_err());
    assert!(!connection.is_connected());
    finish(signal.notify(1)).unwrap();
    assert_eq!(log.take(), ["a1"]);
}

#[test]
fn in_the_destructor_of_a_weak_handlers_object() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let model = Arc::new(on_drop(|| boom("model's drop")));
    let last = Arc::new(std::sync::Mutex::new(Some(model.clone())));
    // The handler drops the last reference but the one that is held for its call.
    signal.connect_weak(&model, move |_, _| drop(last.lock().unwrap().take()));
    signal.connect(noting(&log, "a"));
    drop(model);
    let failures = finish(signal.notify(1)).unwrap_err();
    assert_eq!(causes(&failures), ["model's drop"]);
    assert_eq!(log.take(), ["a1"]);
    assert_eq!(signal.len(), 1);
}

#[test]
fn in_a_round_of_an_observable_the_next_change_is_delivered_all_the_same() {
    let (level, log, calls) = (Observable::new(0), Log::new(), Arc::new(AtomicUsize::new(0)));
    let inner = level.clone();
    level.connect(move |x| {
        if calls.fetch_add(1, Ordering::SeqCst) == 0 {
            inner.set(x + 1);
            boom("first");
        }
    });
    level.connect(noting(&log, "a"));
    let failures = finish(level.set(1)).unwrap_err();
    assert_eq!(causes(&failures), ["first"]);
    assert_eq!(log.take(), ["a1", "a2"]);
    finish(level.set(7)).unwrap();
    assert_eq!(log.take(), ["a7"]);
}
