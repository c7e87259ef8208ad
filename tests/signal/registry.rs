//! Signals and handlers by name.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use settled::{Handled, scope};
use settled_signal::{Connection, Handler, Observable, Registered, Signal, SignalRegistry, Source, model};
use support::{Log, finish};

use crate::kit::{noting, noting_later};

#[model]
struct Animal {
    name: String,
    fed: Signal<u32>,
}

#[model]
struct Dog {
    #[base]
    animal: Arc<Animal>,
    breed: String,
}

fn rex() -> Arc<Dog> {
    Dog::new(Animal::new("Rex".into()), "terrier".into())
}

fn listed(found: &[Registered]) -> Vec<String> {
    found.iter().map(Registered::to_string).collect()
}

/// Answers.
struct Echo;

#[async_trait]
impl Handler<u32, u32> for Echo {
    async fn handle(self: Arc<Self>, event: u32) -> Result<u32, settled::BoxError> {
        Ok(event)
    }
}

#[test]
fn each_kind_is_found_by_name_and_type() {
    let registry = SignalRegistry::new();
    let (signal, level, other) = (Signal::<u32, u32>::new(), Observable::new(1_u8), Observable::new('a'));
    let (dog, echo): (_, Arc<dyn Handler<u32, u32>>) = (rex(), Arc::new(Echo));
    registry.register("a.signal", &signal).unwrap();
    registry.register("a.level", &level).unwrap();
    registry.register("a.source", other.changed()).unwrap();
    registry.register("dogs.rex", &dog).unwrap();
    registry.register("echo", &echo).unwrap();

    signal.connect(|x| x + 1);
    assert_eq!(registry.get::<Signal<u32, u32>>("a.signal").unwrap().notify(1).results(), Some(&[2][..]));
    registry.get::<Observable<u8>>("a.level").unwrap().set(7);
    assert_eq!(level.get(), 7);
    registry.get::<Source<char>>("a.source").unwrap().connect(|_| {});
    assert_eq!(other.changed().len(), 1);
    registry.get::<Source<u8>>("a.level").unwrap().connect(|_| {});
    assert_eq!(level.changed().len(), 1);
    assert_eq!(registry.get::<Source<u32, u32>>("a.signal").unwrap().len(), 1);
    assert!(Arc::ptr_eq(&registry.get::<Arc<Dog>>("dogs.rex").unwrap(), &dog));
    assert!(Arc::ptr_eq(&registry.get::<Arc<dyn Handler<u32, u32>>>("echo").unwrap(), &echo));
}

#[test]
fn an_error_says_what_stands_there_of_which_type_where_it_came_from_and_what_is_near() {
    let (registry, level, signal) = (SignalRegistry::new(), Observable::new(1_u8), Signal::<u32>::new());
    let line = line!() + 1;
    registry.register("tank.level", &level).unwrap();
    registry.register("tank.bevel", &signal).unwrap();

    let error = registry.get::<Signal<u8>>("tank.level").unwrap_err();
    assert!(error.is_mismatch() && !error.is_unknown() && error.name() == "tank.level");
    assert_eq!(error.found(), Some("Observable<u8>"));
    assert_eq!(error.location().unwrap().line(), line);
    let text = error.to_string();
    assert!(
        text.starts_with("`tank.level` is an `Observable<u8>`, not a `Signal<u8>`: registered at "),
        "{text}"
    );
    assert!(text.contains("registry.rs"), "{text}");
    // One may not notify what one may only listen to.
    registry.register("tank.changed", level.changed()).unwrap();
    assert!(registry.get::<Signal<u8>>("tank.changed").unwrap_err().is_mismatch());
    // Nor are other results the same type.
    assert!(registry.get::<Signal<u32, u32>>("tank.bevel").unwrap_err().is_mismatch());

    let error = registry.get::<Observable<u8>>("tank.levle").unwrap_err();
    assert!(error.is_unknown());
    assert_eq!(error.near().collect::<Vec<_>>(), ["tank.level", "tank.bevel"]);
    assert_eq!(
        error.to_string(),
        "nothing is registered as `tank.levle`; did you mean `tank.level` or `tank.bevel`?"
    );
    let error = registry.get::<Observable<u8>>("nothing.of.the.kind").unwrap_err();
    assert_eq!(error.to_string(), "nothing is registered as `nothing.of.the.kind`");

    let error = registry.register("tank.level", &signal).unwrap_err();
    assert!(error.is_taken());
    assert!(
        error.to_string().starts_with("a `Signal<u32>` cannot be `tank.level`: that is an `Observable<u8>`")
    );
    for name in ["", "a..b", "a.*"] {
        assert!(registry.register(name, &signal).unwrap_err().is_malformed());
        assert!(registry.declare::<u32, ()>(name).unwrap_err().is_malformed());
    }
    assert!(registry.connect("a.b*", |_: &u32| {}).unwrap_err().is_malformed());
    assert!(registry.find("").unwrap_err().is_malformed());
}

#[test]
fn all_that_is_registered_is_listed_in_the_order_of_names() {
    let (registry, dog, echo) = (SignalRegistry::new(), rex(), Arc::new(Echo) as Arc<dyn Handler<u32, u32>>);
    let level = Observable::new(1_u8);
    registry.register("zoo.rex", &dog).unwrap();
    registry.register("a", &level).unwrap();
    registry.register("echo", &echo).unwrap();
    let all = registry.all();
    assert_eq!(
        listed(&all),
        [
            "a: Observable<u8>",
            "echo: Arc<dyn Handler<u32, u32>>",
            "zoo.rex: Arc<Dog>",
            "zoo.rex.breed: Observable<String>",
            "zoo.rex.fed: Signal<u32>",
            "zoo.rex.name: Observable<String>",
        ]
    );
    let is = |what: fn(&Registered) -> bool| all.iter().map(what).collect::<Vec<_>>();
    assert_eq!(is(Registered::is_observable), [true, false, false, true, false, true]);
    assert_eq!(is(Registered::is_handler), [false, true, false, false, false, false]);
    assert_eq!(is(Registered::is_model), [false, false, true, false, false, false]);
    assert_eq!(is(Registered::is_signal), [false, false, false, false, true, false]);

    dog.fed().connect_with().name("second").sync(|_| {});
    dog.fed().connect_with().name("first").first().sync(|_| {});
    let [fed] = &registry.find("zoo.*.fed").unwrap()[..] else { panic!("there is one") };
    let names: Vec<_> = fed.handlers().iter().map(|handler| handler.name().unwrap()).collect();
    assert_eq!(names, [Arc::from("first"), Arc::from("second")] as [Arc<str>; 2]);
    assert!(fed.handlers()[0].disconnect() && dog.fed().find("first").is_none());
    assert_eq!(format!("{registry:?}").matches("zoo.rex").count(), 4);

    drop((dog, level));
    assert_eq!(listed(&registry.all()), ["echo: Arc<dyn Handler<u32, u32>>"]);
}

#[test]
fn who_connects_by_name_before_it_is_there_is_called_as_if_he_had_connected_to_it() {
    let (registry, log) = (SignalRegistry::new(), Log::new());
    let model = Arc::new(());
    registry.connect("tick", noting(&log, "a")).unwrap();
    registry.connect_async("tick", noting_later(&log, "async ")).unwrap();
    let noted = log.clone();
    registry.connect_weak("tick", &model, move |(), x: &u32| noted.note(format!("weak {x}"))).unwrap();
    let noted = log.clone();
    let weak_async = move |_: Arc<()>, x: u32| {
        let noted = noted.clone();
        async move { noted.note(format!("weak async {x}")) }
    };
    let late = registry.connect_async_weak("tick", &model, weak_async).unwrap();
    registry.connect("tock", noting(&log, "never ")).unwrap();

    let tick = Signal::<u32>::new();
    registry.register("tick", &tick).unwrap();
    registry.connect("tick", noting(&log, "b")).unwrap();
    assert_eq!(tick.len(), 5);
    finish(scope(async {
        tick.notify(1);
        assert_eq!(log.take(), ["a1", "weak 1", "b1"]);
    }))
    .unwrap();
    assert_eq!(log.take(), ["async 1", "weak async 1"]);
    assert_eq!(Arc::strong_count(&model), 1);

    drop(model);
    assert!(!late.is_connected());
    finish(tick.notify(2)).unwrap();
    assert_eq!(log.take(), ["a2", "b2", "async 2"]);

    // The next of that name, too.
    drop(tick);
    let tick = Signal::<u32>::new();
    registry.register("tick", &tick).unwrap();
    finish(tick.notify(3)).unwrap();
    assert_eq!(log.take(), ["a3", "b3", "async 3"]);
}

#[test]
fn a_pattern_connects_to_what_fits_by_name_and_by_type_once() {
    let (registry, log) = (SignalRegistry::new(), Log::new());
    let signals = [(); 3].map(|()| Signal::<u32>::new());
    let text = Signal::<String>::new();
    registry.register("a.b.c", &signals[0]).unwrap();
    registry.register("a.text", &text).unwrap();
    registry.connect("a.*", noting(&log, "one ")).unwrap();
    registry.connect("a.**", noting(&log, "any ")).unwrap();
    registry.connect("**", noting(&log, "all ")).unwrap();
    registry.register("a.x", &signals[1]).unwrap();
    registry.register("z", &signals[2]).unwrap();
    for (index, expected) in
        [&["any 0", "all 0"][..], &["one 1", "any 1", "all 1"], &["all 2"]].iter().enumerate()
    {
        signals[index].notify(index as u32);
        assert_eq!(log.take(), *expected);
    }
    assert!(text.is_empty());
}

#[test]
fn under_an_exact_name_another_type_is_an_error_on_both_sides() {
    let (registry, text) = (SignalRegistry::new(), Signal::<String>::new());
    registry.register("name", &text).unwrap();
    let error = registry.connect("name", |_: &u32| {}).unwrap_err();
    assert!(error.is_mismatch() && error.found() == Some("Signal<String>"), "{error}");
    assert!(text.is_empty());

    let line = line!() + 1;
    let waiting = registry.connect("age", |_: &u32| {}).unwrap();
    let error = registry.register("age", &text).unwrap_err();
    assert!(error.is_awaited() && error.location().unwrap().line() == line, "{error}");
    assert!(error.to_string().contains("a handler waits for a `Source<u32>` there"), "{error}");
    assert_eq!(registry.all().len(), 1);
    // Who listens to whatever it is, is in nobody's way; nor is who has gone.
    registry.subscribe("age", |_| {}).unwrap();
    assert!(waiting.disconnect());
    registry.register("age", &text).unwrap();
}

#[test]
fn a_model_is_registered_whole_or_not_at_all() {
    let (registry, dog, level) = (SignalRegistry::new(), rex(), Observable::new(1_u8));
    registry.register("rex.name", &level).unwrap();
    let error = registry.register("rex", &dog).unwrap_err();
    assert!(error.is_taken() && error.name() == "rex.name");
    assert_eq!(listed(&registry.all()), ["rex.name: Observable<u8>"]);
    assert!(registry.remove("rex.name"));
    registry.register("rex", &dog).unwrap();
    assert_eq!(registry.all().len(), 4);
    // What stands below its path and is not its own stays.
    registry.register("rex.bone", &level).unwrap();
    let connection = registry.connect("rex.**", |_: &String| {}).unwrap();
    assert_eq!(dog.name_changed().len(), 1);
    assert!(registry.remove("rex"));
    assert_eq!(listed(&registry.all()), ["rex.bone: Observable<u8>"]);
    assert_eq!((dog.name_changed().len(), connection.is_connected()), (0, true));
}

#[test]
fn what_is_registered_is_not_kept_and_frees_its_name() {
    let registry = SignalRegistry::new();
    let (level, dog) = (Observable::new(1_u8), rex());
    let mut stream = Box::pin(level.stream());
    registry.register("level", &level).unwrap();
    registry.register("rex", &dog).unwrap();
    assert_eq!(Arc::strong_count(&dog), 1);
    drop((level, dog));
    // The stream still has the last value, but nobody may set another one.
    assert!(registry.get::<Observable<u8>>("level").unwrap_err().is_unknown());
    assert!(registry.get::<Arc<Dog>>("rex").unwrap_err().is_unknown());
    assert!(registry.get::<Observable<String>>("rex.name").unwrap_err().is_unknown());
    assert_eq!(finish(futures::StreamExt::next(&mut stream)), Some(1));
    let level = Observable::new(2_u8);
    registry.register("level", &level).unwrap();
    registry.register("rex", &rex()).unwrap();
    assert_eq!(finish(futures::StreamExt::next(&mut stream)), None);

    let declared = registry.declare::<u32, ()>("kept").unwrap();
    drop(declared);
    assert!(registry.get::<Signal<u32>>("kept").is_ok());
    assert!(registry.declare::<u8, ()>("kept").unwrap_err().is_mismatch());
    assert!(registry.remove("kept"));
    assert!(registry.get::<Signal<u32>>("kept").unwrap_err().is_unknown());
}

#[test]
fn a_connection_by_name_stands_for_all_that_it_connects_now_and_later() {
    let (registry, log) = (SignalRegistry::new(), Log::new());
    let signals = [(); 3].map(|()| Signal::<u32>::new());
    registry.register("s.0", &signals[0]).unwrap();
    let connection = registry.connect("s.*", noting(&log, "")).unwrap();
    let notify_all = |x| signals.iter().for_each(|signal| drop(signal.notify(x)));
    {
        let (_guard, another) = (connection.block(), connection.block());
        registry.register("s.1", &signals[1]).unwrap();
        notify_all(1);
        drop(another);
        notify_all(2);
        assert_eq!(log.take(), [""; 0]);
    }
    notify_all(3);
    assert_eq!(log.take(), ["3", "3"]);
    assert_eq!(connection.name().as_deref(), Some("s.*"));
    assert!(connection.disconnect() && !connection.disconnect() && !connection.is_connected());
    registry.register("s.2", &signals[2]).unwrap();
    notify_all(4);
    assert_eq!(log.take(), [""; 0]);
    assert!(signals.iter().all(|signal| signal.is_empty()));
}

#[test]
fn what_is_connected_by_name_goes_with_what_it_is_registered_as_and_with_the_registry() {
    let (registry, log, tick) = (SignalRegistry::new(), Log::new(), Signal::<u32>::new());
    registry.register("tick", &tick).unwrap();
    registry.register("tack", &tick).unwrap();
    registry.connect("t*ck", |_: &u32| {}).unwrap_err();
    let connection = registry.connect("**", noting(&log, "")).unwrap();
    tick.notify(1);
    assert_eq!(log.take(), ["1", "1"]);
    assert!(registry.remove("tack"));
    tick.notify(2);
    assert_eq!(log.take(), ["2"]);
    let same = registry.clone();
    drop(registry);
    assert!(connection.is_connected());
    drop(same);
    assert!(!connection.is_connected() && tick.is_empty());
}

#[test]
fn whoever_listens_to_whatever_it_is_gives_no_results_and_fails_like_any_handler() {
    let (registry, log) = (SignalRegistry::new(), Log::new());
    let (asked, level) = (Signal::<u32, u32>::new(), Observable::new('a'));
    asked.connect(|x| x + 1);
    registry.register("asked", &asked).unwrap();
    registry.register("level", &level).unwrap();
    let noted = log.clone();
    registry
        .subscribe("**", move |told| {
            noted.note(format!("{} {}", told.name(), told.event_type()));
            if told.event() == Some(&13_u32) { Err("unlucky") } else { Ok(()) }
        })
        .unwrap();
    let noted = log.clone();
    registry
        .subscribe_async("**", move |told| {
            let noted = noted.clone();
            async move { noted.note(format!("later {:?} {:?}", told.event::<u32>(), told.event::<char>())) }
        })
        .unwrap();
    assert_eq!(finish(asked.notify(1)).unwrap(), [2]);
    finish(level.set('b')).unwrap();
    assert_eq!(log.take(), ["asked u32", "later Some(1) None", "level char", "later None Some('b')"]);
    assert_eq!(support::causes(&finish(asked.notify(13)).unwrap_err()), ["unlucky"]);
}

#[test]
fn a_handler_is_wired_by_its_name() {
    let (registry, asked) = (SignalRegistry::new(), Signal::<u32, u32>::new());
    let echo: Arc<dyn Handler<u32, u32>> = Arc::new(Echo);
    assert!(registry.wire("asked", "handlers.echo").unwrap_err().is_unknown());
    registry.register("handlers.echo", &echo).unwrap();
    let wired = registry.wire("asked", "handlers.echo").unwrap();
    registry.wire("as*ed", "handlers.echo").unwrap_err();
    registry.register("asked", &asked).unwrap();
    // Twice wired is once connected: it is one object.
    registry.wire("**", "handlers.echo").unwrap();
    assert_eq!(finish(asked.notify(7)).unwrap(), [7]);
    assert!(wired.disconnect() && asked.is_empty());
    assert!(registry.wire("asked", "asked").unwrap_err().is_mismatch());
    let text = Observable::new(String::new());
    registry.register("text", &text).unwrap();
    assert!(registry.wire("text", "handlers.echo").unwrap_err().is_mismatch());
}

/// Uses its registry when it is dropped.
struct Bell(SignalRegistry, Log);

impl Drop for Bell {
    fn drop(&mut self) {
        self.1.note(format!("dropped with {} there", self.0.all().len()));
        self.0.declare::<u32, ()>("rung").unwrap();
    }
}

#[test]
fn no_lock_is_held_while_hooks_run_and_handlers_are_dropped() {
    let (registry, log) = (SignalRegistry::new(), Log::new());
    let (inside, noted) = (registry.clone(), log.clone());
    let hooked = Signal::<u32>::builder()
        .on_connect(move |inner, subscriber| {
            noted.note(format!("connecting with {} there", inside.all().len()));
            inside.connect("by.the.way", |_: &u32| {}).unwrap();
            inner.connect(subscriber)
        })
        .on_disconnect({
            let (registry, log) = (registry.clone(), log.clone());
            move |inner| {
                log.note(format!("disconnecting with {} there", registry.all().len()));
                inner.disconnect()
            }
        })
        .build();
    let bell = Arc::new(Bell(registry.clone(), log.clone()));
    let ringing = registry.connect("hooked", move |_: &u32| drop(bell.clone())).unwrap();
    registry.register("hooked", &hooked).unwrap();
    assert_eq!(log.take(), ["connecting with 1 there"]);
    ringing.disconnect();
    assert_eq!(log.take(), ["disconnecting with 1 there", "dropped with 1 there"]);
    assert!(registry.get::<Signal<u32>>("rung").is_ok());

    // What only the registry keeps is dropped when it is taken out.
    let bell = Bell(registry.clone(), log.clone());
    registry.declare::<u32, ()>("kept").unwrap().connect(move |_| assert_eq!(bell.0.all().len(), 0));
    registry.remove("kept");
    assert_eq!(log.take(), ["dropped with 2 there"]);
}

#[test]
fn a_hook_that_panics_keeps_nobody_else_from_being_connected() {
    let (registry, log) = (SignalRegistry::new(), Log::new());
    registry.connect_each("tick", |_: &Source<u32>| -> Connection { panic!("no") }).unwrap();
    registry.connect("tick", noting(&log, "")).unwrap();
    let tick = Signal::<u32>::new();
    let registering = std::panic::AssertUnwindSafe(|| registry.register("tick", &tick));
    assert!(std::panic::catch_unwind(registering).is_err());
    tick.notify(1);
    assert_eq!(log.take(), ["1"]);
    assert!(registry.get::<Signal<u32>>("tick").is_ok());
}

#[test]
fn each_signal_and_each_subscription_meet_once_whatever_threads_do() {
    let (registry, count) = (SignalRegistry::new(), Arc::new(Mutex::new(0_u32)));
    let signals: Vec<Signal<u32>> = (0..50).map(|_| Signal::new()).collect();
    std::thread::scope(|threads| {
        for half in [&signals[..25], &signals[25..]] {
            let registry = &registry;
            threads.spawn(move || {
                for signal in half {
                    let name = format!("s.{:p}", signal);
                    registry.register(&name, signal).unwrap();
                }
            });
        }
        for pattern in ["s.*", "**"] {
            let (registry, count) = (&registry, &count);
            threads.spawn(move || {
                for _ in 0..25 {
                    let count = count.clone();
                    registry.connect(pattern, move |x: &u32| *count.lock().unwrap() += x).unwrap();
                }
            });
        }
    });
    signals.iter().for_each(|signal| drop(signal.notify(1)));
    assert_eq!(*count.lock().unwrap(), 50 * 50);
}

#[test]
fn a_hook_of_connect_tells_who_connects_by_name_of_the_past() {
    let (registry, log) = (SignalRegistry::new(), Log::new());
    registry.connect("clicked", noting(&log, "")).unwrap();
    let clicked = Signal::<u32>::builder()
        .on_connect(|inner, subscriber| {
            inner.notify_one(&subscriber, 42);
            inner.connect(subscriber)
        })
        .build();
    registry.register("clicked", &clicked).unwrap();
    assert_eq!(log.take(), ["42"]);
}

#[test]
fn a_failure_of_an_asynchronous_handler_by_name_is_one_of_the_transaction() -> Handled {
    let (registry, tick) = (SignalRegistry::new(), Signal::<u32>::new());
    registry.connect_async("tick", |_: u32| async { Err::<(), _>("late") })?;
    registry.register("tick", &tick)?;
    let failures = finish(scope(async {
        tick.notify(1);
    }))
    .unwrap_err();
    assert_eq!(support::causes(&failures), ["late"]);
    Ok(())
}
