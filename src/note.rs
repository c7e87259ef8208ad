//! What few entries have, kept apart from them: so an entry is small, and what has no note needs no examination.

use std::sync::Arc;

use crate::engine::Engine;
use crate::ready::{Added, Entry, Key, Tag};
use crate::ticket::Ticket;

/// The entry has no note.
pub(crate) const NO_NOTE: Key = Key::MAX;

/// What is to be known before an entry is polled.
pub(crate) struct Note {
    /// The other half of a `Stashed` that was kept.
    pub(crate) ticket: Option<Arc<Ticket>>,
    /// The parent's epoch when it was added (see `settle`).
    pub(crate) epoch: u64,
}

impl Engine {
    /// Makes an entry, counted in this epoch of its parent.
    pub(crate) fn entry(&mut self, parent: Key, epoch: u64, added: Added) -> Entry {
        let Added { job, ticket, location } = added;
        let above = self.slot(parent);
        // What is too deep has a note as well: it is found where notes are looked at.
        let noted = ticket.is_some() || epoch > 0 || above.depth >= above.deepest;
        let note = if noted { self.notes.insert(Note { ticket, epoch }) as Key } else { NO_NOTE };
        Entry { job, tag: Tag { location, serial: 0, parent, note } }
    }

    /// The note of an entry, if it has one.
    pub(crate) fn note(&self, tag: &Tag) -> Option<&Note> {
        self.notes.get(tag.note as usize)
    }

    /// Gives a ticket to an entry.
    pub(crate) fn note_ticket(&mut self, tag: &mut Tag, ticket: Arc<Ticket>) {
        match self.notes.get_mut(tag.note as usize) {
            Some(note) => note.ticket = Some(ticket),
            None => tag.note = self.notes.insert(Note { ticket: Some(ticket), epoch: 0 }) as Key,
        }
    }

    /// Counts an entry in another epoch. Returns the one before.
    pub(crate) fn note_epoch(&mut self, tag: &mut Tag, epoch: u64) -> u64 {
        match self.notes.get_mut(tag.note as usize) {
            Some(note) => std::mem::replace(&mut note.epoch, epoch),
            None => {
                tag.note = self.notes.insert(Note { ticket: None, epoch }) as Key;
                0
            }
        }
    }

    /// The ticket of an entry; where nobody kept a handle, one for marks alone.
    pub(crate) fn ticket_of(&mut self, tag: &mut Tag) -> &Arc<Ticket> {
        self.noted(tag).ticket.get_or_insert_with(Ticket::unheld)
    }

    /// The note of an entry, made now if need be.
    pub(crate) fn noted(&mut self, tag: &mut Tag) -> &mut Note {
        if !self.notes.contains(tag.note as usize) {
            tag.note = self.notes.insert(Note { ticket: None, epoch: 0 }) as Key;
        }
        &mut self.notes[tag.note as usize]
    }

    /// Takes it from an entry that is none any more.
    #[inline]
    pub(crate) fn take_note(&mut self, tag: &Tag) -> Option<Note> {
        if tag.note == NO_NOTE { None } else { Some(self.notes.remove(tag.note as usize)) }
    }
}
