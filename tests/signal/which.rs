//! Which handlers are called: those connected when `notify` was called, each checked again just before its call.

use std::sync::{Arc, Mutex};

use settled::scope;
use settled_signal::{Connection, Observable, Signal};
use support::{Log, Task, assert_pending, assert_ready, finish};

use crate::kit::{Gated, noting, noting_later, observed};

#[test]
fn a_handler_that_is_connected_meanwhile_is_called_from_the_next_round_on() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let (inner, noted) = (signal.clone(), log.clone());
    signal.connect(move |value| {
        noted.note(format!("a{value}"));
        inner.connect(noting(&noted, "new"));
    });
    signal.connect(noting(&log, "b"));
    signal.notify(1);
    assert_eq!(log.take(), ["a1", "b1"]);
    signal.notify(2);
    assert_eq!(log.take(), ["a2", "b2", "new2"]);
}

#[test]
fn a_handler_that_is_disconnected_meanwhile_is_not_called_any_more() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let victims = Arc::new(Mutex::new(Vec::<Connection>::new()));
    signal.connect({
        let victims = victims.clone();
        move |_| victims.lock().unwrap().drain(..).for_each(|victim| assert!(victim.disconnect()))
    });
    let kept = signal.connect(noting(&log, "kept"));
    victims.lock().unwrap().push(signal.connect(noting(&log, "sync")));
    victims.lock().unwrap().push(signal.connect_async(noting_later(&log, "async")));
    finish(signal.notify(1)).unwrap();
    assert_eq!(log.take(), ["kept1"]);
    assert!(kept.is_connected());
    assert_eq!(signal.len(), 2);
}

#[test]
fn clear_within_a_round_ends_it() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let inner = signal.clone();
    signal.connect(move |_| inner.clear());
    signal.connect(noting(&log, "a"));
    signal.notify(1);
    assert_eq!((log.take(), signal.len()), (vec![], 0));
}

#[test]
fn a_handler_may_disconnect_itself_and_is_dropped_when_it_has_returned() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let me = Arc::new(Mutex::new(None::<Connection>));
    let guard = log.at_drop("dropped");
    let connection = signal.connect({
        let (me, log) = (me.clone(), log.clone());
        move |_| {
            let _held = &guard;
            assert!(me.lock().unwrap().take().unwrap().disconnect());
            log.note("called");
        }
    });
    *me.lock().unwrap() = Some(connection);
    signal.notify(1);
    signal.notify(2);
    assert_eq!(log.take(), ["called", "dropped"]);
}

#[test]
fn a_delivery_that_has_not_begun_does_not_begin_after_disconnect() {
    let (signal, log) = (Signal::<u32, u32>::new(), Log::new());
    let noted = log.clone();
    let connection = signal.connect_async(move |value| {
        noted.note(format!("called {value}"));
        async move { value }
    });
    let results = finish(scope(async {
        let notification = signal.notify(1);
        connection.disconnect();
        notification.await
    }));
    assert_eq!(results.unwrap().unwrap(), [0; 0]);
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn a_delivery_that_has_begun_goes_on_after_disconnect_and_those_behind_it_are_let_go() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let gated = Gated::new(&log);
    gated.connect(&signal);
    let mut task = Task::new(scope(async {
        signal.notify(1);
        signal.notify(2);
        signal.notify(3);
    }));
    assert_pending!(task.run());
    signal.clear();
    assert_pending!(task.run());
    gated.open(1);
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["begin 1", "end 1"]);
}

#[test]
fn what_is_owed_to_a_weak_handler_keeps_its_object() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let model = Arc::new(log.at_drop("dropped"));
    let noted = log.clone();
    signal.connect_async_weak(&model, move |model, value| {
        let noted = noted.clone();
        async move {
            noted.note(format!("saved {value}"));
            drop(model);
        }
    });
    finish(scope(async {
        signal.notify(1);
        drop(model);
        signal.notify(2);
    }))
    .unwrap();
    assert_eq!(log.take(), ["saved 1", "saved 2", "dropped"]);
}

#[test]
fn a_change_that_waits_goes_to_those_who_were_connected_when_it_was_set() {
    let log = Log::new();
    let noted = log.clone();
    let observable = observed(move |observable, value| {
        noted.note(format!("a{value}"));
        if value == 1 {
            observable.set(2);
            observable.connect(noting(&noted, "late"));
            observable.set(3);
        }
    });
    observable.set(1);
    assert_eq!(log.take(), ["a1", "a2", "a3", "late3"]);
}

#[test]
fn a_change_that_nobody_listens_to_is_only_stored() {
    struct Unclonable(u32, bool);
    impl Clone for Unclonable {
        fn clone(&self) -> Self {
            assert!(self.1, "cloned for nobody");
            Unclonable(self.0, true)
        }
    }
    let observable = Observable::new(Unclonable(0, false));
    assert!(observable.set(Unclonable(1, false)).is_done());
    assert!(observable.update(|value| value.0 += 1).is_done());
    assert_eq!(observable.replace(Unclonable(7, true)).0, 2);
    assert_eq!(observable.get().0, 7);
}
