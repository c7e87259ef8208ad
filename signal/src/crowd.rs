//! Those who wait in a [queue](crate::queue) behind the one that has the turn.
//!
//! Tickets are ascending, so that one is found by bisection; gaps are closed when they are more than half. The trees that
//! wait are few, as a rule, and are searched one by one.

use std::collections::VecDeque;
use std::task::Waker;

use smallvec::SmallVec;

use crate::behind::Behind;
use crate::queue::Link;
use crate::tree::Tree;

/// The place of one delivery in the queue; later ones are greater.
pub(crate) type Ticket = u64;

/// Above this many places an empty crowd gives its memory back.
const KEPT: usize = 64;

#[derive(Default)]
pub(crate) struct Crowd {
    waiting: VecDeque<Waiting>,
    /// How many of those are gaps.
    gaps: usize,
    /// The trees that those who wait live in.
    trees: Vec<OfTree>,
}

pub(crate) struct Waiting {
    pub(crate) ticket: Ticket,
    /// The tree that the delivery lives in.
    pub(crate) tree: Option<Tree>,
    /// Left by its last poll.
    pub(crate) waker: Option<Waker>,
    /// What it waits for besides.
    pub(crate) link: Link,
    /// It has been dropped.
    is_gap: bool,
}

struct OfTree {
    tree: Option<Tree>,
    /// How many of this tree wait.
    waiting: usize,
    /// The first of them; not known if that one has got the turn meanwhile.
    deputy: Option<Ticket>,
}

/// What is done with wakers after unlocking.
#[derive(Default)]
pub(crate) struct Wakers {
    pub(crate) wake: SmallVec<[Waker; 1]>,
    /// Only to be dropped.
    drop: SmallVec<[Waker; 1]>,
    /// The same.
    pub(crate) links: Vec<Link>,
}

impl Wakers {
    pub(crate) fn settle(self) {
        drop(self.drop);
        drop(self.links);
        self.wake.into_iter().for_each(Waker::wake);
    }
}

impl Crowd {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.waiting.capacity()
    }

    pub(crate) fn push(&mut self, ticket: Ticket, tree: Option<Tree>, link: Link) {
        match self.trees.iter_mut().find(|other| other.tree == tree) {
            Some(tree) => tree.waiting += 1,
            None => self.trees.push(OfTree { tree: tree.clone(), waiting: 1, deputy: Some(ticket) }),
        }
        self.waiting.push_back(Waiting { ticket, tree, waker: None, link, is_gap: false });
    }

    /// Takes the first.
    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        let first = loop {
            let first = self.waiting.pop_front()?;
            if !first.is_gap {
                break first;
            }
            self.gaps -= 1;
        };
        self.uncount(first.ticket, first.tree.as_ref());
        self.tidy();
        Some(first)
    }

    /// It waits with this waker from now on; gives back the one before.
    pub(crate) fn wait(&mut self, ticket: Ticket, waker: Waker) -> Option<Waker> {
        match self.index(ticket) {
            Some(index) => self.waiting[index].waker.replace(waker),
            None => Some(waker),
        }
    }

    /// What it waits for besides.
    pub(crate) fn link(&mut self, ticket: Ticket, link: Box<Behind>) {
        if let Some(index) = self.index(ticket) {
            self.waiting[index].link = Some(link);
        }
    }

    /// Is it the one that is to drive the tree in front on behalf of its own?
    pub(crate) fn is_deputy(&mut self, ticket: Ticket, front: Option<&Tree>) -> bool {
        let Some(index) = self.index(ticket) else { return false };
        let tree = self.waiting[index].tree.as_ref();
        if tree == front {
            return false;
        }
        match self.trees.iter().position(|other| other.tree.as_ref() == tree) {
            Some(tree) => self.deputy(tree) == Some(ticket),
            None => false,
        }
    }

    /// The front is of this tree now: who is to drive it is told.
    pub(crate) fn wake_deputies(&mut self, front: Option<&Tree>, wakers: &mut Wakers) {
        for tree in 0..self.trees.len() {
            if self.trees[tree].tree.as_ref() != front {
                self.wake_deputy(tree, wakers);
            }
        }
    }

    /// Gives a place up; the front is of this tree.
    pub(crate) fn remove(&mut self, ticket: Ticket, front: Option<&Tree>, wakers: &mut Wakers) {
        let Some(index) = self.index(ticket) else { return };
        let place = &mut self.waiting[index];
        place.is_gap = true;
        self.gaps += 1;
        wakers.drop.extend(place.waker.take());
        if place.link.is_some() {
            wakers.links.push(place.link.take());
        }
        let tree = place.tree.take();
        if let Some(index) = self.uncount(ticket, tree.as_ref())
            && tree.as_ref() != front
        {
            self.wake_deputy(index, wakers);
        }
        if self.gaps > KEPT && self.gaps > self.waiting.len() / 2 {
            self.waiting.retain(|waiting| !waiting.is_gap);
            self.gaps = 0;
        }
        self.tidy();
    }

    fn index(&self, ticket: Ticket) -> Option<usize> {
        let index = self.waiting.binary_search_by_key(&ticket, |waiting| waiting.ticket).ok()?;
        (!self.waiting[index].is_gap).then_some(index)
    }

    /// One of its tree waits no more. If it was the deputy and others of the tree wait: the tree's index.
    fn uncount(&mut self, ticket: Ticket, of: Option<&Tree>) -> Option<usize> {
        let index = self.trees.iter().position(|tree| tree.tree.as_ref() == of)?;
        let tree = &mut self.trees[index];
        tree.waiting -= 1;
        if tree.waiting == 0 {
            self.trees.swap_remove(index);
            return None;
        }
        (tree.deputy == Some(ticket)).then(|| {
            tree.deputy = None;
            index
        })
    }

    /// The first one that waits of the tree with this index.
    fn deputy(&mut self, tree: usize) -> Option<Ticket> {
        if self.trees[tree].deputy.is_none() {
            let of = &self.trees[tree].tree;
            let first = self.waiting.iter().find(|waiting| !waiting.is_gap && waiting.tree == *of);
            self.trees[tree].deputy = first.map(|first| first.ticket);
        }
        self.trees[tree].deputy
    }

    /// One that has never been polled needs no waker: it will be polled when its tree is driven.
    fn wake_deputy(&mut self, tree: usize, wakers: &mut Wakers) {
        if let Some(index) = self.deputy(tree).and_then(|ticket| self.index(ticket)) {
            wakers.wake.extend(self.waiting[index].waker.take());
        }
    }

    fn tidy(&mut self) {
        if self.waiting.is_empty() {
            self.gaps = 0;
            if self.waiting.capacity() > KEPT {
                self.waiting = VecDeque::new();
            }
            if self.trees.capacity() > KEPT {
                self.trees = Vec::new();
            }
        }
    }
}
