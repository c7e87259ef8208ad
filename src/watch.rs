//! Telling who watches what happens: tests (`testing::Events`) and logs (`tracing`).
//!
//! All of it is at the edges: where a future is about to be added it is wrapped, and the wrapper tells what becomes of it;
//! what happens to a transaction is told by its owner, after the engine has done it. So whoever is told runs with no lock
//! held and no engine borrowed, and the engine knows nothing of it. Nobody watching, it costs a load or two an add.
//! Without the features this is [`unwatched.rs`](../src/unwatched.rs).

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use crate::current::{self, Remains};
use crate::error::{Place, call_quietly};
use crate::event::{Event, EventKind};
use crate::job::Job;
use crate::node::{Node, State};
use crate::{registry, root, transaction};

#[cfg(feature = "tracing")]
use crate::spans;
#[cfg(feature = "testing")]
use crate::testing::Events;

/// What a node has for who watches it.
#[derive(Default)]
pub(crate) struct Watch {
    /// Its closing has been told.
    closed: AtomicBool,
    /// Collects what happens here and below.
    #[cfg(feature = "testing")]
    pub(crate) events: std::sync::OnceLock<Events>,
    /// Current while anything of it is polled.
    #[cfg(feature = "tracing")]
    pub(crate) span: std::sync::OnceLock<tracing::Span>,
}

/// Those who are to hear of one future or transaction.
#[derive(Clone, Default)]
struct Ears {
    #[cfg(feature = "testing")]
    events: Option<Events>,
    #[cfg(feature = "tracing")]
    span: Option<tracing::Span>,
}

/// Has anybody watched this one?
pub(crate) fn has_heard(node: &Node) -> bool {
    let Watch {
        closed,
        #[cfg(feature = "testing")]
        events,
        #[cfg(feature = "tracing")]
        span,
    } = &node.watch;
    #[cfg(feature = "testing")]
    if events.get().is_some() {
        return true;
    }
    #[cfg(feature = "tracing")]
    if span.get().is_some() {
        return true;
    }
    closed.load(Ordering::Relaxed)
}

/// Does anybody watch anything? For who would do work for it.
#[inline]
pub(crate) fn is_on() -> bool {
    #[cfg(feature = "testing")]
    if Events::are_collected() {
        return true;
    }
    #[cfg(feature = "tracing")]
    if spans::are_on() {
        return true;
    }
    false
}

impl Ears {
    /// Of a transaction.
    fn of(node: &Arc<Node>) -> Self {
        Ears {
            #[cfg(feature = "testing")]
            events: Events::above(node),
            #[cfg(feature = "tracing")]
            span: spans::of(node),
        }
    }

    fn are_there(&self) -> bool {
        #[cfg(feature = "testing")]
        if self.events.is_some() {
            return true;
        }
        #[cfg(feature = "tracing")]
        if spans::are_on() {
            return true;
        }
        false
    }

    fn tell(&self, event: &Event) {
        #[cfg(feature = "testing")]
        if let Some(events) = &self.events {
            events.push(event.clone());
        }
        #[cfg(feature = "tracing")]
        call_quietly(|| spans::tell(event, self.span.as_ref()));
    }

    /// While this lives, its span is current.
    fn enter(&self) -> impl Sized + use<> {
        #[cfg(feature = "tracing")]
        return self.span.clone().map(tracing::Span::entered);
    }
}

/// While this lives, the transaction's span is current.
pub(crate) fn enter(node: Option<&Arc<Node>>) -> impl Sized + use<> {
    #[cfg(feature = "tracing")]
    return node.filter(|_| is_on()).and_then(spans::of).map(tracing::Span::entered);
    #[cfg(not(feature = "tracing"))]
    let _ = node;
}

fn tell(kind: EventKind, node: &Arc<Node>) {
    if is_on() {
        let ears = Ears::of(node);
        if ears.are_there() {
            ears.tell(&Event::of(kind, node));
        }
    }
}

/// A transaction has been opened.
pub(crate) fn begun(node: Option<&Arc<Node>>) {
    if let Some(node) = node.filter(|_| is_on()) {
        #[cfg(feature = "tracing")]
        call_quietly(|| spans::begin(node));
        tell(EventKind::Begun, node);
    }
}

/// It is about to close when all has settled. Told once.
pub(crate) fn ending(node: &Arc<Node>) {
    if is_on() && node.state() == State::Open {
        tell(EventKind::Ending, node);
    }
}

/// It has committed; `deferred`: to the atomic transaction around it.
pub(crate) fn committed(node: &Arc<Node>, deferred: bool) {
    tell(if deferred { EventKind::HandedOver } else { EventKind::Committed }, node);
}

/// It has been rolled back.
pub(crate) fn rolled_back(node: &Arc<Node>) {
    tell(EventKind::RolledBack, node);
}

/// It was dropped before it was ended.
pub(crate) fn left_open(node: &Arc<Node>) {
    tell(EventKind::LeftOpen, node);
}

/// Its owner is gone: what is pending lives on elsewhere.
pub(crate) fn adopted(node: &Arc<Node>) {
    if is_on() && node.pending() > 0 {
        tell(EventKind::Adopted, node);
    }
}

/// It may have been closed.
pub(crate) fn closed(node: &Arc<Node>) {
    // Those of futures are known to nobody, but where somebody asked for one.
    let transaction = node.kind != crate::slot::Kind::Added;
    if transaction && is_on() && node.is_closed() && !node.watch.closed.swap(true, Ordering::Relaxed) {
        tell(EventKind::Closed, node);
    }
}

/// A future on its way into a transaction.
pub(crate) struct Adding(Option<About>);

/// A future, for who is told of it.
struct About {
    /// All but its kind.
    event: Event,
    ears: Ears,
}

impl About {
    fn tell(&self, kind: EventKind) {
        self.ears.tell(&Event { kind, ..self.event.clone() });
    }

    fn fail(&mut self, detail: String) {
        self.event.detail = Some(detail.into_boxed_str());
        self.tell(EventKind::Failed);
    }
}

/// A future is about to be added to this node.
#[inline]
pub(crate) fn adding(node: &Arc<Node>, location: Place) -> Adding {
    Adding(if is_on() { about(node, location, false) } else { None })
}

#[cold]
fn about(node: &Arc<Node>, location: Place, here: bool) -> Option<About> {
    let ears = Ears::of(node);
    if !ears.are_there() {
        return None;
    }
    let mut event = Event::of(EventKind::Added, node);
    event.location = location;
    event.future = Some(registry::next_id());
    #[cfg(feature = "tracing")]
    let ears = {
        let mut ears = ears;
        call_quietly(|| ears.span = spans::of_future(&event, ears.span.take(), here));
        ears
    };
    #[cfg(not(feature = "tracing"))]
    let _ = here;
    let about = About { event, ears };
    if !node.is_closed() {
        about.tell(EventKind::Added);
    }
    Some(about)
}

impl Adding {
    /// Runs nothing of anybody's: for a lock may be held.
    #[inline]
    pub(crate) fn wrap(&mut self, job: Job) -> Job {
        match self.0.take() {
            Some(about) => {
                Job::Boxed(Box::pin(Watched { job: Some(job), about, started: false, done: false }))
            }
            None => job,
        }
    }

    /// The node was closed.
    #[inline]
    pub(crate) fn refused(self) {
        if let Some(about) = self.0 {
            about.tell(EventKind::Refused);
        }
    }
}

/// A future is about to be added to what is current.
#[inline]
pub(crate) fn added_here(job: Job, location: Place) -> Job {
    if is_on() { wrapped_here(job, location) } else { job }
}

#[cold]
fn wrapped_here(job: Job, location: Place) -> Job {
    let node = transaction::current_node().and_then(|node| node.nearest_open());
    Adding(about(node.as_ref().unwrap_or_else(|| root::node()), location, true)).wrap(job)
}

/// Tells what becomes of a future.
struct Watched {
    job: Option<Job>,
    about: About,
    /// It has been polled.
    started: bool,
    /// It is done, and that has been told.
    done: bool,
}

impl Future for Watched {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let _entered = this.about.ears.enter();
        if !std::mem::replace(&mut this.started, true) {
            this.about.tell(EventKind::Started);
        }
        let job = &mut this.job;
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let ready = job.as_mut().is_none_or(|job| job.poll(cx).is_ready());
            if ready {
                *job = None;
            }
            ready
        }));
        match polled {
            Ok(false) => return Poll::Pending,
            Ok(true) => match failed() {
                Some(detail) => this.about.fail(detail),
                None => this.about.tell(EventKind::Settled),
            },
            Err(payload) => {
                this.done = true;
                this.about.fail(panicked(&*payload));
                resume_unwind(payload);
            }
        }
        this.done = true;
        Poll::Ready(())
    }
}

/// What the future that is done has left, if that is a failure. Taken out while it is looked at: to print it is user code.
fn failed() -> Option<String> {
    let remains = current::with(|ambient| ambient.take_remains())?;
    let mut detail = None;
    match &remains {
        Remains::Value(_) => {}
        Remains::Error(error) => {
            detail = Some(String::new());
            call_quietly(|| detail = Some(error.to_string()));
        }
        Remains::Failures(failures) => {
            detail = Some(String::new());
            call_quietly(|| detail = Some(failures.to_string()));
        }
    }
    current::with(|ambient| ambient.leave(remains));
    detail
}

fn panicked(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    match text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)) {
        Some(text) => format!("panicked: {text}"),
        None => String::from("panicked"),
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let _entered = self.about.ears.enter();
        self.about.tell(EventKind::Dropped);
        self.job = None;
    }
}
