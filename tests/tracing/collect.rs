//! A subscriber that collects what it is told as lines, without what differs from run to run.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, Subscriber};
use tracing::{Event, Level, Metadata};
use tracing_core::span::Current;

/// Clones are the same.
#[derive(Clone)]
pub(crate) struct Collector(Arc<Inner>);

struct Inner {
    level: Level,
    lines: Mutex<Vec<String>>,
    spans: Mutex<HashMap<u64, Span>>,
    /// Of the one thread that each test has.
    entered: Mutex<Vec<u64>>,
    made: AtomicU64,
    call: Box<dyn Fn() + Send + Sync>,
}

struct Span {
    /// Names from the outermost on.
    path: String,
    references: usize,
    metadata: &'static Metadata<'static>,
}

/// The lines of what `f` does.
pub(crate) fn collected(level: Level, f: impl FnOnce()) -> Vec<String> {
    let collector = Collector::new(level);
    tracing::subscriber::with_default(collector.clone(), f);
    std::mem::take(&mut *collector.0.lines.lock().unwrap())
}

impl Collector {
    pub(crate) fn new(level: Level) -> Self {
        Collector(Arc::new(Inner {
            level,
            lines: Mutex::default(),
            spans: Mutex::default(),
            entered: Mutex::default(),
            made: AtomicU64::new(0),
            call: Box::new(|| ()),
        }))
    }

    /// Calls `f` whenever it is told something.
    pub(crate) fn calling(self, f: impl Fn() + Send + Sync + 'static) -> Self {
        let mut inner = Arc::into_inner(self.0).expect("fresh");
        inner.call = Box::new(f);
        Collector(Arc::new(inner))
    }

    /// Spans made, those still open, and how many are entered.
    pub(crate) fn spans(&self) -> (u64, usize, usize) {
        let made = self.0.made.load(Ordering::SeqCst);
        (made, self.0.spans.lock().unwrap().len(), self.0.entered.lock().unwrap().len())
    }

    fn note(&self, what: &str, metadata: &Metadata<'_>, name: &str, fields: &str, path: &str) {
        let line = format!("{} {what} {name}{{{fields}}} in {path}", metadata.level());
        self.0.lines.lock().unwrap().push(line);
        (self.0.call)();
    }

    fn path(&self, explicit: Option<&Id>, contextual: bool) -> String {
        let top = || self.0.entered.lock().unwrap().last().copied();
        let id = explicit.map(Id::into_u64).or_else(|| if contextual { top() } else { None });
        id.map_or_else(|| String::from("-"), |id| self.0.spans.lock().unwrap()[&id].path.clone())
    }
}

impl Subscriber for Collector {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        None
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.0.level
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.made.fetch_add(1, Ordering::SeqCst) + 1;
        let above = self.path(span.parent(), span.is_contextual());
        let name = span.metadata().name();
        let path = if above == "-" { name.to_owned() } else { format!("{above}/{name}") };
        self.0.spans.lock().unwrap().insert(id, Span { path, references: 1, metadata: span.metadata() });
        let mut fields = Fields::default();
        span.record(&mut fields);
        self.note("span", span.metadata(), name, &fields.text, &above);
        Id::from_u64(id)
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let path = self.path(event.parent(), event.is_contextual());
        self.note("event", event.metadata(), &fields.message, &fields.text, &path);
    }

    fn enter(&self, span: &Id) {
        self.0.entered.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let left = self.0.entered.lock().unwrap().pop();
        assert_eq!(left, Some(span.into_u64()), "in the reverse order");
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.0.spans.lock().unwrap().get_mut(&id.into_u64()).unwrap().references += 1;
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut spans = self.0.spans.lock().unwrap();
        let span = spans.get_mut(&id.into_u64()).unwrap();
        span.references -= 1;
        let closed = span.references == 0;
        if closed {
            spans.remove(&id.into_u64());
        }
        closed
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn current_span(&self) -> Current {
        let Some(id) = self.0.entered.lock().unwrap().last().copied() else { return Current::none() };
        Current::new(Id::from_u64(id), self.0.spans.lock().unwrap()[&id].metadata)
    }
}

/// Fields as text, but for numbers and places.
#[derive(Default)]
struct Fields {
    message: String,
    text: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => write!(self.message, "{value:?}").unwrap(),
            "location" => assert!(format!("{value:?}").contains(".rs:")),
            "id" | "number" | "future" | "transaction" => {}
            name => {
                let space = if self.text.is_empty() { "" } else { " " };
                write!(self.text, "{space}{name}={value:?}").unwrap();
            }
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
