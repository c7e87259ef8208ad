//! What a collection and a view have in common: contents under a lock, streams that are fed, views that are told.

use std::panic::Location;
use std::sync::{Arc, Weak};

use crate::collections::contents::Contents;
use crate::collections::feeds::{Feeds, Wakers};
use crate::collections::log::{Diff, Trash};
use crate::collections::told::{Downstream, Views};
use crate::collections::tracked::{How, Read, Reads};
use crate::flush::Settling;
use crate::graph::{Due, Origin};

type Key<C> = <<C as Contents>::Diff as Diff>::Key;

pub(crate) struct Board<C: Contents> {
    pub(crate) contents: C,
    pub(crate) feeds: Feeds<C::Diff>,
    /// How many changes there have been that somebody has heard of.
    pub(crate) version: u64,
    /// Some that are gone may be among them.
    pub(crate) views: Option<Views<C::Diff>>,
    /// What computeds and effects have read, if they have.
    reads: Option<Box<Reads<Key<C>>>>,
    /// How many views there are before the list is swept of those that are gone.
    sweep_at: usize,
}

impl<C: Contents> Board<C> {
    pub(crate) fn new(contents: C) -> Self {
        Board { contents, feeds: Feeds::new(), version: 0, views: None, reads: None, sweep_at: 8 }
    }

    /// Does anybody hear of changes who is not told in line?
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.reads.is_some() || !self.feeds.is_empty()
    }

    #[inline]
    pub(crate) fn is_read(&self) -> bool {
        self.reads.is_some()
    }

    /// Something is read, where reads are tracked: what that depends on.
    #[cold]
    pub(crate) fn note(&mut self, read: Read<Key<C>>, is_apart: bool) -> Option<Arc<Origin>> {
        self.reads.get_or_insert_with(|| Box::new(Reads::new())).note(read, is_apart)
    }

    /// There has been a change: what has read it is not up to date any more.
    #[inline]
    pub(crate) fn moved(
        &mut self,
        diff: &C::Diff,
        how: How<'_>,
        location: &'static Location<'static>,
    ) -> Option<Settling> {
        let (reads, len) = (self.reads.as_mut()?, self.contents.len());
        Some(reads.changed(diff, len, how, location))
    }

    /// The same, where that has brought back what was before.
    pub(crate) fn restored(&mut self, diff: &C::Diff, is_last: bool) -> Due {
        let len = self.contents.len();
        self.reads.as_mut().map_or_else(Due::new, |reads| reads.restored(diff, len, is_last))
    }

    /// Nothing is uncommitted any more.
    pub(crate) fn stands(&mut self) {
        self.reads.iter_mut().for_each(|reads| reads.stand());
    }

    /// There has been a change: feeds the streams. Gives the diff back if somebody else is to have it, too.
    #[inline]
    pub(crate) fn feed(
        &mut self,
        diff: C::Diff,
        is_wanted: bool,
        trash: &mut Trash,
        wakers: &mut Wakers,
    ) -> Option<C::Diff> {
        self.version += 1;
        if self.feeds.is_empty() {
            return Some(diff);
        }
        let kept = is_wanted.then(|| diff.clone());
        self.feeds.push(diff, self.contents.len(), trash, wakers);
        kept
    }

    /// From now on it is told. Gives what there is, up to where that begins.
    pub(crate) fn attach(&mut self, view: Weak<dyn Downstream<C::Diff>>) -> C::Diff {
        let views = Arc::make_mut(self.views.get_or_insert_default());
        if views.len() >= self.sweep_at {
            views.retain(|view| view.strong_count() != 0);
            self.sweep_at = 8.max(views.len() * 2);
        }
        views.push(view);
        self.contents.reset()
    }

    /// Those that are there, to be told.
    #[inline]
    pub(crate) fn views(&mut self) -> Option<Views<C::Diff>> {
        if self.views.is_none() { None } else { self.views_left() }
    }

    #[cold]
    fn views_left(&mut self) -> Option<Views<C::Diff>> {
        if self.views.as_ref()?.iter().all(|view| view.strong_count() == 0) {
            self.views = None;
        }
        self.views.clone()
    }
}

/// Nothing comes any more.
pub(crate) fn end<D>(views: Option<&Views<D>>) {
    views.iter().flat_map(|views| views.iter()).filter_map(Weak::upgrade).for_each(|view| view.end());
}
