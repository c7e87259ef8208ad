//! Down: a source has changed, what may depend on it is marked. Nothing is run.
//!
//! In its simple form:
//!
//! ```text
//! mark(node, how):
//!     for each reader of node:
//!         was marked = reader is DIRTY or MAYBE, for this settle point
//!         reader |= how
//!         unless it was marked:
//!             if reader is a watcher: it is due
//!             mark(reader, MAYBE)
//! ```
//!
//! What was marked already has had everything below it marked, so that each node is passed once, however many ways lead
//! to it. That is only known *for one settle point*: a watcher must become due in each transaction that has changed
//! something for it, also where it is marked on behalf of another.
//!
//! Without recursion: the walk goes down by the first link, and notes the next one of each list that it leaves.

use super::arena::{Arena, DIRTY, MARKED, MAYBE, NIL, PORTAL, WATCHER};

/// Who has been met.
pub(super) struct Met<'a> {
    /// Of watchers: their indices and generations.
    pub(super) due: &'a mut Vec<(u32, u32)>,
    /// Of those only what has been run since.
    pub(super) since: u64,
    pub(super) portals: &'a mut Vec<u32>,
}

impl Arena {
    /// Marks what reads this one, directly (as `how` says) or by way of others.
    pub(super) fn mark(&mut self, node: u32, how: u32, settle: u64, met: &mut Met<'_>) {
        let Arena { slots, links, colds, branches, .. } = self;
        let (mut at, mut how) = (slots[node as usize].subs, how);
        debug_assert!(branches.is_empty() && (how == DIRTY || how == MAYBE));
        loop {
            while at != NIL {
                let link = &links[at as usize];
                let (sub, next) = (link.sub, link.next_sub);
                let reader = &mut slots[sub as usize];
                let is_known = reader.flags & MARKED != 0 && reader.marked_for == settle;
                reader.flags |= how;
                if !is_known {
                    reader.marked_for = settle;
                    if reader.flags & WATCHER != 0 {
                        if reader.flags & PORTAL != 0 {
                            met.portals.push(sub);
                        } else if reader.run_at >= met.since || colds[sub as usize].read_at >= met.since {
                            met.due.push((sub, colds[sub as usize].generation));
                        }
                    } else if reader.subs != NIL {
                        if next != NIL {
                            branches.push((next, how));
                        }
                        (at, how) = (reader.subs, MAYBE);
                        continue;
                    }
                }
                at = next;
            }
            match branches.pop() {
                Some(branch) => (at, how) = branch,
                None => return,
            }
        }
    }

    /// Of those who read this one and are marked, each is to be run that has been run since.
    pub(super) fn soil_since(&mut self, node: u32, since: u64) {
        let mut at = self.slots[node as usize].subs;
        while at != NIL {
            let link = &self.links[at as usize];
            at = link.next_sub;
            let reader = &mut self.slots[link.sub as usize];
            if reader.flags & MAYBE != 0 && reader.run_at >= since {
                reader.flags |= DIRTY;
            }
        }
    }
}
