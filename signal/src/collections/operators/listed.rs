//! The entries of a map as a sequence, in the order of the keys, each made into an item.

use std::cmp::Ordering;

use crate::collections::diff::VecDiff;
use crate::collections::map_diff::MapDiff;
use crate::collections::ranked::{Id, Ranked};
use crate::collections::worker::{Operator, Steps};

pub(crate) struct Listed<K, F> {
    f: F,
    keys: Ranked<K>,
    /// An item stays as it is when the value of its key changes: it is made of the key alone.
    is_of_key: bool,
}

impl<K: Clone + Ord, F> Listed<K, F> {
    pub(crate) fn new(f: F, is_of_key: bool) -> Self {
        Listed { f, keys: Ranked::new(), is_of_key }
    }

    /// The first that is not before this key, and whether it is that.
    fn find(&self, key: &K) -> (Option<Id>, bool) {
        let found = self.keys.search(|keys, id| keys.get(id).cmp(key) != Ordering::Less);
        (found, found.is_some_and(|id| self.keys.get(id) == key))
    }

    fn index(&self, id: Option<Id>) -> usize {
        id.map_or(self.keys.total()[0], |id| self.keys.before(id)[0])
    }
}

impl<K, V, T, F> Operator<MapDiff<K, V>, VecDiff<T>> for Listed<K, F>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
    F: Fn(&K, &V) -> T + Send + 'static,
{
    fn apply(&mut self, diff: &MapDiff<K, V>, out: &mut Steps<VecDiff<T>>) {
        for step in diff.steps() {
            match step {
                MapDiff::Insert { key, value } | MapDiff::Update { key, value } => {
                    let (at, is_there) = self.find(key);
                    let index = self.index(at);
                    if !is_there {
                        self.keys.insert(at, key.clone(), [1, 0]);
                        out.push(VecDiff::Insert { index, value: (self.f)(key, value) });
                    } else if !self.is_of_key {
                        out.push(VecDiff::Set { index, value: (self.f)(key, value) });
                    }
                }
                MapDiff::Remove { key } => {
                    if let (Some(id), true) = self.find(key) {
                        out.push(VecDiff::Remove { index: self.index(Some(id)) });
                        self.keys.remove(id);
                    }
                }
                MapDiff::Reset { entries } => {
                    self.keys = Ranked::new();
                    entries.iter().for_each(|(key, _)| _ = self.keys.push(key.clone(), [1, 0]));
                    let values = entries.iter().map(|(key, value)| (self.f)(key, value));
                    out.push(VecDiff::Reset { values: values.collect() });
                }
                MapDiff::Batch(_) => {}
            }
        }
    }
}
