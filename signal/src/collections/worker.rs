//! A view: what makes its changes out of those of what it is a view of.
//!
//! It hears of each change in its turn, before the handlers do, and one after another: what its source promises is what
//! orders its work. The *operator*, with the user's closure, is taken out while it works, so that nothing is locked; what it
//! says has changed is then made to the contents, fed to streams, and told on.
//!
//! While a view is being made, changes that come are kept, and made up for. Where the user's closure panics, that is a failure
//! of the setter's notification, and the view is made anew out of all that there is at the next change.
//!
//! Asynchronous handlers of a view hear of changes that are committed only. What happens while something is not is *owed*
//! to them, until all is committed or rolled back again: then they hear of all of it at once.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::Waker;

use crate::collections::board::{self, Board};
use crate::collections::contents::Contents;
use crate::collections::core::late_of;
use crate::collections::feeds::{Feeding, Taken, Wakers};
use crate::collections::log::{Diff, Log, Trash};
use crate::collections::told::{Downstream, News, Stage, Told};
use crate::collections::tracked::{How, Read};
use crate::flush;
use crate::graph::{Due, Untracked, is_tracking};
use crate::lock::lock;
use crate::notification::Notification;
use crate::options::Options;
use crate::source::Source;

/// What there can be a view of.
pub(crate) trait Upstream<D>: Send + Sync {
    /// From now on the view is told of each change. Gives what there is, and whether something of that is uncommitted.
    fn attach(&self, view: Weak<dyn Downstream<D>>) -> (D, bool);

    /// What there is, and the number of the change that made it.
    fn now(&self) -> (D, u64);
}

/// Makes changes of a view out of changes of its source.
pub(crate) trait Operator<In, Out>: Send + 'static {
    /// A reset makes it begin anew.
    fn apply(&mut self, diff: &In, out: &mut Steps<Out>);
}

/// What has changed of a view.
pub(crate) struct Steps<D> {
    log: Log<D>,
    trash: Trash,
}

impl<D: Diff> Steps<D> {
    fn new() -> Self {
        Steps { log: Log::new(), trash: Trash::new() }
    }

    pub(crate) fn push(&mut self, step: D) {
        self.log.push(step, &mut self.trash);
    }
}

/// The view that another one is a view of, which is to stay as long.
pub(crate) type Keep = Option<Box<dyn Send + Sync>>;

/// What the handles of a view share.
pub(crate) struct Shown<C: Contents> {
    pub(crate) changed: Source<C::Diff>,
    board: Mutex<Board<C>>,
    /// Some of it is uncommitted.
    is_apart: AtomicBool,
    /// Nothing comes any more.
    is_over: AtomicBool,
}

pub(crate) struct Worker<In, C: Contents, O> {
    shown: Arc<Shown<C>>,
    upstream: Weak<dyn Upstream<In>>,
    work: Mutex<Work<In, C::Diff, O>>,
    /// What it is a view of, if that is a view.
    _keep: Keep,
}

struct Work<In, Out, O> {
    /// None: it works.
    operator: Option<O>,
    /// It has unwound.
    is_stale: bool,
    /// Changes up to this one are in it.
    done: u64,
    /// What has come while it worked.
    waiting: VecDeque<Change<In>>,
    owed: Option<Owed<Out>>,
}

struct Change<In> {
    diff: Option<In>,
    version: u64,
    stage: Stage,
    is_late: bool,
    is_closed: bool,
    location: &'static Location<'static>,
}

/// What asynchronous handlers have not heard of.
struct Owed<Out> {
    steps: Vec<Out>,
    weight: usize,
    /// The steps are not all there is, or not only that.
    is_mixed: bool,
    /// So often something was committed.
    commits: usize,
}

impl<Out> Owed<Out> {
    fn new(is_mixed: bool) -> Self {
        Owed { steps: Vec::new(), weight: 0, is_mixed, commits: 0 }
    }
}

impl<In: Diff, C: Contents, O: Operator<In, C::Diff>> Worker<In, C, O> {
    /// Makes a view. Runs the operator on all that there is.
    pub(crate) fn start(
        upstream: &Arc<impl Upstream<In> + 'static>,
        keep: Keep,
        operator: O,
        contents: C,
    ) -> Arc<Self> {
        let shown = Arc::new(Shown {
            changed: Source::new(Options::default()),
            board: Mutex::new(Board::new(contents)),
            is_apart: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        });
        let work = Work { operator: None, is_stale: false, done: 0, waiting: VecDeque::new(), owed: None };
        let weak: Weak<dyn Upstream<In>> = Arc::downgrade(upstream) as _;
        let worker = Arc::new(Worker { shown, upstream: weak, work: Mutex::new(work), _keep: keep });
        let view: Weak<dyn Downstream<In>> = Arc::downgrade(&worker) as _;
        let (reset, is_apart) = upstream.attach(view);
        if is_apart {
            lock(&worker.work).owed = Some(Owed::new(true));
        }
        let _untracked = Untracked::begin();
        let location = Location::caller();
        let first = Change {
            diff: Some(reset),
            version: 0,
            stage: Stage::Whole,
            is_late: false,
            is_closed: false,
            location,
        };
        let first = Change { stage: if is_apart { Stage::Early } else { Stage::Whole }, ..first };
        worker.make_up(first, operator);
        worker
    }

    pub(crate) fn shown(&self) -> &Arc<Shown<C>> {
        &self.shown
    }

    /// Works on this, and on what has come meanwhile.
    fn make_up(&self, first: Change<In>, mut operator: O) {
        let mut next = Some(first);
        while let Some(change) = next {
            let mut steps = Steps::new();
            if let Some(diff) = &change.diff {
                operator.apply(diff, &mut steps);
            }
            drop(self.show(steps, &change.told()));
            let mut work = lock(&self.work);
            next = work.waiting.pop_front();
            if next.is_none() {
                work.operator = Some(operator);
                return;
            }
        }
    }

    /// The contents are to be these, and all are to hear of it.
    fn show(&self, steps: Steps<C::Diff>, told: &Told<'_, In>) -> Notification<()> {
        let Steps { log, mut trash } = steps;
        let mut wakers = Wakers::new();
        let (handlers, views);
        let mut diff = log.finish_steps();
        let (mut version, mut reset) = (0, None);
        let (mut settling, mut due) = (None, Due::new());
        let mut owed = {
            let mut work = lock(&self.work);
            if told.stage != Stage::Whole || told.is_late {
                let owed = work.owed.get_or_insert_with(|| Owed::new(false));
                owed.commits += usize::from(told.is_late);
                owed.is_mixed |=
                    told.stage == Stage::Restored || (told.stage == Stage::Early && told.is_late);
                if let Some(diff) = diff.as_ref().filter(|_| !owed.is_mixed) {
                    owed.weight += diff.weight();
                    owed.steps.push(diff.clone());
                }
            }
            self.shown.is_apart.store(work.owed.is_some() && !told.is_closed, Ordering::Release);
            if told.is_closed { work.owed.take() } else { None }
        };
        {
            let mut board = lock(&self.shown.board);
            handlers = self.shown.changed.handlers().snapshot();
            views = board.views();
            if let Some(new) = diff.take() {
                board.contents.apply(&new, &mut trash);
                match told.stage {
                    Stage::Restored => due = board.restored(&new, told.is_closed),
                    Stage::Whole => settling = board.moved(&new, How::Plainly, told.location),
                    Stage::Early => settling = board.moved(&new, How::ForNow(None), told.location),
                }
                diff = board.feed(new, true, &mut trash, &mut wakers);
                version = board.version;
            }
            let is_whole =
                owed.as_ref().is_some_and(|owed| owed.commits > 0 && (owed.is_mixed || owed.commits > 1));
            if is_whole {
                reset = Some(board.contents.reset());
            }
        }
        let late = match (reset, owed.take_if(|owed| owed.commits > 0)) {
            (Some(reset), _) => Some(reset),
            (None, Some(owed)) => {
                let mut log = Log::new();
                let steps = owed.steps.into_iter().flat_map(Diff::into_steps);
                steps.for_each(|step| log.push(step, &mut trash));
                log.finish_steps()
            }
            (None, None) => None,
        };
        let Told { stage, is_late, is_closed, location, .. } = *told;
        let late = late.and_then(|late| Some((late_of(handlers.as_ref()?)?, late)));
        let news = News { views, diff, version, stage, handlers, late, is_late, is_closed };
        let notification = if news.is_heard() {
            news.tell(&self.shown.changed, location)
        } else {
            Notification::done(Vec::new())
        };
        wakers.into_iter().for_each(|waker| waker.wake());
        flush::owe_elsewhere(due, location);
        match settling {
            None => notification,
            Some(settling) => settling.end(notification),
        }
    }
}

impl<In: Diff, C: Contents, O: Operator<In, C::Diff>> Downstream<In> for Worker<In, C, O> {
    fn take(self: Arc<Self>, told: &Told<'_, In>) -> Notification<()> {
        let (mut operator, is_stale, is_done) = {
            let mut work = lock(&self.work);
            match work.operator.take() {
                Some(operator) => (operator, work.is_stale, told.version <= work.done),
                None => {
                    // Whoever makes the view will make it up.
                    work.waiting.push_back(told.to_change());
                    return Notification::done(Vec::new());
                }
            }
        };
        let mut steps = Steps::new();
        let mut fresh = None;
        let worked = catch_unwind(AssertUnwindSafe(|| match told.diff {
            Some(_) if is_stale => {
                if let Some(upstream) = self.upstream.upgrade() {
                    let (reset, version) = upstream.now();
                    operator.apply(&reset, &mut steps);
                    fresh = Some(version);
                }
            }
            Some(diff) if !is_done => operator.apply(diff, &mut steps),
            _ => {}
        }));
        {
            let mut work = lock(&self.work);
            work.operator = Some(operator);
            work.is_stale = worked.is_err() || (is_stale && fresh.is_none());
            if let Some(version) = fresh {
                work.done = version;
            }
            let is_stale = work.is_stale;
            if let Some(owed) = work.owed.as_mut().filter(|_| is_stale) {
                owed.is_mixed = true;
            }
        }
        match worked {
            Ok(()) => self.show(steps, told),
            Err(payload) => {
                drop(self.show(Steps::new(), told));
                resume_unwind(payload)
            }
        }
    }

    fn end(&self) {
        self.shown.end();
    }
}

impl<In: Clone> Told<'_, In> {
    fn to_change(&self) -> Change<In> {
        let Told { diff, version, stage, is_late, is_closed, location } = *self;
        Change { diff: diff.cloned(), version, stage, is_late, is_closed, location }
    }
}

impl<In> Change<In> {
    fn told(&self) -> Told<'_, In> {
        let Change { diff, version, stage, is_late, is_closed, location } = self;
        let (version, stage, is_late, is_closed) = (*version, *stage, *is_late, *is_closed);
        Told { diff: diff.as_ref(), version, stage, is_late, is_closed, location }
    }
}

impl<C: Contents> Shown<C> {
    pub(crate) fn look<R>(&self, f: impl FnOnce(&C) -> R) -> R {
        f(&lock(&self.board).contents)
    }

    /// The same where that is a read that is tracked.
    pub(crate) fn read<R>(
        &self,
        what: impl FnOnce() -> Read<<C::Diff as Diff>::Key>,
        f: impl FnOnce(&C) -> R,
    ) -> R {
        if is_tracking() {
            let what = what();
            let is_apart = self.is_apart.load(Ordering::Acquire);
            let origin = lock(&self.board).note(what, is_apart);
            origin.iter().for_each(|origin| origin.track());
        }
        self.look(f)
    }

    fn end(&self) {
        let mut wakers = Wakers::new();
        let mut board = lock(&self.board);
        self.is_over.store(true, Ordering::Release);
        board.feeds.wake_all(&mut wakers);
        let views = board.views.clone();
        drop(board);
        wakers.into_iter().for_each(|waker| waker.wake());
        board::end(views.as_ref());
    }
}

impl<C: Contents> Drop for Shown<C> {
    fn drop(&mut self) {
        let views = lock(&self.board).views.take();
        board::end(views.as_ref());
    }
}

impl<In: Diff, C: Contents, O: Operator<In, C::Diff>> Feeding<C::Diff> for Worker<In, C, O> {
    fn join(&self, number: u64) {
        lock(&self.shown.board).feeds.join(number);
    }

    fn take(&self, number: u64, taken: &mut VecDeque<C::Diff>, waker: Option<Waker>) -> Taken {
        let mut board = lock(&self.shown.board);
        let Board { contents, feeds, .. } = &mut *board;
        let ends = || self.shown.is_over.load(Ordering::Acquire);
        feeds.take(number, taken, waker, || contents.reset(), ends)
    }

    fn leave(&self, number: u64) {
        let gone = lock(&self.shown.board).feeds.leave(number);
        drop(gone);
    }

    fn is_free(&self) -> bool {
        true
    }
}

impl<C: Contents> Upstream<C::Diff> for Shown<C> {
    fn attach(&self, view: Weak<dyn Downstream<C::Diff>>) -> (C::Diff, bool) {
        let mut board = lock(&self.board);
        (board.attach(view), self.is_apart.load(Ordering::Acquire))
    }

    fn now(&self) -> (C::Diff, u64) {
        let board = lock(&self.board);
        (board.contents.reset(), board.version)
    }
}
