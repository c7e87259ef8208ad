//! The steps of which changes of a map are made.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::ops::Deref;

use crate::collections::contents::Contents;
use crate::collections::edit::Edit;
use crate::collections::log::Log;
use crate::collections::map_diff::MapDiff;

/// An [`ObservableMap`](crate::ObservableMap) within its own [`batch`](crate::ObservableMap::batch): to be changed step by
/// step, and told as one change.
///
/// It is the map of the entries as they are now, too.
///
/// ```
/// # use settled_signal::ObservableMap;
/// let stock = ObservableMap::from_iter([("apples", 3), ("pears", 4)]);
/// stock.batch(|stock| {
///     let pears = stock.remove("pears").unwrap_or(0);
///     stock.insert("fruit", stock["apples"] + pears);
/// });
/// assert_eq!(stock.to_vec(), [("apples", 3), ("fruit", 7)]);
/// ```
pub struct MapEdit<'a, 'b, K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    edit: &'a mut Edit<'b, BTreeMap<K, V>>,
}

impl<'a, 'b, K, V> MapEdit<'a, 'b, K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(edit: &'a mut Edit<'b, BTreeMap<K, V>>) -> Self {
        MapEdit { edit }
    }

    /// Puts a value there, and gives back the one that was.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let Edit { contents, is_heard, log, trash, apart } = &mut *self.edit;
        if let Some(noted) = apart {
            noted.puts(&key, contents.get(&key), Some(&value), trash);
        }
        let told = is_heard.then(|| value.clone());
        let Some(there) = contents.get_mut(&key) else {
            let step = told.map(|told| MapDiff::Insert { key: key.clone(), value: told });
            contents.insert(key, value);
            step.into_iter().for_each(|step| log.push(step, trash));
            return None;
        };
        let old = mem::replace(there, value);
        match told {
            Some(value) => log.push(MapDiff::Update { key, value }, trash),
            None => trash.push(Box::new(key)),
        }
        Some(old)
    }

    /// Puts a value there if there is none; else gives it back.
    pub(crate) fn insert_new(&mut self, key: K, value: V) -> Result<(), (K, V)> {
        if self.contains_key(&key) {
            return Err((key, value));
        }
        self.insert(key, value);
        Ok(())
    }

    /// Takes a key out, and gives back its value.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let Edit { contents, is_heard, log, trash, apart } = &mut *self.edit;
        let (key, old) = contents.get_key_value(key)?;
        if let Some(noted) = apart {
            noted.puts(key, Some(old), None, trash);
        }
        let (key, old) = contents.remove_entry(key.clone().borrow())?;
        if *is_heard {
            log.push(MapDiff::Remove { key }, trash);
        } else {
            trash.push(Box::new(key));
        }
        Some(old)
    }

    /// Changes a clone of the value there, which then takes its place. False if the key is not there.
    pub fn update<Q>(&mut self, key: &Q, f: impl FnOnce(&mut V)) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let Some((key, value)) = self.get_key_value(key) else { return false };
        let (key, mut value) = (key.clone(), value.clone());
        f(&mut value);
        let old = self.insert(key, value);
        self.edit.trash.push(Box::new(old));
        true
    }

    /// Puts these there.
    pub fn extend(&mut self, entries: impl IntoIterator<Item = (K, V)>) {
        for (key, value) in entries {
            let old = self.insert(key, value);
            self.edit.trash.push(Box::new(old));
        }
    }

    /// Keeps only the entries of which `f` says so. It is asked of all before any is taken out.
    pub fn retain(&mut self, mut f: impl FnMut(&K, &V) -> bool) {
        let gone: Vec<K> =
            self.iter().filter(|(key, value)| !f(key, value)).map(|(key, _)| key.clone()).collect();
        for key in &gone {
            let old = self.remove(key);
            self.edit.trash.push(Box::new(old));
        }
        self.edit.trash.push(Box::new(gone));
    }

    /// Takes all entries out.
    pub fn clear(&mut self) {
        if !self.is_empty() {
            self.replace_all(BTreeMap::new());
        }
    }

    /// Exchanges all entries for these.
    pub fn replace_all(&mut self, entries: BTreeMap<K, V>) {
        let Edit { contents, is_heard, log, trash, apart } = &mut *self.edit;
        if let Some(noted) = apart {
            for (key, old) in contents.iter().filter(|(key, _)| !entries.contains_key(key)) {
                noted.puts(key, Some(old), None, trash);
            }
            for (key, new) in &entries {
                noted.puts(key, contents.get(key), Some(new), trash);
            }
        }
        let old = mem::replace(*contents, entries);
        trash.push(Box::new(old));
        if *is_heard {
            // Whatever was done before counts no more.
            let before = mem::replace(log, Log::new());
            trash.push(Box::new(before.into_steps()));
            log.push(contents.reset(), trash);
        }
    }
}

impl<K, V> Deref for MapEdit<'_, '_, K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &BTreeMap<K, V> {
        self.edit.contents
    }
}

impl<K, V> fmt::Debug for MapEdit<'_, '_, K, V>
where
    K: fmt::Debug + Clone + Ord + Send + Sync + 'static,
    V: fmt::Debug + Clone + Send + Sync + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
