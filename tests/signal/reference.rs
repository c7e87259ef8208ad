//! The behaviours of signals, by their ids.

use std::future::ready;
use std::sync::Arc;

use async_trait::async_trait;
use settled::{Handled, add, scope};
use settled_signal::{Handler, Observable, Signal};
use support::{Log, causes, finish};

use crate::kit::{noting, noting_later};

#[test]
fn s01_connect_disconnect_clear_notify() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.notify(0);
    let a = signal.connect(noting(&log, "a"));
    let b = signal.connect(noting(&log, "b"));
    signal.notify(1);
    assert_eq!(log.take(), ["a1", "b1"]);

    assert!(signal.disconnect(&a));
    assert!(!a.is_connected() && b.is_connected());
    signal.notify(2);
    assert_eq!(log.take(), ["b2"]);

    signal.connect(noting(&log, "c"));
    assert_eq!(signal.len(), 2);
    signal.clear();
    assert!(signal.is_empty() && !b.is_connected());
    signal.notify(3);
    assert_eq!(log.take(), [""; 0]);

    signal.connect(noting(&log, "d"));
    signal.notify(4);
    assert_eq!(log.take(), ["d4"]);
}

#[test]
fn s02_synchronous_and_asynchronous_handlers_are_mixed_on_one_signal() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.connect_async(noting_later(&log, "async "));
    signal.connect(noting(&log, "sync "));
    signal.connect_async(async |value: u32| assert_eq!(value, 1));
    finish(scope(async {
        signal.notify(1);
    }))
    .unwrap();
    assert_eq!(log.take(), ["sync 1", "async 1"]);
}

#[test]
fn s03_synchronous_handlers_run_at_once_in_order_asynchronous_ones_in_the_transaction() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    for name in ["a", "b", "c"] {
        signal.connect_async(noting_later(&log, &format!("async {name}")));
        signal.connect(noting(&log, name));
    }
    finish(scope(async {
        add(log.step("added before"));
        signal.notify(1);
        add(log.step("added after"));
        assert_eq!(log.take(), ["a1", "b1", "c1"]);
    }))
    .unwrap();
    assert_eq!(log.take(), ["added before", "async a1", "async b1", "async c1", "added after"]);
}

#[test]
fn s04_notify_gives_back_the_results_in_the_order_of_connection() {
    let signal = Signal::<u32, String>::new();
    signal.connect(|x| format!("a{x}"));
    signal.connect(|x| format!("b{x}"));
    let notification = signal.notify(1);
    assert!(notification.is_done() && !notification.has_async());
    assert_eq!(notification.results().unwrap(), ["a1", "b1"]);

    signal.connect_async(|x| async move { format!("c{x}") });
    signal.connect(|x| format!("d{x}"));
    signal.connect_async(|x| async move {
        support::yields(3).await;
        format!("e{x}")
    });
    signal.connect_async(|x| async move { format!("f{x}") });
    let results = finish(scope(async {
        let notification = signal.notify(2);
        assert!(!notification.is_done() && notification.has_async());
        assert_eq!(notification.results(), None);
        notification.await
    }));
    assert_eq!(results.unwrap().unwrap(), ["a2", "b2", "c2", "d2", "e2", "f2"]);
}

#[test]
fn s04_results_of_a_settled_notification_are_there_without_awaiting() {
    let signal = Signal::<u32, u32>::new();
    signal.connect(|x| *x);
    signal.connect_async(|x| async move { x + 1 });
    signal.connect(|x| x + 2);
    let (notification,) = finish(scope(async { (signal.notify(1),) })).unwrap();
    assert!(notification.is_done() && notification.has_async());
    assert_eq!(notification.results(), Some(&[1, 2, 3][..]));
    assert_eq!(notification.results(), Some(&[1, 2, 3][..]));
    assert_eq!(finish(notification).unwrap(), [1, 2, 3]);
}

#[test]
fn s05_none_is_left_out_of_the_results() {
    let signal = Signal::<u32, u32>::new();
    signal.connect(|x| Some(*x).filter(|x| *x > 1));
    signal.connect_async(|x| async move { Some(x * 10).filter(|x| *x > 20) });
    signal.connect(|x| x * 100);
    assert_eq!(finish(signal.notify(1)).unwrap(), [100]);
    assert_eq!(finish(signal.notify(2)).unwrap(), [2, 200]);
    assert_eq!(finish(signal.notify(3)).unwrap(), [3, 30, 300]);
}

#[test]
fn s06_a_notification_that_a_handler_returns_is_flattened() {
    let inner = Signal::<u32, u32>::new();
    inner.connect(|x| x + 1);
    inner.connect_async(|x| async move { x + 2 });
    let outer = Signal::<u32, u32>::new();
    outer.connect(|x| *x);
    outer.connect({
        let inner = inner.clone();
        move |x| inner.notify(x * 10)
    });
    outer.connect_async({
        let inner = inner.clone();
        move |x| ready(inner.notify(x * 100))
    });
    outer.connect(|x| x + 5);
    let expected = [1, 11, 12, 101, 102, 6];
    assert_eq!(finish(outer.notify(1)).unwrap(), expected);
    let results = finish(scope(async { outer.notify(1).await })).unwrap();
    assert_eq!(results.unwrap(), expected);
    let (notification,) = finish(scope(async { (outer.notify(1),) })).unwrap();
    assert_eq!(notification.results(), Some(&expected[..]));
}

struct Audit(Log);

#[async_trait]
impl Handler<u32> for Audit {
    async fn handle(self: Arc<Self>, event: u32) -> Handled {
        self.0.note(format!("audited {event}"));
        if event > 9 { Err("too much".into()) } else { Ok(()) }
    }
}

#[test]
fn s08_the_same_handler_connects_once() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let (audit, another) = (Arc::new(Audit(log.clone())), Arc::new(Audit(log.clone())));
    let first = signal.connect_handler(audit.clone());
    signal.connect(noting(&log, "a"));
    let second = signal.connect_handler(audit.clone());
    assert_eq!(signal.len(), 2);
    finish(signal.notify(1)).unwrap();
    assert_eq!(log.take(), ["a1", "audited 1"]);

    signal.connect_handler(another);
    finish(signal.notify(2)).unwrap();
    assert_eq!(log.take(), ["a2", "audited 2", "audited 2"]);

    // Both connections are the same one; afterwards it may be connected anew, as the last.
    assert!(second.disconnect() && !first.is_connected());
    assert_eq!(signal.len(), 2);
    signal.connect_handler(audit.clone());
    signal.connect_handler(audit.clone());
    assert_eq!(signal.len(), 3);
    assert_eq!(causes(&finish(signal.notify(10)).unwrap_err()), ["too much", "too much"]);
    signal.clear();
    signal.connect_handler(audit.clone());
    assert_eq!((signal.len(), Arc::strong_count(&audit)), (1, 2));
}

#[test]
fn s08_a_handler_disconnects_once_and_disconnecting_an_unknown_one_is_harmless() {
    let (signal, other, log) = (Signal::<u32>::new(), Signal::<u32>::new(), Log::new());
    let connection = signal.connect(noting(&log, "a"));
    let theirs = other.connect(noting(&log, "b"));
    // Both have the same place in their lists.
    assert!(!signal.disconnect(&theirs) && theirs.is_connected());
    signal.notify(1);
    assert_eq!(log.take(), ["a1"]);

    let again = connection.clone();
    assert!(connection.disconnect());
    assert!(!again.disconnect() && !signal.disconnect(&again));
    signal.notify(2);
    assert_eq!(log.take(), [""; 0]);

    drop(other);
    assert!(!theirs.is_connected() && !theirs.disconnect());
}

struct Model {
    name: Observable<String>,
    renamed: Signal<String>,
    log: Log,
}

impl Model {
    fn new(log: &Log) -> Arc<Self> {
        let log = log.clone();
        Arc::new(Model { name: Observable::new(String::new()), renamed: Signal::new(), log })
    }

    fn on_renamed(&self, name: &String) {
        self.log.note(format!("renamed {name}"));
    }

    async fn save(self: Arc<Self>, name: String) {
        self.log.note(format!("saved {name}"));
    }
}

#[test]
fn s09_a_handler_whose_object_is_gone_is_skipped_and_forgotten() {
    let (signal, log) = (Signal::<String>::new(), Log::new());
    let (a, b) = (Model::new(&log), Model::new(&log));
    let connections = [
        signal.connect_weak(&a, Model::on_renamed),
        signal.connect_async_weak(&a, Model::save),
        signal.connect_weak(&b, Model::on_renamed),
    ];
    assert_eq!(Arc::strong_count(&a), 1, "held weakly");
    finish(signal.notify("x".into())).unwrap();
    assert_eq!(log.take(), ["renamed x", "renamed x", "saved x"]);

    let memory = Arc::downgrade(&a);
    drop(a);
    assert_eq!(signal.len(), 1);
    assert_eq!(connections.each_ref().map(|c| c.is_connected()), [false, false, true]);
    finish(signal.notify("y".into())).unwrap();
    assert_eq!(log.take(), ["renamed y"]);
    assert_eq!(memory.weak_count(), 0, "nobody refers to it");
    assert!(!connections[0].disconnect(), "forgotten");
}

#[test]
fn s10_a_signal_of_a_model_exists_per_instance() {
    let log = Log::new();
    let (ada, grace) = (Model::new(&log), Model::new(&log));
    ada.renamed.connect_weak(&ada, Model::on_renamed);
    ada.name.connect_async_weak(&ada, Model::save);
    grace.renamed.connect_weak(&grace, Model::on_renamed);

    finish(scope(async {
        grace.name.set("Grace".into());
        ada.name.set("Ada".into());
        ada.renamed.notify("Ada".into());
    }))
    .unwrap();
    assert_eq!(log.take(), ["renamed Ada", "saved Ada"]);
    finish(grace.renamed.notify("Grace".into())).unwrap();
    assert_eq!(log.take(), ["renamed Grace"]);
}

/// Python drops what a handler has no parameter for. Here a handler takes the one event, and what it has no use for it does
/// not name: there is nothing to drop.
#[test]
fn s18_a_handler_takes_of_the_event_what_it_needs() {
    let (signal, log) = (Signal::<(u32, &'static str)>::new(), Log::new());
    let noted = log.clone();
    signal.connect(move |(count, what)| noted.note(format!("{count} {what}")));
    let noted = log.clone();
    signal.connect(move |(count, _)| noted.note(count.to_string()));
    let noted = log.clone();
    signal.connect(move |_| noted.note("something"));
    let noted = log.clone();
    signal.connect_async(move |(_, what)| {
        let noted = noted.clone();
        async move { noted.note(what) }
    });
    finish(signal.notify((3, "apples"))).unwrap();
    assert_eq!(log.take(), ["3 apples", "3", "something", "apples"]);
}

#[test]
fn s19_the_others_run_and_all_errors_are_reported() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.connect(|_| Err::<(), _>("first"));
    signal.connect(noting(&log, "a"));
    signal.connect_async(|_| async { Err::<(), _>("second") });
    signal.connect(|_| panic!("third"));
    signal.connect_async(|_| async { panic!("fourth") });
    signal.connect_async(noting_later(&log, "b"));

    let failures = finish(scope(async {
        signal.notify(1);
    }))
    .unwrap_err();
    // In the transaction: as they happened, the synchronous ones at once.
    let mut texts = causes(&failures);
    texts.sort();
    assert_eq!(texts, ["first", "fourth", "second", "third"]);
    assert_eq!(log.take(), ["a1", "b1"]);

    let awaited = finish(scope(async { signal.notify(2).await })).unwrap();
    // In the notification: in the order of connection.
    assert_eq!(causes(&awaited.unwrap_err()), ["first", "second", "third", "fourth"]);
    assert_eq!(log.take(), ["a2", "b2"]);
}
