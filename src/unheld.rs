//! Adding without a handle, for who learns by himself what becomes of what he adds.
//!
//! Such a future is known by its [`Place`]. One that ends in the ordinary way tells its outcome before it is done. Of one
//! that panics or is refused the driver knows why, while it drops it: its *fate*.

use std::future::Future;
use std::sync::Arc;

use crate::current::{self, Ambient, Current};
use crate::engine::Engine;
use crate::error::{Failure, Place as Loc};
use crate::job::{Job, fits};
use crate::node::Node;
use crate::note::NO_NOTE;
use crate::plumbing::Place;
use crate::ready::{Added, Entry, Key, Tag};
use crate::root;
use crate::sync::rarely;
use crate::watch;

/// Adds what `make` gives to the current transaction, without a handle. None where there is more to it: it may be held back,
/// refused, or polled elsewhere, or is watched. `make` gets the place that it would have; it must run nothing of anybody's.
#[inline]
pub(crate) fn add<F>(location: Loc, make: impl FnOnce(Place) -> Option<F>) -> Option<Place>
where
    F: Future<Output = ()> + Send + 'static,
{
    if watch::is_on() {
        rarely();
        return None;
    }
    current::with(|ambient| match ambient.current_here() {
        Some(here) => ambient.add_unheld(here, location, make),
        None => ambient.add_unheld_elsewhere(location, make),
    })
}

impl Ambient {
    #[inline]
    fn add_unheld<F>(
        &self,
        here: Option<Key>,
        location: Loc,
        make: impl FnOnce(Place) -> Option<F>,
    ) -> Option<Place>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut engine = self.engine.borrow_mut();
        let Some(engine) = engine.as_deref_mut() else { unreachable!("a slot is current only in a drive") };
        if engine.has_ops() {
            // What others added before comes first.
            rarely();
            engine.apply_ops_here();
        }
        let parent = match here {
            Some(key) => key,
            None => {
                rarely();
                engine.materialise()
            }
        };
        engine.settle_last();
        if !engine.slot(parent).count_quickly() {
            rarely();
            return None;
        }
        let place = Place { tree_id: engine.tree_id, serial: engine.ready.last_serial() + 1 };
        match make(place) {
            Some(future) => {
                let job = engine.put_away(future);
                engine.ready.add(Entry { job, tag: Tag { location, serial: 0, parent, note: NO_NOTE } });
                Some(place)
            }
            None => {
                rarely();
                engine.slot(parent).count_no_more();
                None
            }
        }
    }

    /// To what is current and is not driven here.
    #[inline(never)]
    fn add_unheld_elsewhere<F>(&self, location: Loc, make: impl FnOnce(Place) -> Option<F>) -> Option<Place>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.make_lazy();
        let Current::Node(node) = self.current() else { return None };
        let tree = &node.tree;
        let mut make = Some(make);
        let mut add = |engine: &mut Engine| engine.add_unheld_to(&node, location, make.take()?);
        let here = self.on_top(tree.id, |engine| {
            tree.apply_ops(engine);
            add(engine)
        });
        let place = match here {
            Some(place) => place,
            None => tree.change(|inner| add(inner.engine.as_mut()?)),
        };
        if tree.is_root && tree.apart.is_none() && place.is_some() {
            root::kick();
        }
        place
    }

    /// Drops what is being polled, of which this will become.
    #[cold]
    pub(crate) fn with_fate(&self, place: Place, fate: Option<Failure>, drop: impl FnOnce()) {
        let outer = self.fate.replace(fate.map(|failure| (place, failure)));
        drop();
        let fate = self.fate.replace(outer);
        std::mem::drop(fate);
    }
}

impl Engine {
    #[inline]
    fn put_away<F>(&mut self, future: F) -> Job
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Job::new(future, if fits::<F>() { self.take_cell() } else { None })
    }

    fn add_unheld_to<F>(
        &mut self,
        node: &Arc<Node>,
        location: Loc,
        make: impl FnOnce(Place) -> Option<F>,
    ) -> Option<Place>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if node.is_closed() || !node.is_placed() {
            return None;
        }
        let parent = node.key();
        let slot = self.slot(parent);
        if slot.gated || slot.depth >= slot.deepest {
            return None;
        }
        self.settle_last();
        let place = Place { tree_id: self.tree_id, serial: self.ready.last_serial() + 1 };
        let future = make(place)?;
        let job = self.put_away(future);
        let epoch = self.count(parent);
        let entry = self.entry(parent, epoch, Added { job, ticket: None, location });
        self.ready.add(entry);
        Some(place)
    }
}

/// Why the one at this place, which is being dropped, has come to nothing; `None` if nobody knows.
#[cold]
pub(crate) fn fate(of: Place) -> Option<Failure> {
    current::with(|ambient| {
        ambient.fate.borrow().as_ref().filter(|(place, _)| *place == of).map(|(_, failure)| failure.clone())
    })
}
