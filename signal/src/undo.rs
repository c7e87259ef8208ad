//! The end of an atomic transaction, as an observable is told of it: what was stored stands, or is taken back.
//!
//! What changes then is in [`layers`](crate::layers). A restoration is a change like any other (it has a version of its own,
//! waits its turn while others are delivered, and wakes streams), but that asynchronous handlers do not hear of it: they have
//! not heard of what is taken back, as that was held back, and have heard of what comes back if it was committed, or will at
//! its commit.
//!
//! Asynchronous handlers get changes in the order of commit, each handler by itself: what was held back joins its queue at
//! the commit, and not at all if a later change has joined before, since with that the handler knows what stands.

use std::panic::Location;
use std::sync::Arc;

use settled::Transaction;
use settled::plumbing::Undo;

use crate::change::Shared;
use crate::flush::{self, Settling};
use crate::graph::Due;
use crate::late;
use crate::line;
use crate::news::{By, News};

impl<T: Clone + Send + Sync + 'static> Undo for Shared<T> {
    fn commit(self: Arc<Self>, by: &Transaction) {
        if self.store.own_update().is_some() {
            let by = by.clone();
            return late::tell(Arc::as_ptr(&self), move || self.commit(&by));
        }
        let mut gone = Vec::new();
        let mut state = self.store.lock(Location::caller());
        if let Some(rare) = &mut state.rare {
            rare.layers.commit(by, &mut gone);
        }
        if !state.has_layers() {
            self.stands();
        }
        // Streams may have come to their end.
        let after = if self.has_handles() { None } else { Some(state.wake()) };
        let rest = state.tidy();
        drop(state);
        drop((gone, rest));
        if let Some(after) = after {
            after.settle();
        }
    }

    fn roll_back(self: Arc<Self>, by: &Transaction) {
        if self.store.own_update().is_some() {
            let by = by.clone();
            return late::tell(Arc::as_ptr(&self), move || self.roll_back(&by));
        }
        let handlers = self.changed.handlers().snapshot();
        let more = self.more.get();
        let pair_handlers = more.and_then(|more| more.replaced.handlers().snapshot());
        let is_heard = handlers.is_some() || pair_handlers.is_some();
        let (mut gone, mut event, mut pair) = (Vec::new(), None, None);
        let mut old = None;

        let (mut prepared, mut guard) = (None, self.store.lock(Location::caller()));
        let is_on_top = guard.rare.as_ref().is_some_and(|rare| rare.layers.is_on_top(by));
        if is_heard && is_on_top && !guard.is_at_rest() {
            drop(guard);
            prepared = Some(line::prepare(&self, Location::caller()));
            guard = self.store.lock(Location::caller());
        }
        let state = &mut *guard;
        let restored =
            state.rare.as_mut().and_then(|rare| rare.layers.roll_back(by, &mut state.value, &mut gone));
        let mut heard_at = None;
        let is_restored = restored.is_some();
        if let Some((location, value)) = restored {
            let value = &*old.insert(value);
            let gate = more.and_then(|more| more.rules.gate);
            if is_heard && gate.is_none_or(|same| !same(value, &state.value)) {
                event = handlers.is_some().then(|| state.value.clone());
                pair = pair_handlers.is_some().then(|| (value.clone(), state.value.clone()));
                heard_at = Some(location);
            }
        }
        let is_last = !state.has_layers();
        let due = if is_restored { self.restored(is_last) } else { Due::new() };
        if is_last && !is_restored {
            self.stands();
        }
        let after = if is_restored { state.stored_for_now() } else { state.wake() };
        let rest = state.tidy();
        match heard_at {
            Some(location) => {
                let stamp = state.version;
                let (event, pair) = (handlers.zip(event.take()), pair_handlers.zip(pair.take()));
                let news = News { event, pair, published: None, stamp, by: By::Restored };
                drop(line::pass_on(&self, guard, prepared, news, || after.settle(), location));
            }
            None => {
                drop(guard);
                prepared.map(|prepared| prepared.in_vain());
                after.settle();
            }
        }
        drop((gone, rest, old));
        flush::owe_elsewhere(due, Location::caller());
    }
}

impl<T> Shared<T> {
    /// As `moved`, in an atomic transaction; `is_first`: for the first time in this one.
    pub(crate) fn moved_for_now(
        &self,
        is_first: bool,
        location: &'static Location<'static>,
    ) -> Option<Settling> {
        let origin = self.origin.get()?;
        Some(Settling::of(location, |settle, due| {
            origin.graph().change_for_now(origin, is_first, settle, due);
        }))
    }

    /// Nothing of it is uncommitted any more.
    fn stands(&self) {
        if let Some(origin) = self.origin.get() {
            origin.graph().stands(origin);
        }
    }

    /// The value before stands again. Which effects have seen the other one.
    fn restored(&self, is_last: bool) -> Due {
        let mut due = Due::new();
        if let Some(origin) = self.origin.get() {
            origin.graph().restore(origin, is_last, flush::own_settle_point(), &mut due);
        }
        due
    }
}
