//! What the expansion has to get along with.

#![deny(warnings)]

use std::fmt::{Debug, Display};
use std::sync::Arc;

use settled_signal::{Signal, handlers, model};
use support::Log;

#[model(handlers = 2)]
#[derive(Clone)]
struct Holder<T, const N: usize, R = u8>
where
    T: Clone + Send + Sync + 'static,
    R: Clone + Debug + Send + Sync + 'static,
{
    value: T,
    several: [R; N],
    #[plain]
    log: Log,
    dropped: Signal<Option<T>>,
}

#[handlers]
impl<T, const N: usize, R> Holder<T, N, R>
where
    T: Clone + Send + Sync + 'static,
    R: Clone + Debug + Send + Sync + 'static,
{
    #[handler(several)]
    fn on_several(&self, several: &[R; N]) {
        self.log.note(format!("{several:?}"));
    }
}

#[handlers(2)]
impl<T: Clone + Send + Sync + 'static, const N: usize, R: Clone + Debug + Send + Sync + 'static>
    Holder<T, N, R>
{
    #[handler(dropped)]
    fn on_dropped(&self, value: &Option<T>) {
        self.log.note(format!("{}", value.is_some()));
    }
}

#[test]
fn a_model_may_be_generic() {
    let log = Log::new();
    let holder = Holder::<&str, 2>::new("a", [1, 2], log.clone());
    holder.set_several([3, 4]);
    holder.dropped().notify(Some("b"));
    assert_eq!(log.take(), ["[3, 4]", "true"]);
    assert_eq!(holder.with_value(|value| value.len()), 1);
    assert!(format!("{holder:?}").starts_with(r#"Holder { value: "a", several: [3, 4], log: "#));
}

// Names that the expansion might use itself, and the crate's path.
#[model]
struct Names {
    model: u8,
    value: u8,
    f: u8,
    shown: u8,
    signals: u8,
    event: u8,
    this: u8,
    r#type: u8,
    changes: Signal<u8>,
}

#[handlers]
impl Names {
    #[handler(r#type)]
    fn r#match(&self, model: &u8) {
        self.set_model(*model);
    }

    #[handler(event)]
    fn on_event(self: &Arc<Self>, weak: u8) {
        self.set_this(weak);
    }
}

/// Where all names mean something else.
#[allow(dead_code)]
mod hidden {
    mod std {}
    mod core {}
    mod settled_signal {}
    struct Observable;
    struct Source;
    struct Notification;
    struct Result;
    struct Shown;
    struct MaybeBlock;
    trait Model {}
    trait Debug {}
    trait Default {}
    trait Clone {}
    trait FnOnce {}

    #[::settled_signal::model]
    pub(super) struct Isolated {
        value: u8,
        #[default]
        seen: u8,
    }

    #[::settled_signal::handlers]
    impl Isolated {
        #[handler(value)]
        fn on_value(&self, value: u8) {
            self.set_seen(value);
        }
    }
}

#[test]
fn what_names_mean_where_a_model_stands_does_not_matter() {
    let isolated = hidden::Isolated::new(0);
    isolated.set_value(1);
    assert_eq!(format!("{isolated:?}"), "Isolated { value: 1, seen: 1 }");
}

#[test]
fn names_do_not_clash_and_raw_ones_are_read() {
    let names = Names::new(0, 0, 0, 0, 0, 0, 0, 0);
    names.set_type(5);
    names.set_event(6);
    assert_eq!((names.r#type(), names.model(), names.this()), (5, 5, 6));
    assert!(names.type_changed().len() == 1);
    assert!(format!("{names:?}").contains("type: 5"));
}

#[model]
struct Configured {
    #[cfg(test)]
    here: u8,
    #[cfg(not(test))]
    here: NowhereDeclared,
    #[cfg(not(test))]
    gone: NowhereDeclared,
    #[cfg(not(test))]
    gone_signal: Signal<NowhereDeclared>,
    #[cfg(test)]
    #[default]
    seen: u8,
}

#[handlers]
impl Configured {
    #[cfg(not(test))]
    #[handler(gone)]
    fn on_gone(&self, gone: &NowhereDeclared) {}

    #[cfg(test)]
    #[handler(here)]
    fn on_here(&self, here: &u8) {
        self.set_seen(*here);
    }
}

#[cfg(not(test))]
#[handlers(2)]
impl Configured {
    #[handler(nowhere)]
    fn on_gone(&self) {}
}

#[test]
fn fields_and_handlers_may_be_configured() {
    let configured = Configured::new(1);
    configured.set_here(3);
    assert_eq!(configured.seen(), 3);
    assert_eq!(format!("{configured:?}"), "Configured { here: 3, seen: 3 }");
}

mod inner {
    use settled_signal::model;

    #[model(new = pub(super) make)]
    #[derive(Clone)]
    pub struct Faces {
        open: u8,
        #[plain]
        pub raw: u8,
        pub(super) near: u8,
        pub(self) hidden: Hidden,
    }

    #[derive(Clone, Debug)]
    struct Hidden(u8);

    impl Faces {
        pub(super) fn new(all: u8) -> std::sync::Arc<Self> {
            Self::make(all, all, all, Hidden(all))
        }

        pub(super) fn sum(&self) -> u8 {
            self.open() + self.raw + self.near() + self.hidden().0
        }
    }
}

#[test]
fn a_field_is_as_visible_as_its_model_unless_it_says_otherwise() {
    let faces = inner::Faces::new(2);
    assert_eq!((faces.sum(), faces.open(), faces.near(), faces.raw), (8, 2, 2, 2));
}

#[model]
struct Formatted<T: Clone + Send + Sync + 'static + Display> {
    value: T,
}

#[test]
fn a_generic_model_may_have_no_handlers() {
    let formatted = Formatted::new(1);
    formatted.set_value(2);
    assert_eq!(formatted.value().to_string(), "2");
}
