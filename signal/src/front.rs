//! Who stands in a [queue](crate::queue): what is kept under its lock.

use std::sync::Arc;
use std::task::Waker;

use settled::plumbing::Place;

use crate::behind::Behind;
use crate::crowd::{Crowd, Ticket, Waiting, Wakers};
use crate::delivery::Delivery;
use crate::queue::Turn;
use crate::tally::AnyTally;
use crate::tree::Tree;

#[derive(Default)]
pub(crate) struct Line {
    /// The next ticket.
    pub(crate) next: Ticket,
    /// The latest change that one of those who have joined tells of.
    pub(crate) newest: u64,
    /// All below this that are not in front have been overtaken; one in front, too, if it is not to be waited for.
    pub(crate) overtaken: Ticket,
    /// A prompt delivery: it has the turn, and nobody is in front.
    pub(crate) prompt: Option<PromptFront>,
    /// Who has the turn.
    pub(crate) front: Option<Front>,
    /// Who waits behind.
    pub(crate) crowd: Crowd,
}

/// A delivery that had nobody ahead.
pub(crate) struct PromptFront {
    /// That of its notification, which knows the tree.
    pub(crate) tally: Arc<dyn AnyTally>,
    /// Its node.
    pub(crate) place: Place,
}

pub(crate) struct Front {
    pub(crate) ticket: Ticket,
    /// The tree that the delivery lives in.
    tree: Option<Tree>,
    /// It has begun.
    pub(crate) has_begun: bool,
    /// Its node, once it has begun.
    pub(crate) place: Option<Place>,
    /// Left by its last poll, where it may be overtaken while it runs.
    pub(crate) waker: Option<Waker>,
    /// What it waits for besides.
    pub(crate) link: Link,
}

/// The other queue that a delivery is in.
pub(crate) type Link = Option<Box<Behind>>;

impl Front {
    fn new(ticket: Ticket, tree: Option<Tree>, link: Link) -> Self {
        Front { ticket, tree, has_begun: false, place: None, waker: None, link }
    }
}

impl Line {
    /// Does anybody have the turn?
    #[inline]
    pub(crate) fn is_taken(&self) -> bool {
        self.front.is_some() || self.prompt.is_some()
    }

    /// True if there is somebody ahead.
    pub(crate) fn push(&mut self, ticket: Ticket, tree: Option<Tree>, link: Link) -> bool {
        let is_behind = self.is_taken();
        if is_behind {
            self.crowd.push(ticket, tree, link);
        } else {
            self.front = Some(Front::new(ticket, tree, link));
        }
        is_behind
    }

    /// Those ahead of this one come to nothing.
    #[cold]
    pub(crate) fn overtake(&mut self, ticket: Ticket, delivery: Delivery) -> Wakers {
        let mut wakers = Wakers::default();
        self.overtaken = ticket;
        while let Some(waiting) = self.crowd.pop() {
            wakers.wake.extend(waiting.waker);
            wakers.links.push(waiting.link);
        }
        match &mut self.front {
            Some(front) if front.has_begun => {
                if delivery == Delivery::Latest {
                    wakers.wake.extend(front.waker.take());
                }
            }
            front => wakers.links.push(front.take().and_then(|front| front.link)),
        }
        wakers
    }

    /// Has it the turn? Then it has begun, here.
    pub(crate) fn begin(&mut self, ticket: Ticket, place: Option<Place>) -> Option<Turn> {
        match &mut self.front {
            Some(front) if front.ticket == ticket => {
                front.has_begun = true;
                front.place = place;
                Some(Turn::Ours)
            }
            _ if ticket < self.overtaken => Some(Turn::Overtaken),
            _ => None,
        }
    }

    /// Where the one with the turn is polled, as far as that is known, and what it waits for besides; `None` if it is this
    /// one, or nobody.
    pub(crate) fn ahead(&self, ticket: Ticket) -> Option<(Option<Place>, Option<Behind>)> {
        if let Some(prompt) = &self.prompt {
            return Some((Some(prompt.place), None));
        }
        let front = self.front.as_ref().filter(|front| front.ticket < ticket)?;
        Some((front.place, front.link.as_deref().cloned()))
    }

    /// The tree in front, if this one is to help it.
    pub(crate) fn tree_to_help(&mut self, ticket: Ticket) -> Option<Tree> {
        let Line { prompt, front, crowd, .. } = self;
        let tree = tree_of(prompt, front);
        if crowd.is_deputy(ticket, tree) { tree.cloned() } else { None }
    }

    /// Gives back the one that was in front, to be dropped.
    pub(crate) fn leave(&mut self, ticket: Ticket, wakers: &mut Wakers) -> Option<Front> {
        if self.front.as_ref().is_none_or(|front| front.ticket != ticket) {
            let Line { prompt, front, crowd, .. } = self;
            crowd.remove(ticket, tree_of(prompt, front), wakers);
            return None;
        }
        let old = self.front.take();
        if let Some(old) = &old {
            self.pass_on(old.tree.as_ref(), wakers);
        }
        old
    }

    /// The next one gets the turn, after one of this tree.
    pub(crate) fn pass_on(&mut self, old: Option<&Tree>, wakers: &mut Wakers) {
        self.front = self.crowd.pop().map(|Waiting { ticket, tree, waker, link, .. }| {
            wakers.wake.extend(waker);
            Front::new(ticket, tree, link)
        });
        if let Some(front) = &self.front
            && front.tree.as_ref() != old
        {
            self.crowd.wake_deputies(front.tree.as_ref(), wakers);
        }
    }
}

/// That of who has the turn.
fn tree_of<'a>(prompt: &'a Option<PromptFront>, front: &'a Option<Front>) -> Option<&'a Tree> {
    match prompt {
        Some(prompt) => prompt.tally.tree(),
        None => front.as_ref()?.tree.as_ref(),
    }
}
