//! What a builder can say of a signal: validators, hooks, who else is told, one after another.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use settled::{Handled, ScopeError, atomic, current, scope};
use settled_signal::{
    AnyEvent, Connection, ExternalSignal, ExternalSignaller, Handler, Notification, Signal,
};
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, finish};

use crate::kit::{Gated, noting, noting_later};

#[test]
fn s07_asynchronous_handlers_run_one_after_another_or_side_by_side_by_a_flag() {
    for sequential in [true, false] {
        let builder = Signal::<u32>::builder();
        let signal = if sequential { builder.sequential() } else { builder.concurrent() }.build();
        let (log, gate) = (Log::new(), Gate::new());
        for name in ["a", "b"] {
            let (noted, gate) = (log.clone(), gate.clone());
            signal.connect_async(move |x| {
                let (noted, gate) = (noted.clone(), gate.clone());
                async move {
                    noted.note(format!("{name}{x} begins"));
                    gate.pass().await;
                    noted.note(format!("{name}{x} ends"));
                    Err::<(), _>("and the next one runs all the same")
                }
            });
        }
        signal.connect(noting(&log, "sync "));
        let mut task = Task::new(scope(async { drop(signal.notify(1)) }));
        assert_pending!(task.run());
        if sequential {
            assert_eq!(log.take(), ["sync 1", "a1 begins"]);
        } else {
            assert_eq!(log.take(), ["sync 1", "a1 begins", "b1 begins"]);
        }
        gate.open();
        assert_eq!(assert_ready!(task.run()).unwrap_err().len(), 2);
        if sequential {
            assert_eq!(log.take(), ["a1 ends", "b1 begins", "b1 ends"]);
        } else {
            assert_eq!(log.take(), ["a1 ends", "b1 ends"]);
        }
    }
}

#[test]
fn sequential_notifications_of_several_transactions_do_not_hold_up_one_another() {
    let (signal, log) = (Signal::<u32>::builder().sequential().build(), Log::new());
    let gated = Gated::new(&log);
    gated.connect(&signal);
    signal.connect_async(noting_later(&log, "second "));
    let mut tasks = [1, 2].map(|x| {
        let signal = signal.clone();
        Task::new(scope(async move { drop(signal.notify(x)) }))
    });
    tasks.iter_mut().for_each(|task| assert_pending!(task.run()));
    assert_eq!(log.take(), ["begin 1"]);
    gated.open(2);
    gated.open(1);
    // The first one's tree is driven by the second, too.
    assert_ready!(tasks[1].run()).unwrap();
    assert_eq!(log.take(), ["end 1", "second 1", "begin 2", "end 2", "second 2"]);
    assert_ready!(tasks[0].run()).unwrap();
}

#[test]
fn a_handler_that_awaits_its_own_sequential_signal_is_told_wherever_it_would_wait() {
    // By its own queue, by that of a later handler, whose delivery waits for this one to end.
    for once in [false, true] {
        let (signal, log) = (Signal::<u32>::builder().sequential().build(), Log::new());
        let (again, noted) = (signal.clone(), log.clone());
        let ask = move |x| {
            let (signal, log) = (again.clone(), noted.clone());
            async move {
                if x == 0 {
                    let failures = signal.notify(1).await.unwrap_err();
                    log.note(failures.iter().all(|failure| failure.is_would_deadlock()).to_string());
                    log.note(failures.len().to_string());
                }
            }
        };
        match once {
            true => signal.connect_with().once().run(ask),
            false => signal.connect_async(ask),
        };
        signal.connect_async(noting_later(&log, "later "));
        finish(signal.notify(0)).unwrap();
        settled::block_on(settled::Transaction::root().wait()).unwrap();
        let told = if once { "1" } else { "2" };
        assert_eq!(log.take(), ["true", told, "later 0", "later 1"]);
    }
}

#[test]
fn s13_hooks_wrap_the_three_operations() {
    let log = Log::new();
    let [a, b, c] = [(); 3].map(|()| log.clone());
    let signal = Signal::<u32, u32>::builder()
        .on_notify(move |inner, x| {
            a.note(format!("notify {x} to {}", inner.source().len()));
            match x {
                0 => Notification::from(vec![77]),
                1 => inner.notify(100),
                // Twice, and the results of both.
                _ => {
                    let first = inner.notify(x).results().unwrap().to_vec();
                    Notification::from([first, inner.notify(x).results().unwrap().to_vec()].concat())
                }
            }
        })
        .on_connect(move |inner, subscriber| {
            b.note(format!("connect {:?} to {}", subscriber.name(), inner.source().len()));
            match subscriber.name() {
                Some("refused") => Connection::default(),
                Some("other") => inner.connect(subscriber.replace(|x| x + 5000)),
                _ => inner.connect(subscriber),
            }
        })
        .on_disconnect(move |inner| {
            c.note(format!("disconnect {:?}", inner.subscriber().name()));
            inner.subscriber().name() != Some("other") && inner.disconnect()
        })
        .build();
    let plain = signal.connect(|x| x + 1);
    assert!(!signal.connect_with().name("refused").sync(|_| 0).is_connected());
    let other = signal.connect_with().name("other").first().sync(|_| 0);
    assert_eq!(
        log.take(),
        ["connect None to 0", "connect Some(\"refused\") to 1", "connect Some(\"other\") to 1"]
    );

    assert_eq!(signal.notify(0).results(), Some(&[77][..]));
    assert_eq!(signal.notify(1).results(), Some(&[5100, 101][..]));
    assert_eq!(signal.try_notify(2).unwrap().results(), Some(&[5002, 3, 5002, 3][..]));
    assert_eq!(log.take(), ["notify 0 to 2", "notify 1 to 2", "notify 2 to 2"]);

    assert!(plain.disconnect() && !signal.disconnect(&plain));
    assert!(!other.disconnect() && other.is_connected() && !signal.disconnect(&other));
    assert_eq!(log.take(), ["disconnect None", "disconnect Some(\"other\")", "disconnect Some(\"other\")"]);
    signal.clear();
    assert_eq!(log.take(), [""; 0]);
    assert!(signal.is_empty());
}

#[test]
fn s14_hooks_of_connect_and_disconnect_notify_just_the_one() {
    let (log, last) = (Log::new(), Arc::new(Mutex::new(1)));
    let signal = Signal::<u32>::builder()
        .on_connect(move |inner, subscriber| {
            let past = *last.lock().unwrap();
            drop(inner.notify_one(&subscriber, past));
            inner.connect(subscriber)
        })
        .on_disconnect(|inner| {
            drop(inner.notify_one(99));
            inner.disconnect()
        })
        .build();
    finish(scope(async {
        signal.connect(noting(&log, "a"));
        let b = signal.connect(noting(&log, "b"));
        signal.connect_async(noting_later(&log, "late"));
        assert_eq!(log.take(), ["a1", "b1"]);
        assert!(b.disconnect());
        assert_eq!(log.take(), ["b99"]);
    }))
    .unwrap();
    assert_eq!(log.take(), ["late1"]);
}

#[test]
fn an_object_is_connected_once_also_by_way_of_a_hook() {
    struct Nothing;
    #[async_trait]
    impl Handler<u32> for Nothing {
        async fn handle(self: Arc<Self>, _: u32) -> Handled {
            Ok(())
        }
    }
    let (log, object) = (Log::new(), Arc::new(Nothing));
    let noted = log.clone();
    let signal = Signal::<u32>::builder()
        .on_connect(move |inner, subscriber| {
            noted.note("connect");
            inner.connect(subscriber)
        })
        .build();
    assert!(signal.connect_handler(object.clone()).is_connected());
    assert!(signal.connect_handler(object).is_connected());
    assert_eq!((signal.len(), log.take().len()), (1, 1));
}

#[test]
fn a_panic_in_a_hook_of_notify_or_in_a_validator_is_a_failure_and_no_handler_runs() {
    let hook = Signal::<u32>::builder().on_notify(|_, _| panic!("hook")).build();
    let validator =
        Signal::<u32>::builder().validate(|_| -> Result<(), String> { panic!("validator") }).build();
    for (signal, message) in [(&hook, "hook"), (&validator, "validator")] {
        let log = Log::new();
        signal.connect(noting(&log, ""));
        let failures = finish(signal.notify(1)).unwrap_err();
        assert_eq!(failures.first().unwrap().panic_message(), Some(message));
        let failures = finish(scope(async { drop(signal.notify(1)) })).unwrap_err();
        assert_eq!((failures.len(), log.take().len()), (1, 0));
    }
    let rejected = validator.try_notify(7).unwrap_err();
    let failure = rejected.reason.downcast_ref::<settled::Failure>().unwrap();
    assert_eq!((rejected.value, failure.panic_message()), (7, Some("validator")));
}

#[test]
fn s15_what_the_validator_refuses_reaches_no_handler() {
    let log = Log::new();
    let signal = Signal::<u32>::builder().validate(|x| if *x < 3 { Ok(()) } else { Err("too much") }).build();
    signal.connect(noting(&log, ""));
    signal.connect_async(noting_later(&log, "async "));
    // Given back by `try_notify`, with no failure anywhere.
    finish(scope(async {
        let rejected = signal.try_notify(3).unwrap_err();
        assert_eq!((rejected.value, rejected.reason.to_string().as_str()), (3, "too much"));
        signal.try_notify(1).unwrap();
    }))
    .unwrap();
    assert_eq!(log.take(), ["1", "async 1"]);
    // A failure of the notification, and so of the transaction, with `notify`.
    assert_eq!(causes(&finish(scope(async { drop(signal.notify(4)) })).unwrap_err()), ["too much"]);
    assert_eq!(causes(&finish(signal.notify(5)).unwrap_err()), ["too much"]);
    finish(scope(async { assert!(signal.notify(6).await.is_err()) })).unwrap();
    assert_eq!(causes(&finish(signal.notify_unpublished(7)).unwrap_err()), ["too much"]);
    assert_eq!(log.take(), [""; 0]);
}

/// What leaves one signal comes in at all others of that name, when the gate is open.
struct Bus {
    log: Log,
    gate: Gate,
    signals: Mutex<Vec<ExternalSignal>>,
}

#[async_trait]
impl ExternalSignaller for Bus {
    fn register_signal(&self, signal: ExternalSignal) {
        self.log.note(format!("register {}: {}", signal.name(), signal.event_type()));
        self.signals.lock().unwrap().push(signal);
    }

    async fn publish(&self, from: &ExternalSignal, event: AnyEvent) -> Handled {
        let value = event.downcast_ref::<u32>().unwrap();
        self.log.note(format!("publish {value} in a transaction: {}", current().is_some()));
        self.gate.pass().await;
        let all = self.signals.lock().unwrap().clone();
        for signal in all.iter().filter(|signal| signal.name() == from.name() && !signal.same(from)) {
            signal.notify(&*event).await?;
        }
        if *value == 13 { Err("unlucky".into()) } else { Ok(()) }
    }
}

#[test]
fn s16_an_external_signaller_is_told_of_each_named_signal_and_of_each_notification() {
    let log = Log::new();
    let bus = Arc::new(Bus { log: log.clone(), gate: Gate::new(), signals: Mutex::default() });
    let made = || Signal::<u32>::builder().name("tick").external(bus.clone()).build();
    let (here, there) = (made(), made());
    Signal::<u32>::builder().external(bus.clone()).build();
    assert_eq!(log.take(), ["register tick: u32", "register tick: u32"]);
    here.connect(noting(&log, "here "));
    there.connect(noting(&log, "there "));

    // It joins the transaction, and what comes in is not sent out again.
    let mut task = Task::new(scope(async { drop(here.notify(1)) }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["here 1", "publish 1 in a transaction: true"]);
    bus.gate.open();
    assert_ready!(task.run()).unwrap();
    drop(task);
    assert_eq!(log.take(), ["there 1"]);

    // It can be left out, and it fails like a handler.
    finish(here.notify_unpublished(2)).unwrap();
    assert_eq!(log.take(), ["here 2"]);
    assert_eq!(causes(&finish(here.notify(13)).unwrap_err()), ["unlucky"]);
    log.take();

    // Nothing leaves before the commit.
    let result: Result<(), ScopeError<&str>> = finish(atomic(async {
        here.notify(3);
        Err("rolled back")
    }));
    assert!(result.is_err());
    assert_eq!(log.take(), ["here 3"]);

    // An event of another type is told; a signal that is gone, is gone.
    let known = bus.signals.lock().unwrap()[0].clone();
    let error = finish(known.notify(&"text")).unwrap_err().to_string();
    assert!(error.contains("`tick`") && error.contains("u32"), "{error}");
    drop(here);
    finish(known.notify(&1_u32)).unwrap();
    assert_eq!(log.take(), [""; 0]);
}
