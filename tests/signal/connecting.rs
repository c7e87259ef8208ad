//! Where a handler stands, how often it is called, and when it is left out.

use std::sync::Arc;

use settled::scope;
use settled_signal::{Order, Signal};
use support::{Log, finish};

use crate::kit::{noting, noting_later};

#[test]
fn s12_class_level_handlers_come_first_oldest_or_newest_first_and_some_at_either_extreme() {
    let connected = |order| {
        let (signal, log) = (Signal::<u32>::builder().order(order).build(), Log::new());
        signal.connect(noting(&log, "later"));
        signal.connect_with().level(1).sync(noting(&log, "derived"));
        signal.connect_with().level(1).run(noting_later(&log, "async derived"));
        signal.connect_with().level(0).sync(noting(&log, "base"));
        signal.connect_with().level(0).last().sync(noting(&log, "base, last"));
        signal.connect_with().level(2).first().sync(noting(&log, "newest, first"));
        finish(signal.notify(1)).unwrap();
        log.take()
    };
    assert_eq!(
        connected(Order::BottomUp),
        ["newest, first1", "base1", "derived1", "later1", "base, last1", "async derived1"]
    );
    assert_eq!(
        connected(Order::TopDown),
        ["newest, first1", "derived1", "base1", "later1", "base, last1", "async derived1"]
    );
}

#[test]
fn a_higher_priority_is_called_earlier_and_equals_in_the_order_of_connection() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let placed = [("c", 0), ("e", -1), ("a", 7), ("d", 0), ("b", 7)];
    let connections =
        placed.map(|(name, priority)| signal.connect_with().priority(priority).sync(noting(&log, name)));
    signal.connect_with().last().priority(i32::MAX).sync(noting(&log, "z"));
    signal.connect_with().first().priority(i32::MIN).sync(noting(&log, "A"));
    signal.notify(1);
    assert_eq!(log.take(), ["A1", "a1", "b1", "c1", "d1", "e1", "z1"]);
    // Each is found, wherever it stands.
    for (connection, (name, _)) in connections.iter().zip(placed) {
        assert!(connection.is_connected() && connection.disconnect(), "{name}");
    }
    signal.notify(2);
    assert_eq!(log.take(), ["A2", "z2"]);
}

#[test]
fn results_come_in_the_order_of_the_list() {
    let signal = Signal::<u32, u32>::new();
    signal.connect(|_| 2);
    signal.connect_with().first().run(|_| async { 1 });
    signal.connect_with().last().sync(|_| 4);
    signal.connect_async(|_| async { 3 });
    assert_eq!(finish(signal.notify(0)).unwrap(), [1, 2, 3, 4]);
}

#[test]
fn once_is_once_also_where_the_handler_notifies_or_panics() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let (again, noted) = (signal.clone(), log.clone());
    let connection = signal.connect_with().once().sync(move |x| {
        noted.note(format!("once {x}"));
        again.notify(x + 1);
        panic!("after that");
    });
    signal.connect(noting(&log, "always "));
    assert!(connection.is_connected());
    finish(signal.notify(1)).unwrap_err();
    assert_eq!(log.take(), ["once 1", "always 2", "always 1"]);
    assert!(!connection.is_connected() && !connection.disconnect());
    assert_eq!(signal.len(), 1);
}

#[test]
fn once_a_delivery_that_was_made_stands() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.connect_with().once().run(noting_later(&log, "once "));
    finish(scope(async {
        (1..=3).for_each(|x| drop(signal.notify(x)));
        assert!(signal.is_empty());
    }))
    .unwrap();
    assert_eq!(log.take(), ["once 1"]);
}

#[test]
fn once_and_weak_go_together() {
    let (signal, log) = (Signal::<u32>::new(), Arc::new(Log::new()));
    let note = |log: &Log, x: &u32| log.note(x.to_string());
    signal.connect_with().weak(&log).once().sync(note);
    signal
        .connect_with()
        .weak(&log)
        .once()
        .run(|log: Arc<Log>, x| async move { log.note(format!("async {x}")) });
    signal.connect_with().weak(&Arc::new(Log::new())).once().sync(note);
    finish(signal.notify(1)).unwrap();
    finish(signal.notify(2)).unwrap();
    assert_eq!(log.take(), ["1", "async 1"]);
    assert!(signal.is_empty());
}

#[test]
fn one_that_is_blocked_is_left_out_until_all_guards_are_gone() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let connection = signal.connect(noting(&log, ""));
    let (a, b) = (connection.block(), connection.clone().block());
    signal.notify(1);
    drop(a);
    signal.notify(2);
    assert!(connection.is_connected());
    drop(b);
    signal.notify(3);
    assert_eq!(log.take(), ["3"]);
    // A guard of what is gone is harmless.
    let guard = connection.block();
    connection.disconnect();
    drop(guard);
    signal.notify(4);
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn blocking_leaves_deliveries_alone_that_were_made() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let connection = signal.connect_async(noting_later(&log, ""));
    finish(scope(async {
        signal.notify(1);
        let _guard = connection.block();
        signal.notify(2);
    }))
    .unwrap();
    assert_eq!(log.take(), ["1"]);
}

#[test]
fn a_blocked_once_is_not_used_up() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let connection = signal.connect_with().once().sync(noting(&log, ""));
    let guard = connection.block();
    signal.notify(1);
    drop(guard);
    signal.notify(2);
    assert_eq!(log.take(), ["2"]);
}

#[test]
fn a_scoped_connection_ends_with_its_owner_unless_it_is_kept() {
    let signal = Signal::<u32>::new();
    let scoped = signal.connect(|_| {}).scoped();
    let kept = signal.connect(|_| {}).scoped().keep();
    assert!(scoped.is_connected() && kept.is_connected());
    drop(scoped);
    assert!(kept.is_connected());
    assert_eq!(signal.len(), 1);
}

#[test]
fn names_are_found_and_shown() {
    let signal = Signal::<u32>::builder().name("level").build();
    let named = signal.connect_with().name("store").run(async |_| {});
    assert_eq!(named.name().as_deref(), Some("store"));
    assert_eq!(format!("{named:?}"), r#"Connection { name: "store", connected: true }"#);
    assert_eq!(format!("{signal:?}"), r#"Signal { name: "level", handlers: 1 }"#);
    named.disconnect();
    assert_eq!((named.name(), signal.connect(|_| {}).name()), (None, None));
}
