//! A future's turn: taking it out of its queue, and what follows its poll.

use std::any::Any;
use std::sync::Arc;

use crate::current::Remains;
use crate::engine::Engine;
use crate::error::{Failure, Kind as Why, Place as Loc};
use crate::job::Job;
use crate::note::{NO_NOTE, Note};
use crate::plumbing::Place;
use crate::ready::{Entry, Key, Next, Tag};
use crate::sync::rarely;
use crate::ticket::Ticket;
use crate::waker::SlotWakers;

/// What the driver is to do next.
pub(crate) enum Turn {
    /// What needs no more than to be polled: see `plain`. It is still in its queue.
    Plain,
    Poll(Polling),
    /// Drop it unpolled: it was cancelled, or is nested too deep.
    Refuse(Polling, Failure),
    /// Something is to be woken or dropped first.
    Mail,
    /// Something has happened that a driver may wait for.
    Event,
    /// A body waits for its turn, and a round is over.
    Body,
    /// A round is over, by a stale wake: the driver sees to what comes before another begins.
    Round,
    Idle,
    /// There is more, but not now.
    Budget,
}

/// A future taken out for its turn.
pub(crate) struct Polling {
    pub(crate) job: Job,
    /// Its slot, or the one that it gets if it needs one.
    pub(crate) key: Key,
    pub(crate) loose: bool,
    /// There is somebody to be told of the outcome.
    pub(crate) kept: Option<Arc<Ticket>>,
}

/// A future that is done, and what it left.
pub(crate) struct Done {
    /// What is still to be dropped.
    pub(crate) job: Option<Job>,
    pub(crate) key: Key,
    pub(crate) loose: bool,
    pub(crate) kept: Option<Arc<Ticket>>,
    pub(crate) remains: Option<Remains>,
    pub(crate) panic: Option<Box<dyn Any + Send>>,
    pub(crate) refused: Option<Failure>,
}

impl Engine {
    /// Takes what is to be polled next out of its queue, and the slot's wakers into `wakers`.
    #[inline]
    pub(crate) fn next(&mut self, wakers: &mut Option<SlotWakers>) -> Turn {
        loop {
            if !self.doomed.is_empty()
                && let Some((polling, location)) = self.next_doomed()
            {
                return Turn::Refuse(polling, Failure::new(Why::Cancelled, location));
            }
            if self.begins_plain(wakers) {
                return Turn::Plain;
            }
            match self.ready.next() {
                None => return Turn::Idle,
                Some(Next::Entry(entry)) => return self.take_loose(entry, wakers),
                Some(Next::Slot(key)) => {
                    if let Some(turn) = self.take_slot(key, wakers) {
                        return turn;
                    }
                    if self.ready.is_round_over() {
                        return Turn::Round;
                    }
                }
            }
        }
    }

    /// Is the next one of this round plain? Then it is still in its queue, and the wakers that it gets are in `wakers`.
    #[inline]
    pub(crate) fn begins_plain(&mut self, wakers: &mut Option<SlotWakers>) -> bool {
        self.ready.begin_round();
        let plain = self.ready.is_next_plain() || self.forget_handle_of_next();
        if plain {
            let key = self.slots.vacant_key() as Key;
            self.take_wakers(key, wakers);
        }
        plain
    }

    /// The next of this round that has no slot, if there is nothing to be said about it, and the slot that it would get is
    /// the one whose wakers the driver holds.
    #[inline(always)]
    pub(crate) fn next_plain(&mut self, held: Key) -> Option<Job> {
        if self.slots.vacant_key() != held as usize {
            return None;
        }
        let Entry { job, tag } = match self.ready.next_plain() {
            Some(next) => next,
            None if self.forget_handle_of_next() => self.ready.next_plain()?,
            None => return None,
        };
        self.loose_key = held;
        self.loose = Some(tag);
        Some(job)
    }

    /// The next of this round has a note. If that is of a handle which is gone since, and there is nothing else to be said,
    /// it has none any more.
    #[inline(never)]
    fn forget_handle_of_next(&mut self) -> bool {
        if self.family.is_some() {
            return false; // It may have been cancelled with something above it.
        }
        let Engine { ready, notes, slots, .. } = self;
        let Some(tag) = ready.next_tag_mut() else { return false };
        let Some(Note { ticket: Some(ticket), epoch: 0 }) = notes.get(tag.note as usize) else {
            return false;
        };
        let above = &slots[tag.parent as usize];
        if !ticket.is_forgotten() || above.depth >= above.deepest {
            return false;
        }
        let note = notes.remove(tag.note as usize);
        tag.note = NO_NOTE;
        note.ticket.into_iter().for_each(Ticket::let_go);
        true
    }

    fn take_loose(&mut self, entry: Entry, wakers: &mut Option<SlotWakers>) -> Turn {
        let Entry { job, mut tag } = entry;
        let late = self.family.is_some() && self.examine_above(&mut tag);
        let key = self.slots.vacant_key() as Key;
        self.take_wakers(key, wakers);
        self.loose_key = key;
        self.loose = Some(tag);
        self.examine(Polling { job, key, loose: true, kept: None }, &tag, late)
    }

    /// Refuses what was cancelled or is too deep.
    fn examine(&mut self, mut polling: Polling, tag: &Tag, late: bool) -> Turn {
        let ticket = self.note(tag).and_then(|note| note.ticket.as_ref());
        let placed = ticket.is_some_and(|ticket| ticket.take_place());
        let ticket = if placed || late {
            // A slot from the start: so that it gives the place back when it is done; and what came late is not taken for
            // what was here before.
            let key = self.materialise();
            polling.loose = false;
            self.slot(key).placed = placed;
            self.slot(key).ticket.as_ref()
        } else {
            ticket
        };
        polling.kept = ticket.filter(|ticket| ticket.is_kept()).cloned();
        let above = &self.slots[tag.parent as usize];
        if above.depth >= above.deepest {
            let failure = self.too_deep(tag.parent, tag.location);
            return Turn::Refuse(polling, failure);
        }
        Self::unless_cancelled(polling, tag.location)
    }

    fn take_slot(&mut self, key: Key, wakers: &mut Option<SlotWakers>) -> Option<Turn> {
        self.take_wakers(key, wakers);
        if let Some(wakers) = wakers {
            wakers.inner.clear();
        }
        // None after a stale wake: of an earlier owner of the slot, or of one that is done but has children.
        let slot = self.slots.get_mut(key as usize)?;
        let job = slot.job.take()?;
        let location = slot.location;
        let kept = slot.ticket.as_ref().filter(|ticket| ticket.is_kept()).cloned();
        Some(Self::unless_cancelled(Polling { job, key, loose: false, kept }, location))
    }

    #[inline]
    fn unless_cancelled(polling: Polling, location: Loc) -> Turn {
        match &polling.kept {
            Some(ticket) if ticket.is_cancelled() => {
                let failure = Failure::new(Why::Cancelled, location);
                Turn::Refuse(polling, failure)
            }
            _ => Turn::Poll(polling),
        }
    }

    /// Has the driver hold the wakers of this slot. It holds one pair at a time.
    #[inline]
    fn take_wakers(&mut self, key: Key, held: &mut Option<SlotWakers>) {
        if held.as_ref().is_none_or(|held| held.key() != key) {
            self.change_wakers(key, held);
        }
    }

    #[inline(never)]
    fn change_wakers(&mut self, key: Key, held: &mut Option<SlotWakers>) {
        for other in [held.take(), self.last_wakers.take()].into_iter().flatten() {
            self.shelve_wakers(other);
        }
        let kept = self.wakers.get_mut(key as usize).and_then(Option::take);
        *held = kept.or_else(|| self.tree.as_ref().map(|tree| SlotWakers::new(tree, key)));
    }

    /// Takes back the wakers that a driver held, if none came from elsewhere meanwhile.
    #[inline]
    pub(crate) fn keep_wakers(&mut self, wakers: Option<SlotWakers>) {
        if let Some(before) = std::mem::replace(&mut self.last_wakers, wakers) {
            rarely();
            self.shelve_wakers(before);
        }
    }

    fn shelve_wakers(&mut self, wakers: SlotWakers) {
        let index = wakers.key() as usize;
        if index >= self.wakers.len() {
            self.wakers.resize_with(index + 1, || None);
        }
        self.wakers[index] = Some(wakers);
    }

    #[cold]
    pub(crate) fn too_deep(&self, parent: Key, location: Loc) -> Failure {
        const NAMED: usize = 16;
        let (mut chain, mut at) = (Vec::new(), parent);
        while let Some(slot) = self.slots.get(at as usize)
            && chain.len() < NAMED
        {
            chain.push(slot.location);
            at = slot.parent;
        }
        let depth = self.slots[parent as usize].depth + 1;
        Failure::new(Why::TooDeep(chain, depth), location)
    }

    /// After a poll that left the future pending.
    #[inline]
    pub(crate) fn finish_pending(&mut self, job: Job, wakers: &SlotWakers, self_woken: bool) {
        if self.loose.is_some() {
            if self_woken && !wakers.is_kept() {
                if let Some(tag) = self.loose.take() {
                    self.ready.poll_again(Entry { job, tag });
                }
                return;
            }
            self.materialise();
        }
        self.rest(wakers.key(), job, wakers, self_woken);
    }

    /// After a poll that the future is done with: the quick way, where its parent has nothing to do but to count.
    #[inline(always)]
    pub(crate) fn finish_quickly(&mut self) -> bool {
        let Some(loose) = &self.loose else { return false };
        if loose.note != NO_NOTE {
            return false;
        }
        let slot = &mut self.slots[loose.parent as usize];
        if !slot.uncount_quickly() {
            if !slot.uncount_last_quickly() {
                return false;
            }
            self.stop = true;
            self.stirred = true;
        }
        self.loose = None;
        true
    }

    /// After a poll that the future is done with.
    #[inline(never)]
    pub(crate) fn finish_done(&mut self, key: Key) {
        if let Some(loose) = self.loose.take() {
            let epoch = self.take_note(&loose).map_or(0, |Note { ticket, epoch }| {
                ticket.into_iter().for_each(Ticket::let_go);
                epoch
            });
            return self.uncount(loose.parent, epoch);
        }
        self.finish_slot(key);
    }

    /// The future of this slot is done.
    pub(crate) fn finish_slot(&mut self, key: Key) {
        let slot = self.slot(key);
        slot.live = false;
        let ticket = slot.ticket.take();
        ticket.into_iter().for_each(Ticket::let_go);
        let slot = self.slot(key);
        if slot.gated {
            self.finish_gated(key);
        }
        if self.slot(key).pending == 0 {
            self.settle(key);
        }
    }

    /// Puts a pending future into its slot.
    fn rest(&mut self, key: Key, job: Job, wakers: &SlotWakers, mut woken: bool) {
        let slot = self.slot(key);
        slot.job = Some(job);
        if let Some(ticket) = &slot.ticket {
            woken |= ticket.place(key);
        }
        if woken && wakers.inner.queue_locally() {
            self.ready.wake(key);
        }
    }

    pub(crate) fn take_ticket_of_polled(&mut self, loose: bool, key: Key) -> Option<Arc<Ticket>> {
        match &self.loose {
            Some(polled) if loose => self.notes.get_mut(polled.note as usize)?.ticket.take(),
            _ => self.slot(key).ticket.take(),
        }
    }

    /// Where what is being polled was added.
    pub(crate) fn location_of_polled(&self, loose: bool, key: Key) -> Loc {
        match &self.loose {
            Some(polled) if loose => polled.location,
            _ => self.slots[key as usize].location,
        }
    }

    pub(crate) fn place_of_polled(&self, loose: bool, key: Key) -> Place {
        Place { tree_id: self.tree_id, serial: self.serial_of((!loose).then_some(key)) }
    }

    /// Records a failure of what is being polled with its parent.
    pub(crate) fn fail_polled(&mut self, loose: bool, failure: Failure, key: Key) {
        let (parent, serial) = self.parent_of_polled(loose, key);
        self.fail(parent, serial, failure);
    }

    /// Counts failures of what is being polled that nobody has kept.
    pub(crate) fn omit_polled(&mut self, loose: bool, count: usize, key: Key) {
        let (parent, _) = self.parent_of_polled(loose, key);
        self.slot(parent).extra().failures.omit(count);
    }

    fn parent_of_polled(&mut self, loose: bool, key: Key) -> (Key, u64) {
        match &self.loose {
            Some(polled) if loose => (polled.parent, polled.serial),
            _ => {
                let slot = self.slot(key);
                (slot.parent, slot.serial)
            }
        }
    }
}
