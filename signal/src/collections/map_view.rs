//! Views of maps, and what makes them.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures::Stream;

use crate::collections::feeds::{DiffStream, Feeding};
use crate::collections::log::Diff;
use crate::collections::map::{ObservableMap, find_tracked, key_of};
use crate::collections::map_diff::MapDiff;
use crate::collections::operators::filter_map::FilterEntries;
use crate::collections::operators::listed::Listed;
use crate::collections::operators::map_values::MapValues;
use crate::collections::tracked::Read;
use crate::collections::vec_view::VecView;
use crate::collections::worker::{Keep, Operator, Shown, Upstream, Worker};
use crate::graph::is_tracking;
use crate::source::Source;

/// A map that stays in step with another one: made by [`filter`](ObservableMap::filter) and
/// [`map_values`](ObservableMap::map_values), of a map or of another view.
///
/// What is said of a [`VecView`] holds here, too.
///
/// ```
/// # use settled_signal::ObservableMap;
/// let ages = ObservableMap::from_iter([("Ada", 36), ("Tim", 7)]);
/// let adults = ages.filter(|_, age| *age >= 18).map_values(|_, age| format!("{age} years"));
/// ages.insert("Tim", 18);
/// assert_eq!(adults.get("Tim").unwrap(), "18 years");
/// ```
pub struct MapView<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    shown: Arc<Shown<BTreeMap<K, V>>>,
    worker: Arc<dyn Feeding<MapDiff<K, V>>>,
}

impl<K, V> MapView<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn of<In: Diff>(
        upstream: &Arc<impl Upstream<In> + 'static>,
        keep: Keep,
        operator: impl Operator<In, MapDiff<K, V>>,
    ) -> Self {
        let worker = Worker::start(upstream, keep, operator, BTreeMap::new());
        MapView { shown: worker.shown().clone(), worker }
    }

    fn core(&self) -> &Arc<Shown<BTreeMap<K, V>>> {
        &self.shown
    }

    fn keep(&self) -> Keep {
        Some(Box::new(self.worker.clone()))
    }

    fn find<Q, R>(&self, key: &Q, f: impl Fn(Option<&V>) -> R) -> R
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        if is_tracking() {
            return find_tracked(
                || self.shown.look(|map| key_of(map, key)),
                |what| self.shown.read(|| what, |map| (map.contains_key(key), f(map.get(key)))),
            );
        }
        self.shown.look(|map| f(map.get(key)))
    }

    /// The value there (a clone of it).
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.find(key, |value| value.cloned())
    }

    /// Is it there?
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.find(key, |value| value.is_some())
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.shown.read(|| Read::Len, |map| map.len())
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries (clones of them), as a map of one's own.
    pub fn to_map(&self) -> BTreeMap<K, V> {
        self.shown.read(|| Read::All, BTreeMap::clone)
    }

    /// The entries (clones of them), in the order of the keys.
    pub fn to_vec(&self) -> Vec<(K, V)> {
        self.shown
            .read(|| Read::All, |map| map.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// Where handlers connect that want to hear of changes of what is shown.
    ///
    /// ```
    /// # use settled_signal::{MapDiff, ObservableMap};
    /// let ages = ObservableMap::from_iter([("Ada", 36)]);
    /// let adults = ages.filter(|_, age| *age >= 18);
    /// adults.changed().connect(|diff| assert_eq!(*diff, MapDiff::Remove { key: "Ada" }));
    /// ages.remove("Ada");
    /// ```
    pub fn changed(&self) -> &Source<MapDiff<K, V>> {
        &self.shown.changed
    }

    /// The diffs as a stream, beginning with a [`Reset`](MapDiff::Reset) to what there is at the first poll; otherwise as
    /// [that of a view of a vector](VecView::stream).
    pub fn stream(&self) -> impl Stream<Item = MapDiff<K, V>> + Send + Sync + Unpin + use<K, V> {
        DiffStream::new(self.worker.clone())
    }
}

impl<K, V> ObservableMap<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// It is not kept by its views.
    fn keep(&self) -> Keep {
        None
    }
}

macro_rules! views {
    ($of:ident) => {
        impl<K, V> $of<K, V>
        where
            K: Clone + Ord + Send + Sync + 'static,
            V: Clone + Send + Sync + 'static,
        {
            /// The entries that `f` says yes to, in step.
            ///
            /// ```
            /// # use settled_signal::ObservableMap;
            /// let ages = ObservableMap::from_iter([("Ada", 36), ("Tim", 7)]);
            /// let adults = ages.filter(|_, age| *age >= 18);
            /// ages.insert("Eva", 20);
            /// assert_eq!(adults.to_vec(), [("Ada", 36), ("Eva", 20)]);
            /// ```
            ///
            /// # Panics
            ///
            /// If `f` does, of an entry that is there.
            pub fn filter(&self, f: impl Fn(&K, &V) -> bool + Send + 'static) -> MapView<K, V> {
                MapView::of(self.core(), self.keep(), FilterEntries::new(f))
            }

            /// Each value made into another, in step.
            ///
            /// ```
            /// # use settled_signal::ObservableMap;
            /// let ages = ObservableMap::from_iter([("Ada", 36)]);
            /// let next = ages.map_values(|_, age| age + 1);
            /// ages.insert("Tim", 7);
            /// assert_eq!(next.to_vec(), [("Ada", 37), ("Tim", 8)]);
            /// ```
            ///
            /// # Panics
            ///
            /// If `f` does, of an entry that is there.
            pub fn map_values<U>(&self, f: impl Fn(&K, &V) -> U + Send + 'static) -> MapView<K, U>
            where
                U: Clone + Send + Sync + 'static,
            {
                MapView::of(self.core(), self.keep(), MapValues(f))
            }

            /// The keys as a sequence, in their order, in step.
            ///
            /// ```
            /// # use settled_signal::ObservableMap;
            /// let ages = ObservableMap::from_iter([("Tim", 7)]);
            /// let names = ages.keys();
            /// ages.insert("Ada", 36);
            /// assert_eq!(names.to_vec(), ["Ada", "Tim"]);
            /// ```
            pub fn keys(&self) -> VecView<K> {
                VecView::of(self.core(), self.keep(), Listed::new(|key: &K, _: &V| key.clone(), true))
            }

            /// The values as a sequence, in the order of their keys, in step.
            ///
            /// ```
            /// # use settled_signal::ObservableMap;
            /// let ages = ObservableMap::from_iter([("Tim", 7)]);
            /// let falling = ages.values().sort_by(|a, b| b.cmp(a));
            /// ages.insert("Ada", 36);
            /// assert_eq!(falling.to_vec(), [36, 7]);
            /// ```
            pub fn values(&self) -> VecView<V> {
                VecView::of(self.core(), self.keep(), Listed::new(|_: &K, value: &V| value.clone(), false))
            }

            /// The entries as a sequence, in the order of their keys, in step.
            ///
            /// ```
            /// # use settled_signal::ObservableMap;
            /// let ages = ObservableMap::from_iter([("Tim", 7)]);
            /// let oldest = ages.entries().sort_by_key(|(_, age)| std::cmp::Reverse(*age)).limit(1);
            /// ages.insert("Ada", 36);
            /// assert_eq!(oldest.to_vec(), [("Ada", 36)]);
            /// ```
            pub fn entries(&self) -> VecView<(K, V)> {
                let entry = |key: &K, value: &V| (key.clone(), value.clone());
                VecView::of(self.core(), self.keep(), Listed::new(entry, false))
            }
        }
    };
}

views!(ObservableMap);
views!(MapView);

impl<K, V> Clone for MapView<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn clone(&self) -> Self {
        MapView { shown: self.shown.clone(), worker: self.worker.clone() }
    }
}

/// Shows the entries (clones of them, without holding the lock).
impl<K, V> fmt::Debug for MapView<K, V>
where
    K: fmt::Debug + Clone + Ord + Send + Sync + 'static,
    V: fmt::Debug + Clone + Send + Sync + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MapView").field(&self.to_map()).finish()
    }
}
