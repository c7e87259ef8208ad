//! Changes of a map, as data.

use std::collections::BTreeMap;
use std::{mem, slice};

use crate::collections::items::Items;
use crate::collections::log::{Diff, Joined};
use crate::collections::tracked::Touch;

/// What has changed in an [`ObservableMap`](crate::ObservableMap), in an [`ObservableSet`](crate::ObservableSet), or in a view.
///
/// Whoever applies each to a map of his own, in order, has the same entries: see [`apply`](MapDiff::apply). What was done
/// in one [`batch`](crate::ObservableMap::batch) comes as one `Batch` of steps, and [`steps`](MapDiff::steps) gives them in
/// any case.
///
/// ```
/// # use std::collections::BTreeMap;
/// # use settled_signal::MapDiff;
/// let mut map = BTreeMap::new();
/// MapDiff::Insert { key: "a", value: 1 }.apply(&mut map);
/// MapDiff::Update { key: "a", value: 2 }.apply(&mut map);
/// MapDiff::Insert { key: "b", value: 3 }.apply(&mut map);
/// MapDiff::Remove { key: "a" }.apply(&mut map);
/// assert_eq!(map, BTreeMap::from([("b", 3)]));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MapDiff<K, V> {
    /// A key has come in that was not there.
    Insert {
        /// Which one.
        key: K,
        /// Its value.
        value: V,
    },
    /// A key that was there has another value.
    Update {
        /// Which one.
        key: K,
        /// What it is now.
        value: V,
    },
    /// A key that was there is gone.
    Remove {
        /// Which one.
        key: K,
    },
    /// These are all entries; nothing of what was before counts.
    Reset {
        /// In the order of the keys.
        entries: Items<(K, V)>,
    },
    /// Several steps in one. None of them is a batch, and there are at least two.
    Batch(Items<MapDiff<K, V>>),
}

/// What has changed in an [`ObservableSet`](crate::ObservableSet).
pub type SetDiff<T> = MapDiff<T, ()>;

impl<K, V> MapDiff<K, V> {
    /// The steps of a batch; of any other, itself.
    ///
    /// ```
    /// # use settled_signal::MapDiff;
    /// assert_eq!(MapDiff::<_, u8>::Remove { key: "a" }.steps().len(), 1);
    /// ```
    pub fn steps(&self) -> &[MapDiff<K, V>] {
        match self {
            MapDiff::Batch(steps) => steps,
            step => slice::from_ref(step),
        }
    }

    /// Does to this map what has been done.
    pub fn apply(&self, map: &mut BTreeMap<K, V>)
    where
        K: Clone + Ord,
        V: Clone,
    {
        match self {
            MapDiff::Insert { key, value } | MapDiff::Update { key, value } => {
                drop(map.insert(key.clone(), value.clone()));
            }
            MapDiff::Remove { key } => drop(map.remove(key)),
            MapDiff::Reset { entries } => *map = entries.iter().cloned().collect(),
            MapDiff::Batch(steps) => steps.iter().for_each(|step| step.apply(map)),
        }
    }

    /// The key that a step is about; none of a reset or a batch.
    ///
    /// ```
    /// # use settled_signal::MapDiff;
    /// assert_eq!(MapDiff::Insert { key: "a", value: 1 }.key(), Some(&"a"));
    /// ```
    pub fn key(&self) -> Option<&K> {
        match self {
            MapDiff::Insert { key, .. } | MapDiff::Update { key, .. } | MapDiff::Remove { key } => Some(key),
            MapDiff::Reset { .. } | MapDiff::Batch(_) => None,
        }
    }
}

impl<K, V> Diff for MapDiff<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    type Key = K;

    fn changes_len(&self) -> bool {
        self.steps().iter().any(|step| !matches!(step, MapDiff::Update { .. }))
    }

    fn touches(&self, _: usize, f: &mut dyn FnMut(Touch<'_, K>)) {
        for step in self.steps() {
            f(step.key().map_or(Touch::All, Touch::Item));
        }
    }

    fn weight(&self) -> usize {
        match self {
            MapDiff::Reset { entries } => entries.len(),
            MapDiff::Batch(steps) => steps.iter().map(Diff::weight).sum(),
            _ => 1,
        }
    }

    fn batch(steps: Vec<Self>) -> Self {
        MapDiff::Batch(steps.into())
    }

    fn into_steps(self) -> Vec<Self> {
        match self {
            MapDiff::Batch(steps) => steps.into_vec(),
            step => vec![step],
        }
    }

    fn join(&mut self, next: Self) -> Joined<Self> {
        use MapDiff::{Insert, Remove, Update};
        match (&mut *self, next) {
            (Insert { key, value } | Update { key, value }, Update { key: at, value: new }) if *key == at => {
                let value = mem::replace(value, new);
                Joined::Merged(Update { key: at, value })
            }
            (Update { key, .. }, Remove { key: at }) if *key == at => {
                Joined::Merged(mem::replace(self, Remove { key: at }))
            }
            (Insert { key, .. }, Remove { key: at }) if *key == at => Joined::Annulled,
            (Remove { key }, Insert { key: at, value }) if *key == at => {
                Joined::Merged(mem::replace(self, Update { key: at, value }))
            }
            (_, next) => Joined::Not(next),
        }
    }
}
