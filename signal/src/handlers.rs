//! The list of handlers of one signal.
//!
//! `notify` takes a snapshot (a reference count) and calls what is in it without the lock. So the list is changed in place
//! while no snapshot is out, and copied once for each snapshot otherwise.
//!
//! Handlers stand in the order of their keys. A handler that is disconnected leaves a vacancy; the list is swept of
//! vacancies, and of weak handlers whose objects are gone, when it has doubled since the last sweep, when more than half of
//! it is vacant, and when a `notify` has met one that is gone. So each costs a constant, amortised, and the list is never
//! longer than twice the handlers that there were at its last sweep (and a few).
//!
//! Handlers that leave the list are given back to be dropped after unlocking: their closures are the user's.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::connection::{Connected, Key};
use crate::handler::Entry;
use crate::lock::lock;

/// Below this many a list is not swept when handlers are connected.
const FEW: usize = 16;

pub(crate) struct Handlers<E, R> {
    /// Is there any in the list? To be looked at without the lock.
    any: AtomicBool,
    list: Mutex<List<E, R>>,
}

/// The handlers at one moment.
pub(crate) type Snapshot<E, R> = Arc<Vec<Slot<E, R>>>;

pub(crate) type AnyEntry<E, R> = Arc<dyn Entry<E, R>>;

pub(crate) struct Slot<E, R> {
    key: Key,
    /// Vacant if it was disconnected.
    pub(crate) entry: Option<AnyEntry<E, R>>,
}

impl<E, R> Clone for Slot<E, R> {
    fn clone(&self) -> Self {
        Slot { key: self.key, entry: self.entry.clone() }
    }
}

struct List<E, R> {
    /// Ascending by key.
    slots: Arc<Vec<Slot<E, R>>>,
    /// How many are vacant.
    vacant: usize,
    /// The next key.
    next: Key,
    /// A weak one has been connected.
    has_weak: bool,
    /// Handlers that are objects, by address. Those that are connected no more are taken out by the next sweep.
    objects: HashMap<usize, Key>,
    /// Sweep when the list is as long as this.
    sweep_at: usize,
}

/// To be dropped after unlocking.
#[must_use]
struct Swept<E, R>(#[expect(dead_code, reason = "kept only to be dropped")] Vec<AnyEntry<E, R>>);

impl<E, R> Handlers<E, R> {
    pub(crate) fn new() -> Self {
        let list = List {
            slots: Arc::default(),
            vacant: 0,
            next: 0,
            has_weak: false,
            objects: HashMap::new(),
            sweep_at: FEW,
        };
        Handlers { any: AtomicBool::new(false), list: Mutex::new(list) }
    }

    /// Those who are connected now; `None` if there are none, which costs one load.
    #[inline]
    pub(crate) fn snapshot(&self) -> Option<Snapshot<E, R>> {
        self.any.load(Ordering::Relaxed).then(|| lock(&self.list).slots.clone())
    }

    pub(crate) fn connect(&self, entry: AnyEntry<E, R>, is_weak: bool) -> Key {
        let mut list = lock(&self.list);
        let (key, swept) = list.push(entry);
        list.has_weak |= is_weak;
        self.any.store(true, Ordering::Relaxed);
        drop(list);
        drop(swept);
        key
    }

    /// Connects the entry of an object, whose address this is, unless it has one that is connected.
    pub(crate) fn connect_once(&self, address: usize, entry: AnyEntry<E, R>) -> Key {
        let mut list = lock(&self.list);
        if let Some(key) = list.objects.get(&address).copied().filter(|key| list.entry(*key).is_some()) {
            drop(list);
            return key;
        }
        let (key, swept) = list.push(entry);
        list.objects.insert(address, key);
        self.any.store(true, Ordering::Relaxed);
        drop(list);
        drop(swept);
        key
    }

    pub(crate) fn disconnect(&self, key: Key) -> bool {
        let mut list = lock(&self.list);
        let Some(entry) = list.vacate(key) else { return false };
        entry.disconnect();
        let swept = (list.vacant > list.slots.len() / 2).then(|| list.sweep());
        self.any.store(!list.slots.is_empty(), Ordering::Relaxed);
        drop(list);
        drop(swept);
        drop(entry);
        true
    }

    /// Disconnects all.
    pub(crate) fn clear(&self) {
        let slots = {
            let mut list = lock(&self.list);
            self.any.store(false, Ordering::Relaxed);
            list.vacant = 0;
            list.sweep_at = FEW;
            list.has_weak = false;
            list.objects = HashMap::new();
            std::mem::take(&mut list.slots)
        };
        slots.iter().filter_map(|slot| slot.entry.as_ref()).for_each(|entry| entry.disconnect());
    }

    /// How many are connected, without those whose objects are gone.
    pub(crate) fn len(&self) -> usize {
        let list = lock(&self.list);
        if list.has_weak {
            let entries = list.slots.iter().filter_map(|slot| slot.entry.as_ref());
            return entries.filter(|entry| !entry.is_gone()).count();
        }
        list.slots.len() - list.vacant
    }

    /// Forgets those whose objects are gone.
    pub(crate) fn forget_gone(&self) {
        let mut list = lock(&self.list);
        let swept = list.sweep();
        self.any.store(!list.slots.is_empty(), Ordering::Relaxed);
        drop(list);
        drop(swept);
    }
}

impl<E, R> List<E, R> {
    /// To be changed: in place, or a copy if a snapshot is out.
    fn slots_mut(&mut self) -> &mut Vec<Slot<E, R>> {
        Arc::make_mut(&mut self.slots)
    }

    fn push(&mut self, entry: AnyEntry<E, R>) -> (Key, Option<Swept<E, R>>) {
        let swept = (self.slots.len() >= self.sweep_at).then(|| self.sweep());
        let key = self.next;
        self.next += 1;
        self.slots_mut().push(Slot { key, entry: Some(entry) });
        (key, swept)
    }

    fn entry(&self, key: Key) -> Option<&AnyEntry<E, R>> {
        self.slots[self.index(key)?].entry.as_ref()
    }

    fn index(&self, key: Key) -> Option<usize> {
        self.slots.binary_search_by_key(&key, |slot| slot.key).ok()
    }

    fn vacate(&mut self, key: Key) -> Option<AnyEntry<E, R>> {
        let index = self.index(key).filter(|index| self.slots[*index].entry.is_some())?;
        let entry = self.slots_mut()[index].entry.take();
        self.vacant += 1;
        entry
    }

    /// Closes the vacancies, and takes out those whose objects are gone.
    fn sweep(&mut self) -> Swept<E, R> {
        let mut swept = Vec::new();
        let slots = self.slots_mut();
        slots.retain_mut(|slot| match slot.entry.take_if(|entry| entry.is_gone()) {
            Some(entry) => {
                swept.push(entry);
                false
            }
            None => slot.entry.is_some(),
        });
        let sweep_at = FEW.max(slots.len() * 2);
        slots.shrink_to(sweep_at);
        self.vacant = 0;
        self.sweep_at = sweep_at;
        let List { slots, objects, .. } = self;
        objects.retain(|_, key| slots.binary_search_by_key(key, |slot| slot.key).is_ok());
        Swept(swept)
    }
}

impl<E, R> Connected for Handlers<E, R> {
    fn disconnect(&self, key: Key) -> bool {
        Handlers::disconnect(self, key)
    }

    fn is_connected(&self, key: Key) -> bool {
        lock(&self.list).entry(key).is_some_and(|entry| !entry.is_gone())
    }
}
