//! A map that tells of its changes.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use futures::Stream;

use crate::collections::core::Core;
use crate::collections::feeds::DiffStream;
use crate::collections::map_diff::MapDiff;
use crate::collections::map_edit::MapEdit;
use crate::collections::tracked::Read;
use crate::graph::is_tracking;
use crate::notification::Notification;
use crate::source::Source;

/// A map with handlers that are called when it changes, and hear what has changed: a [`MapDiff`]. Its entries are in the order
/// of the keys.
///
/// A handle: clones are the same map. What is said of an [`ObservableVec`](crate::ObservableVec) holds here, too: each
/// change is told once to every handler, in the order in which they were made; views stay in step; several changes in one
/// [`batch`](ObservableMap::batch) are told as one. In an [atomic](settled::atomic) transaction each key is to the map what
/// its value is to an [`Observable`](crate::Observable): a rollback brings back what stood there, unless something was put
/// there plainly since.
///
/// Computeds and effects depend on the keys that they have read; where one is not there, on what keys there are.
///
/// # Cost
///
/// It is a `BTreeMap` behind a lock: what looks for a key costs the logarithm of the number of entries. Under the lock
/// nothing of the user's runs but `Clone` and `Ord`, and the closures of those methods that say so.
///
/// ```
/// use settled_signal::{MapDiff, ObservableMap, transaction};
///
/// transaction::block_on(async {
///     let ages = ObservableMap::new();
///     ages.changed().connect(|diff: &MapDiff<String, u32>| println!("now: {diff:?}"));
///     ages.changed().connect_async(|diff| async move { println!("saved: {diff:?}") });
///     let adults = ages.filter(|_, age| *age >= 18);
///
///     transaction::scope(async {
///         ages.insert("Ada".into(), 36);     // prints what has changed
///         ages.insert("Tim".into(), 7);
///     }).await.unwrap();                     // prints what is saved
///     assert_eq!(ages.get("Tim"), Some(7));
///     assert_eq!(adults.to_vec(), [("Ada".to_string(), 36)]);
/// });
/// ```
pub struct ObservableMap<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    core: Arc<Core<BTreeMap<K, V>>>,
}

impl<K, V> ObservableMap<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Without entries, and without handlers.
    ///
    /// ```
    /// # use settled_signal::ObservableMap;
    /// assert!(ObservableMap::<u8, u8>::new().is_empty());
    /// ```
    pub fn new() -> Self {
        ObservableMap::from(BTreeMap::new())
    }

    pub(crate) fn core(&self) -> &Arc<Core<BTreeMap<K, V>>> {
        &self.core
    }

    /// What that gives back is made under the lock, and dropped when nothing is locked.
    fn step<R>(
        &self,
        location: &'static Location<'static>,
        f: impl FnOnce(&mut MapEdit<'_, '_, K, V>) -> R,
    ) -> (R, Notification<()>) {
        self.core.change(location, |edit| f(&mut MapEdit::new(edit)))
    }

    fn find<Q, R>(&self, location: &'static Location<'static>, key: &Q, f: impl Fn(Option<&V>) -> R) -> R
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        if is_tracking() {
            let key_there = || self.core.look(location, |map| key_of(map, key));
            return find_tracked(key_there, |what| {
                self.core.read(location, || what, |map| (map.contains_key(key), f(map.get(key))))
            });
        }
        self.core.look(location, |map| f(map.get(key)))
    }

    /// The value there (a clone of it).
    ///
    /// ```
    /// # use settled_signal::ObservableMap;
    /// let ages = ObservableMap::from_iter([("Ada".to_string(), 36)]);
    /// assert_eq!((ages.get("Ada"), ages.get("Tim")), (Some(36), None));
    /// ```
    ///
    /// # Panics
    ///
    /// Within a [`batch`](ObservableMap::batch), [`update`](ObservableMap::update) or [`retain`](ObservableMap::retain) of
    /// this map. So does everything that touches it.
    #[track_caller]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.find(Location::caller(), key, |value| value.cloned())
    }

    /// Is it there?
    ///
    /// ```
    /// # use settled_signal::ObservableMap;
    /// assert!(ObservableMap::from_iter([("Ada".to_string(), 36)]).contains_key("Ada"));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableMap::get).
    #[track_caller]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.find(Location::caller(), key, |value| value.is_some())
    }

    /// How many entries there are.
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableMap::get).
    #[track_caller]
    pub fn len(&self) -> usize {
        self.core.read(Location::caller(), || Read::Len, |map| map.len())
    }

    /// Is there none?
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableMap::get).
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.core.read(Location::caller(), || Read::Len, |map| map.is_empty())
    }

    /// The entries (clones of them), as a map of one's own.
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableMap::get).
    #[track_caller]
    pub fn to_map(&self) -> BTreeMap<K, V> {
        self.core.read(Location::caller(), || Read::All, BTreeMap::clone)
    }

    /// The entries (clones of them), in the order of the keys.
    ///
    /// ```
    /// # use settled_signal::ObservableMap;
    /// assert_eq!(ObservableMap::from_iter([(2, 'b'), (1, 'a')]).to_vec(), [(1, 'a'), (2, 'b')]);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableMap::get).
    #[track_caller]
    pub fn to_vec(&self) -> Vec<(K, V)> {
        self.core.read(
            Location::caller(),
            || Read::All,
            |map| map.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        )
    }

    /// Puts a value there, whatever was.
    ///
    /// ```
    /// # use settled_signal::ObservableMap;
    /// let ages = ObservableMap::new();
    /// ages.insert("Ada", 36);
    /// ages.insert("Ada", 37);
    /// assert_eq!(ages.to_vec(), [("Ada", 37)]);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableMap::get).
    #[track_caller]
    pub fn insert(&self, key: K, value: V) -> Notification<()> {
        self.step(Location::caller(), |map| map.insert(key, value)).1
    }

    /// As [`insert`](ObservableMap::insert), but gives back the value that was there.
    ///
    /// ```
    /// # use settled_signal::ObservableMap;
    /// let ages = ObservableMap::new();
    /// assert_eq!((ages.replace("Ada", 36), ages.replace("Ada", 37)), (None, Some(36)));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableMap::get).
    #[track_caller]
    pub fn replace(&self, key: K, value: V) -> Option<V> {
        self.step(Location::caller(), |map| map.insert(key, value)).0
    }

    /// Takes a key out, and gives back its value. Nobody hears of it if it is not there.
    ///
    /// ```
    /// # use settled_signal::ObservableMap;
    /// let ages = ObservableMap::from_iter([("Ada".to_string(), 36)]);
    /// assert_eq!((ages.remove("Ada"), ages.remove("Ada")), (Some(36), None));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableMap::get).
    #[track_caller]
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.step(Location::caller(), |map| map.remove(key)).0
    }

    /// Changes the value there: a clone of it, which takes its place when `f` returns. False if the key is not there.
    ///
    /// `f` has the map to itself: other threads wait until it returns. If it panics nothing has changed.
    ///
    /// ```
    /// # use settled_signal::ObservableMap;
    /// let ages = ObservableMap::from_iter([("Ada", 36)]);
    /// assert!(ages.update("Ada", |age| *age += 1));
    /// assert_eq!(ages.get("Ada"), Some(37));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableMap::get), and if `f` panics.
    #[track_caller]
    pub fn update<Q>(&self, key: &Q, f: impl FnOnce(&mut V)) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.core.update(Location::caller(), |edit| MapEdit::new(edit).update(key, f)).0
    }

    /// Puts these there: one change.
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableMap::get).
    #[track_caller]
    pub fn extend(&self, entries: impl IntoIterator<Item = (K, V)>) -> Notification<()> {
        // The iterator is the user's: nothing is locked yet.
        let entries = Vec::from_iter(entries);
        self.step(Location::caller(), |map| map.extend(entries)).1
    }

    /// Puts a value there, unless there is one. Was it put there?
    #[track_caller]
    pub(crate) fn insert_new(&self, key: K, value: V) -> bool {
        self.step(Location::caller(), |map| map.insert_new(key, value)).0.is_ok()
    }

    /// Puts those there of which there is none.
    #[track_caller]
    pub(crate) fn extend_new(&self, entries: impl IntoIterator<Item = (K, V)>) -> Notification<()> {
        let entries = Vec::from_iter(entries);
        let put = |map: &mut MapEdit<'_, '_, K, V>| {
            entries
                .into_iter()
                .filter_map(|(key, value)| map.insert_new(key, value).err())
                .collect::<Vec<_>>()
        };
        self.step(Location::caller(), put).1
    }

    /// Keeps only the entries of which `f` says so: one change. Nobody hears of it if these are all.
    ///
    /// `f` has the map to itself, and is asked of all before any is taken out: if it panics nothing has changed.
    ///
    /// ```
    /// # use settled_signal::ObservableMap;
    /// let ages = ObservableMap::from_iter([("Ada", 36), ("Tim", 7)]);
    /// ages.retain(|_, age| *age < 18);
    /// assert_eq!(ages.to_vec(), [("Tim", 7)]);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableMap::get), and if `f` panics.
    #[track_caller]
    pub fn retain(&self, f: impl FnMut(&K, &V) -> bool) -> Notification<()> {
        self.core.update(Location::caller(), |edit| MapEdit::new(edit).retain(f)).1
    }

    /// Takes all entries out. Nobody hears of it if there are none.
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableMap::get).
    #[track_caller]
    pub fn clear(&self) -> Notification<()> {
        self.step(Location::caller(), |map| map.clear()).1
    }

    /// Exchanges all entries for these: one change.
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableMap::get).
    #[track_caller]
    pub fn replace_all(&self, entries: BTreeMap<K, V>) -> Notification<()> {
        self.step(Location::caller(), |map| map.replace_all(entries)).1
    }

    /// Several changes in one, which is told as one diff: fewer steps where some come to nothing, a
    /// [`Reset`](MapDiff::Reset) where there are more of them than entries.
    ///
    /// `f` has the map to itself: other threads wait until it returns. Two batches that touch each other's maps from two
    /// threads wait for ever: do not nest them. If `f` panics, what it has done until then stands, and is told.
    ///
    /// ```
    /// # use settled_signal::{MapDiff, ObservableMap};
    /// # use std::sync::{Arc, Mutex};
    /// let (ages, seen) = (ObservableMap::new(), Arc::new(Mutex::new(vec![])));
    /// ages.changed().connect({ let seen = seen.clone(); move |diff| seen.lock().unwrap().push(diff.clone()) });
    /// ages.batch(|ages| {
    ///     ages.insert("Ada", 36);
    ///     ages.update("Ada", |age| *age += 1);
    /// });
    /// assert_eq!(*seen.lock().unwrap(), [MapDiff::Insert { key: "Ada", value: 37 }]);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](ObservableMap::get), and if `f` panics. A panic that tells of a touch from within `f` names both places.
    #[track_caller]
    pub fn batch(&self, f: impl FnOnce(&mut MapEdit<'_, '_, K, V>)) -> Notification<()> {
        self.core.update(Location::caller(), |edit| f(&mut MapEdit::new(edit))).1
    }

    /// Where handlers connect that want to hear of changes.
    ///
    /// ```
    /// # use settled_signal::{MapDiff, ObservableMap};
    /// # use std::{collections::BTreeMap, sync::{Arc, Mutex}};
    /// let (ages, replica) = (ObservableMap::new(), Arc::new(Mutex::new(BTreeMap::new())));
    /// ages.changed().connect({
    ///     let replica = replica.clone();
    ///     move |diff: &MapDiff<&str, u32>| diff.apply(&mut replica.lock().unwrap())
    /// });
    /// ages.insert("Ada", 36);
    /// assert_eq!(*replica.lock().unwrap(), ages.to_map());
    /// ```
    pub fn changed(&self) -> &Source<MapDiff<K, V>> {
        &self.core.changed
    }

    /// The diffs as a stream, beginning with a [`Reset`](MapDiff::Reset) to what there is at the first poll; otherwise as
    /// [that of a vector](crate::ObservableVec::stream).
    ///
    /// ```
    /// # use futures::StreamExt;
    /// # use settled_signal::{MapDiff, ObservableMap};
    /// # settled::block_on(async {
    /// let ages = ObservableMap::from_iter([("Ada", 36)]);
    /// let mut diffs = ages.stream();
    /// assert_eq!(diffs.next().await, Some(MapDiff::Reset { entries: vec![("Ada", 36)].into() }));
    /// ages.remove("Ada");
    /// drop(ages);
    /// assert_eq!(diffs.next().await, Some(MapDiff::Remove { key: "Ada" }));
    /// assert_eq!(diffs.next().await, None);
    /// # });
    /// ```
    pub fn stream(&self) -> impl Stream<Item = MapDiff<K, V>> + Send + Sync + Unpin + use<K, V> {
        DiffStream::new(self.core.clone())
    }
}

/// The key as it is there.
pub(crate) fn key_of<K, V, Q>(map: &BTreeMap<K, V>, key: &Q) -> Option<K>
where
    K: Clone + Ord + Borrow<Q>,
    Q: Ord + ?Sized,
{
    map.get_key_value(key).map(|(key, _)| key.clone())
}

/// Who reads a key depends on that; where it is not there, on what keys there are. `read` tells whether it was there.
pub(crate) fn find_tracked<K, R>(key: impl Fn() -> Option<K>, read: impl Fn(Read<K>) -> (bool, R)) -> R {
    loop {
        let key = key();
        let was_there = key.is_some();
        let (is_there, result) = read(key.map_or(Read::Len, Read::Item));
        if is_there == was_there {
            return result;
        }
    }
}

impl<K, V> From<BTreeMap<K, V>> for ObservableMap<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn from(entries: BTreeMap<K, V>) -> Self {
        ObservableMap { core: Core::new(entries) }
    }
}

impl<K, V> FromIterator<(K, V)> for ObservableMap<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        ObservableMap::from(BTreeMap::from_iter(entries))
    }
}

impl<K, V> Default for ObservableMap<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        ObservableMap::new()
    }
}

impl<K, V> Clone for ObservableMap<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn clone(&self) -> Self {
        ObservableMap { core: self.core.handle() }
    }
}

impl<K, V> Drop for ObservableMap<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        self.core.let_go();
    }
}

/// Shows the entries (clones of them, without holding the lock), also from within its own `batch`, where they are left out.
impl<K, V> fmt::Debug for ObservableMap<K, V>
where
    K: fmt::Debug + Clone + Ord + Send + Sync + 'static,
    V: fmt::Debug + Clone + Send + Sync + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.core.peek(BTreeMap::clone) {
            Err(location) => write!(f, "ObservableMap(updated at {location})"),
            Ok(map) => f.debug_tuple("ObservableMap").field(&map).finish(),
        }
    }
}
