//! What is uncommitted of a map: for each key that an open transaction has touched the values beneath, as an observable keeps
//! them of its one value (see [`layers`](crate::layers)). That a key is not there is a value, too.

use std::collections::BTreeMap;

use settled::Transaction;

use crate::collections::apart::Pile;
use crate::collections::core::Base;
use crate::collections::edit::Noted;
use crate::collections::log::{Log, Trash};
use crate::collections::map_diff::MapDiff;
use crate::layers::Layers;

pub(crate) struct MapPile<K, V>(BTreeMap<K, Layers<Option<V>>>);

impl<K, V> Base for BTreeMap<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    type Pile = MapPile<K, V>;
}

/// From one value to another.
fn step<K: Clone, V>(key: &K, was_there: bool, value: Option<V>) -> Option<MapDiff<K, V>> {
    let key = key.clone();
    match (was_there, value) {
        (false, Some(value)) => Some(MapDiff::Insert { key, value }),
        (true, Some(value)) => Some(MapDiff::Update { key, value }),
        (true, None) => Some(MapDiff::Remove { key }),
        (false, None) => None,
    }
}

/// Of one change, before it is made.
impl<K, V> Noted<'_, BTreeMap<K, V>>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn puts(&mut self, key: &K, old: Option<&V>, new: Option<&V>, trash: &mut Trash) {
        match &self.by {
            Some(by) => {
                let layers = self.pile.0.entry(key.clone()).or_insert_with(Layers::new);
                if !layers.is_on_top(by) {
                    let mut gone = Vec::new();
                    layers.push(by.clone(), self.location, old.cloned(), &mut gone);
                    trash.push(Box::new(gone));
                }
            }
            None => {
                let layers = self.pile.0.remove_entry(key);
                let committed = layers.as_ref().and_then(|(_, layers)| layers.lowest());
                let was_there = committed.map_or(old.is_some(), Option::is_some);
                if let Some(step) = step(key, was_there, new.cloned()) {
                    self.late.push(step, trash);
                }
                trash.extend(layers.map(|layers| Box::new(layers) as _));
            }
        }
    }
}

impl<K, V> Pile<BTreeMap<K, V>> for MapPile<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn open(_: &BTreeMap<K, V>) -> Self {
        MapPile(BTreeMap::new())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn commit(
        &mut self,
        by: &Transaction,
        contents: &BTreeMap<K, V>,
        trash: &mut Trash,
    ) -> Log<MapDiff<K, V>> {
        let mut log = Log::new();
        let mut bare = Vec::new();
        for (key, layers) in self.0.iter_mut().filter(|(_, layers)| layers.has(by)) {
            let was_there = layers.lowest().is_some_and(Option::is_some);
            let mut gone = Vec::new();
            layers.commit(by, &mut gone);
            let value = layers.lowest().map_or_else(|| contents.get(key), Option::as_ref);
            if let Some(step) = step(key, was_there, value.cloned()) {
                log.push(step, trash);
            }
            trash.push(Box::new(gone));
            if layers.is_empty() {
                bare.push(key.clone());
            }
        }
        self.forget(bare, trash);
        log
    }

    fn roll_back(
        &mut self,
        by: &Transaction,
        contents: &mut BTreeMap<K, V>,
        trash: &mut Trash,
    ) -> Log<MapDiff<K, V>> {
        let mut log = Log::new();
        let mut bare = Vec::new();
        for (key, layers) in self.0.iter_mut().filter(|(_, layers)| layers.has(by)) {
            let mut gone = Vec::new();
            if layers.is_on_top(by) {
                let mut value = contents.get(key).cloned();
                let was_there = value.is_some();
                let restored = layers.roll_back(by, &mut value, &mut gone);
                trash.push(Box::new(restored));
                if let Some(step) = step(key, was_there, value.clone()) {
                    log.push(step, trash);
                }
                match value {
                    Some(value) => trash.push(Box::new(contents.insert(key.clone(), value))),
                    None => trash.push(Box::new(contents.remove_entry(key))),
                }
            } else {
                layers.roll_back(by, &mut None, &mut gone);
            }
            trash.push(Box::new(gone));
            if layers.is_empty() {
                bare.push(key.clone());
            }
        }
        self.forget(bare, trash);
        log
    }
}

impl<K, V> MapPile<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Nothing is uncommitted of these any more.
    fn forget(&mut self, bare: Vec<K>, trash: &mut Trash) {
        for key in &bare {
            trash.push(Box::new(self.0.remove_entry(key)));
        }
        trash.push(Box::new(bare));
    }
}
