//! Tickets that serve again: a handle costs nothing until it is kept.
//!
//! Most handles are dropped where they were made. So the engine has one ticket to lend, and the handle of the future that
//! was added last has it. Whether that handle is still there is looked at before the next future is added or the queue
//! is polled: if it is, the ticket goes to that future's entry, and the next handle gets a new one; else it serves again.
//!
//! The reference that the handle holds is lent, too, while a tree is driven: it waits in the ambient, is moved into the
//! handle, and moved back where the handle is dropped on the same thread before the next look. That takes no count. A
//! handle that is dropped elsewhere, later, or with something left in its ticket drops its reference, and the count tells.

use std::sync::Arc;

use crate::current::{self, Ambient};
use crate::engine::Engine;
use crate::error::Place;
use crate::job::Job;
use crate::note::NO_NOTE;
use crate::ready::{Added, Entry, Key, Tag};
use crate::sync::rarely;
use crate::ticket::Ticket;
use crate::tree::Tree;

/// What an engine has to lend.
#[derive(Default)]
pub(crate) struct Lending {
    /// For the next handle.
    ticket: Option<Arc<Ticket>>,
    /// The reference for that handle, while the tree is not driven and nobody has it.
    reference: Option<Arc<Ticket>>,
    /// The handle of the future that was added last has got the ticket.
    lent: bool,
}

impl Engine {
    /// Adds a future to a node, where the tree is not driven.
    pub(crate) fn add_with_ticket_in(
        &mut self,
        tree: &Arc<Tree>,
        parent: Key,
        job: Job,
        location: Place,
    ) -> Arc<Ticket> {
        let reference = self.lending.reference.take();
        let ticket = reference.unwrap_or_else(|| self.renew(tree));
        let quickly = if self.as_cleanup { Err(job) } else { self.add_quickly(Some(parent), job, location) };
        if let Err(job) = quickly {
            self.add_with(&ticket, parent, job, location);
        }
        ticket
    }

    /// Adds a future whose handle gets this ticket, which is the one to lend. False if it could not be lent.
    fn add_with(&mut self, ticket: &Arc<Ticket>, parent: Key, job: Job, location: Place) -> bool {
        let epoch = self.count(parent);
        let mut added = Added { job, ticket: None, location };
        if self.slot(parent).gated {
            // It may not be the last one in the queue: it takes the ticket with it.
            self.lending.ticket = None;
            added.ticket = Some(ticket.clone());
            let entry = self.entry(parent, epoch, added);
            self.gate(entry);
            return false;
        }
        let entry = self.entry(parent, epoch, added);
        self.ready.add(entry);
        self.lending.lent = true;
        true
    }

    /// The quick way: adds to a node that nobody else holds, if there is nothing else to be done. `ticket` is the one to lend.
    #[inline]
    fn add_quickly(&mut self, here: Option<Key>, job: Job, location: Place) -> Result<(), Job> {
        // What others added before comes first.
        if self.has_ops() || (here.is_none() && self.loose.is_some()) {
            rarely();
            return Err(job);
        }
        let parent = here.unwrap_or(self.loose_key);
        if !self.slot(parent).count_quickly() {
            rarely();
            return Err(job);
        }
        self.ready.add(Entry { job, tag: Tag { location, serial: 0, parent, note: NO_NOTE } });
        self.lending.lent = true;
        Ok(())
    }

    /// Has a ticket for the next handle; the last one may still have its own.
    #[cold]
    fn renew(&mut self, tree: &Arc<Tree>) -> Arc<Ticket> {
        self.settle_last();
        self.lending.ticket.get_or_insert_with(|| Ticket::new(tree)).clone()
    }

    /// Is the handle of what was added last still there? Then the ticket is that future's.
    #[inline]
    pub(crate) fn settle_last(&mut self) {
        if std::mem::take(&mut self.lending.lent) {
            self.settle_lent();
        }
    }

    fn settle_lent(&mut self) {
        let given_back = current::with(|ambient| {
            if ambient.driving.get() != self.tree_id {
                return self.lending.reference.is_some();
            }
            ambient.lent.set(0);
            let reference = ambient.reference.take();
            let given_back = reference.is_some();
            ambient.reference.set(reference);
            given_back
        });
        if !given_back && self.lending.ticket.as_ref().is_some_and(|ticket| ticket.is_kept()) {
            self.give_lent();
        }
    }

    fn give_lent(&mut self) {
        if let Some(last) = self.ready.last_mut() {
            let mut tag = last.tag;
            if let Some(ticket) = self.lending.ticket.take() {
                self.note_ticket(&mut tag, ticket);
            }
            if let Some(last) = self.ready.last_mut() {
                last.tag = tag;
            }
        }
    }
}

impl Lending {
    /// Is the ticket with what was added last, as far as one has looked?
    pub(crate) fn is_lent(&self) -> bool {
        self.lent
    }
}

impl Ambient {
    /// Adds to a node of the tree that is driven here.
    pub(crate) fn add_lending(
        &self,
        engine: &mut Engine,
        parent: Key,
        job: Job,
        location: Place,
    ) -> Arc<Ticket> {
        let ticket = match self.reference.take() {
            Some(reference) => reference,
            None => {
                let Some(tree) = engine.tree.clone() else { unreachable!("it is set in a drive") };
                engine.renew(&tree)
            }
        };
        let lent = engine.add_with(&ticket, parent, job, location);
        self.lent.set(if lent { Arc::as_ptr(&ticket) as usize } else { 0 });
        ticket
    }

    /// The quick way of an `add` (see `Engine::add_quickly`). Gives the job back if it does not go that way.
    #[inline]
    pub(crate) fn add_quickly(&self, job: Job, location: Place) -> Result<Arc<Ticket>, Job> {
        let Some(here) = self.current_here() else {
            rarely();
            return Err(job);
        };
        let Some(ticket) = self.reference.take() else {
            rarely();
            return Err(job);
        };
        let mut engine = self.engine.borrow_mut();
        let Some(engine) = engine.as_deref_mut() else { unreachable!("a slot is current only in a drive") };
        match engine.add_quickly(here, job, location) {
            Ok(()) => {
                self.lent.set(Arc::as_ptr(&ticket) as usize);
                Ok(ticket)
            }
            Err(job) => {
                rarely();
                self.reference.set(Some(ticket));
                Err(job)
            }
        }
    }

    /// A drive begins, or goes on.
    #[inline]
    pub(crate) fn begin_lending(&self, engine: &mut Engine) {
        self.reference.set(engine.lending.reference.take());
    }

    /// A drive is over, or interrupted: the engine has its reference back, as it may have to look who holds its ticket.
    #[inline]
    pub(crate) fn end_lending(&self, engine: &mut Engine) {
        engine.lending.reference = self.reference.take();
    }
}

/// A handle that nobody has awaited is gone.
#[inline]
pub(crate) fn give_back(ticket: Arc<Ticket>) {
    current::with(|ambient| {
        if ambient.lent.get() == Arc::as_ptr(&ticket) as usize && ticket.is_untouched() {
            ambient.lent.set(0);
            ambient.reference.set(Some(ticket));
        } else {
            let_go(ticket);
        }
    });
}

/// Apart, so that a handle that is given back needs no stack for it.
#[cold]
#[inline(never)]
fn let_go(ticket: Arc<Ticket>) {
    Ticket::let_go(ticket);
}
