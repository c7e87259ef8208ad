//! A limit: so many children of a transaction whose own futures run at once.
//!
//! A child takes a *place* when it becomes due, and gives it back when its own future is done or dropped, whatever it has
//! set going below. One that is added while all are taken waits in line, in the order of adding; it is counted as
//! pending, but not in the queue.
//!
//! A child that has begun may *give way*: it waits for something that is not its own work, and its place goes to the next
//! meanwhile. Before it goes on it takes a place again; those who come back are served before those who have not begun,
//! in the order of coming back. (What a signal delivers to a handler that is busy does so: see `plumbing`.)
//!
//! A child with a place has a slot from its first poll on, so that who gives it back is known by `Slot::placed`. Until
//! then the ticket has the mark.

use std::collections::VecDeque;

use crate::engine::Engine;
use crate::ready::{Entry, Key};
use crate::slot::{NONE, Slot};

pub(crate) struct Limit {
    /// How many places there are.
    places: usize,
    /// How many of them are taken.
    taken: usize,
    /// Not begun, in the order of adding. Empty as long as there are places.
    waiting: VecDeque<Entry>,
    /// Something in it has been cancelled.
    stale: bool,
    /// Begun, gave way, and would go on: slot and serial.
    returning: VecDeque<(Key, u64)>,
}

impl Limit {
    pub(crate) fn new(places: usize) -> Self {
        Limit { places, taken: 0, waiting: VecDeque::new(), stale: false, returning: VecDeque::new() }
    }

    fn take(&mut self) -> bool {
        let free = self.taken < self.places;
        self.taken += usize::from(free);
        free
    }
}

impl Slot {
    /// The children that wait for a place.
    pub(crate) fn in_line(&self) -> impl Iterator<Item = &Entry> {
        let limit = self.extra.as_ref().and_then(|extra| extra.limit.as_ref());
        limit.into_iter().flat_map(|limit| &limit.waiting)
    }
}

impl Engine {
    /// Gives a place to what was added, where it needs one; keeps it if there is none.
    pub(crate) fn admit(&mut self, mut entry: Entry) -> Option<Entry> {
        let parent = entry.tag.parent;
        if self.limit_of(parent).is_none() {
            return Some(entry);
        }
        let ticket = self.ticket_of(&mut entry.tag).clone();
        if ticket.is_cancelled() {
            return Some(entry);
        }
        let Some(limit) = self.limit_of(parent) else { return Some(entry) };
        if limit.take() {
            ticket.give_place();
            return Some(entry);
        }
        if ticket.wait_for_place(parent) {
            return Some(entry);
        }
        limit.waiting.push_back(entry);
        None
    }

    fn limit_of(&mut self, parent: Key) -> Option<&mut Limit> {
        self.slots.get_mut(parent as usize)?.extra.as_mut()?.limit.as_deref_mut()
    }

    /// The future in this slot is done, or gives way.
    pub(crate) fn vacate(&mut self, key: Key) {
        let slot = self.slot(key);
        if std::mem::take(&mut slot.placed) {
            let parent = slot.parent;
            if let Some(limit) = self.limit_of(parent) {
                limit.taken -= 1;
                self.fill(parent);
            }
        }
    }

    /// Gives the free places to those who wait for one.
    fn fill(&mut self, parent: Key) {
        while let Some(limit) = self.limit_of(parent)
            && limit.take()
        {
            if let Some((key, serial)) = limit.returning.pop_front() {
                match self.slots.get_mut(key as usize) {
                    Some(slot) if slot.serial == serial && slot.live && !slot.placed => {
                        slot.placed = true;
                        self.ready.wake(key);
                    }
                    // Dropped meanwhile.
                    _ => self.give_back(parent),
                }
            } else if let Some(entry) = limit.waiting.pop_front() {
                if let Some(ticket) = self.note(&entry.tag).and_then(|note| note.ticket.as_ref()) {
                    ticket.leave_line();
                    ticket.give_place();
                }
                self.spawn(entry);
            } else {
                return self.give_back(parent);
            }
        }
    }

    fn give_back(&mut self, parent: Key) {
        if let Some(limit) = self.limit_of(parent) {
            limit.taken -= 1;
        }
    }

    /// Something that waits in line here has been cancelled: it is told in its turn, by the next drive. That looks through
    /// the line once, however many have been cancelled.
    pub(crate) fn unqueue(&mut self, parent: Key) {
        if self.limit_of(parent).is_some_and(|limit| !std::mem::replace(&mut limit.stale, true)) {
            self.stale_lines.push(parent);
        }
    }

    /// All that have been cancelled in line.
    #[cold]
    pub(crate) fn unqueue_cancelled(&mut self) {
        while let Some(parent) = self.stale_lines.pop() {
            self.unqueue_cancelled_in(parent);
        }
    }

    fn unqueue_cancelled_in(&mut self, parent: Key) {
        let Some(limit) = self.limit_of(parent) else { return };
        limit.stale = false;
        let mut left = VecDeque::new();
        for entry in std::mem::take(&mut limit.waiting) {
            let ticket = self.note(&entry.tag).and_then(|note| note.ticket.as_ref());
            if ticket.is_some_and(|ticket| ticket.is_cancelled()) {
                self.queue(entry);
            } else {
                left.push_back(entry);
            }
        }
        if let Some(limit) = self.limit_of(parent) {
            limit.waiting = left;
        }
    }

    /// Takes all out of the line, with a mark that they are cancelled.
    pub(crate) fn cancel_line(&mut self, parent: Key) {
        let Some(limit) = self.limit_of(parent) else { return };
        for entry in std::mem::take(&mut limit.waiting) {
            self.refuse_at_once(entry);
        }
    }

    /// What is being polled in this slot waits for something that is not its own work.
    pub(crate) fn give_way(&mut self, key: Key) {
        if self.slot(key).gated {
            self.vacate(key);
        }
    }

    /// It would go on. False if it is to wait for a place; it is woken then.
    pub(crate) fn come_back(&mut self, key: Key) -> bool {
        let slot = &self.slots[key as usize];
        if !slot.gated || slot.placed || slot.parent == NONE {
            return true;
        }
        let (parent, serial) = (slot.parent, slot.serial);
        let Some(limit) = self.limit_of(parent) else { return true };
        if limit.take() {
            self.slot(key).placed = true;
            return true;
        }
        if !limit.returning.contains(&(key, serial)) {
            limit.returning.push_back((key, serial));
        }
        false
    }
}
