//! What computeds and effects have read of a collection: an item each, how many there are, or all of it; so that each
//! depends on what it has read, and on nothing else.
//!
//! All of it is kept under the lock of the contents. A read that is tracked notes what it reads, before it reads; a change says
//! for what is noted that it has changed, in the same step in which it is made. What is noted of items is bounded: who reads
//! one more beyond that depends on all.

use std::collections::BTreeMap;
use std::mem;
use std::ops::Bound;
use std::panic::Location;
use std::sync::Arc;

use settled::Transaction;
use settled::plumbing::share_fate;

use crate::collections::log::Diff;
use crate::flush::{self, Settling};
use crate::graph::{Due, Origin, current_graph};

/// So many items are told apart.
const MOST: usize = 1024;

/// What is read.
pub(crate) enum Read<K> {
    Item(K),
    Len,
    All,
}

/// What a step changes.
pub(crate) enum Touch<'a, K> {
    Item(&'a K),
    /// That one and all behind it.
    From(&'a K),
    All,
}

/// What has been read.
pub(crate) struct Reads<K> {
    all: Option<Noted>,
    len: Option<Noted>,
    items: BTreeMap<K, Noted>,
}

struct Noted {
    origin: Arc<Origin>,
    /// It may not be committed.
    is_apart: bool,
    /// The transaction that has changed it last, if that is so.
    by: Option<Transaction>,
}

/// How something has changed.
#[derive(Clone, Copy)]
pub(crate) enum How<'a> {
    /// It stands.
    Plainly,
    /// It may be rolled back, with this one.
    ForNow(Option<&'a Transaction>),
}

impl Noted {
    /// `None` where nothing is tracked.
    fn new(is_apart: bool) -> Option<Self> {
        let origin = Origin::new(&current_graph()?);
        if is_apart {
            origin.graph().born_uncommitted(&origin);
        }
        Some(Noted { origin: Arc::new(origin), is_apart, by: None })
    }

    fn change(&mut self, how: How<'_>, settle: u64, due: &mut Due) {
        match how {
            How::Plainly => self.origin.graph().change(&self.origin, settle, due),
            How::ForNow(by) => {
                let is_same = match (by, &self.by) {
                    (Some(by), Some(last)) => share_fate(by, last),
                    (None, None) => true,
                    _ => false,
                };
                let is_first = !(mem::replace(&mut self.is_apart, true) && is_same);
                self.by = by.cloned();
                self.origin.graph().change_for_now(&self.origin, is_first, settle, due);
            }
        }
    }

    fn stands(&mut self) {
        if mem::take(&mut self.is_apart) {
            self.origin.graph().stands(&self.origin);
        }
    }
}

impl<K: Ord + Clone> Reads<K> {
    pub(crate) fn new() -> Self {
        Reads { all: None, len: None, items: BTreeMap::new() }
    }

    /// What is read depends on this.
    pub(crate) fn note(&mut self, read: Read<K>, is_apart: bool) -> Option<Arc<Origin>> {
        let place = match read {
            Read::Item(key) if self.items.len() < MOST || self.items.contains_key(&key) => {
                if !self.items.contains_key(&key) {
                    self.items.insert(key.clone(), Noted::new(is_apart)?);
                }
                return self.items.get(&key).map(|noted| noted.origin.clone());
            }
            Read::Len => &mut self.len,
            Read::Item(_) | Read::All => &mut self.all,
        };
        if place.is_none() {
            *place = Some(Noted::new(is_apart)?);
        }
        place.as_ref().map(|noted| noted.origin.clone())
    }

    /// All of which something is noted that this has changed; there are so many items now.
    fn touched<D: Diff<Key = K>>(&mut self, diff: &D, len: usize, f: &mut dyn FnMut(&mut Noted)) {
        self.all.iter_mut().for_each(&mut *f);
        if diff.changes_len() {
            self.len.iter_mut().for_each(&mut *f);
        }
        let items = &mut self.items;
        if items.is_empty() {
            return;
        }
        diff.touches(len, &mut |touch| match touch {
            Touch::Item(key) => items.get_mut(key).into_iter().for_each(&mut *f),
            Touch::From(key) => {
                let behind = (Bound::Included(key), Bound::Unbounded);
                items.range_mut::<K, _>(behind).for_each(|(_, noted)| f(noted));
            }
            Touch::All => items.values_mut().for_each(&mut *f),
        });
    }

    /// It has changed. To be said under the lock; the end of it when nothing is locked.
    pub(crate) fn changed<D: Diff<Key = K>>(
        &mut self,
        diff: &D,
        len: usize,
        how: How<'_>,
        location: &'static Location<'static>,
    ) -> Settling {
        Settling::of(location, |settle, due| {
            self.touched(diff, len, &mut |noted| noted.change(how, settle, due));
        })
    }

    /// What stood before stands again; `is_last`: nothing is uncommitted any more. Which effects have seen the other one.
    pub(crate) fn restored<D: Diff<Key = K>>(&mut self, diff: &D, len: usize, is_last: bool) -> Due {
        let mut due = Due::new();
        let settle = flush::own_settle_point();
        let mut done = Vec::new();
        self.touched(diff, len, &mut |noted| {
            // Once, though several steps may touch it.
            let address = Arc::as_ptr(&noted.origin).addr();
            if !done.contains(&address) {
                done.push(address);
                noted.origin.graph().restore(&noted.origin, is_last, settle, &mut due);
                noted.is_apart &= !is_last;
            }
        });
        due
    }

    /// Nothing is uncommitted any more.
    pub(crate) fn stand(&mut self) {
        let Reads { all, len, items } = self;
        all.iter_mut().chain(len).chain(items.values_mut()).for_each(Noted::stands);
    }
}
