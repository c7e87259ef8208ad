//! Blocks of handlers, and the forms of a handler.

use std::sync::Arc;

use settled::{Handled, scope};
use settled_signal::{Signal, handlers, model};
use support::{Log, finish};

#[model]
struct Forms {
    #[plain]
    log: Log,
    value: u32,
    later: u32,
    pressed: Signal<String>,
}

#[handlers]
impl Forms {
    #[handler(value)]
    fn by_reference(&self, value: &u32) {
        self.log.note(format!("&{value}"));
    }

    #[handler(value)]
    fn by_value(&self, value: u32) {
        self.log.note(format!("{value}"));
    }

    #[handler(value)]
    fn without(&self) {
        self.log.note("without");
    }

    #[handler(value)]
    fn shared_reference(self: &Arc<Self>, value: &u32) {
        let shared: &Arc<Self> = self;
        shared.log.note(format!("&Arc &{value}"));
    }

    #[handler(value)]
    fn shared(self: Arc<Self>, value: u32) {
        let shared: Arc<Self> = self;
        shared.log.note(format!("Arc {value}"));
    }

    #[handler(later)]
    async fn later_by_value(self: Arc<Self>, value: u32) -> Handled {
        self.log.note(format!("Arc {value}"));
        Ok(())
    }

    #[handler(later)]
    async fn later_by_reference(self: std::sync::Arc<Self>, value: &u32) {
        self.log.note(format!("Arc &{value}"));
    }

    #[handler(later)]
    async fn later_without(self: Arc<Self>) {
        self.log.note("Arc without");
    }

    #[handler(later)]
    async fn later_borrowed(&self, value: u32) {
        self.log.note(format!("&self {value}"));
    }

    #[handler(later)]
    async fn later_shared_reference(self: &Arc<Self>, _: &u32) {
        self.log.note("&Arc");
    }

    // One method may handle several.
    #[handler(pressed)]
    #[handler(later)]
    fn anything(&self) {
        self.log.note("anything");
    }

    // What is not marked is a method like any other.
    fn press(&self) {
        self.pressed().notify("enter".into());
    }

    const MARK: &'static str = "what is no method stays";
}

#[test]
fn a_handler_takes_its_model_and_its_event_as_it_likes() {
    let log = Log::new();
    let forms = Forms::new(log.clone(), 0, 0);
    forms.set_value(1);
    assert_eq!(log.take(), ["&1", "1", "without", "&Arc &1", "Arc 1"]);
    finish(scope(async { _ = forms.set_later(2) })).unwrap();
    assert_eq!(log.take(), ["anything", "Arc 2", "Arc &2", "Arc without", "&self 2", "&Arc"]);
    forms.press();
    assert_eq!(log.take(), ["anything"]);
    assert_eq!(Forms::MARK, "what is no method stays");
}

#[model]
struct Ordered {
    #[plain]
    log: Log,
    value: u32,
}

#[handlers]
impl Ordered {
    #[handler(value, last)]
    fn last(&self) {
        self.log.note("last");
    }

    #[handler(value)]
    fn middle(&self) {
        self.log.note("middle");
    }

    #[handler(value, once)]
    fn once(&self) {
        self.log.note("once");
    }

    #[handler(value, priority = 1 + 1)]
    fn urgent(&self) {
        self.log.note("urgent");
    }

    #[handler(value, first)]
    fn first(&self) {
        self.log.note("first");
    }

    #[handler(value, delivery = Coalesced)]
    async fn coalesced(self: Arc<Self>, value: u32) {
        self.log.note(format!("coalesced {value}"));
    }
}

#[test]
fn a_handler_says_where_it_stands_and_how_it_gets_its_events() {
    let log = Log::new();
    let ordered = Ordered::new(log.clone(), 0);
    finish(scope(async {
        ordered.set_value(1);
        assert_eq!(log.take(), ["first", "urgent", "middle", "once", "last"]);
        ordered.set_value(2);
        assert_eq!(log.take(), ["first", "urgent", "middle", "last"]);
        ordered.set_value(3);
    }))
    .unwrap();
    // None has begun by then: the newest takes the place of those that wait.
    assert_eq!(log.take(), ["first", "urgent", "middle", "last", "coalesced 3"]);
}

#[model]
struct Several {
    #[plain]
    log: Log,
    value: u32,
}

// In the order of their numbers, whatever the order in the source.
#[handlers(8)]
impl Several {
    #[handler(value)]
    fn c(&self) {
        self.log.note("c");
    }
}

#[handlers]
impl Several {
    #[handler(value)]
    fn a(&self) {
        self.log.note("a");
    }
}

mod elsewhere {
    use super::Several;

    #[settled_signal::handlers(2)]
    impl Several {
        #[handler(value)]
        fn b(&self) {
            self.log.note("b");
        }
    }
}

#[test]
fn a_model_may_have_several_blocks_of_handlers() {
    let log = Log::new();
    Several::new(log.clone(), 0).set_value(1);
    assert_eq!(log.take(), ["a", "b", "c"]);
}

#[model]
struct Without {
    value: u32,
}

#[test]
fn a_model_may_have_no_handlers() {
    let without = Without::new(0);
    without.set_value(1);
    assert!(without.value_changed().is_empty());
}

#[test]
fn a_model_in_a_function_has_handlers_too() {
    #[model]
    struct Local {
        value: u32,
        #[default]
        sum: u32,
    }
    #[handlers]
    impl Local {
        #[handler(value)]
        fn on_value(&self, value: u32) {
            self.update_sum(|sum| *sum += value);
        }
    }
    let local = Local::new(0);
    local.set_value(1);
    local.set_value(2);
    assert_eq!(local.sum(), 3);
}
