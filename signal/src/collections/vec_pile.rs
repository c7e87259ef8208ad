//! What is uncommitted of a sequence: element by element, as positions mean something else in each of the two truths.
//!
//! All elements that there are in either truth stand here in order: those that are read, those that an open transaction has
//! removed (which keep their values here), and runs of those that nothing has happened to. Each weighs what it counts in
//! either truth, so that a position in one gives that in the other.
//!
//! ```text
//!   an element          plainly                        in an atomic transaction
//!   comes in            is there in both               is read; there for the others at the commit; gone at a rollback
//!   is set              what was uncommitted of        a layer keeps the older value, as one of an observable does
//!                       its value goes
//!   is removed          is gone in both                is not read; gone for the others at the commit; read again at a
//!                                                      rollback. If it came in by the same one, it is gone
//! ```
//!
//! What comes in by one transaction is gone when that is rolled back, whatever others have done to it meanwhile.

use std::mem;

use settled::Transaction;
use settled::plumbing::share_fate;

use crate::collections::apart::Pile;
use crate::collections::diff::VecDiff;
use crate::collections::edit::Noted;
use crate::collections::items::Items;
use crate::collections::log::{Log, Trash};
use crate::collections::ranked::{Id, Ranked};
use crate::layers::Layers;

/// The measures: what is read, and what is committed.
const READ: usize = 0;
const COMMITTED: usize = 1;

pub(crate) struct VecPile<T> {
    pieces: Ranked<Piece<T>>,
    /// How many are not untouched.
    touched: usize,
}

/// An element, or a run of untouched ones.
struct Piece<T> {
    /// By whom it came in, if that is open.
    inserted: Option<Transaction>,
    /// By whom it was removed, and its value.
    removed: Option<(Transaction, T)>,
    /// By whom it was set.
    layers: Option<Box<Layers<T>>>,
}

impl<T> Piece<T> {
    fn untouched() -> Self {
        Piece { inserted: None, removed: None, layers: None }
    }

    fn is_touched(&self) -> bool {
        self.inserted.is_some() || self.removed.is_some() || self.layers.is_some()
    }

    fn is_inserted_by(&self, by: &Transaction) -> bool {
        self.inserted.as_ref().is_some_and(|of| share_fate(of, by))
    }

    fn is_removed_by(&self, by: &Transaction) -> bool {
        self.removed.as_ref().is_some_and(|(of, _)| share_fate(of, by))
    }

    fn is_of(&self, by: &Transaction) -> bool {
        let is_set = self.layers.as_ref().is_some_and(|layers| layers.has(by));
        is_set || self.is_inserted_by(by) || self.is_removed_by(by)
    }
}

impl<T: Clone + Send + Sync + 'static> VecPile<T> {
    /// The piece that is just the element read at this index.
    fn single(&mut self, index: usize) -> Id {
        let Some((id, offset)) = self.pieces.at(READ, index) else {
            unreachable!("what is read is in a piece")
        };
        let [len, _] = self.pieces.weight(id);
        if len > 1 {
            if offset > 0 {
                self.pieces.insert(Some(id), Piece::untouched(), [offset; 2]);
            }
            let rest = len - offset - 1;
            if rest > 0 {
                let next = self.pieces.next(id);
                self.pieces.insert(next, Piece::untouched(), [rest; 2]);
            }
            self.pieces.set_weight(id, [1; 2]);
        }
        id
    }

    /// The piece that begins with the element read at this index; none behind the last.
    fn begin(&mut self, index: usize) -> Option<Id> {
        let (id, offset) = self.pieces.at(READ, index)?;
        if offset > 0 {
            let [len, _] = self.pieces.weight(id);
            self.pieces.insert(Some(id), Piece::untouched(), [offset; 2]);
            self.pieces.set_weight(id, [len - offset; 2]);
        }
        Some(id)
    }

    fn change<R>(&mut self, id: Id, f: impl FnOnce(&mut Piece<T>) -> R) -> R {
        let piece = self.pieces.get_mut(id);
        self.touched -= usize::from(piece.is_touched());
        let result = f(piece);
        self.touched += usize::from(piece.is_touched());
        result
    }

    fn remove(&mut self, id: Id) -> Piece<T> {
        let piece = self.pieces.remove(id);
        self.touched -= usize::from(piece.is_touched());
        piece
    }

    fn all(&self) -> Vec<Id> {
        std::iter::successors(self.pieces.first(), |id| self.pieces.next(*id)).collect()
    }
}

/// Of one change, before it is made.
impl<T: Clone + Send + Sync + 'static> Noted<'_, Items<T>> {
    pub(crate) fn inserts(&mut self, index: usize, value: &T, trash: &mut Trash) {
        let at = self.pile.begin(index);
        let pieces = &mut self.pile.pieces;
        match &self.by {
            None => {
                let index = at.map_or(pieces.total()[COMMITTED], |id| pieces.before(id)[COMMITTED]);
                pieces.insert(at, Piece::untouched(), [1, 1]);
                self.late.push(VecDiff::Insert { index, value: value.clone() }, trash);
            }
            Some(by) => {
                pieces.insert(at, Piece { inserted: Some(by.clone()), ..Piece::untouched() }, [1, 0]);
                self.pile.touched += 1;
            }
        }
    }

    pub(crate) fn removes(&mut self, index: usize, value: &T, trash: &mut Trash) {
        let id = self.pile.single(index);
        let [_, committed] = self.pile.pieces.weight(id);
        match &self.by {
            Some(by) if !self.pile.pieces.get(id).is_inserted_by(by) => {
                let removed = Some((by.clone(), value.clone()));
                self.pile.change(id, |piece| piece.removed = removed);
                self.pile.pieces.set_weight(id, [0, committed]);
            }
            by => {
                if by.is_none() && committed == 1 {
                    let index = self.pile.pieces.before(id)[COMMITTED];
                    self.late.push(VecDiff::Remove { index }, trash);
                }
                trash.push(Box::new(self.pile.remove(id)));
            }
        }
    }

    pub(crate) fn sets(&mut self, index: usize, old: &T, new: &T, trash: &mut Trash) {
        let id = self.pile.single(index);
        match &self.by {
            Some(by) if self.pile.pieces.get(id).is_inserted_by(by) => {}
            Some(by) => {
                let (of, old, location) = (by.clone(), old.clone(), self.location);
                self.pile.change(id, |piece| {
                    let layers = piece.layers.get_or_insert_with(|| Box::new(Layers::new()));
                    if !layers.is_on_top(&of) {
                        let mut gone = Vec::new();
                        layers.push(of, location, old, &mut gone);
                        trash.push(Box::new(gone));
                    }
                });
            }
            None => {
                if self.pile.pieces.weight(id)[COMMITTED] == 1 {
                    let index = self.pile.pieces.before(id)[COMMITTED];
                    self.late.push(VecDiff::Set { index, value: new.clone() }, trash);
                }
                let layers = self.pile.change(id, |piece| piece.layers.take());
                trash.push(Box::new(layers));
            }
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Pile<Items<T>> for VecPile<T> {
    fn open(contents: &Items<T>) -> Self {
        let mut pieces = Ranked::new();
        if !contents.is_empty() {
            pieces.push(Piece::untouched(), [contents.len(); 2]);
        }
        VecPile { pieces, touched: 0 }
    }

    fn is_empty(&self) -> bool {
        self.touched == 0
    }

    fn commit(&mut self, by: &Transaction, contents: &Items<T>, trash: &mut Trash) -> Log<VecDiff<T>> {
        let mut log = Log::new();
        let [mut read, mut index] = [0, 0];
        for id in self.all() {
            let [is_read, is_committed] = self.pieces.weight(id);
            let piece = self.pieces.get(id);
            if !piece.is_of(by) {
                read += is_read;
                index += is_committed;
                continue;
            }
            if piece.is_removed_by(by) {
                if is_committed == 1 {
                    log.push(VecDiff::Remove { index }, trash);
                }
                trash.push(Box::new(self.remove(id)));
                continue;
            }
            let is_inserted = piece.is_inserted_by(by);
            let mut gone = Vec::new();
            let value = self.change(id, |piece| {
                if let Some(layers) = &mut piece.layers {
                    layers.commit(by, &mut gone);
                }
                piece.layers.take_if(|layers| layers.is_empty());
                piece.inserted.take_if(|_| is_inserted);
                let top = piece.removed.as_ref().map_or_else(|| &contents[read], |(_, value)| value);
                piece.layers.as_ref().and_then(|layers| layers.lowest()).unwrap_or(top).clone()
            });
            if is_inserted {
                self.pieces.set_weight(id, [is_read, 1]);
                log.push(VecDiff::Insert { index, value }, trash);
            } else if is_committed == 1 && !gone.is_empty() {
                log.push(VecDiff::Set { index, value }, trash);
            } else {
                trash.push(Box::new(value));
            }
            trash.push(Box::new(gone));
            read += is_read;
            index += self.pieces.weight(id)[COMMITTED];
        }
        log
    }

    fn roll_back(&mut self, by: &Transaction, contents: &mut Items<T>, trash: &mut Trash) -> Log<VecDiff<T>> {
        let mut log = Log::new();
        let all = self.all();
        let Some(first) = all.iter().position(|id| self.pieces.get(*id).is_of(by)) else { return log };
        let [start, _] = self.pieces.before(all[first]);
        let mut rebuilt = Rebuilt::from(contents, start);
        for &id in &all[first..] {
            let [is_read, committed] = self.pieces.weight(id);
            let piece = self.pieces.get(id);
            if !piece.is_of(by) {
                rebuilt.keep(is_read);
            } else if piece.is_inserted_by(by) {
                if is_read == 1 {
                    log.push(VecDiff::Remove { index: rebuilt.items.len() }, trash);
                    trash.push(Box::new(rebuilt.rest.next()));
                }
                trash.push(Box::new(self.remove(id)));
            } else {
                let comes_back = piece.is_removed_by(by);
                let step = self.change(id, |piece| piece.roll_back(by, is_read == 1, &mut rebuilt, trash));
                if comes_back {
                    self.pieces.set_weight(id, [1, committed]);
                }
                if let Some(step) = step {
                    log.push(step, trash);
                }
            }
        }
        log
    }
}

impl<T: Clone + Send + Sync + 'static> Piece<T> {
    /// Takes back what this one has done to an element that others have put there. Gives what that changes of what is read.
    fn roll_back(
        &mut self,
        by: &Transaction,
        is_read: bool,
        rebuilt: &mut Rebuilt<'_, T>,
        trash: &mut Trash,
    ) -> Option<VecDiff<T>> {
        let index = rebuilt.items.len();
        let back = self.removed.take_if(|(of, _)| share_fate(of, by)).map(|(_, value)| value);
        let comes_back = back.is_some();
        if is_read {
            rebuilt.keep(1);
        }
        rebuilt.items.extend(back);
        let value = match &mut self.removed {
            // Another one has removed it: nobody reads it.
            Some((_, value)) => value,
            None => &mut rebuilt.items[index],
        };
        let mut gone = Vec::new();
        let restored = self.layers.as_mut().and_then(|layers| layers.roll_back(by, value, &mut gone));
        self.layers.take_if(|layers| layers.is_empty());
        let is_changed = restored.is_some();
        trash.push(Box::new((gone, restored)));
        match (comes_back, is_read && is_changed) {
            (true, _) => Some(VecDiff::Insert { index, value: value.clone() }),
            (false, true) => Some(VecDiff::Set { index, value: value.clone() }),
            (false, false) => None,
        }
    }
}

/// The items from a place on, one after another as they are to be. Whatever unwinds, none is lost.
struct Rebuilt<'a, T> {
    items: &'a mut Vec<T>,
    rest: std::vec::IntoIter<T>,
}

impl<'a, T: Clone> Rebuilt<'a, T> {
    fn from(contents: &'a mut Items<T>, start: usize) -> Self {
        let items = contents.to_mut();
        let rest = items.split_off(start).into_iter();
        Rebuilt { items, rest }
    }
}

impl<T> Rebuilt<'_, T> {
    fn keep(&mut self, len: usize) {
        self.items.extend(self.rest.by_ref().take(len));
    }
}

impl<T> Drop for Rebuilt<'_, T> {
    fn drop(&mut self) {
        self.items.extend(mem::take(&mut self.rest));
    }
}
