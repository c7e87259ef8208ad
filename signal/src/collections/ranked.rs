//! A sequence in which each item has a weight in two measures, and which answers in logarithmic time what is at a place,
//! and how much is before an item: by what views and undo find the position here of what has changed there.
//!
//! It is a treap: a search tree by position that is a heap by random priorities, and so about balanced whatever is done to
//! it. Items stay at their index in the arena, by which they are known from outside; parents are noted, so that a position
//! is found from the item. Everything is done by loops: no depth is on the stack.

/// In two measures.
pub(crate) type Weight = [usize; 2];

/// An item in the sequence, until it is removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Id(u32);

const NONE: u32 = u32::MAX;
const LEFT: usize = 0;
const RIGHT: usize = 1;

pub(crate) struct Ranked<P> {
    nodes: Vec<Node<P>>,
    /// Vacant ones.
    free: Vec<u32>,
    root: u32,
    /// Of the priorities.
    seed: u32,
}

struct Node<P> {
    parent: u32,
    children: [u32; 2],
    priority: u32,
    /// Of the item.
    own: Weight,
    /// Of it and of all below it.
    sum: Weight,
    /// None: vacant.
    item: Option<P>,
}

impl<P> Ranked<P> {
    pub(crate) fn new() -> Self {
        Ranked { nodes: Vec::new(), free: Vec::new(), root: NONE, seed: 0x9e37_79b9 }
    }

    /// How many items there are, whatever they weigh.
    pub(crate) fn count(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    /// What all weigh.
    pub(crate) fn total(&self) -> Weight {
        self.sum(self.root)
    }

    pub(crate) fn get(&self, id: Id) -> &P {
        let Some(item) = &self.nodes[id.0 as usize].item else {
            unreachable!("an item is there until it is removed")
        };
        item
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> &mut P {
        let Some(item) = &mut self.nodes[id.0 as usize].item else {
            unreachable!("an item is there until it is removed")
        };
        item
    }

    pub(crate) fn weight(&self, id: Id) -> Weight {
        self.node(id.0).own
    }

    /// The item at a place in this measure, and how far into it that is.
    pub(crate) fn at(&self, measure: usize, mut index: usize) -> Option<(Id, usize)> {
        let mut at = self.root;
        while at != NONE {
            let node = self.node(at);
            let before = self.sum(node.children[LEFT])[measure];
            if index < before {
                at = node.children[LEFT];
            } else if index - before < node.own[measure] {
                return Some((Id(at), index - before));
            } else {
                index -= before + node.own[measure];
                at = node.children[RIGHT];
            }
        }
        None
    }

    /// The first of the items of which `is_behind` says so, of what comes before a point in the order, and what comes behind.
    pub(crate) fn search(&self, mut is_behind: impl FnMut(&Self, Id) -> bool) -> Option<Id> {
        let (mut at, mut found) = (self.root, None);
        while at != NONE {
            if is_behind(self, Id(at)) {
                found = Some(Id(at));
                at = self.node(at).children[LEFT];
            } else {
                at = self.node(at).children[RIGHT];
            }
        }
        found
    }

    /// What is before an item.
    pub(crate) fn before(&self, id: Id) -> Weight {
        let mut before = self.sum(self.node(id.0).children[LEFT]);
        let mut at = id.0;
        while let parent = self.node(at).parent
            && parent != NONE
        {
            if self.node(parent).children[RIGHT] == at {
                let node = self.node(parent);
                before = plus(before, plus(node.own, self.sum(node.children[LEFT])));
            }
            at = parent;
        }
        before
    }

    pub(crate) fn first(&self) -> Option<Id> {
        (self.root != NONE).then(|| Id(self.end(self.root, LEFT)))
    }

    pub(crate) fn next(&self, id: Id) -> Option<Id> {
        let right = self.node(id.0).children[RIGHT];
        if right != NONE {
            return Some(Id(self.end(right, LEFT)));
        }
        let mut at = id.0;
        loop {
            let parent = self.node(at).parent;
            if parent == NONE {
                return None;
            }
            if self.node(parent).children[LEFT] == at {
                return Some(Id(parent));
            }
            at = parent;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &P> {
        std::iter::successors(self.first(), |id| self.next(*id)).map(|id| self.get(id))
    }

    pub(crate) fn set_weight(&mut self, id: Id, weight: Weight) {
        self.nodes[id.0 as usize].own = weight;
        self.update_up(id.0);
    }

    /// At the end.
    pub(crate) fn push(&mut self, item: P, weight: Weight) -> Id {
        self.insert(None, item, weight)
    }

    /// Before that one; at the end if there is none.
    pub(crate) fn insert(&mut self, before: Option<Id>, item: P, weight: Weight) -> Id {
        let id = self.make(item, weight);
        let (parent, side) = match before {
            None if self.root == NONE => (NONE, LEFT),
            None => (self.end(self.root, RIGHT), RIGHT),
            Some(Id(next)) => match self.node(next).children[LEFT] {
                NONE => (next, LEFT),
                left => (self.end(left, RIGHT), RIGHT),
            },
        };
        self.nodes[id as usize].parent = parent;
        if parent == NONE {
            self.root = id;
        } else {
            self.nodes[parent as usize].children[side] = id;
            self.update_up(parent);
        }
        while let parent = self.node(id).parent
            && parent != NONE
            && self.node(parent).priority < self.node(id).priority
        {
            self.rotate_up(id);
        }
        Id(id)
    }

    pub(crate) fn remove(&mut self, id: Id) -> P {
        let Id(at) = id;
        loop {
            let [left, right] = self.node(at).children;
            let child = match (left, right) {
                (NONE, NONE) => break,
                (NONE, child) | (child, NONE) => child,
                (left, right) if self.node(left).priority > self.node(right).priority => left,
                (_, right) => right,
            };
            self.rotate_up(child);
        }
        let parent = self.node(at).parent;
        if parent == NONE {
            self.root = NONE;
        } else {
            let side = self.side(at, parent);
            self.nodes[parent as usize].children[side] = NONE;
            self.update_up(parent);
        }
        self.free.push(at);
        let Some(item) = self.nodes[at as usize].item.take() else {
            unreachable!("an item is there until it is removed")
        };
        item
    }

    fn make(&mut self, item: P, weight: Weight) -> u32 {
        // Xorshift: the same sequence always, which is no secret and need not be one.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 17;
        self.seed ^= self.seed << 5;
        let node = Node {
            parent: NONE,
            children: [NONE; 2],
            priority: self.seed,
            own: weight,
            sum: weight,
            item: Some(item),
        };
        match self.free.pop() {
            Some(id) => {
                self.nodes[id as usize] = node;
                id
            }
            None => {
                let id = u32::try_from(self.nodes.len()).unwrap_or(NONE);
                assert_ne!(id, NONE, "more items than a view can have");
                self.nodes.push(node);
                id
            }
        }
    }

    fn node(&self, id: u32) -> &Node<P> {
        &self.nodes[id as usize]
    }

    fn sum(&self, id: u32) -> Weight {
        if id == NONE { [0; 2] } else { self.node(id).sum }
    }

    fn side(&self, id: u32, parent: u32) -> usize {
        usize::from(self.node(parent).children[RIGHT] == id)
    }

    /// The outermost of a subtree.
    fn end(&self, mut at: u32, side: usize) -> u32 {
        while let child = self.node(at).children[side]
            && child != NONE
        {
            at = child;
        }
        at
    }

    fn update(&mut self, id: u32) {
        let [left, right] = self.node(id).children;
        let sum = plus(self.node(id).own, plus(self.sum(left), self.sum(right)));
        self.nodes[id as usize].sum = sum;
    }

    fn update_up(&mut self, mut at: u32) {
        while at != NONE {
            self.update(at);
            at = self.node(at).parent;
        }
    }

    /// Changes places with its parent, which becomes its child.
    fn rotate_up(&mut self, id: u32) {
        let parent = self.node(id).parent;
        let above = self.node(parent).parent;
        let side = self.side(id, parent);
        let inner = self.node(id).children[1 - side];
        self.nodes[parent as usize].children[side] = inner;
        if inner != NONE {
            self.nodes[inner as usize].parent = parent;
        }
        self.nodes[id as usize].children[1 - side] = parent;
        if above == NONE {
            self.root = id;
        } else {
            let side = self.side(parent, above);
            self.nodes[above as usize].children[side] = id;
        }
        self.nodes[id as usize].parent = above;
        self.nodes[parent as usize].parent = id;
        self.update(parent);
        self.update(id);
    }
}

fn plus(a: Weight, b: Weight) -> Weight {
    [a[0] + b[0], a[1] + b[1]]
}

#[cfg(test)]
mod tests {
    use super::Ranked;

    /// Against a plain vector of (item, weight), after many random steps.
    #[test]
    fn places_and_ranks_are_those_of_a_plain_sequence() {
        let (mut ranked, mut plain) = (Ranked::new(), Vec::<(super::Id, usize, super::Weight)>::new());
        let mut random = 1_u64;
        let mut next = |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize % below
        };
        for step in 0..4_000 {
            match next(4) {
                0 | 1 => {
                    let (index, weight) = (next(plain.len() + 1), [next(3), next(2)]);
                    let before = plain.get(index).map(|(id, ..)| *id);
                    let id = ranked.insert(before, step, weight);
                    plain.insert(index, (id, step, weight));
                }
                2 if !plain.is_empty() => {
                    let (id, item, _) = plain.remove(next(plain.len()));
                    assert_eq!(ranked.remove(id), item);
                }
                3 if !plain.is_empty() => {
                    let (index, weight) = (next(plain.len()), [next(3), next(2)]);
                    plain[index].2 = weight;
                    ranked.set_weight(plain[index].0, weight);
                }
                _ => {}
            }
            if step % 50 == 0 {
                assert!(ranked.iter().eq(plain.iter().map(|(_, item, _)| item)));
                assert_eq!(ranked.count(), plain.len());
                let mut sum = [0, 0];
                for (id, item, weight) in &plain {
                    assert_eq!(ranked.before(*id), sum);
                    assert_eq!((ranked.get(*id), ranked.weight(*id)), (item, *weight));
                    for measure in 0..2 {
                        for offset in 0..weight[measure] {
                            assert_eq!(ranked.at(measure, sum[measure] + offset), Some((*id, offset)));
                        }
                        sum[measure] += weight[measure];
                    }
                }
                assert_eq!(ranked.total(), sum);
                assert_eq!(ranked.at(0, sum[0]), None);
                let found = ranked.search(|ranked, id| ranked.before(id)[0] * 2 >= sum[0]);
                let expected = plain.iter().find(|(id, ..)| ranked.before(*id)[0] * 2 >= sum[0]);
                assert_eq!(found, expected.map(|(id, ..)| *id));
            }
        }
    }
}
