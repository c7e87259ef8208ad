//! What can be polled next: the FIFO of first polls and the queue of what was woken.
//!
//! First polls happen in the order of adding, later ones in the order of waking. The two queues take turns: a round
//! polls what stood in both when it began, so that an endless cascade of adds starves nobody who was woken.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::error::Place;
use crate::ticket::Ticket;

/// What the driver polls. Outputs are left in the ambient by the future itself (see `task`).
pub(crate) type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The index of a slot.
pub(crate) type Key = u32;

/// A future that has no slot: never polled yet, or pending for no other reason than that it woke itself.
pub(crate) struct Entry {
    pub(crate) job: Job,
    /// The other half of a `Stashed`, unless that was dropped at once.
    pub(crate) ticket: Option<Arc<Ticket>>,
    /// Where it was added.
    pub(crate) location: Place,
    /// The node that it was added to.
    pub(crate) parent: Key,
    /// The parent's epoch at that time (see `settle`).
    pub(crate) epoch: u64,
    /// Its place in the order of adding.
    pub(crate) serial: u64,
}

/// In the queue of the woken: the next one of `again` rather than a slot.
const AGAIN: Key = Key::MAX;

/// What to poll next.
pub(crate) enum Next {
    Entry(Entry),
    Slot(Key),
}

#[derive(Default)]
pub(crate) struct Ready {
    /// Added, not polled yet.
    first: VecDeque<Entry>,
    /// Polled, without a slot, woken by themselves.
    again: VecDeque<Entry>,
    /// The order of the woken: slots, and `AGAIN` for each entry of `again`.
    woken: VecDeque<Key>,
    /// How many of `first` and of `woken` this round may still take.
    round: (usize, usize),
    /// Serials given so far.
    serial: u64,
    /// The most that stood in `first` since the last trim.
    peak: usize,
}

impl Ready {
    #[inline]
    pub(crate) fn add(&mut self, mut entry: Entry) {
        entry.serial = self.serial();
        self.first.push_back(entry);
    }

    /// The entry that was added last, if it still waits for its first poll.
    #[inline]
    pub(crate) fn last_mut(&mut self) -> Option<&mut Entry> {
        self.first.back_mut()
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
        self.first.is_empty() && self.woken.is_empty()
    }

    /// Has all been polled that was ready when the round began?
    #[inline]
    pub(crate) fn is_round_over(&self) -> bool {
        self.round == (0, 0)
    }

    /// What is to be polled next in this round, if that has no slot.
    #[inline]
    pub(crate) fn entry_of_round(&self) -> Option<&Entry> {
        if self.round.0 > 0 {
            self.first.front()
        } else if self.round.1 > 0 && self.woken.front() == Some(&AGAIN) {
            self.again.front()
        } else {
            None
        }
    }

    /// Takes that.
    #[inline]
    pub(crate) fn take_entry(&mut self) -> Option<Entry> {
        if self.round.0 > 0 {
            self.round.0 -= 1;
            self.first.pop_front()
        } else {
            self.round.1 -= 1;
            self.woken.pop_front();
            self.again.pop_front()
        }
    }

    /// Begins another round, if one is over.
    #[inline]
    pub(crate) fn begin_round(&mut self) {
        if self.round == (0, 0) {
            self.peak = self.peak.max(self.first.len());
            self.round = (self.first.len(), self.woken.len());
        }
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Option<Next> {
        self.begin_round();
        if self.round.0 > 0 {
            return self.take_entry().map(Next::Entry);
        }
        if self.round.1 == 0 {
            return None;
        }
        self.round.1 -= 1;
        match self.woken.pop_front()? {
            AGAIN => self.again.pop_front().map(Next::Entry),
            key => Some(Next::Slot(key)),
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
        (self.first.iter(), self.again.iter())
    }

    /// The slots that have been woken.
    pub(crate) fn woken(&self) -> impl Iterator<Item = Key> {
        self.woken.iter().copied().filter(|key| *key != AGAIN)
    }

    /// Gives back what only a burst needed.
    pub(crate) fn trim(&mut self) {
        let keep = 2 * self.peak + 64;
        if self.first.capacity() > 2 * keep {
            self.first.shrink_to(keep);
        }
        if self.again.capacity() > 2 * keep {
            self.again.shrink_to(keep);
        }
        if self.woken.capacity() > 2 * keep {
            self.woken.shrink_to(keep);
        }
        self.peak = 0;
    }
}
