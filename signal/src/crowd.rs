//! Those who wait in a [queue](crate::queue) behind the one that has the turn.
//!
//! Tickets are ascending, so that one is found by bisection; gaps are closed when they are more than half. The trees that
//! wait are few, as a rule, and are searched one by one.

use std::collections::VecDeque;
use std::task::Waker;

use settled::plumbing::Helper;

use crate::queue::{Aftermath, Ticket};

/// Above this many places an empty crowd gives its memory back.
const KEPT: usize = 64;

#[derive(Default)]
pub(crate) struct Crowd {
    waiting: VecDeque<Waiting>,
    /// How many of those are gaps.
    gaps: usize,
    /// The trees that those who wait live in.
    trees: Vec<Tree>,
}

pub(crate) struct Waiting {
    pub(crate) ticket: Ticket,
    /// The tree that the delivery lives in.
    pub(crate) tree: Option<Helper>,
    /// Left by its last poll.
    pub(crate) waker: Option<Waker>,
    /// It has been dropped.
    is_gap: bool,
}

struct Tree {
    tree: Option<Helper>,
    /// How many of this tree wait.
    waiting: usize,
    /// The first of them; not known if that one has got the turn meanwhile.
    deputy: Option<Ticket>,
}

impl Crowd {
    pub(crate) fn push(&mut self, ticket: Ticket, tree: Option<Helper>) {
        match self.trees.iter_mut().find(|other| other.tree == tree) {
            Some(tree) => tree.waiting += 1,
            None => self.trees.push(Tree { tree: tree.clone(), waiting: 1, deputy: Some(ticket) }),
        }
        self.waiting.push_back(Waiting { ticket, tree, waker: None, is_gap: false });
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
        self.uncount(&first);
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

    /// Is it the one that is to drive the tree in front on behalf of its own?
    pub(crate) fn is_deputy(&mut self, ticket: Ticket, front: Option<&Helper>) -> bool {
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
    pub(crate) fn wake_deputies(&mut self, front: Option<&Helper>, aftermath: &mut Aftermath) {
        for tree in 0..self.trees.len() {
            if self.trees[tree].tree.as_ref() != front {
                self.wake_deputy(tree, aftermath);
            }
        }
    }

    /// Gives a place up; the front is of this tree.
    pub(crate) fn remove(&mut self, ticket: Ticket, front: Option<&Helper>, aftermath: &mut Aftermath) {
        let Some(index) = self.index(ticket) else { return };
        let place = &mut self.waiting[index];
        let (tree, waker) = (place.tree.take(), place.waker.take());
        place.is_gap = true;
        self.gaps += 1;
        let left = Waiting { ticket, tree, waker, is_gap: true };
        if let Some(tree) = self.uncount(&left)
            && left.tree.as_ref() != front
        {
            self.wake_deputy(tree, aftermath);
        }
        aftermath.wakers.extend(left.waker);
        aftermath.trees.extend(left.tree);
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
    fn uncount(&mut self, left: &Waiting) -> Option<usize> {
        let index = self.trees.iter().position(|tree| tree.tree == left.tree)?;
        let tree = &mut self.trees[index];
        tree.waiting -= 1;
        if tree.waiting == 0 {
            self.trees.swap_remove(index);
            return None;
        }
        (tree.deputy == Some(left.ticket)).then(|| {
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
    fn wake_deputy(&mut self, tree: usize, aftermath: &mut Aftermath) {
        if let Some(index) = self.deputy(tree).and_then(|ticket| self.index(ticket)) {
            aftermath.wake.extend(self.waiting[index].waker.take());
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
