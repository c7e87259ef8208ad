//! What is kept of an observable under its lock.

use std::task::Waker;

use crate::layers::Layers;
use crate::line::{HasLine, Line};
use crate::news::News;

pub(crate) struct State<T> {
    pub(crate) value: T,
    /// The number of the last change. Never used again, so that a value that stands is known by it.
    pub(crate) version: u64,
    /// Who delivers, and what waits for that.
    pub(crate) line: Line<News<T>>,
    /// What few have at a time.
    pub(crate) rare: Option<Box<Rare<T>>>,
}

pub(crate) struct Rare<T> {
    /// What atomic transactions that are not decided have stored over.
    pub(crate) layers: Layers<T>,
    /// Of streams that wait for a change, by their numbers.
    pub(crate) wakers: Vec<(u64, Waker)>,
}

/// What is to be done after a store, when nothing is locked.
#[must_use]
pub(crate) struct After<T>(Option<Box<Rare<T>>>);

impl<T> State<T> {
    pub(crate) fn new(value: T) -> Self {
        State { value, version: 1, line: Line::new(), rare: None }
    }

    #[inline]
    pub(crate) fn is_at_rest(&self) -> bool {
        self.line.is_at_rest()
    }

    pub(crate) fn rare(&mut self) -> &mut Rare<T> {
        self.rare.get_or_insert_with(|| Box::new(Rare { layers: Layers::new(), wakers: Vec::new() }))
    }

    pub(crate) fn has_layers(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| !rare.layers.is_empty())
    }

    /// A value has been stored plainly: it stands, whatever is rolled back.
    #[inline]
    pub(crate) fn stored(&mut self) -> After<T> {
        self.version += 1;
        After(self.rare.take())
    }

    /// A value has been stored in an atomic transaction, or restored.
    pub(crate) fn stored_for_now(&mut self) -> After<T> {
        self.version += 1;
        self.wake()
    }

    /// What is rare and empty is not kept.
    pub(crate) fn tidy(&mut self) -> Option<Box<Rare<T>>> {
        self.rare.take_if(|rare| rare.layers.is_empty() && rare.wakers.is_empty())
    }

    /// Streams are to look again.
    pub(crate) fn wake(&mut self) -> After<T> {
        let Some(rare) = &mut self.rare else { return After(None) };
        if rare.layers.is_empty() {
            return After(self.rare.take());
        }
        let wakers = std::mem::take(&mut rare.wakers);
        After((!wakers.is_empty()).then(|| Box::new(Rare { layers: Layers::new(), wakers })))
    }
}

impl<T> HasLine for State<T> {
    type News = News<T>;

    #[inline]
    fn line(&mut self) -> &mut Line<News<T>> {
        &mut self.line
    }
}

impl<T> After<T> {
    #[inline]
    pub(crate) fn settle(self) {
        if let Some(rare) = self.0 {
            (*rare).settle();
        }
    }
}

impl<T> Rare<T> {
    #[cold]
    fn settle(self) {
        let Rare { layers, wakers } = self;
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
        drop(layers);
    }
}
