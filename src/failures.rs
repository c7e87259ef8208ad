//! The failures of a node's children, until somebody receives them: bounded, in the order of adding.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use smallvec::SmallVec;

use crate::engine::Engine;
use crate::error::{Failure, Failures, Received};
use crate::node::Node;
use crate::ready::Key;
use crate::spawn::SpawnTask;
use crate::ticket::Ticket;

/// How many are kept, unless the builder says otherwise; the rest is counted.
pub(crate) const KEPT: usize = 64;

#[derive(Default)]
pub(crate) struct FailureList {
    /// With the place in the order of adding of the future that failed.
    kept: Vec<(u64, Failure)>,
    /// Beyond those, and nobody can receive them any more.
    omitted: usize,
    /// Beyond those, and somebody who holds the handle may still receive them.
    undecided: Vec<Received>,
}

/// What may hold values of the user's (failures do, and nodes hold failures): it is dropped elsewhere. Tasks are handed
/// over there too.
#[derive(Default)]
pub(crate) struct Trash {
    pub(crate) failures: SmallVec<[Failure; 1]>,
    pub(crate) nodes: SmallVec<[Arc<Node>; 1]>,
    pub(crate) tasks: Vec<SpawnTask>,
    pub(crate) tickets: Vec<Arc<Ticket>>,
}

impl Trash {
    pub(crate) fn is_empty(&self) -> bool {
        self.failures.is_empty() && self.nodes.is_empty() && self.tasks.is_empty() && self.tickets.is_empty()
    }
}

impl Engine {
    /// How many failures this node keeps: what its builder said, else that of the nearest one above. What is below
    /// collects on behalf of who is above: a failure that it left out could not come back.
    #[inline]
    pub(crate) fn max_failures(&self, node: Key) -> usize {
        if self.bounds { self.max_failures_above(node) } else { KEPT }
    }

    #[cold]
    fn max_failures_above(&self, node: Key) -> usize {
        let mut at = node;
        while let Some(slot) = self.slots.get(at as usize) {
            if let Some(max) = slot.extra.as_ref().and_then(|extra| extra.max_failures) {
                return max;
            }
            at = slot.parent;
        }
        KEPT
    }
}

impl FailureList {
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.omitted == 0 && self.undecided.is_empty()
    }

    /// Keeps it, unless there are `max` before it.
    pub(crate) fn push(&mut self, serial: u64, failure: Failure, max: usize, trash: &mut Trash) {
        if self.kept.len() >= max {
            self.sweep(trash);
        }
        if self.kept.len() < max {
            return self.kept.push((serial, failure));
        }
        let last = self.kept.iter_mut().max_by_key(|(serial, _)| *serial);
        let omitted = match last {
            Some(last) if last.0 > serial => std::mem::replace(last, (serial, failure)).1,
            _ => failure,
        };
        if self.undecided.len() == self.undecided.capacity() {
            self.decide();
        }
        self.undecided.push(omitted.received());
        trash.failures.push(omitted);
    }

    /// Takes over another list.
    pub(crate) fn merge(&mut self, other: FailureList, max: usize, trash: &mut Trash) {
        for (serial, failure) in other.kept {
            self.push(serial, failure, max, trash);
        }
        self.omitted += other.omitted;
        self.undecided.extend(other.undecided);
        self.decide();
    }

    /// Counts failures that somebody else did not keep.
    pub(crate) fn omit(&mut self, count: usize) {
        self.omitted += count;
    }

    /// Those that nobody has received, in the order of adding. The list is empty afterwards.
    pub(crate) fn take(&mut self, trash: &mut Trash) -> Failures {
        if self.is_empty() {
            return Failures::default();
        }
        self.sweep(trash);
        self.decide();
        self.kept.sort_by_key(|(serial, _)| *serial);
        let kept = self.kept.drain(..).map(|(_, failure)| failure).collect();
        let omitted = std::mem::take(&mut self.omitted) + self.undecided.drain(..).count();
        Failures::new(kept, omitted)
    }

    /// Keeps what nobody took after all.
    pub(crate) fn put_back(&mut self, tree_id: u64, failures: Failures) {
        self.omitted += failures.omitted();
        self.kept.extend(failures.iter().map(|failure| (failure.serial_in(tree_id, 0), failure.clone())));
    }

    /// Forgets what has been received.
    fn sweep(&mut self, trash: &mut Trash) {
        if self.kept.iter().any(|(_, failure)| failure.is_received()) {
            let (received, kept) = self.kept.drain(..).partition(|(_, failure)| failure.is_received());
            self.kept = kept;
            trash.failures.extend(Vec::into_iter(received).map(|(_, failure)| failure));
        }
    }

    /// Forgets those of the omitted that have been received, and counts those that nobody holds any more.
    fn decide(&mut self) {
        let omitted = &mut self.omitted;
        self.undecided.retain(|received| {
            // First the count: what its last holder did is seen then.
            let held = Arc::strong_count(received) > 1;
            std::sync::atomic::fence(Ordering::Acquire);
            let received = received.load(Ordering::Acquire);
            *omitted += usize::from(!held && !received);
            held && !received
        });
    }
}
