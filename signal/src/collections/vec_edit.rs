//! The steps of which changes of a vector are made.

use std::cmp::Ordering;
use std::fmt;
use std::mem;
use std::panic::Location;

use crate::collections::contents::Contents;
use crate::collections::core::Base;
use crate::collections::diff::VecDiff;
use crate::collections::edit::Edit;
use crate::collections::items::Items;
use crate::collections::log::{Log, Trash};
use crate::collections::vec_pile::VecPile;

/// An [`ObservableVec`](crate::ObservableVec) within its own [`batch`](crate::ObservableVec::batch), or
/// [`update`](crate::ObservableVec::update): to be changed step by step, and told as one change.
///
/// It is the slice of the items as they are now, too.
///
/// ```
/// # use settled_signal::{ObservableVec, VecDiff};
/// let numbers = ObservableVec::from(vec![1, 2, 3]);
/// numbers.batch(|numbers| {
///     let last = numbers.pop();
///     numbers.insert(0, last.unwrap_or(0) + numbers[0]);
/// });
/// assert_eq!(numbers.to_vec(), [4, 1, 2]);
/// ```
pub struct VecEdit<'a, 'b, T: Clone + Send + Sync + 'static> {
    edit: &'a mut Edit<'b, Items<T>>,
    location: &'static Location<'static>,
}

impl<T: Clone + Send + Sync + 'static> Contents for Items<T> {
    type Diff = VecDiff<T>;

    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn reset(&self) -> VecDiff<T> {
        VecDiff::Reset { values: self.clone() }
    }

    fn apply(&mut self, diff: &VecDiff<T>, trash: &mut Trash) {
        let _ = trash;
        diff.apply(self.to_mut());
    }
}

impl<T: Clone + Send + Sync + 'static> Base for Items<T> {
    type Pile = VecPile<T>;
}

impl<'a, 'b, T: Clone + Send + Sync + 'static> VecEdit<'a, 'b, T> {
    #[inline]
    pub(crate) fn new(edit: &'a mut Edit<'b, Items<T>>, location: &'static Location<'static>) -> Self {
        VecEdit { edit, location }
    }

    #[inline]
    fn check(&self, index: usize, len: usize) {
        if index >= len {
            out_of_range(index, len, self.location);
        }
    }

    /// Puts an item behind the last.
    #[inline]
    pub fn push(&mut self, value: T) {
        let Edit { contents, is_heard, log, trash, apart } = &mut *self.edit;
        let index = contents.as_slice().len();
        if let Some(noted) = apart {
            noted.inserts(index, &value, trash);
        }
        let items = contents.to_mut();
        if *is_heard {
            if log.is_empty() {
                log.push(VecDiff::Insert { index, value: value.clone() }, trash);
            } else {
                append(log, index, value.clone(), trash);
            }
        }
        items.push(value);
    }

    /// Puts an item before the one that is at this index; behind the last, if that is the length.
    ///
    /// # Panics
    ///
    /// If the index is greater than the length.
    #[inline]
    pub fn insert(&mut self, index: usize, value: T) {
        let Edit { contents, is_heard, log, trash, apart } = &mut *self.edit;
        if index > contents.as_slice().len() {
            out_of_range(index, contents.as_slice().len(), self.location);
        }
        if let Some(noted) = apart {
            noted.inserts(index, &value, trash);
        }
        let items = contents.to_mut();
        if *is_heard {
            log.push(VecDiff::Insert { index, value: value.clone() }, trash);
        }
        items.insert(index, value);
    }

    /// Exchanges the item at this index, and gives back the one that was there.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[inline]
    pub fn set(&mut self, index: usize, value: T) -> T {
        self.check(index, self.len());
        let Edit { contents, is_heard, log, trash, apart } = &mut *self.edit;
        let items = contents.to_mut();
        if let Some(noted) = apart {
            noted.sets(index, &items[index], &value, trash);
        }
        if *is_heard {
            log.push(VecDiff::Set { index, value: value.clone() }, trash);
        }
        mem::replace(&mut items[index], value)
    }

    /// Changes a clone of the item at this index, which then takes its place.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn update(&mut self, index: usize, f: impl FnOnce(&mut T)) {
        self.check(index, self.len());
        let mut value = self[index].clone();
        f(&mut value);
        let old = self.set(index, value);
        self.edit.trash.push(Box::new(old));
    }

    /// Takes the item at this index out; those behind it move up.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[inline]
    pub fn remove(&mut self, index: usize) -> T {
        self.check(index, self.len());
        let Edit { contents, is_heard, log, trash, apart } = &mut *self.edit;
        let items = contents.to_mut();
        if let Some(noted) = apart {
            noted.removes(index, &items[index], trash);
        }
        if *is_heard {
            log.push(VecDiff::Remove { index }, trash);
        }
        items.remove(index)
    }

    /// Takes the last item out.
    pub fn pop(&mut self) -> Option<T> {
        let last = self.len().checked_sub(1)?;
        Some(self.remove(last))
    }

    /// Exchanges two items with each other.
    ///
    /// # Panics
    ///
    /// If there is none at one of these.
    pub fn swap(&mut self, a: usize, b: usize) {
        self.check(a, self.len());
        self.check(b, self.len());
        if a != b {
            let (first, second) = (self[a].clone(), self[b].clone());
            let old = (self.set(a, second), self.set(b, first));
            self.edit.trash.push(Box::new(old));
        }
    }

    /// Leaves only the first ones, so many.
    pub fn truncate(&mut self, len: usize) {
        let Edit { contents, is_heard, log, trash, apart } = &mut *self.edit;
        if len >= contents.as_slice().len() {
            return;
        }
        if let Some(noted) = apart {
            for index in (len..contents.as_slice().len()).rev() {
                noted.removes(index, &contents[index], trash);
            }
        }
        if *is_heard {
            log.push(VecDiff::Truncate { len }, trash);
        }
        let gone = contents.to_mut().split_off(len);
        trash.push(Box::new(gone));
    }

    /// Takes all items out.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Puts these behind the last. They are taken from the iterator before the first of them is put there.
    pub fn extend(&mut self, values: impl IntoIterator<Item = T>) {
        self.append(Vec::from_iter(values));
    }

    pub(crate) fn append(&mut self, values: Vec<T>) {
        let Edit { contents, is_heard, log, trash, apart } = &mut *self.edit;
        if values.is_empty() {
            return;
        }
        if let Some(noted) = apart {
            let len = contents.as_slice().len();
            values.iter().enumerate().for_each(|(index, value)| noted.inserts(len + index, value, trash));
        }
        let items = contents.to_mut();
        if *is_heard {
            log.push(VecDiff::Append { values: values.clone().into() }, trash);
        }
        items.extend(values);
    }

    /// Keeps only the items of which `f` says so. It is asked of all before any is taken out.
    pub fn retain(&mut self, f: impl FnMut(&T) -> bool) {
        let kept: Vec<bool> = self.iter().map(f).collect();
        let Edit { contents, is_heard, log, trash, apart } = &mut *self.edit;
        let gone = kept.iter().filter(|kept| !**kept).count();
        if gone == 0 {
            return;
        }
        for index in (0..kept.len()).rev().filter(|index| !kept[*index]) {
            if let Some(noted) = apart {
                noted.removes(index, &contents[index], trash);
            }
            if *is_heard {
                log.push(VecDiff::Remove { index }, trash);
            }
        }
        let items = contents.to_mut();
        let (mut left, mut out) = (Vec::with_capacity(kept.len() - gone), Vec::with_capacity(gone));
        for (value, kept) in mem::take(items).into_iter().zip(kept) {
            if kept { left.push(value) } else { out.push(value) }
        }
        *items = left;
        trash.push(Box::new(out));
    }

    /// Exchanges all items for these.
    pub fn replace_all(&mut self, values: Vec<T>) {
        let Edit { contents, is_heard, log, trash, apart } = &mut *self.edit;
        if let Some(noted) = apart {
            for index in (0..contents.as_slice().len()).rev() {
                noted.removes(index, &contents[index], trash);
            }
            values.iter().enumerate().for_each(|(index, value)| noted.inserts(index, value, trash));
        }
        let old = mem::replace(*contents, values.into());
        trash.push(Box::new(old));
        if *is_heard {
            // Whatever was done before counts no more.
            let before = mem::replace(log, Log::new());
            trash.push(Box::new(before.into_steps()));
            log.push(contents.reset(), trash);
        }
    }

    /// Puts the items in order; those that are equal stay as they are. Nothing happens if they are in order.
    pub fn sort_by(&mut self, mut compare: impl FnMut(&T, &T) -> Ordering) {
        if !self.is_sorted_by(|a, b| compare(a, b) != Ordering::Greater) {
            let mut sorted = self.to_vec();
            sorted.sort_by(compare);
            self.replace_all(sorted);
        }
    }
}

/// One more behind the last, which may make an append of the step before.
fn append<T: Clone + Send + Sync + 'static>(
    log: &mut Log<VecDiff<T>>,
    index: usize,
    value: T,
    trash: &mut Trash,
) {
    match log.last() {
        Some(VecDiff::Append { values }) => values.to_mut().push(value),
        Some(last @ VecDiff::Insert { .. }) if last.is_insert_at(index - 1) => {
            let step = mem::replace(last, VecDiff::Truncate { len: 0 });
            if let VecDiff::Insert { value: first, .. } = step {
                *last = VecDiff::Append { values: vec![first, value].into() };
            }
        }
        _ => log.push(VecDiff::Insert { index, value }, trash),
    }
}

#[cold]
#[inline(never)]
pub(crate) fn out_of_range(index: usize, len: usize, location: &Location<'_>) -> ! {
    panic!("index {index} is out of range, as there are {len} items, at {location}");
}

impl<T: Clone + Send + Sync + 'static> std::ops::Deref for VecEdit<'_, '_, T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        self.edit.contents
    }
}

impl<T: fmt::Debug + Clone + Send + Sync + 'static> fmt::Debug for VecEdit<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
