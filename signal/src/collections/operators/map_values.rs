//! Each value of a map made into another.

use crate::collections::map_diff::MapDiff;
use crate::collections::worker::{Operator, Steps};

pub(crate) struct MapValues<F>(pub(crate) F);

impl<K, V, U, F> Operator<MapDiff<K, V>, MapDiff<K, U>> for MapValues<F>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    U: Clone + Send + Sync + 'static,
    F: Fn(&K, &V) -> U + Send + 'static,
{
    fn apply(&mut self, diff: &MapDiff<K, V>, out: &mut Steps<MapDiff<K, U>>) {
        for step in diff.steps() {
            out.push(match step {
                MapDiff::Insert { key, value } => {
                    MapDiff::Insert { key: key.clone(), value: (self.0)(key, value) }
                }
                MapDiff::Update { key, value } => {
                    MapDiff::Update { key: key.clone(), value: (self.0)(key, value) }
                }
                MapDiff::Remove { key } => MapDiff::Remove { key: key.clone() },
                MapDiff::Reset { entries } => {
                    let entries = entries.iter().map(|(key, value)| (key.clone(), (self.0)(key, value)));
                    MapDiff::Reset { entries: entries.collect() }
                }
                MapDiff::Batch(_) => continue,
            });
        }
    }
}
