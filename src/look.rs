//! Looking at a tree without touching it: what a [`Snapshot`](crate::Snapshot) is made from.
//!
//! The engine has all: its slots, what is queued without one, what is being polled. While another thread drives, only what
//! handles know is to be had (see `known`), and who can wait leaves an op for who drives.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::Waker;

use crate::clock;
use crate::engine::Engine;
use crate::error::Place;
use crate::node::{Node, State};
use crate::ready::{Entry, Key, Tag};
use crate::slot::{Kind, NONE, Slot};
use crate::snapshot::{NodeKind, SnapshotNode, Stage};
use crate::sync::{Mutex, lock};
use crate::transaction::TransactionId;
use crate::tree::{Op, Tree};
use crate::waker::{Wakers, drop_waker};

/// What stands at and below a node: it comes first, each before what is below it, in the order of adding.
pub(crate) type Nodes = Vec<SnapshotNode>;

/// Where who drives leaves the answer.
#[derive(Default)]
pub(crate) struct Answer(Mutex<(Option<Nodes>, Option<Waker>)>);

impl Answer {
    pub(crate) fn give(&self, nodes: Nodes, wakers: &mut Wakers) {
        let mut state = lock(&self.0);
        state.0 = Some(nodes);
        wakers.extend(state.1.take());
    }

    /// The answer, once it is there; until then this waker waits.
    pub(crate) fn take(&self, waker: &Waker) -> Option<Nodes> {
        let waker = waker.clone();
        let mut state = lock(&self.0);
        let nodes = state.0.take();
        let old = if nodes.is_some() { Some(waker) } else { state.1.replace(waker) };
        drop(state);
        drop_waker(old);
        nodes
    }

    /// Nobody waits any more: so that who drives, and drops this, drops no waker.
    pub(crate) fn forget(&self) {
        let old = lock(&self.0).1.take();
        drop_waker(old);
    }
}

/// Something in an engine.
enum Seen<'a> {
    Slot(Key, &'a Slot),
    /// Without a slot.
    Loose(Place, Stage),
}

impl Engine {
    /// What stands at and below this node.
    pub(crate) fn look(&mut self, node: &Arc<Node>) -> Nodes {
        if node.is_closed() || !node.is_placed() {
            return vec![alone(node)];
        }
        let nodes = self.below(node.key());
        // So that at the next look at least so much is known of what nobody drives.
        self.mark_time();
        nodes
    }

    /// The whole tree, if it is open.
    pub(crate) fn look_all(&self) -> Nodes {
        self.top.map_or_else(Nodes::new, |top| self.below(top))
    }

    fn below(&self, top: Key) -> Nodes {
        let mut seen: Vec<(u64, Key, Seen<'_>)> = Vec::with_capacity(self.slots.len());
        for (key, slot) in &self.slots {
            seen.push((slot.serial, slot.parent, Seen::Slot(key as Key, slot)));
        }
        let mut add = |entry: &Entry, stage| {
            let Tag { location, serial, parent, .. } = entry.tag;
            seen.push((serial, parent, Seen::Loose(location, stage)));
        };
        for (_, slot) in &self.slots {
            slot.in_line().for_each(|entry| add(entry, Stage::InLine));
            slot.held_back().for_each(|entry| add(entry, Stage::Held));
        }
        let (first, again) = self.ready.entries();
        first.for_each(|entry| add(entry, Stage::Queued));
        again.for_each(|entry| add(entry, Stage::Ready));
        self.doomed.iter().for_each(|entry| add(entry, Stage::Doomed));
        if let Some(loose) = &self.loose {
            seen.push((loose.serial, loose.parent, Seen::Loose(loose.location, Stage::Running)));
        }
        seen.sort_unstable_by_key(|(serial, ..)| *serial);

        let mut by_key = vec![usize::MAX; self.slots.iter().next_back().map_or(0, |(key, _)| key + 1)];
        for (index, (.., what)) in seen.iter().enumerate() {
            if let Seen::Slot(key, _) = what {
                by_key[*key as usize] = index;
            }
        }
        let mut woken = vec![false; by_key.len()];
        for key in self.ready.woken() {
            if let Some(woken) = woken.get_mut(key as usize) {
                *woken = true; // Else a stale wake.
            }
        }
        let above = |index: usize| match seen[index].1 {
            NONE => None,
            parent => by_key.get(parent as usize).copied(),
        };
        let now = clock::now();
        in_order(seen.len(), by_key[top as usize], above, |index, depth, parent| {
            let (serial, _, what) = &seen[index];
            let mut node = match what {
                Seen::Slot(key, slot) => of_slot(slot, woken[*key as usize]),
                Seen::Loose(location, stage) => SnapshotNode::new(NodeKind::Future, *stage, location),
            };
            node.age = self.clock.age(*serial, now);
            (node.depth, node.parent) = (depth, parent);
            node
        })
    }
}

fn of_slot(slot: &Slot, woken: bool) -> SnapshotNode {
    // Orphaned, a scope is kept as a future that is done.
    let kind = slot.node().map_or(slot.kind, |node| node.kind);
    let stage = match (kind, slot.live) {
        (Kind::Added, false) => Stage::Done,
        (Kind::Added, true) if slot.node().is_some_and(|node| node.outside.is_some()) => Stage::Elsewhere,
        (Kind::Added, true) if slot.job.is_none() => Stage::Running,
        (Kind::Added, true) if woken => Stage::Ready,
        (Kind::Added, true) => Stage::Pending,
        (Kind::Body, true) => Stage::Open,
        (Kind::Begun, _) if !slot.ending => Stage::Open,
        (Kind::Body | Kind::Begun, _) => Stage::Ending,
    };
    let mut seen = SnapshotNode::new(kind.into(), stage, slot.location);
    seen.pending = slot.pending as usize;
    if let Some(node) = slot.node() {
        seen.identify(node);
    }
    seen
}

/// What the handle itself knows.
fn alone(node: &Node) -> SnapshotNode {
    let stage = match (node.state(), node.kind) {
        (State::Closed, _) => Stage::Closed,
        (State::Ending, _) => Stage::Ending,
        (State::Open, Kind::Added) => Stage::Unknown,
        (State::Open, _) => Stage::Open,
    };
    let mut seen = SnapshotNode::new(node.kind.into(), stage, node.location);
    seen.pending = node.pending();
    seen.identify(node);
    seen
}

/// What is known of a tree that another thread drives: the node, and what others have left below it for who drives.
pub(crate) fn known(tree: &Tree, top: &Arc<Node>) -> Nodes {
    let mut left: Vec<(Arc<Node>, Option<Place>)> = Vec::new();
    for op in tree.lock().ops() {
        match op {
            Op::Add(node, entry) if top.is_above(node, false) => {
                left.push((node.clone(), Some(entry.location)));
            }
            Op::Begin(node) if top.is_above(node, false) => left.push((node.clone(), None)),
            _ => {}
        }
    }
    // Each node once, its parents before it.
    let mut seen: Vec<(Option<usize>, SnapshotNode)> = vec![(None, alone(top))];
    let mut indices = HashMap::from([(Arc::as_ptr(top), 0)]);
    for (node, added) in &left {
        let mut unseen = Vec::new();
        let mut at = Some(node);
        while let Some(node) = at.filter(|node| !indices.contains_key(&Arc::as_ptr(node))) {
            unseen.push(node);
            at = node.parent.as_ref();
        }
        let mut parent = at.and_then(|node| indices.get(&Arc::as_ptr(node)).copied());
        for node in unseen.into_iter().rev() {
            indices.insert(Arc::as_ptr(node), seen.len());
            seen.push((parent, alone(node)));
            parent = Some(seen.len() - 1);
        }
        if let (Some(index), Some(location)) = (parent, added) {
            seen[index].1.pending += 1;
            seen.push((parent, SnapshotNode::new(NodeKind::Future, Stage::Queued, location)));
        }
    }
    let (parents, mut nodes): (Vec<_>, Vec<_>) =
        seen.into_iter().map(|(parent, node)| (parent, Some(node))).unzip();
    in_order(
        nodes.len(),
        0,
        |index| parents[index],
        |index, depth, parent| {
            let mut node = nodes[index].take().unwrap_or_else(|| unreachable!("each once"));
            (node.depth, node.parent) = (depth, parent);
            node
        },
    )
}

/// Puts what is below `top` behind it, each before what is below it, else by index. `make` gets index, depth, and the place
/// of the parent in what it has made. Without recursion: a tree may be as deep as it likes.
fn in_order(
    count: usize,
    top: usize,
    above: impl Fn(usize) -> Option<usize>,
    mut make: impl FnMut(usize, usize, Option<usize>) -> SnapshotNode,
) -> Nodes {
    // By index: the last child, and the next older sibling.
    let mut last = vec![None; count];
    let mut older = vec![None; count];
    for (index, older) in older.iter_mut().enumerate() {
        if let Some(parent) = above(index) {
            *older = last[parent].replace(index);
        }
    }
    let mut made = Vec::new();
    let mut rest = vec![(top, 0, None)];
    while let Some((index, depth, parent)) = rest.pop() {
        let place = made.len();
        made.push(make(index, depth, parent));
        let mut child: Option<usize> = last[index];
        while let Some(index) = child {
            rest.push((index, depth + 1, Some(place)));
            child = older[index];
        }
    }
    made
}

impl SnapshotNode {
    fn identify(&mut self, node: &Node) {
        self.id = Some(TransactionId::of(node));
        self.name.clone_from(&node.name);
        if node.is_root() {
            self.kind = NodeKind::Root;
        } else if node.hooks.is_some() {
            self.kind = NodeKind::Atomic;
        }
    }
}

impl From<Kind> for NodeKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Added => NodeKind::Future,
            Kind::Body => NodeKind::Scope,
            Kind::Begun => NodeKind::Begun,
        }
    }
}
