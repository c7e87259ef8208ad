//! What the handles of a collection share, and how it is changed.
//!
//! A change is made under the lock: the contents, what is noted for a rollback, and what streams are fed are one step. Then it
//! is told in its turn (see [`line`](crate::line) and [`told`](crate::collections::told)). Under the lock nothing of the
//! user's runs but `Clone`, `Ord`, and the closures of those methods that say so, which have the collection to themselves.

use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard, Weak};
use std::task::Waker;

use settled::plumbing::{self, Fate, Undo};
use settled::{Transaction, current};

use crate::collections::apart::{Apart, Pile};
use crate::collections::board::{self, Board};
use crate::collections::contents::Contents;
use crate::collections::edit::Edit;
use crate::collections::feeds::{Feeding, Taken, Wakers};
use crate::collections::log::{Diff, Trash};
use crate::collections::told::{Downstream, News, Stage, Views};
use crate::collections::tracked::{How, Read};
use crate::collections::worker::Upstream;
use crate::flush::{self, Settling};
use crate::graph::{Due, is_tracking};
use crate::handlers::Snapshot;
use crate::late::{self, Updating};
use crate::line::{self, HasLine, Line, Lined, Prepared};
use crate::notification::Notification;
use crate::options::Options;
use crate::source::Source;
use crate::store::Store;

/// What a collection that one can change consists of.
pub(crate) trait Base: Contents + Sync {
    type Pile: Pile<Self>;
}

pub(crate) struct Core<C: Base> {
    store: Store<State<C>>,
    pub(crate) changed: Source<C::Diff>,
    /// How many handles there are.
    handles: AtomicUsize,
}

pub(crate) struct State<C: Base> {
    pub(crate) board: Board<C>,
    line: Line<News<C::Diff>>,
    /// There is something uncommitted.
    apart: Option<Box<Apart<C>>>,
}

impl<C: Base> State<C> {
    /// Is anything uncommitted?
    #[inline]
    pub(crate) fn is_apart(&self) -> bool {
        self.apart.is_some()
    }
}

impl<C: Base> Core<C> {
    pub(crate) fn new(contents: C) -> Arc<Self> {
        let state = State { board: Board::new(contents), line: Line::new(), apart: None };
        let changed = Source::new(Options::default());
        Arc::new(Core { store: Store::new(state), changed, handles: AtomicUsize::new(1) })
    }

    #[inline]
    pub(crate) fn lock(&self, location: &'static Location<'static>) -> MutexGuard<'_, State<C>> {
        self.store.lock(location)
    }

    /// Looks at the contents, under the lock.
    #[inline]
    pub(crate) fn look<R>(&self, location: &'static Location<'static>, f: impl FnOnce(&C) -> R) -> R {
        f(&self.store.lock(location).board.contents)
    }

    /// The same where that is a read that is tracked.
    #[inline]
    pub(crate) fn read<R>(
        &self,
        location: &'static Location<'static>,
        what: impl FnOnce() -> Read<<C::Diff as Diff>::Key>,
        f: impl FnOnce(&C) -> R,
    ) -> R {
        if is_tracking() {
            let what = what();
            let mut state = self.store.lock(location);
            let is_apart = state.apart.is_some();
            let origin = state.board.note(what, is_apart);
            drop(state);
            origin.iter().for_each(|origin| origin.track());
        }
        self.look(location, f)
    }

    /// Looks at the contents, unless it is being updated on this thread: then gives the place of that.
    pub(crate) fn peek<R>(&self, f: impl FnOnce(&C) -> R) -> Result<R, &'static Location<'static>> {
        match self.store.own_update() {
            Some(location) => Err(location),
            None => Ok(self.look(Location::caller(), f)),
        }
    }

    /// Makes a change in which nothing of the user's runs but `Clone` and `Ord`. What it gives back is made under the lock.
    pub(crate) fn change<R>(
        self: &Arc<Self>,
        location: &'static Location<'static>,
        f: impl FnOnce(&mut Edit<'_, C>) -> R,
    ) -> (R, Notification<()>) {
        self.make(location, |_, edit| f(edit))
    }

    /// The same with a closure of the user's. If that panics, what it has done until then stands, and is told.
    pub(crate) fn update<R>(
        self: &Arc<Self>,
        location: &'static Location<'static>,
        f: impl FnOnce(&mut Edit<'_, C>) -> R,
    ) -> (R, Notification<()>) {
        let _updating = Updating::new(Arc::as_ptr(self));
        let (result, notification) = self.make(location, |store, edit| {
            let mut result = None;
            let run = || store.update(location, || result = Some(f(edit)));
            let unwound = catch_unwind(AssertUnwindSafe(run));
            (result, unwound.err())
        });
        match result {
            (Some(result), _) => (result, notification),
            (None, payload) => {
                resume_unwind(payload.unwrap_or_else(|| Box::new("an update that has not run")))
            }
        }
    }

    fn make<R>(
        self: &Arc<Self>,
        location: &'static Location<'static>,
        f: impl FnOnce(&Store<State<C>>, &mut Edit<'_, C>) -> R,
    ) -> (R, Notification<()>) {
        // Dropped when the lock is open again, whatever unwinds.
        let (mut trash, mut wakers) = (Trash::new(), Wakers::new());
        let (mut handlers, mut views, mut prepared) = (None, None, None);
        let mut guard = self.lock_to_tell(&mut handlers, &mut views, &mut prepared, location);
        let by = if plumbing::may_be_atomic() { self.owner(&mut guard, &mut trash) } else { None };
        let state = &mut *guard;
        let is_told = views.is_some() || handlers.is_some();
        let is_heard = is_told || state.board.is_watched();
        let owner = by.as_ref().filter(|_| state.board.is_read()).cloned();
        let apart = state.apart.as_deref_mut();
        let was_apart = apart.is_some();
        let mut edit = Edit::new(&mut state.board.contents, is_heard, apart, by, location, &mut trash);
        let result = f(&self.store, &mut edit);
        let (diff, late) = edit.finish();

        let closed = state.apart.take_if(|apart| apart.pile.is_empty());
        let is_closed = closed.is_some();
        let how = if was_apart { How::ForNow(owner.as_ref()) } else { How::Plainly };
        let settling = diff.as_ref().and_then(|diff| state.board.moved(diff, how, location));
        if is_closed {
            state.board.stands();
        }
        let diff = diff.and_then(|diff| state.board.feed(diff, is_told, &mut trash, &mut wakers));
        let version = state.board.version;
        let is_late = late.is_some();
        let late = late.and_then(|late| Some((late_of(handlers.as_ref()?)?, late)));
        let stage = if was_apart { Stage::Early } else { Stage::Whole };
        let news = News { views, diff, version, stage, handlers, late, is_late, is_closed };
        // What views have to say is part of it.
        let around = news.views.is_some().then(|| Settling::begin(location));
        let notification = if news.is_heard() {
            let after = || wakers.into_iter().for_each(|waker| waker.wake());
            line::pass_on(self, guard, prepared, news, after, location)
        } else {
            drop(guard);
            wakers.into_iter().for_each(|waker| waker.wake());
            drop(news);
            prepared.map_or_else(|| Notification::done(Vec::new()), |prepared| prepared.in_vain())
        };
        drop((closed, owner));
        let notification =
            [settling, around].into_iter().flatten().fold(notification, |told, it| it.end(told));
        (result, notification)
    }

    /// Takes the lock, for a change that those are told of whom it gives; what is needed for that, if others are ahead.
    #[inline]
    fn lock_to_tell(
        self: &Arc<Self>,
        handlers: &mut Option<Snapshot<C::Diff, ()>>,
        views: &mut Option<Views<C::Diff>>,
        prepared: &mut Option<Prepared>,
        location: &'static Location<'static>,
    ) -> MutexGuard<'_, State<C>> {
        loop {
            let mut state = self.store.lock(location);
            let old = (
                mem::replace(handlers, self.changed.handlers().snapshot()),
                mem::replace(views, state.board.views()),
            );
            let is_told = handlers.is_some() || views.is_some();
            if !is_told || prepared.is_some() || state.line.is_at_rest() {
                return state;
            }
            drop(state);
            drop(old);
            *prepared = Some(line::prepare(self, location));
        }
    }

    /// The atomic transaction that a change belongs to, and is undone with. The collection takes part in that from now on.
    #[cold]
    fn owner(self: &Arc<Self>, state: &mut State<C>, trash: &mut Trash) -> Option<Transaction> {
        let mut holder = plumbing::holder();
        while let Some(of) = holder {
            let is_known = state.apart.as_ref().is_some_and(|apart| apart.is_known(&of));
            let takes_part = if is_known {
                plumbing::fate(&of) == Fate::Open
            } else {
                plumbing::take_part(&of, &(self.clone() as Arc<dyn Undo>))
            };
            if takes_part {
                let State { board, apart, .. } = state;
                let apart = apart.get_or_insert_with(|| Box::new(Apart::open(&board.contents)));
                trash.extend(apart.last.replace(of.clone()).map(|old| Box::new(old) as _));
                return Some(of);
            }
            // It has come to its end meanwhile.
            holder = plumbing::holder_of(&of);
        }
        None
    }

    /// An atomic transaction has come to its end.
    fn decide(self: Arc<Self>, by: &Transaction, stands: bool) {
        if self.store.own_update().is_some() {
            let by = by.clone();
            return late::tell(Arc::as_ptr(&self), move || self.decide(&by, stands));
        }
        let location = Location::caller();
        let (mut trash, mut wakers) = (Trash::new(), Wakers::new());
        let (mut handlers, mut views, mut prepared) = (None, None, None);
        let mut guard = self.lock_to_tell(&mut handlers, &mut views, &mut prepared, location);
        let state = &mut *guard;
        let Board { contents, .. } = &mut state.board;
        let mut log = None;
        if let Some(apart) = &mut state.apart {
            let steps = if stands {
                apart.pile.commit(by, contents, &mut trash)
            } else {
                apart.pile.roll_back(by, contents, &mut trash)
            };
            log = Some(steps);
        }
        let closed = state.apart.take_if(|apart| apart.pile.is_empty());
        let is_closed = closed.is_some();
        let contents = &state.board.contents;
        // What is committed is here as a whole only where nothing else is.
        let len = if !stands || is_closed { contents.len() } else { usize::MAX };
        let diff = log.and_then(|log| log.finish(len, || contents.reset(), &mut trash));
        let mut due = Due::new();
        if let Some(diff) = diff.as_ref().filter(|_| !stands) {
            due = state.board.restored(diff, is_closed);
        }
        if is_closed {
            state.board.stands();
        }
        let is_told = views.is_some() || handlers.is_some();
        let stage = if stands { Stage::Whole } else { Stage::Restored };
        let mut news = News {
            views,
            diff: None,
            version: 0,
            stage,
            handlers: None,
            late: None,
            is_late: false,
            is_closed,
        };
        if stands {
            news.is_late = diff.is_some();
            news.late = handlers.and_then(|handlers| late_of(&handlers)).zip(diff);
        } else if let Some(diff) = diff {
            news.handlers = handlers;
            news.diff = state.board.feed(diff, is_told, &mut trash, &mut wakers).filter(|_| is_told);
            news.version = state.board.version;
        }
        let is_over = is_closed && !self.has_handles();
        if is_over {
            state.board.feeds.wake_all(&mut wakers);
        }
        let ended = if is_over { state.board.views.clone() } else { None };
        let after = || wakers.into_iter().for_each(|waker| waker.wake());
        if news.is_heard() {
            drop(line::pass_on(&self, guard, prepared, news, after, location));
        } else {
            drop(guard);
            after();
            drop(prepared.map(|prepared| prepared.in_vain()));
        }
        board::end(ended.as_ref());
        drop(closed);
        flush::owe_elsewhere(due, location);
    }

    pub(crate) fn handle(self: &Arc<Self>) -> Arc<Self> {
        self.handles.fetch_add(1, Ordering::Relaxed);
        self.clone()
    }

    /// There is one handle less. With the last one streams and views end, unless a rollback may change something still.
    pub(crate) fn let_go(&self) {
        if self.handles.fetch_sub(1, Ordering::AcqRel) == 1 && self.store.own_update().is_none() {
            let mut wakers = Wakers::new();
            let mut state = self.store.lock(Location::caller());
            state.board.feeds.wake_all(&mut wakers);
            let is_over = state.apart.is_none() && state.line.is_at_rest();
            let ended = if is_over { state.board.views.clone() } else { None };
            drop(state);
            wakers.into_iter().for_each(|waker| waker.wake());
            board::end(ended.as_ref());
        }
    }

    fn has_handles(&self) -> bool {
        self.handles.load(Ordering::Acquire) != 0
    }
}

/// Those of them who are asynchronous.
#[cold]
pub(crate) fn late_of<D>(handlers: &Snapshot<D, ()>) -> Option<Snapshot<D, ()>> {
    let late: Vec<_> =
        handlers.iter().filter(|slot| slot.as_ref().is_some_and(|entry| entry.is_late())).cloned().collect();
    (!late.is_empty()).then(|| Arc::new(late))
}

impl<C: Base> Drop for Core<C> {
    fn drop(&mut self) {
        let views = self.store.lock(Location::caller()).board.views.take();
        board::end(views.as_ref());
    }
}

impl<C: Base> HasLine for State<C> {
    type News = News<C::Diff>;

    #[inline]
    fn line(&mut self) -> &mut Line<News<C::Diff>> {
        &mut self.line
    }
}

impl<C: Base> Lined for Core<C> {
    type State = State<C>;
    type News = News<C::Diff>;

    fn store(&self) -> &Store<State<C>> {
        &self.store
    }

    fn tell(self: &Arc<Self>, news: News<C::Diff>, location: &'static Location<'static>) -> Notification<()> {
        news.tell(&self.changed, location)
    }
}

/// The transaction around that nothing holds back.
fn beyond() -> Transaction {
    let mut at = current();
    while let Some(transaction) = at {
        if !transaction.is_atomic() && plumbing::holder_of(&transaction).is_none() {
            return transaction;
        }
        at = transaction.parent();
    }
    Transaction::root()
}

impl<C: Base> Undo for Core<C> {
    fn commit(self: Arc<Self>, by: &Transaction) {
        self.decide(by, true);
    }

    fn roll_back(self: Arc<Self>, by: &Transaction) {
        // What is owed because of it must not be lost with another one that is rolled back later.
        beyond().enter(|| self.decide(by, false));
    }
}

impl<C: Base> Feeding<C::Diff> for Core<C> {
    fn join(&self, number: u64) {
        self.store.lock(Location::caller()).board.feeds.join(number);
    }

    fn take(&self, number: u64, taken: &mut VecDeque<C::Diff>, waker: Option<Waker>) -> Taken {
        let mut state = self.store.lock(Location::caller());
        let State { board: Board { contents, feeds, .. }, apart, .. } = &mut *state;
        let ends = || !self.has_handles() && apart.is_none();
        feeds.take(number, taken, waker, || contents.reset(), ends)
    }

    fn leave(&self, number: u64) {
        let gone = self.store.lock(Location::caller()).board.feeds.leave(number);
        drop(gone);
    }

    fn is_free(&self) -> bool {
        self.store.own_update().is_none()
    }
}

impl<C: Base> Upstream<C::Diff> for Core<C> {
    fn attach(&self, view: Weak<dyn Downstream<C::Diff>>) -> (C::Diff, bool) {
        let mut state = self.store.lock(Location::caller());
        (state.board.attach(view), state.apart.is_some())
    }

    fn now(&self) -> (C::Diff, u64) {
        let state = self.store.lock(Location::caller());
        (state.board.contents.reset(), state.board.version)
    }
}
