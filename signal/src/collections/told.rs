//! One change, as it is told: to views first, so that they are in step when a handler looks, then to the handlers.
//!
//! As long as nothing is uncommitted, all hear of the same. While an atomic transaction that has changed the collection is
//! open, there are two truths: what is read (synchronous handlers, streams and views hear of each change to that), and what
//! would stand if all that is open were rolled back, of which asynchronous handlers hear: of a plain change at once, of an
//! atomic one at the commit, both in the positions that hold there. What is restored by a rollback only the former hear of.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::{Arc, Weak};

use settled::plumbing;

use crate::collections::log::Diff;
use crate::graph::Untracked;
use crate::handlers::Snapshot;
use crate::notification::Notification;
use crate::notify::{tell, to_nobody};
use crate::parts::Parts;
use crate::refused::Reason;
use crate::source::Source;

/// Those who are told first.
pub(crate) type Views<D> = Arc<Vec<Weak<dyn Downstream<D>>>>;

/// A view, as what it is a view of knows it.
pub(crate) trait Downstream<D>: Send + Sync {
    fn take(self: Arc<Self>, told: &Told<'_, D>) -> Notification<()>;

    /// Nothing comes any more.
    fn end(&self);
}

/// What a view hears.
pub(crate) struct Told<'a, D> {
    /// A change of what is read.
    pub(crate) diff: Option<&'a D>,
    /// The number of that.
    pub(crate) version: u64,
    pub(crate) stage: Stage,
    /// Something has been committed that was read before.
    pub(crate) is_late: bool,
    /// Nothing is uncommitted now.
    pub(crate) is_closed: bool,
    pub(crate) location: &'static Location<'static>,
}

/// Who hears of a change of what is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// All: nothing is uncommitted.
    Whole,
    /// Synchronous handlers: something is.
    Early,
    /// They alone: it has been brought back by a rollback.
    Restored,
}

pub(crate) struct News<D> {
    pub(crate) views: Option<Views<D>>,
    /// A change of what is read.
    pub(crate) diff: Option<D>,
    /// The number of that.
    pub(crate) version: u64,
    pub(crate) stage: Stage,
    /// All handlers.
    pub(crate) handlers: Option<Snapshot<D, ()>>,
    /// For asynchronous handlers alone, who are these.
    pub(crate) late: Option<(Snapshot<D, ()>, D)>,
    pub(crate) is_late: bool,
    pub(crate) is_closed: bool,
}

impl<D: Diff> News<D> {
    /// Is there anybody to hear of it?
    pub(crate) fn is_heard(&self) -> bool {
        let is_there = self.diff.is_some();
        let is_for_views = is_there || self.is_late || self.is_closed || self.stage == Stage::Restored;
        (self.views.is_some() && is_for_views) || (self.handlers.is_some() && is_there) || self.late.is_some()
    }

    pub(crate) fn tell(self, changed: &Source<D>, location: &'static Location<'static>) -> Notification<()> {
        let is_sync = self.stage != Stage::Whole;
        match self {
            News { views: None, late: None, diff: Some(diff), handlers: Some(handlers), .. } => {
                tell(changed.handlers(), handlers, diff, location, 0, is_sync)
            }
            News { views: None, late: None, .. } => Notification::done(Vec::new()),
            news => news.tell_all(changed, is_sync, location),
        }
    }

    #[cold]
    fn tell_all(
        self,
        changed: &Source<D>,
        is_sync: bool,
        location: &'static Location<'static>,
    ) -> Notification<()> {
        let News { views, diff, version, stage, handlers, late, is_late, is_closed } = self;
        let list = changed.handlers();
        // Who runs here depends on what it reads itself, not on what views and handlers read.
        let _untracked = Untracked::begin();
        let (told, own) = plumbing::lazily(location, || {
            let mut told = Vec::new();
            let news = Told { diff: diff.as_ref(), version, stage, is_late, is_closed, location };
            for view in views.iter().flat_map(|views| views.iter()).filter_map(Weak::upgrade) {
                told.push(guarded(location, || view.take(&news)));
            }
            if let Some((handlers, diff)) = handlers.zip(diff) {
                told.push(tell(list, handlers, diff, location, 0, is_sync));
            }
            if let Some((handlers, diff)) = late {
                told.push(tell(list, handlers, diff, location, 0, false));
            }
            told
        });
        let mut parts = Parts::new(location, Vec::new());
        told.into_iter().for_each(|told| parts.push(told.into_yield()));
        parts.set_own(own);
        Notification::new(parts)
    }
}

/// What unwinds is a failure of the notification.
pub(crate) fn guarded(
    location: &'static Location<'static>,
    f: impl FnOnce() -> Notification<()>,
) -> Notification<()> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| to_nobody(Reason::Panic(payload), location))
}
