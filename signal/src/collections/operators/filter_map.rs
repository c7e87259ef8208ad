//! The entries of a map that a closure says yes to.

use std::collections::BTreeSet;

use crate::collections::map_diff::MapDiff;
use crate::collections::worker::{Operator, Steps};

pub(crate) struct FilterEntries<K, F> {
    f: F,
    /// That are kept.
    keys: BTreeSet<K>,
}

impl<K, F> FilterEntries<K, F> {
    pub(crate) fn new(f: F) -> Self {
        FilterEntries { f, keys: BTreeSet::new() }
    }
}

impl<K, V, F> Operator<MapDiff<K, V>, MapDiff<K, V>> for FilterEntries<K, F>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: Fn(&K, &V) -> bool + Send + 'static,
{
    fn apply(&mut self, diff: &MapDiff<K, V>, out: &mut Steps<MapDiff<K, V>>) {
        for step in diff.steps() {
            match step {
                MapDiff::Insert { key, value } | MapDiff::Update { key, value } => {
                    let kept = (self.f)(key, value);
                    let was_kept = if kept { !self.keys.insert(key.clone()) } else { self.keys.remove(key) };
                    let key = key.clone();
                    match (was_kept, kept) {
                        (true, true) => out.push(MapDiff::Update { key, value: value.clone() }),
                        (false, true) => out.push(MapDiff::Insert { key, value: value.clone() }),
                        (true, false) => out.push(MapDiff::Remove { key }),
                        (false, false) => {}
                    }
                }
                MapDiff::Remove { key } => {
                    if self.keys.remove(key) {
                        out.push(step.clone());
                    }
                }
                MapDiff::Reset { entries } => {
                    let entries: Vec<(K, V)> =
                        entries.iter().filter(|(key, value)| (self.f)(key, value)).cloned().collect();
                    self.keys = entries.iter().map(|(key, _)| key.clone()).collect();
                    out.push(MapDiff::Reset { entries: entries.into() });
                }
                MapDiff::Batch(_) => {}
            }
        }
    }
}
