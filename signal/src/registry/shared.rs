//! What a registry holds, and in which steps it changes.
//!
//! # Protocol
//!
//! Under the one lock names are looked up, entered and taken out, and nothing else: what is to be done about that is
//! collected, and done when the lock is open again. That is connecting (hooks run), telling external signallers, and
//! dropping what is registered no more.
//!
//! A new entry takes along, in the step in which it is entered, those who subscribe to its name and the signallers that
//! there are; a new subscription, or signaller, in its step, the entries that there are. So each pair meets once, whatever
//! threads do.
//!
//! What is gone without having been taken out (its owner has dropped it) frees its name for the next, and is swept when there
//! are twice as many as after the last sweep.

use std::collections::BTreeMap;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::external::{ExternalSignal, ExternalSignaller};
use crate::external_model::ExternalModel;
use crate::lock::lock;
use crate::registry::entry::{Entry, Listing, Trash};
use crate::registry::error::RegistryError;
use crate::registry::name::{Pattern, near, short};
use crate::registry::subscription::Subscription;

#[derive(Default)]
pub(crate) struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    /// Of the last entry or subscription.
    serial: u64,
    entries: BTreeMap<Arc<str>, Arc<Entry>>,
    /// To one name each.
    exact: BTreeMap<Arc<str>, Vec<Arc<Subscription>>>,
    wild: Vec<Arc<Subscription>>,
    subscriptions: usize,
    signallers: Vec<Arc<dyn ExternalSignaller>>,
    /// Sweep when there are as many entries, or subscriptions, as this.
    sweep_at: usize,
}

/// What is registered no more, to be told so.
#[derive(Default)]
struct Removed {
    entries: Vec<Arc<Entry>>,
    subscriptions: Vec<Arc<Subscription>>,
}

/// An entry that has been entered, and who subscribes to its name.
type Entered = (Arc<Entry>, Vec<Arc<Subscription>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// Enters it, with all that it has.
    pub(crate) fn register(
        self: &Arc<Self>,
        name: &str,
        listing: Listing,
        location: &'static Location<'static>,
    ) -> Result<Arc<Entry>, RegistryError> {
        let mut listings = vec![(Arc::from(name), listing)];
        let parts = mem::take(&mut listings[0].1.parts);
        listings.extend(parts.into_iter().map(|(field, part)| (Arc::from(format!("{name}.{field}")), part)));
        let (mut trash, mut removed) = (Trash::new(), Removed::default());
        let (entered, signallers) = {
            let mut state = self.lock();
            for (name, listing) in &listings {
                if let Err(error) = state.may_enter(name, listing, &mut trash) {
                    drop(state);
                    return Err(error);
                }
            }
            state.sweep(&mut removed);
            let entered = state.enter(listings, location, &mut removed);
            (entered, state.signallers.clone())
        };
        drop(trash);
        removed.tell();
        let entry = entered[0].0.clone();
        let connecting = entered.iter().flat_map(|(entry, subscriptions)| {
            subscriptions.iter().map(move |subscription| (&**subscription, &**entry))
        });
        connect_all(connecting);
        for signaller in &signallers {
            tell_of(signaller, entered.iter().map(|(entry, _)| entry));
        }
        Ok(entry)
    }

    /// What stands there.
    pub(crate) fn entry(&self, name: &str) -> Result<Arc<Entry>, RegistryError> {
        let entry = self.lock().entries.get(name).cloned();
        entry.ok_or_else(|| self.unknown(name))
    }

    /// Nothing stands there; or not any more.
    pub(crate) fn unknown(&self, name: &str) -> RegistryError {
        let names = self.entries(None).into_iter().map(|entry| entry.name.clone());
        RegistryError::unknown(name, near(name, names.filter(|other| **other != *name)))
    }

    /// All that stands there, in the order of names.
    pub(crate) fn entries(&self, pattern: Option<&Pattern>) -> Vec<Arc<Entry>> {
        let entries: Vec<_> = {
            let state = self.lock();
            let all = state.entries.values();
            all.filter(|entry| pattern.is_none_or(|pattern| pattern.matches(&entry.name))).cloned().collect()
        };
        entries.into_iter().filter(|entry| entry.listed.is_alive(&mut Trash::new())).collect()
    }

    /// Takes it out, with all that belongs to it.
    pub(crate) fn remove(&self, name: &str) -> bool {
        let mut removed = Removed::default();
        {
            let mut state = self.lock();
            let Some(entry) = state.entries.get(name).cloned() else { return false };
            let whole = [entry.name.clone()];
            let parts = state.parts(&entry);
            for name in whole.iter().chain(&parts) {
                removed.entries.extend(state.entries.remove(name));
            }
        }
        // From now on whoever connects to one of them looks whether it is still there.
        removed.entries.iter().for_each(|entry| entry.removed());
        for entry in mem::take(&mut removed.entries) {
            let subscriptions = self.lock().subscriptions_to(&entry.name);
            subscriptions.iter().for_each(|subscription| subscription.detach(entry.serial));
        }
        true
    }

    /// Connects it to what there is, and to what comes.
    pub(crate) fn subscribe(
        self: &Arc<Self>,
        make: impl FnOnce(u64) -> Subscription,
    ) -> Result<Arc<Subscription>, RegistryError> {
        let mut removed = Removed::default();
        let serial = {
            let mut state = self.lock();
            state.serial += 1;
            state.serial
        };
        let subscription = Arc::new(make(serial));
        let mut trash = Trash::new();
        let entries: Vec<Arc<Entry>> = {
            let mut state = self.lock();
            if let Some(error) = state.is_in_the_way(&subscription, &mut trash) {
                drop(state);
                return Err(error);
            }
            state.sweep(&mut removed);
            state.subscriptions += 1;
            let pattern = &subscription.pattern;
            if pattern.is_exact() {
                state.exact.entry(pattern.text().clone()).or_default().push(subscription.clone());
                state.entries.get(pattern.text()).cloned().into_iter().collect()
            } else {
                state.wild.push(subscription.clone());
                let mut entries: Vec<_> =
                    state.entries.values().filter(|entry| pattern.matches(&entry.name)).cloned().collect();
                entries.sort_by_key(|entry| entry.serial);
                entries
            }
        };
        drop(trash);
        removed.tell();
        connect_all(entries.iter().map(|entry| (&*subscription, &**entry)));
        Ok(subscription)
    }

    /// Is disconnected.
    pub(crate) fn forget(&self, subscription: &Subscription) {
        let gone: Vec<_> = {
            let mut state = self.lock();
            let is_it = |other: &mut Arc<Subscription>| other.serial == subscription.serial;
            let name = subscription.pattern.text();
            let gone: Vec<_> = match state.exact.get_mut(name) {
                Some(list) if subscription.pattern.is_exact() => list.extract_if(.., is_it).collect(),
                _ => state.wild.extract_if(.., is_it).collect(),
            };
            if state.exact.get(name).is_some_and(Vec::is_empty) {
                state.exact.remove(name);
            }
            state.subscriptions -= gone.len();
            gone
        };
        drop(gone);
    }

    /// Tells this one of all that there is, and of what comes. False: it is told already.
    pub(crate) fn add_signaller(&self, signaller: &Arc<dyn ExternalSignaller>) -> bool {
        let mut entries: Vec<_> = {
            let mut state = self.lock();
            if state.signallers.iter().any(|other| Arc::ptr_eq(other, signaller)) {
                return false;
            }
            state.signallers.push(signaller.clone());
            state.entries.values().cloned().collect()
        };
        entries.sort_by_key(|entry| entry.serial);
        for group in entries.chunk_by(|a, b| a.group == b.group) {
            tell_of(signaller, group.iter());
        }
        true
    }

    pub(crate) fn remove_signaller(&self, signaller: &Arc<dyn ExternalSignaller>) -> bool {
        let (gone, entries): (Vec<_>, Vec<_>) = {
            let mut state = self.lock();
            let is_it = |other: &mut Arc<dyn ExternalSignaller>| Arc::ptr_eq(other, signaller);
            let gone = state.signallers.extract_if(.., is_it).collect();
            (gone, state.entries.values().cloned().collect())
        };
        entries.iter().for_each(|entry| entry.unpublish(signaller));
        !gone.is_empty()
    }
}

impl State {
    /// The names of what belongs to this one: where it is a model, what that has.
    fn parts(&self, entry: &Entry) -> Vec<Arc<str>> {
        if entry.serial != entry.group {
            return Vec::new();
        }
        let below = format!("{}.", entry.name);
        let all =
            self.entries.range(Arc::<str>::from(&*below)..).take_while(|(name, _)| name.starts_with(&below));
        all.filter(|(_, part)| part.group == entry.group).map(|(name, _)| name.clone()).collect()
    }

    fn subscriptions_to(&self, name: &str) -> Vec<Arc<Subscription>> {
        let exact = self.exact.get(name).into_iter().flatten();
        let wild = self.wild.iter().filter(|subscription| subscription.pattern.matches(name));
        let mut all: Vec<_> = exact.chain(wild).cloned().collect();
        all.sort_by_key(|subscription| subscription.serial);
        all
    }

    fn may_enter(&self, name: &str, listing: &Listing, trash: &mut Trash) -> Result<(), RegistryError> {
        let given = || short(listing.type_name);
        if let Some(entry) = self.entries.get(name)
            && entry.listed.is_alive(trash)
        {
            return Err(RegistryError::taken(entry, given()));
        }
        let waiting = self.exact.get(name).into_iter().flatten();
        for subscription in waiting.filter(|subscription| !subscription.is_gone()) {
            if let Some((wanted, what)) = &subscription.wanted
                && listing.listed.source_type() != Some(*wanted)
            {
                return Err(RegistryError::awaited(name, what.clone(), subscription.location, given()));
            }
        }
        Ok(())
    }

    fn enter(
        &mut self,
        listings: Vec<(Arc<str>, Listing)>,
        location: &'static Location<'static>,
        removed: &mut Removed,
    ) -> Vec<Entered> {
        let group = self.serial + 1;
        let mut entered = Vec::new();
        for (name, listing) in listings {
            self.serial += 1;
            let Listing { kind, type_name, listed, .. } = listing;
            let (serial, stops) = (self.serial, Mutex::new(Some(Vec::new())));
            let entry = Entry { name: name.clone(), kind, group, serial, location, type_name, listed, stops };
            let entry = Arc::new(entry);
            removed.entries.extend(self.entries.insert(name.clone(), entry.clone()));
            entered.push((entry, self.subscriptions_to(&name)));
        }
        entered
    }

    /// Does something of another type stand under the very name?
    fn is_in_the_way(&self, subscription: &Subscription, trash: &mut Trash) -> Option<RegistryError> {
        let (wanted, what) = subscription.wanted.as_ref()?;
        let entry = self.entries.get(subscription.pattern.text())?;
        let is_other = entry.listed.source_type() != Some(*wanted) && entry.listed.is_alive(trash);
        is_other.then(|| RegistryError::mismatch(entry, what.clone()))
    }

    /// Takes out what is gone.
    fn sweep(&mut self, removed: &mut Removed) {
        if self.entries.len() + self.subscriptions < self.sweep_at {
            return;
        }
        self.entries.retain(|_, entry| {
            let is_forgotten = entry.listed.is_forgotten();
            if is_forgotten {
                removed.entries.push(entry.clone());
            }
            !is_forgotten
        });
        let State { exact, wild, subscriptions, .. } = self;
        for list in exact.values_mut().chain([wild]) {
            removed.subscriptions.extend(list.extract_if(.., |subscription| subscription.is_gone()));
        }
        exact.retain(|_, list| !list.is_empty());
        *subscriptions -= removed.subscriptions.len();
        self.sweep_at = 16.max((self.entries.len() + self.subscriptions) * 2);
    }
}

impl Removed {
    /// When nothing is locked.
    fn tell(self) {
        self.entries.iter().for_each(|entry| entry.removed());
        drop(self.subscriptions);
    }
}

/// A hook that panics keeps nobody else from being connected.
fn connect_all<'a>(pairs: impl Iterator<Item = (&'a Subscription, &'a Entry)>) {
    let mut panic = None;
    for (subscription, entry) in pairs {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| subscription.attach(entry))) {
            panic.get_or_insert(payload);
        }
    }
    if let Some(payload) = panic {
        resume_unwind(payload);
    }
}

/// Tells this one of a group of entries: of what it is to be told of each signal, and of the model that has them.
fn tell_of<'a>(
    signaller: &Arc<dyn ExternalSignaller>,
    entries: impl Iterator<Item = &'a Arc<Entry>> + Clone,
) {
    let mut signals: Vec<ExternalSignal> = Vec::new();
    for signal in entries.clone().filter_map(|entry| entry.publish(signaller)) {
        signaller.register_signal(signal.clone());
        signals.push(signal);
    }
    for entry in entries {
        if let Some((name, handlers)) = entry.listed.model() {
            let (path, signals) = (entry.name.clone(), mem::take(&mut signals).into());
            signaller.register_model(ExternalModel { path, name, signals, handlers });
        }
    }
}
