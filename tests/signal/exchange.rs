//! Registries that external signallers hang on: several programs that hear of one another, in this one.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use settled::{Handled, ScopeError, atomic, current, scope};
use settled_signal::{
    AnyEvent, ExternalHandler, ExternalModel, ExternalSignal, ExternalSignaller, Observable, Signal,
    SignalRegistry, handlers, model,
};
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, finish};

use crate::in_process::Exchange;
use crate::kit::noting;

/// Notes what it is told, and lets nothing through before the gate is open.
struct Scribe {
    log: Log,
    gate: Gate,
    signals: Mutex<Vec<ExternalSignal>>,
    models: Mutex<Vec<ExternalModel>>,
}

impl Scribe {
    fn new(log: &Log) -> Arc<Self> {
        let (log, gate) = (log.clone(), Gate::new());
        Arc::new(Scribe { log, gate, signals: Mutex::default(), models: Mutex::default() })
    }

    fn signal(&self, name: &str) -> ExternalSignal {
        let signals = self.signals.lock().unwrap();
        signals.iter().find(|signal| signal.name() == name).expect("it was told of it").clone()
    }

    fn handlers(&self) -> Vec<ExternalHandler> {
        self.models.lock().unwrap()[0].handlers().to_vec()
    }
}

#[async_trait]
impl ExternalSignaller for Scribe {
    fn register_signal(&self, signal: ExternalSignal) {
        self.log.note(format!("signal {}", signal.name()));
        self.signals.lock().unwrap().push(signal);
    }

    fn register_model(&self, model: ExternalModel) {
        let signals: Vec<_> = model.signals().iter().map(ExternalSignal::name).collect();
        let handlers = model.handlers().iter().map(|handler| {
            let kind = if handler.is_async() { "async " } else { "" };
            format!("{kind}{} of {}", handler.name(), handler.handles())
        });
        let handlers: Vec<_> = handlers.collect();
        self.log.note(format!(
            "model {} at {}: {}; {}",
            model.name(),
            model.path(),
            signals.join(", "),
            handlers.join(", ")
        ));
        self.models.lock().unwrap().push(model);
    }

    async fn publish(&self, signal: &ExternalSignal, event: AnyEvent) -> Handled {
        assert!(current().is_some());
        self.log.note(format!("publish {} {:?}", signal.name(), event.downcast_ref::<u32>()));
        self.gate.pass().await;
        if event.downcast_ref() == Some(&13_u32) { Err("unlucky".into()) } else { Ok(()) }
    }
}

#[model]
struct Base {
    #[plain]
    log: Log,
    level: u32,
}

#[handlers]
impl Base {
    #[handler(level)]
    fn on_level(&self, level: &u32) {
        self.log.note(format!("level {level}"));
    }
}

#[model]
struct Tank {
    #[base]
    base: Arc<Base>,
    drained: Signal<u32>,
}

#[handlers]
impl Tank {
    #[handler(drained)]
    async fn on_drained(self: Arc<Self>, _: u32) {}

    #[handler("weather.rain")]
    fn on_rain(&self, amount: &u32) {
        self.log.note(format!("rain {amount}"));
        self.update_level(|level| *level += amount);
    }

    #[handler("wire.alarms", first)]
    #[handler("weather.*.storm")]
    async fn on_alarm(self: Arc<Self>, what: String) -> Handled {
        self.log.note(format!("alarm {what}"));
        if what == "false" { Err("a false alarm".into()) } else { Ok(()) }
    }
}

fn tank(log: &Log) -> Arc<Tank> {
    Tank::new(Base::new(log.clone(), 0))
}

#[test]
fn s16_a_signaller_of_a_registry_is_told_of_all_that_is_there_and_of_all_that_comes() {
    let (registry, log) = (SignalRegistry::new(), Log::new());
    let (scribe, tick, level) = (Scribe::new(&log), Signal::<u32>::new(), Observable::new(0_u32));
    registry.register("tick", &tick).unwrap();
    let told: Arc<dyn ExternalSignaller> = scribe.clone();
    assert!(registry.add_signaller(told.clone()) && !registry.add_signaller(told.clone()));
    registry.register("level", &level).unwrap();
    assert_eq!(log.take(), ["signal tick", "signal level"]);

    // It joins the transaction, and fails like a handler.
    let mut task = Task::new(scope(async {
        tick.notify(1);
        level.set(2);
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["publish tick Some(1)", "publish level Some(2)"]);
    scribe.gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(causes(&finish(tick.notify(13)).unwrap_err()), ["unlucky"]);
    assert_eq!(causes(&finish(level.set(13)).unwrap_err()), ["unlucky"]);
    finish(tick.notify_unpublished(3)).unwrap();
    assert_eq!(log.take().len(), 2);

    // Nothing leaves before the commit, and nothing that is rolled back.
    let rolled_back: Result<(), ScopeError<&str>> = finish(atomic(async {
        tick.notify(4);
        level.set(4);
        Err("no")
    }));
    assert!(rolled_back.is_err());
    assert_eq!(log.take(), [""; 0]);
    let committed: Result<(), ScopeError<&str>> = finish(atomic(async {
        tick.notify(5);
        level.set(5);
        assert_eq!(log.take(), [""; 0]);
        Ok(())
    }));
    assert!(committed.is_ok());
    assert_eq!(log.take(), ["publish tick Some(5)", "publish level Some(5)"]);

    // Until it is registered no more, or the signaller is taken away.
    registry.remove("tick");
    finish(tick.notify(6)).unwrap();
    assert_eq!(log.take(), [""; 0]);
    assert!(registry.remove_signaller(&told) && !registry.remove_signaller(&told));
    finish(level.set(6)).unwrap();
    registry.register("tick", &tick).unwrap();
    assert_eq!(log.take(), [""; 0]);
    drop((told, registry));
    assert_eq!(Arc::strong_count(&scribe), 1, "nobody holds it any more");
}

#[test]
fn s16_what_comes_in_runs_the_handlers_and_is_not_sent_out_again() {
    let (registry, log) = (SignalRegistry::new(), Log::new());
    let (scribe, tick) = (Scribe::new(&log), Signal::<u32>::new());
    let level =
        Observable::builder(0_u32).validate(|x| if *x < 9 { Ok(()) } else { Err("too high") }).build();
    scribe.gate.open();
    registry.add_signaller(scribe.clone());
    registry.register("tick", &tick).unwrap();
    registry.register("level", &level).unwrap();
    registry.register("changed", level.changed()).unwrap();
    tick.connect(noting(&log, "tick "));
    level.connect(noting(&log, "level "));
    log.take();

    finish(scribe.signal("tick").notify(&1_u32)).unwrap();
    assert_eq!(log.take(), ["tick 1"]);
    // Who is registered as what can only be listened to, hears of it, too.
    finish(scribe.signal("level").notify(&2_u32)).unwrap();
    assert_eq!((level.get(), log.take()), (2, vec!["level 2".to_string(), "publish changed Some(2)".into()]));

    assert!(finish(scribe.signal("level").notify(&9_u32)).unwrap_err().to_string().contains("too high"));
    let error = finish(scribe.signal("changed").notify(&3_u32)).unwrap_err().to_string();
    assert!(error.contains("`changed` only tells"), "{error}");
    let error = finish(scribe.signal("tick").notify(&"text")).unwrap_err().to_string();
    assert!(error.contains("`tick`") && error.contains("u32"), "{error}");
    assert_eq!(level.get(), 2);
}

#[test]
fn s16_events_go_from_one_registry_to_another_and_back_in_one_transaction() {
    let (exchange, log) = (Arc::new(Exchange::default()), Log::new());
    let programs = [(); 2].map(|()| (SignalRegistry::new(), Observable::new(0_u32), exchange.port()));
    for (registry, level, port) in &programs {
        registry.add_signaller(port.clone());
        registry.register("level", level).unwrap();
    }
    let [(_, here, _), (_, there, _)] = &programs;
    there.connect(noting(&log, "there "));
    here.connect(noting(&log, "here "));
    finish(scope(async {
        here.set(1);
        there.set(2);
    }))
    .unwrap();
    assert_eq!(log.take(), ["here 1", "there 2", "there 1", "here 2"]);
}

#[test]
fn s17_a_signaller_is_told_of_each_model_with_its_signals_and_handlers() {
    let (registry, log) = (SignalRegistry::new(), Log::new());
    let (early, late, tank) = (Scribe::new(&log), Scribe::new(&log), tank(&log));
    registry.add_signaller(early.clone());
    registry.register("tanks.a", &tank).unwrap();
    let told = [
        "signal tanks.a.level",
        "signal tanks.a.drained",
        "model Tank at tanks.a: tanks.a.level, tanks.a.drained; Base.on_level of level, \
         async Tank.on_drained of drained, Tank.on_rain of weather.rain, \
         async Tank.on_alarm of wire.alarms, async Tank.on_alarm of weather.*.storm",
    ];
    assert_eq!(log.take(), told);
    registry.add_signaller(late);
    assert_eq!(log.take(), told);
    let handlers = early.handlers();
    let event_types: Vec<_> = handlers.iter().map(|handler| handler.event_type()).collect();
    assert_eq!(event_types[..3], [None, None, Some("u32")]);
    assert!(!handlers[0].is_outside() && handlers[0].take().is_none());
    assert_eq!(Arc::strong_count(&tank), 1, "it is not kept");
}

#[test]
fn s17_a_signaller_may_take_handlers_whose_names_are_its_own() {
    let (exchange, log) = (Arc::new(Exchange::default()), Log::new());
    let (registry, port, tank) = (SignalRegistry::new(), exchange.port(), tank(&log));
    registry.add_signaller(port.clone());
    registry.register("tanks.a", &tank).unwrap();
    assert_eq!(port.models(), ["Tank at tanks.a"]);

    // What is published elsewhere as `alarms` is `wire.alarms` to who has taken that.
    let elsewhere = SignalRegistry::new();
    elsewhere.add_signaller(exchange.port());
    let alarms = elsewhere.declare::<String, ()>("alarms").unwrap();
    finish(scope(async { drop(alarms.notify("fire".into())) })).unwrap();
    assert_eq!(log.take(), ["alarm fire"]);
    let failures = finish(alarms.notify("false".into())).unwrap_err();
    assert!(causes(&failures)[0].contains("a false alarm"), "{failures}");
    assert_eq!((failures.len(), log.take().len()), (1, 1));
    // It is connected to nothing by that name.
    let wire = registry.declare::<String, ()>("wire.alarms").unwrap();
    assert!(wire.is_empty());
    drop((tank, wire));
    finish(alarms.notify("nobody hears".into())).unwrap();
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn s17_a_handler_that_nobody_takes_is_connected_by_its_name() {
    let (registry, log) = (SignalRegistry::new(), Log::new());
    let (tank, rain) = (tank(&log), Signal::<u32>::new());
    registry.register("tanks.a", &tank).unwrap();
    registry.register("weather.rain", &rain).unwrap();
    let storm = registry.declare::<String, ()>("weather.north.storm").unwrap();
    finish(scope(async {
        rain.notify(3);
        storm.notify("storm".into());
        assert_eq!(log.take(), ["rain 3", "level 3"]);
    }))
    .unwrap();
    assert_eq!((log.take(), tank.level()), (vec!["alarm storm".to_string()], 3));
    assert_eq!(rain.find("Tank.on_rain").map(|connection| connection.is_connected()), Some(true));

    // A signaller that comes later may take it still, and is the only one who has it then.
    let scribe = Scribe::new(&log);
    scribe.gate.open();
    registry.add_signaller(scribe.clone());
    let on_rain = scribe.handlers().into_iter().find(|handler| handler.handles() == "weather.rain").unwrap();
    let rains = on_rain.take().unwrap();
    assert!(on_rain.take().is_none() && rain.is_empty());
    log.take();
    finish(rains.notify(&4_u32)).unwrap();
    assert_eq!((log.take()[..2].to_vec(), tank.level()), (vec!["rain 4".to_string(), "level 7".into()], 7));

    // With the model's registration all of that ends.
    assert!(registry.remove("tanks.a"));
    finish(rains.notify(&5_u32)).unwrap();
    finish(storm.notify("unheard".into())).unwrap();
    assert!(!log.take().iter().any(|noted| noted.starts_with("rain") || noted.starts_with("alarm")));
    assert!(storm.is_empty());
}

#[test]
fn s17_a_model_whose_handler_does_not_fit_what_stands_there_is_not_registered() {
    let (registry, log, rain) = (SignalRegistry::new(), Log::new(), Signal::<String>::new());
    registry.register("weather.rain", &rain).unwrap();
    let error = registry.register("tanks.a", &tank(&log)).unwrap_err();
    assert!(error.is_mismatch() && error.name() == "weather.rain", "{error}");
    assert_eq!(registry.all().len(), 1);
    assert!(rain.is_empty());
}

#[test]
fn no_lock_is_held_while_a_signaller_is_told() {
    struct Curious(SignalRegistry, Log);
    #[async_trait]
    impl ExternalSignaller for Curious {
        fn register_signal(&self, signal: ExternalSignal) {
            self.1.note(format!("{} of {}", signal.name(), self.0.all().len()));
            self.0.connect(signal.name(), |_: &u32| {}).unwrap();
        }
        async fn publish(&self, signal: &ExternalSignal, _: AnyEvent) -> Handled {
            self.1.note(format!("{} taken out: {}", signal.name(), self.0.remove(signal.name())));
            Ok(())
        }
    }
    impl Drop for Curious {
        fn drop(&mut self) {
            self.1.note(format!("dropped with {}", self.0.all().len()));
        }
    }
    let (registry, log, tick) = (SignalRegistry::new(), Log::new(), Signal::<u32>::new());
    let curious: Arc<dyn ExternalSignaller> = Arc::new(Curious(registry.clone(), log.clone()));
    registry.add_signaller(curious.clone());
    registry.register("tick", &tick).unwrap();
    finish(tick.notify(1)).unwrap();
    assert_eq!(log.take(), ["tick of 1", "tick taken out: true"]);
    let weak = Arc::downgrade(&curious);
    drop(curious);
    let curious = weak.upgrade().unwrap();
    registry.remove_signaller(&curious);
    drop(curious);
    assert_eq!(log.take(), ["dropped with 0"]);
}
