//! After a run: what was read becomes the links of the node. Those that are found again in their places stay as they are.
//!
//! In its simple form: take out all links of the node, and make one for each source that was read. As most runs read what
//! the run before has read, in the same order, the list is walked beside what was read. Only from the first difference on
//! there is more to do; then a link that comes later in the old list is not looked for, it is made anew.
//!
//! A source that was read several times gets one link: each commit has a number, and leaves it with each source that it
//! meets.
//!
//! What has changed since the run began has not marked the node where the link is new. So that is looked up here.

use super::arena::{Arena, DIRTY, MARKED, MAYBE, NIL, RUNNING};
use crate::this_thread;

impl Arena {
    /// What was read in the run that is over, and began at the epoch `since`.
    #[inline]
    pub(super) fn commit(&mut self, node: u32, reads: &[u32], since: u64) {
        let number = self.next_commit();
        let (mut last, mut at) = (NIL, self.slots[node as usize].deps);
        for (index, &dep) in reads.iter().enumerate() {
            if at != NIL && self.links[at as usize].dep == dep {
                self.slots[dep as usize].met = number;
                last = at;
                at = self.links[at as usize].next_dep;
            } else if self.slots[dep as usize].met != number {
                return self.commit_rest(node, &reads[index..], number, last, since);
            }
        }
        if at != NIL {
            self.cut(node, last);
        }
    }

    /// From here on it is not what it was.
    fn commit_rest(&mut self, node: u32, reads: &[u32], number: u32, mut last: u32, since: u64) {
        for &dep in reads {
            let source = &mut self.slots[dep as usize];
            if source.met == number {
                continue;
            }
            source.met = number;
            let at = self.next_of(node, last);
            if at != NIL && self.links[at as usize].dep == dep {
                last = at;
                continue;
            }
            last = self.insert(node, dep, last, at, since);
        }
        if self.next_of(node, last) != NIL {
            self.cut(node, last);
        }
        let slot = &mut self.slots[node as usize];
        slot.version = slot.version.wrapping_add(1);
    }

    /// What was read in one more part of a run: nothing is taken out.
    pub(super) fn commit_more(&mut self, node: u32, reads: &[u32], since: u64) {
        let number = self.next_commit();
        let (mut last, mut at) = (NIL, self.slots[node as usize].deps);
        while at != NIL {
            let link = &self.links[at as usize];
            self.slots[link.dep as usize].met = number;
            (last, at) = (at, link.next_dep);
        }
        for &dep in reads {
            let source = &mut self.slots[dep as usize];
            if source.met != number {
                source.met = number;
                last = self.insert(node, dep, last, NIL, since);
            }
        }
        let slot = &mut self.slots[node as usize];
        slot.version = slot.version.wrapping_add(1);
    }

    fn next_commit(&mut self) -> u32 {
        self.commits = self.commits.wrapping_add(1);
        if self.commits == 0 {
            self.slots.iter_mut().for_each(|slot| slot.met = 0);
            self.commits = 1;
        }
        self.commits
    }

    /// The link behind this one, among those of the reader.
    fn next_of(&self, node: u32, link: u32) -> u32 {
        match link {
            NIL => self.slots[node as usize].deps,
            link => self.links[link as usize].next_dep,
        }
    }

    /// A new link between these two.
    fn insert(&mut self, node: u32, dep: u32, last: u32, next: u32, since: u64) -> u32 {
        let link = self.link(dep, node, next);
        match last {
            NIL => self.slots[node as usize].deps = link,
            last => self.links[last as usize].next_dep = link,
        }
        let source = &self.slots[dep as usize];
        let (changed_at, flags) = (source.changed_at, source.flags);
        let restored_at = self.colds[dep as usize].restored_at;
        // One that is run further down this stack was not read: it is a cycle, and that is known.
        let is_run_elsewhere = flags & RUNNING != 0 && self.colds[dep as usize].runner != this_thread::id();
        let reader = &mut self.slots[node as usize];
        if changed_at > since || restored_at > since {
            reader.flags |= DIRTY;
        } else if (flags & MARKED != 0 && flags & RUNNING == 0) || is_run_elsewhere {
            reader.flags |= MAYBE;
        }
        link
    }

    /// Takes out all links behind this one.
    fn cut(&mut self, node: u32, last: u32) {
        let rest = self.next_of(node, last);
        match last {
            NIL => self.slots[node as usize].deps = NIL,
            last => self.links[last as usize].next_dep = NIL,
        }
        self.unlink_from(rest);
        let slot = &mut self.slots[node as usize];
        slot.version = slot.version.wrapping_add(1);
    }
}
