//! The failures of a node's children, until somebody receives them: bounded, in the order of adding.

use smallvec::SmallVec;

use crate::error::{Failure, Failures};

/// How many are kept; the rest is counted.
const KEPT: usize = 64;

#[derive(Default)]
pub(crate) struct FailureList {
    /// With the place in the order of adding of the future that failed.
    kept: Vec<(u64, Failure)>,
    omitted: usize,
}

/// Failures may hold values of the user's: they are dropped elsewhere.
pub(crate) type Trash = SmallVec<[Failure; 1]>;

impl FailureList {
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.omitted == 0
    }

    /// Keeps it, unless there are too many before it.
    pub(crate) fn push(&mut self, serial: u64, failure: Failure, trash: &mut Trash) {
        if self.kept.len() >= KEPT {
            self.sweep(trash);
        }
        if self.kept.len() < KEPT {
            return self.kept.push((serial, failure));
        }
        self.omitted += 1;
        let last = self.kept.iter_mut().max_by_key(|(serial, _)| *serial);
        match last {
            Some(last) if last.0 > serial => trash.push(std::mem::replace(last, (serial, failure)).1),
            _ => trash.push(failure),
        }
    }

    /// Takes over another list.
    pub(crate) fn merge(&mut self, other: FailureList, trash: &mut Trash) {
        for (serial, failure) in other.kept {
            self.push(serial, failure, trash);
        }
        self.omitted += other.omitted;
    }

    /// Those that nobody has received, in the order of adding. The list is empty afterwards.
    pub(crate) fn take(&mut self, trash: &mut Trash) -> Failures {
        if self.is_empty() {
            return Failures::default();
        }
        self.sweep(trash);
        self.kept.sort_by_key(|(serial, _)| *serial);
        let kept = self.kept.drain(..).map(|(_, failure)| failure).collect();
        Failures::new(kept, std::mem::take(&mut self.omitted))
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
            trash.extend(Vec::into_iter(received).map(|(_, failure)| failure));
        }
    }
}
