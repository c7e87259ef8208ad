//! A registry: whoever knows a name and a type finds the signal, whoever made it, and whether it is there yet or not.
//!
//! A house has rooms, and things that know nothing of each other: a thermostat, a lamp, an alarm, a log book. They meet in a
//! registry. A room is a model: it stands under a path, and what it has below that.
//!
//! Run it: `cargo run --example registry`
//!
//! It prints what is registered, who hears of what, and what the registry says where a name or a type is wrong.

use std::sync::Arc;

use settled_signal::transaction::{block_on, scope};
use settled_signal::{Observable, Signal, SignalRegistry, handlers, model};

/// A room of the house.
#[model]
struct Room {
    #[plain]
    name: &'static str,
    /// In degrees.
    #[default(20)]
    temperature: i32,
    /// Told when somebody comes in, with the name.
    entered: Signal<String>,
}

#[handlers]
impl Room {
    /// A handler of something beyond the room: of whatever is registered as that, now or later.
    #[handler("house.alarm")]
    fn on_alarm(&self, reason: &String) {
        println!("  the doors of the {} open: {reason}", self.name);
    }
}

/// Never has heard of rooms.
fn plug_in_thermostat(registry: &SignalRegistry) {
    let warm = |degrees: &i32| {
        println!("  thermostat: {degrees} degrees are {}", if *degrees > 22 { "too warm" } else { "well" });
    };
    registry.connect("house.*.temperature", warm).expect("that is a pattern");
    let lamp = |who: String| async move { println!("  lamp: on, for {who}") };
    registry.connect_async("house.**.entered", lamp).expect("that is a pattern");
}

fn list(registry: &SignalRegistry) {
    for registered in registry.all() {
        println!("  {registered}, with {} handlers", registered.handlers().len());
    }
}

fn main() {
    let registry = SignalRegistry::new();
    plug_in_thermostat(&registry);

    println!("rooms are built, after those who listen to them:");
    let [kitchen, hall] = ["kitchen", "hall"].map(Room::new);
    registry.register("house.kitchen", &kitchen).expect("the name is free");
    registry.register("house.hall", &hall).expect("the name is free");
    list(&registry);

    println!("somebody cooks, and somebody comes in:");
    block_on(scope(async {
        kitchen.set_temperature(25);
        // Found by name and type, by who has no room.
        let entered: Signal<String> = registry.get("house.hall.entered").expect("there is a hall");
        entered.notify("Ada".into());
        println!("  the scope's body is done");
    }))
    .expect("no handler fails");

    println!("an alarm is declared, which the rooms have waited for:");
    let alarm = registry.declare::<String, ()>("house.alarm").expect("the name is free");
    alarm.notify("fire in the kitchen".into());
    assert_eq!(alarm.len(), 2);

    println!("a log book hears of everything, by name:");
    let book = registry
        .subscribe("house.**", |told| match told.event::<i32>() {
            Some(degrees) => println!("  log book: {} is {degrees}", told.name()),
            None => println!("  log book: {} ({})", told.name(), told.event_type()),
        })
        .expect("that is a pattern");
    hall.set_temperature(18);
    alarm.notify("false alarm".into());
    book.disconnect();

    println!("names and types that are wrong:");
    let error = registry.get::<Observable<i32>>("house.kitchen.temprature").unwrap_err();
    println!("  {error}");
    let error = registry.get::<Observable<f64>>("house.hall.temperature").unwrap_err();
    // Up to where it was registered, which is a place in this file.
    println!("  {}", error.to_string().split(": registered").next().expect("a message"));
    assert!(
        error.is_mismatch() && error.location().is_some_and(|place| place.file().ends_with("registry.rs"))
    );
    assert!(registry.register("house.hall", &kitchen).unwrap_err().is_taken());

    println!("the hall is pulled down:");
    let memory = Arc::downgrade(&hall);
    drop(hall);
    assert!(memory.upgrade().is_none(), "a registry keeps nothing alive but what it has declared");
    list(&registry);
}
