//! What lies between adding and the first poll, where a transaction asks for it.
//!
//! An entry is counted when it is added, and passes the stages in order: *held* (an atomic transaction above has not
//! committed), *limited* (so many of its siblings are running already), *spawned* (something else polls it), *due* (in the
//! queue). A stage that keeps an entry lets it go on with the next stage later. Nothing of this costs an ungated
//! transaction more than the look at a flag.

use crate::engine::Engine;
use crate::ready::Entry;

impl Engine {
    /// An entry whose parent is gated has been added.
    #[cold]
    pub(crate) fn gate(&mut self, mut entry: Entry) {
        self.stirred = true;
        let cleanup = std::mem::take(&mut self.as_cleanup);
        if self.is_cancelled_for_good(entry.tag.parent) {
            entry.tag.serial = self.ready.serial();
            return self.refuse_at_once(entry);
        }
        if let Some(entry) = self.hold(entry, cleanup) {
            self.due(entry);
        }
    }

    /// An entry that nothing holds back (any more). Its place in the order of adding is that of when it was added.
    pub(crate) fn due(&mut self, mut entry: Entry) {
        self.stirred = true;
        if entry.tag.serial == 0 {
            entry.tag.serial = self.ready.serial();
        }
        if let Some(entry) = self.admit(entry) {
            self.spawn(entry);
        }
    }

    /// Into the queue, after the last stage or as it is to be refused there.
    pub(crate) fn queue(&mut self, entry: Entry) {
        // The ticket that may be lent to the last one in the queue is not for this one.
        self.settle_last();
        self.ready.add_late(entry);
    }
}
