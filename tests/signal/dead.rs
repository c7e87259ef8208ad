//! Nothing grows with the number of past connections, and what is dropped is dropped outside locks.

use std::sync::{Arc, Mutex};

use settled_signal::{Connection, Observable, Signal};
use support::{Log, finish, on_drop};

use crate::kit::noting;

const MANY: usize = 1_000_000;

/// How many clones of this are about.
#[derive(Clone, Default)]
struct Counted(Arc<()>);

impl Counted {
    fn others(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

#[test]
fn a_million_weak_handlers_come_and_go_without_a_notification() {
    let (signal, counted) = (Signal::<u32>::new(), Counted::default());
    let mut most = 0;
    for _ in 0..MANY {
        let model = Arc::new(());
        let held = counted.clone();
        signal.connect_weak(&model, move |_, _| {
            let _held = &held;
        });
        most = most.max(counted.others());
    }
    assert!(most <= 32, "{most} at once");
    assert_eq!(signal.len(), 0);
}

#[test]
fn a_million_weak_handlers_come_and_go_beside_some_that_stay() {
    let (signal, counted) = (Signal::<u32>::new(), Counted::default());
    let stay: Vec<_> = (0..1000).map(|_| Arc::new(())).collect();
    for model in &stay {
        signal.connect_weak(model, |_, _| {});
    }
    let mut most = 0;
    for _ in 0..MANY {
        let (model, held) = (Arc::new(()), counted.clone());
        signal.connect_async_weak(&model, move |_, _| {
            let _held = &held;
            async {}
        });
        most = most.max(counted.others());
    }
    assert!(most <= 4 * stay.len(), "{most} at once");
    assert_eq!(signal.len(), stay.len());
}

#[test]
fn a_million_handlers_connect_and_disconnect() {
    let (signal, counted) = (Signal::<u32>::new(), Counted::default());
    for _ in 0..MANY {
        let held = counted.clone();
        let connection = signal.connect(move |_| {
            let _held = &held;
        });
        assert!(connection.disconnect());
        assert_eq!(counted.others(), 0, "dropped at once");
    }
    assert_eq!(signal.len(), 0);
}

#[test]
fn a_hundred_thousand_objects_connect_and_disconnect() {
    struct Object(#[allow(dead_code)] Counted);
    #[async_trait::async_trait]
    impl settled_signal::Handler<u32> for Object {
        async fn handle(self: Arc<Self>, _: u32) -> settled::Handled {
            Ok(())
        }
    }
    let (signal, counted) = (Signal::<u32>::new(), Counted::default());
    for _ in 0..MANY / 10 {
        let connection = signal.connect_handler(Arc::new(Object(counted.clone())));
        assert!(connection.disconnect());
        assert_eq!(counted.others(), 0, "dropped at once");
    }
    assert!(signal.is_empty());
}

#[test]
fn a_hundred_thousand_are_disconnected_in_any_order_and_each_is_dropped_at_once() {
    const SOME: usize = 100_000;
    let (signal, counted) = (Signal::<u32>::new(), Counted::default());
    let connections: Vec<Connection> = (0..SOME)
        .map(|_| {
            let held = counted.clone();
            signal.connect(move |_| {
                let _held = &held;
            })
        })
        .collect();
    // A stride that visits each once.
    for step in 0..SOME {
        assert!(connections[step * 7919 % SOME].disconnect());
        assert_eq!(counted.others(), SOME - step - 1);
    }
    assert!(signal.is_empty());
}

#[test]
fn a_dead_handler_is_forgotten_by_the_notification_that_meets_it() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let model = Arc::new(());
    let guard = log.at_drop("closure dropped");
    signal.connect_weak(&model, move |_, _| {
        let _held = &guard;
    });
    signal.connect(noting(&log, "a"));
    drop(model);
    assert_eq!(log.take(), [""; 0]);
    signal.notify(1);
    assert_eq!(log.take(), ["a1", "closure dropped"]);
}

/// Something whose destructor uses the signal.
fn nosy(signal: &Signal<u32>, log: &Log) -> impl Send + Sync + 'static {
    let (signal, log) = (signal.clone(), log.clone());
    on_drop(move || {
        signal.connect(|_| {}).disconnect();
        log.note(format!("dropped, {} left", signal.len()));
    })
}

#[test]
fn a_handlers_destructor_may_use_the_signal() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let connect = || {
        let guard = nosy(&signal, &log);
        signal.connect(move |_| {
            let _held = &guard;
        })
    };
    // By `disconnect`, by `clear`, by a notification that meets it dead, and by the connection of others.
    connect().disconnect();
    assert_eq!(log.take(), ["dropped, 0 left"]);
    connect();
    connect();
    signal.clear();
    assert_eq!(log.take(), ["dropped, 0 left", "dropped, 0 left"]);
    for round in 0..2 {
        let (model, guard) = (Arc::new(()), nosy(&signal, &log));
        signal.connect_weak(&model, move |_, _| {
            let _held = &guard;
        });
        drop(model);
        if round == 0 {
            signal.notify(1);
            assert_eq!(log.take(), ["dropped, 0 left"]);
        }
    }
    for _ in 0..40 {
        signal.connect(|_| {});
    }
    assert_eq!(log.take().len(), 1);
}

#[test]
fn the_destructor_of_the_old_value_may_use_the_observable() {
    #[derive(Clone, Default)]
    struct Value {
        of: Arc<Mutex<Option<Observable<Value>>>>,
        log: Log,
        number: u32,
    }
    impl PartialEq for Value {
        fn eq(&self, other: &Self) -> bool {
            self.number == other.number
        }
    }
    impl Drop for Value {
        fn drop(&mut self) {
            let observable = self.of.lock().unwrap().clone();
            if let Some(observable) = observable {
                // Only counts its handlers: to read the value would make (and drop) another.
                self.log.note(format!("{} dropped, {} handlers", self.number, observable.changed().len()));
                let _free = observable.changed().connect(|_| {}).disconnect();
            }
        }
    }
    let log = Log::new();
    let observable = Observable::new(Value::default());
    let value =
        |number| Value { of: Arc::new(Mutex::new(Some(observable.clone()))), log: log.clone(), number };
    observable.set(value(1));
    observable.set(value(2));
    assert_eq!(log.take(), ["1 dropped, 0 handlers"]);
    assert!(!observable.set_if_changed(value(2)));
    assert_eq!(log.take(), ["2 dropped, 0 handlers"]);
    assert!(observable.set_if_changed(value(3)));
    assert_eq!(log.take(), ["2 dropped, 0 handlers"]);
    drop(observable.replace(Value::default()));
    assert_eq!(log.take(), ["3 dropped, 0 handlers"]);
}

#[test]
fn nothing_of_a_signal_outlives_its_handles() {
    let counted = Counted::default();
    let (signal, held) = (Signal::<u32>::new(), counted.clone());
    let connection = signal.connect_async(move |_| {
        let _held = &held;
        async {}
    });
    finish(signal.notify(1)).unwrap();
    drop(signal);
    assert_eq!(counted.others(), 0);
    assert!(!connection.is_connected());
}

#[test]
fn a_delivery_that_is_owed_outlives_the_signal() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.connect_async(crate::kit::noting_later(&log, "a"));
    let notification = signal.notify(1);
    drop(signal);
    finish(notification).unwrap();
    assert_eq!(log.take(), ["a1"]);
}
