//! What stood before: the values over which atomic transactions have stored that are not decided yet.
//!
//! # States
//!
//! Seen from below, an observable is a pile: the value that stands when all that is open is rolled back; on it a *layer* for
//! each open transaction that has stored; the topmost value is the one that is read. A layer keeps the value *beneath* it.
//! While nothing is open there is no layer, and nothing is kept.
//!
//! ```text
//!   stores, plainly            all layers go; the new value stands, whatever is rolled back later
//!   stores, the layer on top
//!     is its own               the value is exchanged; what is beneath is kept as it is
//!     is another's, or none    a layer for it goes on top; one that it has further down goes, since that could be seen only
//!                              where the one on top is gone, and they go together
//!   commits                    its layer goes, and all beneath: what they keep can never stand again
//!   rolls back, on top         its layer goes, and the value beneath stands: a *restoration*
//!   rolls back, further down   its layer goes, and the one above keeps the older value: what was rolled back never comes back
//! ```
//!
//! A transaction that hands over to the one around it leaves its layers as they are: they have one fate from then on, which
//! is looked up (`share_fate`), and are joined with the next layer that is made. So there are never more layers than open
//! transactions that have stored, and one more.
//!
//! All values that go are given to who holds the lock, to be dropped after it.

use std::panic::Location;

use settled::Transaction;
use settled::plumbing::share_fate;

pub(crate) struct Layers<T>(Vec<Layer<T>>);

struct Layer<T> {
    /// That has stored.
    of: Transaction,
    /// Where it first has.
    location: &'static Location<'static>,
    /// What stood before.
    beneath: T,
}

impl<T> Layers<T> {
    pub(crate) fn new() -> Self {
        Layers(Vec::new())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What stands when all that is open is rolled back, if that is not what is read.
    pub(crate) fn lowest(&self) -> Option<&T> {
        self.0.first().map(|layer| &layer.beneath)
    }

    /// Has this one stored?
    pub(crate) fn has(&self, of: &Transaction) -> bool {
        self.0.iter().any(|layer| share_fate(&layer.of, of))
    }

    /// Is the layer on top this one's?
    pub(crate) fn is_on_top(&self, of: &Transaction) -> bool {
        self.0.last().is_some_and(|layer| share_fate(&layer.of, of))
    }

    /// It has stored over this value.
    pub(crate) fn push(
        &mut self,
        of: Transaction,
        location: &'static Location<'static>,
        beneath: T,
        gone: &mut Vec<T>,
    ) {
        self.0.push(Layer { of, location, beneath });
        let mut index = self.0.len() - 1;
        while index > 0 {
            index -= 1;
            let (lower, upper) = self.0.split_at(index + 1);
            if upper.iter().any(|upper| share_fate(&lower[index].of, &upper.of)) {
                self.remove(index, gone);
            }
        }
    }

    /// What this one has stored stands.
    pub(crate) fn commit(&mut self, by: &Transaction, gone: &mut Vec<T>) {
        if let Some(index) = self.0.iter().rposition(|layer| share_fate(&layer.of, by)) {
            gone.extend(self.0.drain(..=index).map(|layer| layer.beneath));
        }
    }

    /// What this one has stored goes, and if that is on top, `value`. Gives back where it was stored, and the value that is gone
    /// with it.
    pub(crate) fn roll_back(
        &mut self,
        by: &Transaction,
        value: &mut T,
        gone: &mut Vec<T>,
    ) -> Option<(&'static Location<'static>, T)> {
        let mut restored = None;
        let mut index = self.0.len();
        while index > 0 {
            index -= 1;
            if !share_fate(&self.0[index].of, by) {
                continue;
            }
            if index + 1 < self.0.len() {
                self.remove(index, gone);
            } else if let Some(layer) = self.0.pop() {
                let old = std::mem::replace(value, layer.beneath);
                match &restored {
                    None => restored = Some((layer.location, old)),
                    Some(_) => gone.push(old),
                }
            }
        }
        restored
    }

    /// One that is not on top.
    fn remove(&mut self, index: usize, gone: &mut Vec<T>) {
        let layer = self.0.remove(index);
        gone.push(std::mem::replace(&mut self.0[index].beneath, layer.beneath));
    }
}
