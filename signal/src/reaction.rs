//! What is behind an effect: a watcher in the graph, with what was made within its run.

use std::cell::RefCell;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use crate::flush::{self, Cause, Failed, Settling};
use crate::graph::{Body, Graph, Tracked, Untracked, Verdict};
use crate::lock::lock;
use crate::notification::Notification;
use crate::outcome::HandlerOutcome;
use crate::parts::Yield;
use crate::running::{Rerun, Running};
use crate::signal::Signal;
use crate::source::Source;

pub(crate) enum Kind {
    Sync(Box<dyn Fn() -> HandlerOutcome<()> + Send + Sync>),
    Async(Rerun),
}

pub(crate) struct Reaction {
    pub(crate) tracked: Tracked,
    pub(crate) location: &'static Location<'static>,
    pub(crate) kind: Kind,
    /// The one in whose run it was made.
    owner: Option<Weak<Reaction>>,
    /// Itself.
    this: OnceLock<Weak<Reaction>>,
    /// Those that were made in its run.
    children: Mutex<Vec<Arc<Reaction>>>,
    is_stopped: AtomicBool,
    /// It has been run at least once.
    has_run: AtomicBool,
    /// Something that it has read has changed, and it has not been run again.
    is_invalid: AtomicBool,
    signals: OnceLock<Box<Signals>>,
}

struct Signals {
    invalidate: Signal<()>,
    stop: Signal<()>,
}

thread_local! {
    /// Those that are being run on this thread.
    static OWNERS: RefCell<Vec<Arc<Reaction>>> = const { RefCell::new(Vec::new()) };
}

/// For the length of a run, or of a part of it: what is made meanwhile belongs to this one.
pub(crate) struct Owning;

impl Owning {
    pub(crate) fn begin(reaction: Arc<Reaction>) -> Self {
        OWNERS.with_borrow_mut(|owners| owners.push(reaction));
        Owning
    }
}

impl Drop for Owning {
    fn drop(&mut self) {
        let owner = OWNERS.with_borrow_mut(Vec::pop);
        drop(owner);
    }
}

impl Reaction {
    /// Makes it, and runs it.
    pub(crate) fn begin(kind: Kind, may_be_owned: bool, location: &'static Location<'static>) -> Arc<Self> {
        let owner = if may_be_owned { OWNERS.with_borrow(|owners| owners.last().cloned()) } else { None };
        let settling = Settling::begin(location);
        let reaction = Graph::here().add_watcher(owner.is_some(), |tracked| Reaction {
            tracked,
            location,
            kind,
            owner: owner.as_ref().map(Arc::downgrade),
            this: OnceLock::new(),
            children: Mutex::new(Vec::new()),
            is_stopped: AtomicBool::new(false),
            has_run: AtomicBool::new(false),
            is_invalid: AtomicBool::new(false),
            signals: OnceLock::new(),
        });
        let _ = reaction.this.set(Arc::downgrade(&reaction));
        if let Some(owner) = owner {
            owner.adopt(reaction.clone());
        }
        let is_marked = reaction.tracked.graph().run(&reaction.tracked);
        if is_marked {
            flush::owe(&reaction.tracked, location);
        }
        drop(settling.end(Notification::default()));
        reaction
    }

    fn adopt(&self, child: Arc<Reaction>) {
        let mut gone = Vec::new();
        {
            let mut children = lock(&self.children);
            if children.len() == children.capacity() {
                // Those that were stopped are let go of, before there is more room made.
                gone.extend(children.extract_if(.., |child| child.is_stopped()));
            }
            children.push(child);
        }
        drop(gone);
        // It may have been stopped meanwhile.
        if self.is_stopped() {
            self.stop_children();
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }

    pub(crate) fn stop(&self) {
        if self.is_stopped.swap(true, Ordering::AcqRel) {
            return;
        }
        let _untracked = Untracked::begin();
        self.stop_children();
        if let Kind::Async(rerun) = &self.kind {
            rerun.stop();
        }
        self.tracked.stop();
        if let Some(signals) = self.signals.get() {
            drop(signals.stop.notify(()));
        }
    }

    fn stop_children(&self) {
        // Those of a child are stopped in turn, not one inside of the other.
        let mut left = mem::take(&mut *lock(&self.children));
        while let Some(child) = left.pop() {
            left.append(&mut lock(&child.children));
            child.stop();
        }
    }

    /// It is to be run again: those who want to know are told, and what was made in its last run is stopped.
    fn invalidate(&self) {
        if self.has_run.swap(true, Ordering::AcqRel) {
            self.is_invalid.store(true, Ordering::Release);
            let _untracked = Untracked::begin();
            if let Some(signals) = self.signals.get() {
                drop(signals.invalidate.notify(()));
            }
            self.stop_children();
        }
    }

    pub(crate) fn is_valid_again(&self) {
        self.is_invalid.store(false, Ordering::Release);
    }

    pub(crate) fn this(&self) -> Option<Arc<Self>> {
        self.this.get()?.upgrade()
    }

    fn signals(&self) -> &Signals {
        self.signals.get_or_init(|| {
            let stopped = self.this.get().cloned().unwrap_or_default();
            let invalid = stopped.clone();
            Box::new(Signals {
                stop: late(move || stopped.upgrade().is_none_or(|reaction| reaction.is_stopped())),
                invalidate: late(move || {
                    invalid.upgrade().is_some_and(|reaction| {
                        reaction.is_invalid.load(Ordering::Acquire)
                            || (!reaction.is_stopped() && reaction.tracked.is_dirty())
                    })
                }),
            })
        })
    }

    pub(crate) fn on_invalidate(&self) -> &Source<()> {
        &self.signals().invalidate
    }

    pub(crate) fn on_stop(&self) -> &Source<()> {
        &self.signals().stop
    }
}

/// A signal whose handlers are called at once if they come too late.
fn late(is_over: impl Fn() -> bool + Send + Sync + 'static) -> Signal<()> {
    Signal::builder()
        .on_connect(move |connecting, subscriber| {
            if is_over() {
                drop(connecting.notify_one(&subscriber, ()));
            }
            connecting.connect(subscriber)
        })
        .build()
}

impl Body for Reaction {
    fn run(&self, _: u64, _: u64) -> Verdict {
        // What is called here does not unwind, but for the user's.
        if self.is_stopped() {
            return Verdict::Same;
        }
        self.invalidate();
        match &self.kind {
            Kind::Sync(f) => {
                let Some(this) = self.this() else { return Verdict::Same };
                let _owning = Owning::begin(this);
                let result = catch_unwind(AssertUnwindSafe(f));
                let cause = match result {
                    Ok(HandlerOutcome(Ok(Yield::One(()) | Yield::Nothing | Yield::Many(_)))) => None,
                    Ok(HandlerOutcome(Ok(Yield::Nested(parts)))) => {
                        // What it has notified is in its transaction already.
                        drop(parts);
                        None
                    }
                    Ok(HandlerOutcome(Err(error))) => Some(Cause::Error(error)),
                    Err(payload) => Some(Cause::Panic(payload)),
                };
                self.is_valid_again();
                if let Some(cause) = cause {
                    flush::fail(Failed { cause, location: self.location });
                }
                Verdict::Same
            }
            Kind::Async(rerun) => {
                if let Some(this) = self.this() {
                    let generation = rerun.again();
                    flush::start(Running::new(this, generation));
                }
                Verdict::Later
            }
        }
    }

    fn run_owner(&self) {
        // From the outermost one down: each may make an end of the next.
        let mut owners = Vec::new();
        let mut at = self.owner.as_ref().and_then(Weak::upgrade);
        while let Some(owner) = at {
            at = owner.owner.as_ref().and_then(Weak::upgrade);
            owners.push(owner);
        }
        for owner in owners.into_iter().rev() {
            if !owner.is_stopped() && owner.tracked.graph().run(&owner.tracked) {
                flush::owe(&owner.tracked, owner.location);
            }
        }
    }

    fn location(&self) -> Option<&'static Location<'static>> {
        Some(self.location)
    }
}
