//! Storing where there is more to it: rules for the value, handlers that want the old value too, or an atomic transaction
//! that may be rolled back.
//!
//! Validators are asked before anything is locked; those of an `update` within it, on a clone, as only then the value is
//! known. Under the lock everything of the user's (`Clone`, `PartialEq`, the closure of an `update`) comes first, so that
//! whatever unwinds leaves the value as it was; and what is not needed any more is dropped when the lock is open again.

use std::mem;
use std::panic::Location;
use std::sync::Arc;

use settled::Transaction;
use settled::plumbing::{self, Fate, Undo};

use crate::change::Shared;
use crate::line;
use crate::news::{By, News};
use crate::notification::Notification;
use crate::notify::to_nobody;
use crate::refused::{Reason, Rejected};
use crate::rules::{More, Same};
use crate::state::State;

/// One store that is to be made with care.
pub(crate) struct Careful<'a, T> {
    shared: &'a Arc<Shared<T>>,
    more: Option<&'a More<T>>,
    /// The atomic transaction that it is made in.
    holder: Option<Transaction>,
    pub(crate) same: Option<Same<T>>,
    /// The old value is to be given back.
    pub(crate) gives_back: bool,
    /// An external signaller, if there is one, hears of it.
    pub(crate) publishes: bool,
    location: &'static Location<'static>,
}

/// What has become of it.
pub(crate) enum Made<T> {
    /// Stored. The old value, at least if it is to be given back.
    Stored(Notification<()>, Option<T>),
    /// It was the same as this one, which is not stored.
    Same(Notification<()>, T),
    /// A validator has refused this one.
    Refused(Reason, T),
}

impl<T: Clone + Send + Sync + 'static> Shared<T> {
    /// Is there more to a store, here and now?
    #[inline]
    pub(crate) fn careful(self: &Arc<Self>, location: &'static Location<'static>) -> Option<Careful<'_, T>> {
        if self.more.get().is_none() && !plumbing::may_be_atomic() { None } else { self.look(location) }
    }

    #[cold]
    fn look(self: &Arc<Self>, location: &'static Location<'static>) -> Option<Careful<'_, T>> {
        let (more, holder) = (self.more.get().map(|more| &**more), plumbing::holder());
        let same = more.and_then(|more| more.rules.gate);
        let is_careful = more.is_some() || holder.is_some();
        is_careful.then_some(Careful {
            shared: self,
            more,
            holder,
            same,
            gives_back: false,
            publishes: true,
            location,
        })
    }

    /// The atomic transaction that a store belongs to, and is undone with; and whether the layer on top is its own. It takes
    /// part in that from now on.
    fn take_part(
        self: &Arc<Self>,
        mut holder: Option<Transaction>,
        state: &State<T>,
    ) -> Option<(Transaction, bool)> {
        while let Some(of) = holder {
            let is_on_top = state.rare.as_ref().is_some_and(|rare| rare.layers.is_on_top(&of));
            let takes_part = if is_on_top {
                plumbing::fate(&of) == Fate::Open
            } else {
                plumbing::take_part(&of, &(self.clone() as Arc<dyn Undo>))
            };
            if takes_part {
                return Some((of, is_on_top));
            }
            // It has come to its end meanwhile.
            holder = plumbing::holder_of(&of);
        }
        None
    }
}

/// Values that must not be dropped under the lock.
struct Desk<T> {
    new: Option<T>,
    event: Option<T>,
    pair: Option<(T, T)>,
    published: Option<T>,
    back: Option<T>,
    gone: Vec<T>,
}

impl<T: Clone + Send + Sync + 'static> Careful<'_, T> {
    pub(crate) fn put(self, value: T) -> Made<T> {
        if let Some(Err(reason)) = self.more.map(|more| more.rules.check(&value)) {
            return Made::Refused(reason, value);
        }
        self.make(Some(value), None::<fn(&mut T)>)
    }

    pub(crate) fn update(self, f: impl FnOnce(&mut T)) -> Made<T> {
        self.make(None, Some(f))
    }

    /// Stores a new value, or what the update makes of the old one.
    fn make(self, new: Option<T>, update: Option<impl FnOnce(&mut T)>) -> Made<T> {
        let Careful { shared, more, holder, same, gives_back, publishes, location } = self;
        let mut desk = Desk { new, event: None, pair: None, published: None, back: None, gone: Vec::new() };
        let handlers = shared.changed.handlers().snapshot();
        let pair_handlers = more.and_then(|more| more.replaced.handlers().snapshot());
        let published = more.and_then(|more| more.published.get()).filter(|_| publishes);
        let publishers = published.and_then(|published| published.handlers().snapshot());
        let is_heard = handlers.is_some() || pair_handlers.is_some() || publishers.is_some();

        let (mut prepared, mut state) = (None, shared.store.lock(location));
        if is_heard && !state.is_at_rest() {
            drop(state);
            prepared = Some(line::prepare(shared, location));
            state = shared.store.lock(location);
        }
        let by = shared.take_part(holder, &state);
        let makes_layer = by.as_ref().is_some_and(|(_, is_on_top)| !is_on_top);

        if let Some(f) = update {
            let rules = more.map(|more| &more.rules).filter(|rules| !rules.validate.is_empty());
            if makes_layer || same.is_some() || rules.is_some() || pair_handlers.is_some() {
                let new = desk.new.insert(state.value.clone());
                let mut checked = Ok(());
                shared.store.update(location, || {
                    f(new);
                    checked = rules.map_or(Ok(()), |rules| rules.check(new));
                });
                if let Err(reason) = checked
                    && let Some(new) = desk.new.take()
                {
                    drop(state);
                    prepared.map(|prepared| prepared.in_vain());
                    return Made::Refused(reason, new);
                }
            } else {
                shared.store.update(location, || f(&mut state.value));
            }
        }
        if let Some(new) = desk.new.take_if(|new| same.is_some_and(|same| same(&state.value, new))) {
            drop(state);
            let notification = prepared.map(|prepared| prepared.in_vain());
            return Made::Same(notification.unwrap_or_else(|| Notification::done(Vec::new())), new);
        }
        let new = desk.new.as_ref().unwrap_or(&state.value);
        desk.event = handlers.is_some().then(|| new.clone());
        desk.pair = pair_handlers.is_some().then(|| (state.value.clone(), new.clone()));
        desk.published = publishers.is_some().then(|| new.clone());
        desk.back = (gives_back && makes_layer).then(|| state.value.clone());

        // From here on nothing of the user's runs.
        let old = desk.new.take().map(|new| mem::replace(&mut state.value, new));
        let (after, by) = match by {
            None => {
                desk.back = old;
                (state.stored(), By::Plain)
            }
            Some((of, _)) => {
                match old {
                    Some(old) if makes_layer => {
                        state.rare().layers.push(of.clone(), location, old, &mut desk.gone);
                    }
                    old => desk.back = old,
                }
                (state.stored_for_now(), By::Atomic(of))
            }
        };
        let settling = match &by {
            By::Atomic(_) => shared.moved_for_now(makes_layer, location),
            _ => shared.moved(location),
        };
        let event = handlers.zip(desk.event.take());
        let pair = pair_handlers.zip(desk.pair.take());
        let published = publishers.zip(desk.published.take());
        let notification = if is_heard {
            let news = News { event, pair, published, stamp: state.version, by };
            line::pass_on(shared, state, prepared, news, || after.settle(), location)
        } else {
            drop(state);
            after.settle();
            Notification::done(Vec::new())
        };
        let notification = match settling {
            None => notification,
            Some(settling) => settling.end(notification),
        };
        Made::Stored(notification, desk.back)
    }
}

impl<T> Made<T> {
    /// To who does not ask whether it was refused: that goes into the transaction. And what does not stand, see above.
    pub(crate) fn told(self, location: &'static Location<'static>) -> (Notification<()>, Option<T>) {
        match self {
            Made::Stored(notification, old) => (notification, old),
            Made::Same(notification, value) => (notification, Some(value)),
            Made::Refused(reason, value) => (to_nobody(reason, location), Some(value)),
        }
    }

    /// To who asks: what was refused is his, and goes into no transaction.
    pub(crate) fn rejected(
        self,
        location: &'static Location<'static>,
    ) -> Result<Notification<()>, Rejected<T>> {
        match self {
            Made::Stored(notification, _) | Made::Same(notification, _) => Ok(notification),
            Made::Refused(reason, value) => Err(Rejected { value, reason: reason.into_error(location) }),
        }
    }
}
