//! A set that tells of its changes: a map of nothing.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures::Stream;

use crate::collections::map::ObservableMap;
use crate::collections::map_diff::SetDiff;
use crate::collections::tracked::Read;
use crate::collections::vec_view::VecView;
use crate::notification::Notification;
use crate::source::Source;

/// A set with handlers that are called when it changes, and hear what has changed: a [`SetDiff`]. Its values are in their
/// order.
///
/// A handle: clones are the same set. What is said of an [`ObservableMap`] holds here, too.
///
/// ```
/// # use settled_signal::{ObservableSet, SetDiff};
/// let online = ObservableSet::new();
/// online.changed().connect(|diff: &SetDiff<String>| println!("{diff:?}"));
/// let names = online.values().map(|name| name.to_uppercase());
/// online.insert("Tim".to_string());
/// online.insert("Ada".to_string());
/// assert!(online.contains("Ada"));
/// assert_eq!(names.to_vec(), ["ADA", "TIM"]);
/// ```
pub struct ObservableSet<T: Clone + Ord + Send + Sync + 'static> {
    map: ObservableMap<T, ()>,
}

impl<T: Clone + Ord + Send + Sync + 'static> ObservableSet<T> {
    /// Without values, and without handlers.
    pub fn new() -> Self {
        ObservableSet { map: ObservableMap::new() }
    }

    /// Is it there?
    ///
    /// # Panics
    ///
    /// Within a [`retain`](ObservableSet::retain) of this set. So does everything that touches it.
    #[track_caller]
    pub fn contains<Q>(&self, value: &Q) -> bool
    where
        T: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.map.contains_key(value)
    }

    /// How many values there are.
    ///
    /// # Panics
    ///
    /// As [`contains`](ObservableSet::contains).
    #[track_caller]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Is there none?
    ///
    /// # Panics
    ///
    /// As [`contains`](ObservableSet::contains).
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// The values (clones of them), in their order.
    ///
    /// # Panics
    ///
    /// As [`contains`](ObservableSet::contains).
    #[track_caller]
    pub fn to_vec(&self) -> Vec<T> {
        self.map.core().read(
            std::panic::Location::caller(),
            || Read::All,
            |map| map.keys().cloned().collect(),
        )
    }

    /// Puts a value in, unless it is there: then nobody hears of it. Was it put in?
    ///
    /// ```
    /// # use settled_signal::ObservableSet;
    /// let online = ObservableSet::new();
    /// assert!(online.insert("Ada") && !online.insert("Ada"));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`contains`](ObservableSet::contains).
    #[track_caller]
    pub fn insert(&self, value: T) -> bool {
        self.map.insert_new(value, ())
    }

    /// Takes a value out. Was it there?
    ///
    /// # Panics
    ///
    /// As [`contains`](ObservableSet::contains).
    #[track_caller]
    pub fn remove<Q>(&self, value: &Q) -> bool
    where
        T: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.map.remove(value).is_some()
    }

    /// Puts those in that are not there: one change.
    ///
    /// # Panics
    ///
    /// As [`contains`](ObservableSet::contains).
    #[track_caller]
    pub fn extend(&self, values: impl IntoIterator<Item = T>) -> Notification<()> {
        self.map.extend_new(values.into_iter().map(|value| (value, ())))
    }

    /// Keeps only the values of which `f` says so: one change.
    ///
    /// # Panics
    ///
    /// As [`ObservableMap::retain`].
    #[track_caller]
    pub fn retain(&self, mut f: impl FnMut(&T) -> bool) -> Notification<()> {
        self.map.retain(|value, ()| f(value))
    }

    /// Takes all values out.
    ///
    /// # Panics
    ///
    /// As [`contains`](ObservableSet::contains).
    #[track_caller]
    pub fn clear(&self) -> Notification<()> {
        self.map.clear()
    }

    /// Exchanges all values for these: one change.
    ///
    /// # Panics
    ///
    /// As [`contains`](ObservableSet::contains).
    #[track_caller]
    pub fn replace_all(&self, values: BTreeSet<T>) -> Notification<()> {
        self.map.replace_all(values.into_iter().map(|value| (value, ())).collect::<BTreeMap<T, ()>>())
    }

    /// Where handlers connect that want to hear of changes.
    pub fn changed(&self) -> &Source<SetDiff<T>> {
        self.map.changed()
    }

    /// The diffs as a stream: as [that of a map](ObservableMap::stream).
    pub fn stream(&self) -> impl Stream<Item = SetDiff<T>> + Send + Sync + Unpin + use<T> {
        self.map.stream()
    }

    /// The values as a sequence, in their order, in step: to be filtered, mapped, sorted.
    ///
    /// ```
    /// # use settled_signal::ObservableSet;
    /// let numbers = ObservableSet::from_iter([3, 8]);
    /// let even = numbers.values().filter(|x| x % 2 == 0);
    /// numbers.extend([8, 4]);
    /// assert_eq!(even.to_vec(), [4, 8]);
    /// ```
    pub fn values(&self) -> VecView<T> {
        self.map.keys()
    }
}

impl<T: Clone + Ord + Send + Sync + 'static> FromIterator<T> for ObservableSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        ObservableSet { map: values.into_iter().map(|value| (value, ())).collect() }
    }
}

impl<T: Clone + Ord + Send + Sync + 'static> Default for ObservableSet<T> {
    fn default() -> Self {
        ObservableSet::new()
    }
}

impl<T: Clone + Ord + Send + Sync + 'static> Clone for ObservableSet<T> {
    fn clone(&self) -> Self {
        ObservableSet { map: self.map.clone() }
    }
}

/// Shows the values, also from within its own `retain`, where they are left out.
impl<T: fmt::Debug + Clone + Ord + Send + Sync + 'static> fmt::Debug for ObservableSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.map.core().peek(|map| map.keys().cloned().collect::<BTreeSet<T>>()) {
            Err(location) => write!(f, "ObservableSet(updated at {location})"),
            Ok(values) => f.debug_tuple("ObservableSet").field(&values).finish(),
        }
    }
}
