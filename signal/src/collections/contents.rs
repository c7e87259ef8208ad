//! What a collection, or a view, consists of.

use std::collections::BTreeMap;

use crate::collections::items::Items;
use crate::collections::log::{Diff, Trash};
use crate::collections::map_diff::MapDiff;

/// What is kept under a lock, and changes by diffs.
pub(crate) trait Contents: Sized + Send + 'static {
    type Diff: Diff;

    fn len(&self) -> usize;

    /// All that there is now.
    fn reset(&self) -> Self::Diff;

    /// Does what has been done elsewhere.
    fn apply(&mut self, diff: &Self::Diff, trash: &mut Trash);
}

impl<K, V> Contents for BTreeMap<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    type Diff = MapDiff<K, V>;

    fn len(&self) -> usize {
        self.len()
    }

    fn reset(&self) -> MapDiff<K, V> {
        let entries: Items<_> = self.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        MapDiff::Reset { entries }
    }

    fn apply(&mut self, diff: &MapDiff<K, V>, trash: &mut Trash) {
        for step in diff.steps() {
            match step {
                MapDiff::Insert { key, value } | MapDiff::Update { key, value } => {
                    trash.extend(self.insert(key.clone(), value.clone()).map(|old| Box::new(old) as _));
                }
                MapDiff::Remove { key } => {
                    trash.extend(self.remove_entry(key).map(|old| Box::new(old) as _));
                }
                MapDiff::Reset { entries } => {
                    let new = entries.iter().cloned().collect();
                    trash.push(Box::new(std::mem::replace(self, new)));
                }
                MapDiff::Batch(_) => {}
            }
        }
    }
}
