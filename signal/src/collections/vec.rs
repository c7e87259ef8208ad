//! A vector that tells of its changes.

use std::cmp::Ordering;
use std::fmt;
use std::mem;
use std::panic::Location;
use std::sync::Arc;

use futures::Stream;

use crate::collections::core::Core;
use crate::collections::diff::VecDiff;
use crate::collections::feeds::DiffStream;
use crate::collections::items::Items;
use crate::collections::tracked::Read;
use crate::collections::vec_edit::{VecEdit, out_of_range};
use crate::notification::Notification;
use crate::source::Source;

/// A vector with handlers that are called when it changes, and hear what has changed: a [`VecDiff`].
///
/// A handle: clones are the same vector. Each change is told once to every handler, in the order in which they were made, so
/// that who applies the diffs to items of his own has the same ones. A change that is made while handlers are being called
/// (by one of them, or by another thread) is told next, by who tells already, in the transaction of its setter: as it is with
/// an [`Observable`](crate::Observable). Several changes in one [`batch`](ObservableVec::batch) are told as one.
///
/// Views ([`filter`](ObservableVec::filter), [`map`](ObservableVec::map), [`sort_by`](ObservableVec::sort_by) and others)
/// stay in step, and [`stream`](ObservableVec::stream) gives the diffs as a stream.
///
/// In an [atomic](settled::atomic) transaction a change is seen at once, by all, and undone if that is rolled back: what came
/// in by it goes, what was removed is back, what was set has its older value, unless that was set plainly since; changes of
/// others are left as they are. Synchronous handlers, views and streams hear of what is restored, once; asynchronous
/// handlers hear at the commit of all that was committed, as one diff, in the positions that hold there: a replica that is
/// made by an asynchronous handler never has what was not committed.
///
/// Computeds and effects depend on what they have read: on an item by [`get`](ObservableVec::get), on how many there are by
/// [`len`](ObservableVec::len), on all by [`to_vec`](ObservableVec::to_vec) and the like. (Who reads more than a thousand single
/// items depends on all.)
///
/// # Cost
///
/// It is a `Vec` behind a lock: [`push`](ObservableVec::push), [`set`](ObservableVec::set) and reads cost no more than that, and
/// the clones of the item that are told; `insert` and `remove` move what is behind. A [`snapshot`](ObservableVec::snapshot)
/// costs nothing; while somebody keeps one, the next change costs a clone of all items, once. The first change in an
/// atomic transaction costs nothing more; it keeps one older value for each item that it sets or removes.
///
/// No lock is held while a handler runs. The item's own `Clone` runs under the lock; and those of its methods that say so
/// have the vector to themselves while their closure runs.
///
/// ```
/// use settled_signal::{ObservableVec, VecDiff, transaction};
///
/// transaction::block_on(async {
///     let todo = ObservableVec::new();
///     todo.changed().connect(|diff: &VecDiff<&str>| println!("now: {diff:?}"));
///     todo.changed().connect_async(|diff| async move { println!("saved: {diff:?}") });
///     let urgent = todo.filter(|what| what.ends_with('!'));
///
///     transaction::scope(async {
///         todo.push("sleep");            // prints what has changed
///         todo.push("eat!");
///     }).await.unwrap();                 // prints what is saved
///     assert_eq!(urgent.to_vec(), ["eat!"]);
/// });
/// ```
pub struct ObservableVec<T: Clone + Send + Sync + 'static> {
    core: Arc<Core<Items<T>>>,
}

impl<T: Clone + Send + Sync + 'static> ObservableVec<T> {
    /// Without items, and without handlers.
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// assert!(ObservableVec::<u8>::new().is_empty());
    /// ```
    pub fn new() -> Self {
        ObservableVec::from(Vec::new())
    }

    pub(crate) fn core(&self) -> &Arc<Core<Items<T>>> {
        &self.core
    }

    /// One step. What that gives back is dropped when nothing is locked.
    fn step<R>(
        &self,
        location: &'static Location<'static>,
        f: impl FnOnce(&mut VecEdit<'_, '_, T>) -> R,
    ) -> Notification<()> {
        self.core.change(location, |edit| f(&mut VecEdit::new(edit, location))).1
    }

    /// The item at this index (a clone of it).
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// let letters = ObservableVec::from(vec!['a', 'b']);
    /// assert_eq!((letters.get(1), letters.get(2)), (Some('b'), None));
    /// ```
    ///
    /// # Panics
    ///
    /// Within a [`batch`](ObservableVec::batch), [`update`](ObservableVec::update) or another method that has the vector to
    /// itself while its closure runs. So does everything that touches the vector.
    #[track_caller]
    #[inline]
    pub fn get(&self, index: usize) -> Option<T> {
        self.core.read(Location::caller(), || Read::Item(index), |items| items.as_slice().get(index).cloned())
    }

    /// How many items there are.
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableVec::get).
    #[track_caller]
    pub fn len(&self) -> usize {
        self.core.read(Location::caller(), || Read::Len, |items| items.as_slice().len())
    }

    /// Is there none?
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableVec::get).
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.core.read(Location::caller(), || Read::Len, |items| items.is_empty())
    }

    /// The items as they are now, and stay there. Costs a reference count; and while it is kept, the next change costs a
    /// clone of all items, once.
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// let letters = ObservableVec::from(vec!['a', 'b']);
    /// let before = letters.snapshot();
    /// letters.clear();
    /// assert_eq!(before, ['a', 'b']);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableVec::get).
    #[track_caller]
    pub fn snapshot(&self) -> Items<T> {
        self.core.read(Location::caller(), || Read::All, Items::clone)
    }

    /// The items (clones of them).
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableVec::get).
    #[track_caller]
    pub fn to_vec(&self) -> Vec<T> {
        self.snapshot().as_slice().to_vec()
    }

    /// Calls `f` with a [`snapshot`](ObservableVec::snapshot): `f` may change the vector, and others may meanwhile.
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// let numbers = ObservableVec::from(vec![1, 2]);
    /// assert_eq!(numbers.with(|numbers| numbers.iter().sum::<u32>()), 3);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableVec::get).
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(&[T]) -> R) -> R {
        f(&self.snapshot())
    }

    /// Puts an item behind the last.
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// let letters = ObservableVec::from(vec!['a']);
    /// letters.push('b');
    /// assert_eq!(letters.to_vec(), ['a', 'b']);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableVec::get).
    #[track_caller]
    #[inline]
    pub fn push(&self, value: T) -> Notification<()> {
        let location = Location::caller();
        let Some(mut quick) = self.core.quick(location) else {
            return self.step(location, |items| items.push(value));
        };
        let is_heard = quick.is_heard();
        let items = quick.contents().to_mut();
        let diff = is_heard.then(|| VecDiff::Insert { index: items.len(), value: value.clone() });
        items.push(value);
        quick.made(diff)
    }

    /// Puts an item before the one that is at this index; behind the last, if that is the length.
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// let letters = ObservableVec::from(vec!['a', 'b']);
    /// letters.insert(1, 'c');
    /// assert_eq!(letters.to_vec(), ['a', 'c', 'b']);
    /// ```
    ///
    /// # Panics
    ///
    /// If the index is greater than the length; and as [`get`](ObservableVec::get).
    #[track_caller]
    #[inline]
    pub fn insert(&self, index: usize, value: T) -> Notification<()> {
        self.step(Location::caller(), |items| items.insert(index, value))
    }

    /// Exchanges the item at this index.
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// let letters = ObservableVec::from(vec!['a', 'b']);
    /// letters.set(1, 'c');
    /// assert_eq!(letters.to_vec(), ['a', 'c']);
    /// ```
    ///
    /// # Panics
    ///
    /// If there is none; and as [`get`](ObservableVec::get).
    #[track_caller]
    #[inline]
    pub fn set(&self, index: usize, value: T) -> Notification<()> {
        let location = Location::caller();
        let Some(mut quick) = self.core.quick(location) else {
            return self.step(location, |items| items.set(index, value));
        };
        let is_heard = quick.is_heard();
        let items = quick.contents().to_mut();
        let len = items.len();
        let Some(item) = items.get_mut(index) else { out_of_range(index, len, location) };
        let diff = is_heard.then(|| VecDiff::Set { index, value: value.clone() });
        // Dropped when the lock is open again.
        let _old = mem::replace(item, value);
        quick.made(diff)
    }

    /// As [`set`](ObservableVec::set), but gives back the item that was there.
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// assert_eq!(ObservableVec::from(vec!['a', 'b']).replace(1, 'c'), 'b');
    /// ```
    ///
    /// # Panics
    ///
    /// As [`set`](ObservableVec::set).
    #[track_caller]
    pub fn replace(&self, index: usize, value: T) -> T {
        let location = Location::caller();
        self.core.change(location, |edit| VecEdit::new(edit, location).set(index, value)).0
    }

    /// Changes the item at this index: a clone of it, which takes its place when `f` returns.
    ///
    /// `f` has the vector to itself: other threads wait until it returns. If it panics nothing has changed.
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// let names = ObservableVec::from(vec!["Ada".to_string()]);
    /// names.update(0, |name| name.push('!'));
    /// assert_eq!(names.to_vec(), ["Ada!"]);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`set`](ObservableVec::set), and if `f` panics.
    #[track_caller]
    pub fn update(&self, index: usize, f: impl FnOnce(&mut T)) -> Notification<()> {
        self.batch_at(Location::caller(), |items| items.update(index, f))
    }

    /// Takes the item at this index out; those behind it move up.
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// let letters = ObservableVec::from(vec!['a', 'b']);
    /// assert_eq!((letters.remove(0), letters.to_vec()), ('a', vec!['b']));
    /// ```
    ///
    /// # Panics
    ///
    /// If there is none; and as [`get`](ObservableVec::get).
    #[track_caller]
    pub fn remove(&self, index: usize) -> T {
        let location = Location::caller();
        self.core.change(location, |edit| VecEdit::new(edit, location).remove(index)).0
    }

    /// Takes the last item out.
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// let letters = ObservableVec::from(vec!['a']);
    /// assert_eq!((letters.pop(), letters.pop()), (Some('a'), None));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableVec::get).
    #[track_caller]
    pub fn pop(&self) -> Option<T> {
        let location = Location::caller();
        self.core.change(location, |edit| VecEdit::new(edit, location).pop()).0
    }

    /// Exchanges two items with each other.
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// let letters = ObservableVec::from(vec!['a', 'b']);
    /// letters.swap(0, 1);
    /// assert_eq!(letters.to_vec(), ['b', 'a']);
    /// ```
    ///
    /// # Panics
    ///
    /// If there is none at one of these; and as [`get`](ObservableVec::get).
    #[track_caller]
    pub fn swap(&self, a: usize, b: usize) -> Notification<()> {
        self.step(Location::caller(), |items| items.swap(a, b))
    }

    /// Leaves only the first ones, so many. Nobody hears of it if there are no more.
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// let letters = ObservableVec::from(vec!['a', 'b', 'c']);
    /// letters.truncate(1);
    /// assert_eq!(letters.to_vec(), ['a']);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableVec::get).
    #[track_caller]
    pub fn truncate(&self, len: usize) -> Notification<()> {
        self.step(Location::caller(), |items| items.truncate(len))
    }

    /// Takes all items out. Nobody hears of it if there are none.
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableVec::get).
    #[track_caller]
    pub fn clear(&self) -> Notification<()> {
        self.step(Location::caller(), |items| items.clear())
    }

    /// Puts these behind the last: one change. Nobody hears of it if there are none.
    ///
    /// ```
    /// # use settled_signal::{ObservableVec, VecDiff};
    /// # use std::sync::{Arc, Mutex};
    /// let (letters, seen) = (ObservableVec::new(), Arc::new(Mutex::new(vec![])));
    /// letters.changed().connect({ let seen = seen.clone(); move |diff| seen.lock().unwrap().push(diff.clone()) });
    /// letters.extend(['a', 'b']);
    /// assert_eq!(*seen.lock().unwrap(), [VecDiff::Append { values: vec!['a', 'b'].into() }]);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableVec::get).
    #[track_caller]
    pub fn extend(&self, values: impl IntoIterator<Item = T>) -> Notification<()> {
        // The iterator is the user's: nothing is locked yet.
        let values = Vec::from_iter(values);
        self.step(Location::caller(), |items| items.append(values))
    }

    /// Keeps only the items of which `f` says so: one change. Nobody hears of it if these are all.
    ///
    /// `f` has the vector to itself, and is asked of all before any is taken out: if it panics nothing has changed.
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// let numbers = ObservableVec::from(vec![1, 2, 3, 4]);
    /// numbers.retain(|number| number % 2 == 0);
    /// assert_eq!(numbers.to_vec(), [2, 4]);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableVec::get), and if `f` panics.
    #[track_caller]
    pub fn retain(&self, f: impl FnMut(&T) -> bool) -> Notification<()> {
        self.batch_at(Location::caller(), |items| items.retain(f))
    }

    /// Exchanges all items for these: one change.
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// let letters = ObservableVec::from(vec!['a']);
    /// letters.replace_all(vec!['b', 'c']);
    /// assert_eq!(letters.to_vec(), ['b', 'c']);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableVec::get).
    #[track_caller]
    pub fn replace_all(&self, values: Vec<T>) -> Notification<()> {
        self.step(Location::caller(), |items| items.replace_all(values))
    }

    /// Puts the items in order, once; those that are equal stay as they are. Nobody hears of it if they are in order. For
    /// items that are in order whatever comes in see [`sort_by`](ObservableVec::sort_by).
    ///
    /// `compare` has the vector to itself. If it panics nothing has changed.
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// let numbers = ObservableVec::from(vec![3, 1, 2]);
    /// numbers.sort_now_by(|a, b| a.cmp(b));
    /// assert_eq!(numbers.to_vec(), [1, 2, 3]);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableVec::get), and if `compare` panics.
    #[track_caller]
    pub fn sort_now_by(&self, compare: impl FnMut(&T, &T) -> Ordering) -> Notification<()> {
        self.batch_at(Location::caller(), |items| items.sort_by(compare))
    }

    /// Several changes in one, which is told as one diff: fewer steps where some come to nothing, a
    /// [`Reset`](VecDiff::Reset) where there are more of them than items.
    ///
    /// `f` has the vector to itself: other threads wait until it returns. Two batches that touch each other's vectors from two
    /// threads wait for ever: do not nest them. If `f` panics, what it has done until then stands, and is told.
    ///
    /// ```
    /// # use settled_signal::{ObservableVec, VecDiff};
    /// # use std::sync::{Arc, Mutex};
    /// let (letters, seen) = (ObservableVec::from(vec!['a']), Arc::new(Mutex::new(vec![])));
    /// letters.changed().connect({ let seen = seen.clone(); move |diff| seen.lock().unwrap().push(diff.clone()) });
    /// letters.batch(|letters| {
    ///     letters.push('b');
    ///     letters.push('c');
    ///     letters.remove(0);
    /// });
    /// let steps = [VecDiff::Append { values: vec!['b', 'c'].into() }, VecDiff::Remove { index: 0 }];
    /// assert_eq!(*seen.lock().unwrap(), [VecDiff::Batch(steps.to_vec().into())]);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableVec::get), and if `f` panics. A panic that tells of a touch from within `f` names both places:
    ///
    /// ```should_panic
    /// # use settled_signal::ObservableVec;
    /// let letters = ObservableVec::from(vec!['a']);
    /// letters.batch(|_| drop(letters.push('b')));
    /// ```
    #[track_caller]
    pub fn batch(&self, f: impl FnOnce(&mut VecEdit<'_, '_, T>)) -> Notification<()> {
        self.batch_at(Location::caller(), f)
    }

    fn batch_at(
        &self,
        location: &'static Location<'static>,
        f: impl FnOnce(&mut VecEdit<'_, '_, T>),
    ) -> Notification<()> {
        self.core.update(location, |edit| f(&mut VecEdit::new(edit, location))).1
    }

    /// Where handlers connect that want to hear of changes.
    ///
    /// ```
    /// # use settled_signal::{ObservableVec, VecDiff};
    /// # use std::sync::{Arc, Mutex};
    /// let letters = ObservableVec::from(vec!['a', 'b']);
    /// let replica = Arc::new(Mutex::new(letters.to_vec()));
    /// letters.changed().connect({
    ///     let replica = replica.clone();
    ///     move |diff: &VecDiff<char>| diff.apply(&mut replica.lock().unwrap())
    /// });
    /// letters.insert(0, 'c');
    /// letters.swap(0, 2);
    /// assert_eq!(*replica.lock().unwrap(), ['b', 'a', 'c']);
    /// ```
    pub fn changed(&self) -> &Source<VecDiff<T>> {
        &self.core.changed
    }

    /// The diffs as a stream, beginning with a [`Reset`](VecDiff::Reset) to what there is at the first poll.
    ///
    /// Whoever applies them has the items as they are when he polls. What he has not taken is kept, but never more than
    /// there are items (and a few): where that would be more he gets another reset in its place. Unlike handlers, streams
    /// do not wait for their turn: a diff is there when the change is made. The stream ends when the last handle of the vector
    /// is gone, after the last diff; it is no handle itself.
    ///
    /// ```
    /// # use futures::StreamExt;
    /// # use settled_signal::{ObservableVec, VecDiff};
    /// # settled::block_on(async {
    /// let letters = ObservableVec::from(vec!['a']);
    /// let mut diffs = letters.stream();
    /// assert_eq!(diffs.next().await, Some(VecDiff::Reset { values: vec!['a'].into() }));
    /// letters.push('b');
    /// drop(letters);
    /// assert_eq!(diffs.next().await, Some(VecDiff::Insert { index: 1, value: 'b' }));
    /// assert_eq!(diffs.next().await, None);
    /// # });
    /// ```
    pub fn stream(&self) -> impl Stream<Item = VecDiff<T>> + Send + Sync + Unpin + use<T> {
        DiffStream::new(self.core.clone())
    }
}

impl<T: Clone + Send + Sync + 'static> From<Vec<T>> for ObservableVec<T> {
    fn from(items: Vec<T>) -> Self {
        ObservableVec { core: Core::new(items.into()) }
    }
}

impl<T: Clone + Send + Sync + 'static> FromIterator<T> for ObservableVec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        ObservableVec::from(Vec::from_iter(items))
    }
}

impl<T: Clone + Send + Sync + 'static> Default for ObservableVec<T> {
    fn default() -> Self {
        ObservableVec::new()
    }
}

impl<T: Clone + Send + Sync + 'static> Clone for ObservableVec<T> {
    fn clone(&self) -> Self {
        ObservableVec { core: self.core.handle() }
    }
}

impl<T: Clone + Send + Sync + 'static> Drop for ObservableVec<T> {
    fn drop(&mut self) {
        self.core.let_go();
    }
}

/// Shows the items (a snapshot, without holding the lock), also from within its own `batch`, where they are left out.
impl<T: fmt::Debug + Clone + Send + Sync + 'static> fmt::Debug for ObservableVec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.core.peek(Items::clone) {
            Err(location) => write!(f, "ObservableVec(updated at {location})"),
            Ok(items) => f.debug_tuple("ObservableVec").field(&items).finish(),
        }
    }
}
