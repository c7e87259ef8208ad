//! What can be polled next: the FIFO of first polls and the queue of what was woken.
//!
//! First polls happen in the order of adding, later ones in the order of waking. The two queues take turns: a round
//! polls what stood in both when it began, so that an endless cascade of adds starves nobody who was woken.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::Place;
use crate::job::Job;
use crate::note::NO_NOTE;
use crate::ticket::Ticket;

/// The index of a slot.
pub(crate) type Key = u32;

/// A future that has no slot: never polled yet, or pending for no other reason than that it woke itself.
pub(crate) struct Entry {
    pub(crate) job: Job,
    pub(crate) tag: Tag,
}

/// What goes with a future that has no slot: little, as it is moved with it.
#[derive(Clone, Copy)]
pub(crate) struct Tag {
    /// Where it was added.
    pub(crate) location: Place,
    /// Its place in the order of adding.
    pub(crate) serial: u64,
    /// The node that it was added to.
    pub(crate) parent: Key,
    /// What few have (see `note`); `NO_NOTE`: nothing.
    pub(crate) note: Key,
}

/// A future on its way to a queue.
pub(crate) struct Added {
    pub(crate) job: Job,
    /// The other half of its `Stashed`, if that is known to be kept.
    pub(crate) ticket: Option<Arc<Ticket>>,
    pub(crate) location: Place,
}

/// In the queue of the woken: the next one of `again` rather than a slot.
const AGAIN: Key = Key::MAX;

/// What each queue keeps room for at least.
const KEPT: usize = 64;

/// What to poll next.
pub(crate) enum Next {
    Entry(Entry),
    Slot(Key),
}

#[derive(Default)]
pub(crate) struct Ready {
    /// Added, not polled yet.
    first: Vec<Entry>,
    /// Those of them that this round polls, the next one last.
    batch: Vec<Entry>,
    /// Polled, without a slot, woken by themselves.
    again: VecDeque<Entry>,
    /// The order of the woken: slots, and `AGAIN` for each entry of `again`.
    woken: VecDeque<Key>,
    /// How many of `woken` this round may still take.
    round: usize,
    /// Serials given so far.
    serial: u64,
    /// The most that stood in `first` since the last trim.
    peak: usize,
    /// For so many rounds what has no slot may have been cancelled with what is above it (see `cancel`).
    suspect: u8,
}

impl Ready {
    #[inline]
    pub(crate) fn add(&mut self, mut entry: Entry) {
        entry.tag.serial = self.serial();
        self.first.push(entry);
    }

    /// What was added before, and has had its place in the order since.
    pub(crate) fn add_late(&mut self, entry: Entry) {
        self.first.push(entry);
    }

    /// How many have no slot.
    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.batch.len() + self.again.len()
    }

    /// What is in the queues now is to be examined: what is left of this round, and all of the next.
    pub(crate) fn suspect_all(&mut self) {
        self.suspect = 2;
    }

    /// Is what has no slot to be examined?
    pub(crate) fn is_suspect(&self) -> bool {
        self.suspect > 0
    }

    /// The entry that was added last, if no round has taken it yet.
    #[inline]
    pub(crate) fn last_mut(&mut self) -> Option<&mut Entry> {
        self.first.last_mut()
    }

    #[inline]
    pub(crate) fn wake(&mut self, key: Key) {
        self.woken.push_back(key);
    }

    #[inline]
    pub(crate) fn poll_again(&mut self, entry: Entry) {
        self.again.push_back(entry);
        self.woken.push_back(AGAIN);
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.batch.is_empty() && self.woken.is_empty()
    }

    /// Has all been polled that was ready when the round began?
    #[inline]
    pub(crate) fn is_round_over(&self) -> bool {
        self.batch.is_empty() && self.round == 0
    }

    /// Begins another round, if one is over.
    #[inline]
    pub(crate) fn begin_round(&mut self) {
        if self.is_round_over() {
            self.peak = self.peak.max(self.first.len());
            // The two change places: what `first` needed is there for the next round.
            std::mem::swap(&mut self.first, &mut self.batch);
            if self.batch.len() > 1 {
                self.batch.reverse();
            }
            self.round = self.woken.len();
            self.suspect = self.suspect.saturating_sub(1);
        }
    }

    /// The next one of this round.
    pub(crate) fn next(&mut self) -> Option<Next> {
        if let Some(entry) = self.batch.pop() {
            return Some(Next::Entry(entry));
        }
        if self.round == 0 {
            return None;
        }
        self.round -= 1;
        match self.woken.pop_front()? {
            AGAIN => self.again.pop_front().map(Next::Entry),
            key => Some(Next::Slot(key)),
        }
    }

    /// Is the next one of this round a future without a slot and without a note?
    #[inline]
    pub(crate) fn is_next_plain(&self) -> bool {
        if self.suspect > 0 {
            return false;
        }
        match self.batch.last() {
            Some(entry) => entry.tag.note == NO_NOTE,
            None => self.is_next_again(),
        }
    }

    fn is_next_again(&self) -> bool {
        self.round > 0
            && self.woken.front() == Some(&AGAIN)
            && self.again.front().is_some_and(|entry| entry.tag.note == NO_NOTE)
    }

    /// That of the next one of this round, if that has no slot.
    pub(crate) fn next_tag_mut(&mut self) -> Option<&mut Tag> {
        match self.batch.last_mut() {
            Some(entry) => Some(&mut entry.tag),
            None if self.round > 0 && self.woken.front() == Some(&AGAIN) => {
                self.again.front_mut().map(|entry| &mut entry.tag)
            }
            None => None,
        }
    }

    /// Takes it if it is.
    #[inline(always)]
    pub(crate) fn next_plain(&mut self) -> Option<Entry> {
        match self.batch.last() {
            Some(entry) if entry.tag.note == NO_NOTE => self.batch.pop(),
            Some(_) => None,
            None if self.is_next_again() => {
                self.round -= 1;
                self.woken.pop_front();
                self.again.pop_front()
            }
            None => None,
        }
    }

    /// The next place in the order of adding.
    #[inline]
    pub(crate) fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// The last place in the order of adding that was given.
    #[inline]
    pub(crate) fn last_serial(&self) -> u64 {
        self.serial
    }

    /// Those without a slot: that wait for their first poll, and that have woken themselves.
    pub(crate) fn entries(&self) -> (impl Iterator<Item = &Entry>, impl Iterator<Item = &Entry>) {
        (self.batch.iter().rev().chain(&self.first), self.again.iter())
    }

    /// The slots that have been woken.
    pub(crate) fn woken(&self) -> impl Iterator<Item = Key> {
        self.woken.iter().copied().filter(|key| *key != AGAIN)
    }

    /// Gives back what only a burst needed.
    #[inline]
    pub(crate) fn trim(&mut self) {
        if self.is_large() {
            self.trim_slowly();
        }
        self.peak = 0;
    }

    /// Has it room for so much that some may have to be given back?
    pub(crate) fn is_large(&self) -> bool {
        let Ready { first, batch, again, woken, .. } = self;
        first.capacity().max(batch.capacity()).max(again.capacity()).max(woken.capacity()) > 2 * KEPT
    }

    fn trim_slowly(&mut self) {
        let keep = 2 * self.peak + KEPT;
        let limit = 2 * keep;
        if self.first.capacity() > limit {
            self.first.shrink_to(keep);
        }
        if self.batch.capacity() > limit {
            self.batch.shrink_to(keep);
        }
        if self.again.capacity() > limit {
            self.again.shrink_to(keep);
        }
        if self.woken.capacity() > limit {
            self.woken.shrink_to(keep);
        }
    }
}
