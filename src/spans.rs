//! The feature `tracing`: a span for each transaction and each future, and an event for what happens.
//!
//! Transactions have spans of the level `DEBUG`, futures of the level `TRACE`. A span is current while the body or the
//! future is polled, and inside of [`enter`](crate::Transaction::enter); where a future's own is not wanted, its
//! transaction's is. All is of the target `settled`.

use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Span};

use crate::event::{Event, EventKind};
use crate::node::Node;
use crate::slot::Kind;

/// Does any subscriber want any of this? No code of a subscriber is run for it.
#[inline]
pub(crate) fn are_on() -> bool {
    LevelFilter::current() >= LevelFilter::DEBUG
}

/// That of the transaction, or of the nearest one above that has one.
pub(crate) fn of(node: &Arc<Node>) -> Option<Span> {
    let mut at = Some(node);
    while let Some(node) = at {
        if let Some(span) = node.watch.span.get() {
            return Some(span.clone());
        }
        at = node.parent.as_ref();
    }
    None
}

/// Makes that of a transaction.
pub(crate) fn begin(node: &Arc<Node>) {
    let above = node.parent.as_ref().and_then(of);
    let make = || {
        tracing::debug_span!(
            target: "settled",
            "transaction",
            id = node.id,
            name = node.name.as_deref(),
            kind = if node.kind == Kind::Body { "scope" } else { "begun" },
            location = %node.location,
        )
    };
    // What is current here is in the one above, or that itself; if nothing is, this thread knows nothing of it.
    let span = if Span::current().is_none() {
        above.map_or_else(make, |above| above.in_scope(make))
    } else {
        make()
    };
    if !span.is_disabled() {
        let _first = node.watch.span.set(span);
    }
}

/// Makes that of a future; else it goes by what is around it. `here`: it is added to what is current.
pub(crate) fn of_future(event: &Event, above: Option<Span>, here: bool) -> Option<Span> {
    let make = || {
        tracing::trace_span!(
            target: "settled",
            "future",
            number = event.future,
            location = %event.location,
        )
    };
    let current = Span::current();
    let above = if here && !current.is_none() { Some(current) } else { above };
    let span = above.as_ref().map_or_else(make, |above| above.in_scope(make));
    if span.is_disabled() { above } else { Some(span) }
}

/// Tells the subscriber.
pub(crate) fn tell(event: &Event, span: Option<&Span>) {
    let Event { transaction, name, location, future, detail, kind } = event;
    let id = span.and_then(Span::id);
    let (name, error) = (name.as_deref(), detail.as_deref());
    macro_rules! tell {
        ($level:expr) => {
            tracing::event!(
                target: "settled",
                parent: id,
                $level,
                %transaction,
                name,
                future,
                %location,
                error,
                "{kind}"
            )
        };
    }
    match kind {
        EventKind::Begun => {} // the span tells it
        EventKind::LeftOpen => tell!(Level::WARN),
        EventKind::Failed
        | EventKind::Dropped
        | EventKind::Refused
        | EventKind::Adopted
        | EventKind::RolledBack => tell!(Level::DEBUG),
        _ => tell!(Level::TRACE),
    }
}
