//! What a transaction looks like inside at one moment: [`Snapshot`].

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::error::Place;
use crate::look::{self, Answer, Nodes};
use crate::node::Node;
use crate::registry;
use crate::transaction::TransactionId;
use crate::tree::Op;

/// A transaction and everything below it, as it was at one moment. See
/// [`Transaction::snapshot`](crate::Transaction::snapshot).
///
/// [`Display`](fmt::Display) is a tree for people, a node a line; [`to_mermaid`](Snapshot::to_mermaid) is a diagram;
/// [`nodes`](Snapshot::nodes) has all of it as data. The first two are bounded, and say how much they leave out.
///
/// ```
/// let import = settled::Transaction::builder().name("import").begin();
/// import.add(async { /* .. */ }).unwrap();
/// import.add(async { /* .. */ }).unwrap();
/// let snapshot = import.snapshot();
///
/// let stages: Vec<_> = snapshot.nodes().map(|node| node.stage()).collect();
/// assert_eq!(stages, [settled::Stage::Open, settled::Stage::Queued, settled::Stage::Queued]);
/// assert!(snapshot.to_string().contains("open, 2 pending"));
/// # settled::block_on(import.end()).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Snapshot {
    nodes: Nodes,
    complete: bool,
}

/// One node of a [`Snapshot`]: a transaction, or a future that was added.
///
/// ```
/// use settled::{NodeKind, Stage, Transaction};
///
/// let import = Transaction::builder().name("import").begin();
/// import.add(async {}).unwrap();
/// let snapshot = import.snapshot();
/// let nodes: Vec<_> = snapshot.nodes().collect();
/// assert_eq!((nodes[0].id(), nodes[0].name(), nodes[0].pending()), (Some(import.id()), Some("import"), 1));
/// assert_eq!((nodes[1].kind(), nodes[1].stage()), (NodeKind::Future, Stage::Queued));
/// assert_eq!((nodes[1].depth(), nodes[1].parent(), nodes[1].location().file()), (1, Some(0), file!()));
/// assert_eq!(nodes[1].age(), None); // nobody has left it pending yet
/// # settled::block_on(import.end()).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct SnapshotNode {
    pub(crate) id: Option<TransactionId>,
    pub(crate) name: Option<Box<str>>,
    pub(crate) kind: NodeKind,
    pub(crate) stage: Stage,
    pub(crate) location: Place,
    /// Directly below it.
    pub(crate) pending: usize,
    /// At least.
    pub(crate) age: Option<Duration>,
    pub(crate) depth: usize,
    /// Its place among the nodes.
    pub(crate) parent: Option<usize>,
}

/// What a node of a [`Snapshot`] is.
///
/// ```
/// let import = settled::Transaction::builder().name("import").begin();
/// import.add(std::future::pending::<()>()).unwrap();
/// let snapshot = import.snapshot();
/// let kinds: Vec<_> = snapshot.nodes().map(|node| node.kind()).collect();
/// assert_eq!(kinds, [settled::NodeKind::Begun, settled::NodeKind::Future]);
/// assert_eq!(kinds[0].to_string(), "transaction");
/// # import.abort();
/// # settled::block_on(import.end()).unwrap();
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum NodeKind {
    /// The root of the process, or of a registry.
    Root,
    /// A scope.
    Scope,
    /// An atomic transaction.
    Atomic,
    /// A transaction that was begun.
    Begun,
    /// A future that was added; below it is what it added in turn.
    Future,
}

/// How far a node of a [`Snapshot`] has come.
///
/// ```
/// let import = settled::Transaction::builder().name("import").begin();
/// import.add(std::future::pending::<()>()).unwrap();
/// let snapshot = import.snapshot();
/// let stages: Vec<_> = snapshot.nodes().map(|node| node.stage()).collect();
/// assert_eq!(stages, [settled::Stage::Open, settled::Stage::Queued]);
/// assert_eq!(stages[1].to_string(), "queued");
/// # import.abort();
/// # settled::block_on(import.end()).unwrap();
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Stage {
    /// A transaction: open. A scope's body is not done.
    Open,
    /// A transaction: it closes when all below it has settled. A scope's body is done.
    Ending,
    /// A transaction: closed.
    Closed,
    /// A future that an atomic transaction holds back until it commits.
    Held,
    /// A future that waits for one of the [places](crate::TransactionBuilder::limit) of its transaction.
    InLine,
    /// A future that has not been polled yet.
    Queued,
    /// A future that is being polled at this moment.
    Running,
    /// A future that was woken, and waits for its turn.
    Ready,
    /// A future that waits to be woken.
    Pending,
    /// A future that something else polls: a spawner's task, or its user.
    Elsewhere,
    /// A future that is dropped with the next turn, unstarted.
    Doomed,
    /// A future that is done; something below it is not.
    Done,
    /// A future that may or may not be polled at this moment: another thread drives the tree, or it is a task of its own.
    Unknown,
}

impl Snapshot {
    /// What can be had without waiting.
    pub(crate) fn of(node: &Arc<Node>) -> Self {
        let mut snapshot = match node.tree.peek(|engine| engine.look(node)) {
            Some(nodes) => Snapshot { nodes, complete: true },
            None => Snapshot { nodes: look::known(&node.tree, node), complete: node.is_closed() },
        };
        if node.is_root() {
            snapshot.add_adopted(node);
        }
        snapshot
    }

    /// Below the root: the trees that it has adopted, each below the future that drives it.
    fn add_adopted(&mut self, root: &Node) {
        let mut grafts: Vec<(usize, Nodes)> = Vec::new();
        // By place: those directly below the root that may be drivers, the last one first.
        let mut drivers: HashMap<*const Location<'_>, Vec<usize>> = HashMap::new();
        for (index, node) in self.nodes.iter().enumerate().rev() {
            if node.depth == 1 && node.kind == NodeKind::Future {
                drivers.entry(std::ptr::from_ref(node.location)).or_default().push(index);
            }
        }
        for tree in registry::adopted(root.tree.apart.as_ref()) {
            let Some(below) = tree.peek(|engine| engine.look_all()) else {
                self.complete = false;
                continue;
            };
            let Some(top) = below.first() else { continue };
            // It was added where the top of the tree was begun. Of several of one place any will do: they are alike.
            let alike = drivers.get_mut(&std::ptr::from_ref(top.location));
            let index = alike.and_then(Vec::pop).unwrap_or(0);
            grafts.push((index, below));
        }
        if grafts.is_empty() {
            return;
        }
        // Each graft goes right behind its driver, which has nothing else below it.
        grafts.sort_by_key(|(index, _)| *index);
        let mut grafts = grafts.into_iter().peekable();
        let mut places = Vec::with_capacity(self.nodes.len());
        let mut grown = Nodes::new();
        for (index, mut node) in std::mem::take(&mut self.nodes).into_iter().enumerate() {
            places.push(grown.len());
            node.parent = node.parent.map(|parent| places[parent]);
            let (place, depth) = (grown.len(), node.depth + 1);
            grown.push(node);
            while let Some((_, below)) = grafts.next_if(|(driver, _)| *driver == index) {
                let first = grown.len();
                grown.extend(below.into_iter().map(|mut node| {
                    node.depth += depth;
                    node.parent = Some(node.parent.map_or(place, |parent| first + parent));
                    node
                }));
            }
        }
        self.nodes = grown;
    }

    /// Does it show everything? Not while another thread drives the tree: then it has the transaction itself, and what
    /// others have added that the driver has not seen yet.
    ///
    /// ```
    /// let import = settled::Transaction::builder().name("import").begin();
    /// import.add(std::future::pending::<()>()).unwrap();
    /// let snapshot = import.snapshot();
    /// assert!(snapshot.is_complete()); // no other thread drives it
    /// # import.abort();
    /// # settled::block_on(import.end()).unwrap();
    /// ```
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// All nodes: first the transaction itself, each before those below it, siblings in the order of adding.
    ///
    /// ```
    /// let import = settled::Transaction::builder().name("import").begin();
    /// import.add(std::future::pending::<()>()).unwrap();
    /// let snapshot = import.snapshot();
    /// assert_eq!(snapshot.nodes().len(), 2);
    /// # import.abort();
    /// # settled::block_on(import.end()).unwrap();
    /// ```
    pub fn nodes(&self) -> std::slice::Iter<'_, SnapshotNode> {
        self.nodes.iter()
    }
}

impl SnapshotNode {
    pub(crate) fn new(kind: NodeKind, stage: Stage, location: Place) -> Self {
        SnapshotNode {
            id: None,
            name: None,
            kind,
            stage,
            location,
            pending: 0,
            age: None,
            depth: 0,
            parent: None,
        }
    }

    /// The number of the transaction, if a handle of it was ever made.
    ///
    /// Shown in the example of [`SnapshotNode`].
    pub fn id(&self) -> Option<TransactionId> {
        self.id
    }

    /// The name of the transaction, if it has one.
    ///
    /// Shown in the example of [`SnapshotNode`].
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What it is.
    ///
    /// Shown in the example of [`SnapshotNode`].
    pub fn kind(&self) -> NodeKind {
        self.kind
    }

    /// How far it has come.
    ///
    /// Shown in the example of [`SnapshotNode`].
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Where it was begun or added.
    ///
    /// Shown in the example of [`SnapshotNode`].
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// How much directly below it has not settled. A begun transaction counts while it has work.
    ///
    /// Shown in the example of [`SnapshotNode`].
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// For how long it has been there: at least so long. It counts from when a driver left it pending for the first time
    /// (or somebody took a snapshot of it); `None` before.
    ///
    /// Shown in the example of [`SnapshotNode`].
    pub fn age(&self) -> Option<Duration> {
        self.age
    }

    /// How deep it is below the first node, which is at 0.
    ///
    /// Shown in the example of [`SnapshotNode`].
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The place in [`Snapshot::nodes`] of what it was begun in or added to. `None` for the first node.
    ///
    /// Shown in the example of [`SnapshotNode`].
    pub fn parent(&self) -> Option<usize> {
        self.parent
    }
}

impl fmt::Display for NodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            NodeKind::Root => "root",
            NodeKind::Scope => "scope",
            NodeKind::Atomic => "atomic",
            NodeKind::Begun => "transaction",
            NodeKind::Future => "future",
        })
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Stage::Open => "open",
            Stage::Ending => "ending",
            Stage::Closed => "closed",
            Stage::Held => "held",
            Stage::InLine => "in line",
            Stage::Queued => "queued",
            Stage::Running => "running",
            Stage::Ready => "ready",
            Stage::Pending => "pending",
            Stage::Elsewhere => "elsewhere",
            Stage::Doomed => "doomed",
            Stage::Done => "done",
            Stage::Unknown => "unknown",
        })
    }
}

/// A snapshot of everything. See [`Transaction::complete_snapshot`](crate::Transaction::complete_snapshot).
///
/// ```
/// let transaction = settled::begin();
/// let whole: settled::CompleteSnapshot = transaction.complete_snapshot();
/// assert!(settled::block_on(whole).is_complete());
/// # settled::block_on(transaction.end()).unwrap();
/// ```
#[must_use = "it is taken when it is awaited"]
pub struct CompleteSnapshot {
    node: Arc<Node>,
    /// Where who drives answers, once he was asked.
    answer: Option<Arc<Answer>>,
}

impl CompleteSnapshot {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        CompleteSnapshot { node, answer: None }
    }
}

impl Future for CompleteSnapshot {
    type Output = Snapshot;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Snapshot> {
        let CompleteSnapshot { node, answer } = &mut *self;
        if let Some(nodes) = answer.as_ref().and_then(|answer| answer.take(cx.waker())) {
            let mut snapshot = Snapshot { nodes, complete: true };
            if node.is_root() {
                snapshot.add_adopted(node);
            }
            return Poll::Ready(snapshot);
        }
        if answer.is_some() {
            return Poll::Pending;
        }
        let snapshot = Snapshot::of(node);
        if snapshot.complete {
            return Poll::Ready(snapshot);
        }
        let asked = answer.insert(Arc::default()).clone();
        node.tree.submit(Op::Look(node.clone(), asked));
        self.poll(cx)
    }
}

impl Drop for CompleteSnapshot {
    fn drop(&mut self) {
        if let Some(answer) = &self.answer {
            answer.forget();
        }
    }
}

impl fmt::Debug for CompleteSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompleteSnapshot").field("transaction", &self.node.id).finish()
    }
}
