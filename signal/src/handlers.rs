//! The list of handlers of one signal.
//!
//! `notify` takes a snapshot (a reference count) and calls what is in it without the lock. So the list is changed in place
//! while no snapshot is out, and copied once for each snapshot otherwise.
//!
//! Handlers stand in the order of their keys, which are kept beside them, so that a call of all looks at nothing else. A handler that is disconnected leaves a vacancy; the list is swept of
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

use crate::connection::Connected;
use crate::handler::Entry;
use crate::lock::lock;
use crate::options::Options;
use crate::rank::{Key, Place};
use crate::source::Source;
use crate::tally::Tallies;

/// Below this many a list is not swept when handlers are connected.
const FEW: usize = 16;

pub(crate) struct Handlers<E, R> {
    /// Is there any in the list? To be looked at without the lock.
    any: AtomicBool,
    /// What a builder has said of the signal.
    pub(crate) options: Options<E, R>,
    list: Mutex<List<E, R>>,
    /// For the next notification.
    pub(crate) tallies: Tallies<R>,
}

/// The handlers at one moment.
pub(crate) type Snapshot<E, R> = Arc<Vec<Slot<E, R>>>;

pub(crate) type AnyEntry<E, R> = Arc<dyn Entry<E, R>>;

/// Vacant if it was disconnected.
pub(crate) type Slot<E, R> = Option<AnyEntry<E, R>>;

/// What is to be connected, and how.
pub(crate) struct Candidate<E, R> {
    pub(crate) entry: AnyEntry<E, R>,
    pub(crate) place: Place,
    /// It may be gone one day without having been disconnected.
    pub(crate) is_weak: bool,
    /// Of an object that is connected once: its address, which is its own as long as the entry keeps it.
    pub(crate) object: Option<usize>,
}

struct List<E, R> {
    slots: Arc<Vec<Slot<E, R>>>,
    /// Of the slots; ascending.
    keys: Vec<Key>,
    /// How many are vacant.
    vacant: usize,
    /// How many have been connected.
    serial: u64,
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
    pub(crate) fn new(options: Options<E, R>) -> Self {
        let list = List {
            slots: Arc::default(),
            keys: Vec::new(),
            vacant: 0,
            serial: 0,
            has_weak: false,
            objects: HashMap::new(),
            sweep_at: FEW,
        };
        Handlers { any: AtomicBool::new(false), options, list: Mutex::new(list), tallies: Tallies::new() }
    }

    /// Those who are connected now; `None` if there are none, which costs one load.
    #[inline]
    pub(crate) fn snapshot(&self) -> Option<Snapshot<E, R>> {
        self.any.load(Ordering::Relaxed).then(|| lock(&self.list).slots.clone())
    }

    /// Is there any? Costs a load.
    #[inline]
    pub(crate) fn is_any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Connects it, unless it is an object that is connected.
    pub(crate) fn connect(&self, candidate: Candidate<E, R>) -> Key {
        let Candidate { entry, place, is_weak, object } = candidate;
        let mut list = lock(&self.list);
        if let Some(key) = object.and_then(|object| list.connected_object(object)) {
            drop(list);
            return key;
        }
        list.serial += 1;
        let key = Key::new(place, self.options.order, list.serial);
        let swept = list.insert(key, entry);
        list.has_weak |= is_weak;
        if let Some(object) = object {
            list.objects.insert(object, key);
        }
        self.any.store(true, Ordering::Relaxed);
        drop(list);
        drop(swept);
        key
    }

    /// The connection of this object, if there is one.
    pub(crate) fn connected_object(&self, object: usize) -> Option<Key> {
        lock(&self.list).connected_object(object)
    }

    /// The handler at this place, if it is connected.
    pub(crate) fn entry(&self, key: Key) -> Option<AnyEntry<E, R>> {
        lock(&self.list).entry(key).cloned()
    }

    pub(crate) fn disconnect(&self, key: Key) -> bool {
        let mut list = lock(&self.list);
        let Some(entry) = list.vacate(key) else { return false };
        let was_connected = !entry.is_gone();
        entry.disconnect();
        let swept = (list.vacant > list.slots.len() / 2).then(|| list.sweep());
        self.any.store(!list.slots.is_empty(), Ordering::Relaxed);
        drop(list);
        drop(swept);
        drop(entry);
        was_connected
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
            list.keys = Vec::new();
            std::mem::take(&mut list.slots)
        };
        slots.iter().flatten().for_each(|entry| entry.disconnect());
    }

    /// How many are connected, without those whose objects are gone.
    pub(crate) fn len(&self) -> usize {
        let list = lock(&self.list);
        if list.has_weak {
            return list.slots.iter().flatten().filter(|entry| !entry.is_gone()).count();
        }
        list.slots.len() - list.vacant
    }

    /// Those who are connected, in their order, with their names.
    pub(crate) fn named(&self) -> Vec<(Option<Arc<str>>, Key)> {
        let list = lock(&self.list);
        let connected = list.keys.iter().zip(&*list.slots).filter_map(|(key, slot)| {
            let entry = slot.as_ref().filter(|entry| !entry.is_gone())?;
            Some((entry.name().cloned(), *key))
        });
        connected.collect()
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

    fn insert(&mut self, key: Key, entry: AnyEntry<E, R>) -> Option<Swept<E, R>> {
        let swept = (self.slots.len() >= self.sweep_at).then(|| self.sweep());
        let index = self.keys.partition_point(|other| *other < key);
        self.keys.insert(index, key);
        self.slots_mut().insert(index, Some(entry));
        swept
    }

    fn entry(&self, key: Key) -> Option<&AnyEntry<E, R>> {
        self.slots[self.keys.binary_search(&key).ok()?].as_ref()
    }

    fn connected_object(&self, object: usize) -> Option<Key> {
        self.objects.get(&object).copied().filter(|key| self.entry(*key).is_some())
    }

    fn vacate(&mut self, key: Key) -> Option<AnyEntry<E, R>> {
        let index = self.keys.binary_search(&key).ok()?;
        // Looked at first: a list that a snapshot has is copied to be changed.
        self.slots[index].as_ref()?;
        let entry = self.slots_mut()[index].take();
        self.vacant += 1;
        entry
    }

    /// Closes the vacancies, and takes out those whose objects are gone.
    fn sweep(&mut self) -> Swept<E, R> {
        let mut swept = Vec::new();
        let slots = Arc::make_mut(&mut self.slots);
        for slot in slots.iter_mut() {
            swept.extend(slot.take_if(|entry| entry.is_gone()));
        }
        let mut index = 0;
        self.keys.retain(|_| {
            index += 1;
            slots[index - 1].is_some()
        });
        slots.retain(Option::is_some);
        let sweep_at = FEW.max(slots.len() * 2);
        slots.shrink_to(sweep_at);
        self.keys.shrink_to(sweep_at);
        self.vacant = 0;
        self.sweep_at = sweep_at;
        let List { keys, objects, .. } = self;
        objects.retain(|_, key| keys.binary_search(key).is_ok());
        Swept(swept)
    }
}

impl<E, R> Connected for Handlers<E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    fn disconnect(self: Arc<Self>, key: Key) -> bool {
        Source::of(self).disconnect_key(key)
    }

    fn forget(&self, key: Key) {
        Handlers::disconnect(self, key);
    }

    fn is_connected(&self, key: Key) -> bool {
        lock(&self.list).entry(key).is_some_and(|entry| !entry.is_gone())
    }

    fn block(&self, key: Key) {
        if let Some(entry) = lock(&self.list).entry(key) {
            entry.block();
        }
    }

    fn unblock(&self, key: Key) {
        if let Some(entry) = lock(&self.list).entry(key) {
            entry.unblock();
        }
    }

    fn name(&self, key: Key) -> Option<Arc<str>> {
        lock(&self.list).entry(key)?.name().cloned()
    }
}
