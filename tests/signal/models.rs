//! Models: structs whose fields tell of their changes, with methods that are handlers.

mod bases;
mod blocks;
mod fields;
mod written;

use std::sync::Arc;

use settled::{Handled, scope};
use settled_signal::{Signal, handlers, model};
use support::{Log, causes, finish};

/// A person.
#[model]
struct Person {
    name: String,
    age: u32,
    #[plain]
    log: Log,
    greeted: Signal<u32, String>,
}

#[handlers]
impl Person {
    #[handler(name)]
    fn on_name(&self, name: &String) {
        self.log.note(format!("name {name}"));
    }

    #[handler(age)]
    async fn on_age(self: Arc<Self>, age: u32) -> Handled {
        self.log.note(format!("age {age}"));
        if age > 150 { Err("too old".into()) } else { Ok(()) }
    }

    #[handler(greeted)]
    fn on_greeted(&self, times: u32) -> String {
        format!("{} greets {times} times", self.name())
    }
}

fn person(name: &str, log: &Log) -> Arc<Person> {
    Person::new(name.into(), 36, log.clone())
}

#[test]
fn s10_a_signal_of_a_model_exists_per_instance_and_so_do_its_handlers() {
    let (ada_log, grace_log) = (Log::new(), Log::new());
    let (ada, grace) = (person("Ada", &ada_log), person("Grace", &grace_log));
    ada.set_name("Ada L.".into());
    assert_eq!((ada_log.take(), grace_log.take()), (vec!["name Ada L.".to_string()], vec![]));
    ada.greeted().connect(|_| String::from("so does a guest"));
    assert_eq!(ada.greeted().notify(2).results().unwrap(), ["Ada L. greets 2 times", "so does a guest"]);
    assert_eq!(grace.greeted().notify(3).results().unwrap(), ["Grace greets 3 times"]);
}

#[test]
fn s11_methods_that_are_marked_handle_what_they_name() {
    let log = Log::new();
    let ada = person("Ada", &log);
    finish(scope(async {
        ada.set_age(37);
        ada.set_name("Grace".into());
        assert_eq!(log.take(), ["name Grace"]);
    }))
    .unwrap();
    assert_eq!(log.take(), ["age 37"]);
    let failures = finish(scope(async { _ = ada.set_age(200) })).unwrap_err();
    assert_eq!(causes(&failures), ["too old"]);
}

#[test]
fn handlers_do_not_keep_their_model() {
    let log = Log::new();
    let ada = person("Ada", &log);
    let (name, age) = (ada.name.clone(), ada.age.clone());
    assert_eq!((Arc::strong_count(&ada), Arc::weak_count(&ada), name.changed().len()), (1, 2 + 1, 1));
    let weak = Arc::downgrade(&ada);
    drop(ada);
    assert!(weak.upgrade().is_none());
    name.set("nobody".into());
    finish(scope(async { _ = age.set(1) })).unwrap();
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn what_is_owed_to_an_asynchronous_handler_keeps_its_model_until_it_has_it() {
    let log = Log::new();
    let ada = person("Ada", &log);
    finish(scope(async move {
        ada.set_age(37);
        drop(ada);
    }))
    .unwrap();
    assert_eq!(log.take(), ["age 37"]);
}
