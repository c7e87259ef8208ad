//! Models that are built on others.

use std::sync::Arc;

use settled::scope;
use settled_signal::{Signal, handlers, model};
use support::{Log, finish};

#[model]
pub(super) struct Animal {
    name: String,
    #[plain]
    log: Log,
    fed: Signal<u32>,
}

#[handlers]
impl Animal {
    #[handler(name)]
    fn on_name(&self, name: &String) {
        self.log.note(format!("animal {name}"));
    }

    #[handler(fed)]
    async fn on_fed(self: Arc<Self>, _: u32) {
        self.log.note("animal fed");
    }
}

#[model]
struct Dog {
    #[base]
    animal: Arc<Animal>,
    breed: String,
}

#[handlers]
impl Dog {
    #[handler(name)]
    fn on_name(&self, name: &String) {
        self.log.note(format!("{} {name}", self.breed()));
    }

    #[handler(breed)]
    fn on_breed(&self, breed: &String) {
        self.log.note(format!("now a {breed}"));
    }

    #[handler(fed)]
    async fn on_fed(self: Arc<Self>, _: u32) {
        self.log.note("dog fed");
    }
}

#[model]
struct Puppy {
    #[base]
    dog: Arc<Dog>,
    #[default]
    age: u32,
}

#[handlers]
impl Puppy {
    #[handler(name)]
    fn on_name(&self, name: &String) {
        self.log.note(format!("puppy {name}"));
    }
}

fn puppy(log: &Log) -> Arc<Puppy> {
    Puppy::new(Dog::new(Animal::new("Rex".into(), log.clone()), "Labrador".into()))
}

#[test]
fn a_base_is_seen_through() {
    let log = Log::new();
    let puppy = puppy(&log);
    assert_eq!((puppy.name(), puppy.breed(), puppy.age()), ("Rex".into(), "Labrador".into(), 0));
    let animal: &Arc<Animal> = puppy.dog().animal();
    animal.set_name("Bello".into());
    assert_eq!(puppy.name(), "Bello");
    assert!(format!("{puppy:?}").starts_with(r#"Puppy { dog: Dog { animal: Animal { name: "Bello", log: "#));
}

#[test]
fn s12_handlers_of_a_base_come_first_and_those_connected_later_last() {
    let log = Log::new();
    let puppy = puppy(&log);
    puppy.name_changed().connect({
        let log = log.clone();
        move |name| log.note(format!("later {name}"))
    });
    puppy.set_name("Bello".into());
    assert_eq!(log.take(), ["animal Bello", "Labrador Bello", "puppy Bello", "later Bello"]);
    finish(scope(async { _ = puppy.fed().notify(1) })).unwrap();
    assert_eq!(log.take(), ["animal fed", "dog fed"]);
}

#[model]
struct Base {
    #[plain]
    log: Log,
    up: Signal<()>,
    #[signal(order = TopDown)]
    down: Signal<()>,
}

#[handlers]
impl Base {
    #[handler(up)]
    #[handler(down)]
    fn base(&self) {
        self.log.note("base");
    }

    #[handler(down, last)]
    #[handler(up, last)]
    fn base_last(&self) {
        self.log.note("base last");
    }
}

#[model]
struct Derived {
    #[base]
    base: Arc<Base>,
}

#[handlers]
impl Derived {
    #[handler(down)]
    #[handler(up)]
    fn derived(&self) {
        self.log.note("derived");
    }

    #[handler(up, first)]
    #[handler(down, first)]
    fn derived_first(&self) {
        self.log.note("derived first");
    }

    #[handler(up, priority = 1)]
    #[handler(down, priority = -1)]
    fn derived_by_priority(&self) {
        self.log.note("derived by priority");
    }
}

#[test]
fn s12_across_bases_the_oldest_come_first_or_the_newest_as_the_signal_says() {
    let log = Log::new();
    let base = Base::new(log.clone());
    // Those of the models come before those connected without a level, also where these were earlier.
    for signal in [base.up(), base.down()] {
        let log = log.clone();
        signal.connect(move |()| log.note("early guest"));
    }
    let derived = Derived::new(base);
    derived.up().notify(());
    let up = ["derived first", "derived by priority", "base", "derived", "early guest", "base last"];
    assert_eq!(log.take(), up);
    derived.down().notify(());
    let down = ["derived first", "derived", "base", "early guest", "derived by priority", "base last"];
    assert_eq!(log.take(), down);
}

#[test]
fn handlers_of_a_derived_model_do_not_keep_it_and_end_with_it() {
    let log = Log::new();
    let puppy = puppy(&log);
    let animal = puppy.animal().clone();
    drop(puppy);
    animal.set_name("Bello".into());
    assert_eq!(log.take(), ["animal Bello"]);
}
