//! Opening a transaction: below the one that is current, or on a tree of its own.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::current::{Ambient, Current};
use crate::engine::Engine;
use crate::error::Place;
use crate::hooks::Hooks;
use crate::limit::Limit;
use crate::node::Node;
use crate::on_drop::OnDrop;
use crate::pool;
use crate::ready::Key;
use crate::registry::Apart;
use crate::slot::{DEPTH_LIMIT, Kind};
use crate::spawn::SharedSpawner;
use crate::tree::{Op, Tree};
use crate::watch;

/// What a builder asks for. Mostly nothing: then it is one word.
#[derive(Clone, Default, Debug)]
pub(crate) struct Options(Option<Box<Wishes>>);

/// What a builder may ask for.
#[derive(Clone, Default, Debug)]
pub(crate) struct Wishes {
    pub(crate) name: Option<Box<str>>,
    /// How deep futures below it may be.
    pub(crate) depth_limit: Option<u32>,
    /// What runs the futures that are added to it or below.
    pub(crate) spawner: Option<SharedSpawner>,
    /// All or nothing.
    pub(crate) atomic: bool,
    pub(crate) limits: Limits,
    /// With what it keeps apart from the process.
    pub(crate) apart: Option<Arc<Apart>>,
}

impl Deref for Options {
    type Target = Wishes;

    #[inline]
    fn deref(&self) -> &Wishes {
        static NOTHING: Wishes = Wishes {
            name: None,
            depth_limit: None,
            spawner: None,
            atomic: false,
            limits: Limits { limit: None, fail_fast: false, max_failures: None, on_drop: OnDrop::Adopt },
            apart: None,
        };
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Options {
    fn deref_mut(&mut self) -> &mut Wishes {
        self.0.get_or_insert_default()
    }
}

/// What a transaction may have beyond that, as its slot is to know it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    /// How many children may run at once.
    pub(crate) limit: Option<usize>,
    /// The first failure cancels the rest.
    pub(crate) fail_fast: bool,
    /// How many failures are kept.
    pub(crate) max_failures: Option<usize>,
    /// What becomes of what is pending when it is dropped before its end.
    pub(crate) on_drop: OnDrop,
}

impl Engine {
    /// Of a transaction that has just been opened.
    #[inline]
    pub(crate) fn apply_limits(&mut self, key: Key, limits: Limits) {
        if limits != Limits::default() {
            self.apply_limits_slowly(key, limits);
        }
    }

    #[cold]
    fn apply_limits_slowly(&mut self, key: Key, limits: Limits) {
        let Limits { limit, fail_fast, max_failures, on_drop: _ } = limits;
        self.bounds |= max_failures.is_some();
        let slot = self.slot(key);
        slot.gated |= limit.is_some() || fail_fast;
        let extra = slot.extra();
        extra.limit = limit.map(|places| Box::new(Limit::new(places)));
        extra.fail_fast = fail_fast;
        extra.max_failures = max_failures;
    }
}

/// An open transaction, as its owner has it.
pub(crate) struct Site {
    pub(crate) tree: Arc<Tree>,
    /// Its slot, while the owner knows that it stands (see `node`).
    pub(crate) key: Key,
    /// What others may hold. A scope has none until it is first suspended, or somebody asked for a handle.
    pub(crate) node: Option<Arc<Node>>,
    /// Of a tree of its own: not in its place yet.
    pub(crate) engine: Option<Box<Engine>>,
}

impl Ambient {
    /// Opens a transaction whose parent is what is current here.
    #[inline]
    pub(crate) fn open(&self, kind: Kind, options: Options, location: Place) -> Site {
        if self.is_nothing_current() && options.is_empty() {
            return open_tree(kind, options, location, None);
        }
        self.open_in_current(kind, options, location)
    }

    /// Begins a transaction whose parent is what is current here.
    #[inline]
    pub(crate) fn begin(&self, options: Options, location: Place) -> Arc<Node> {
        let again = self.is_nothing_current() && options.is_empty();
        let again = if again { pool::begin_again(location) } else { None };
        again.unwrap_or_else(|| node_of(self.open(Kind::Begun, options, location)))
    }

    #[inline(never)]
    fn open_in_current(&self, kind: Kind, options: Options, location: Place) -> Site {
        self.make_lazy();
        let (mut parent, apart) = match self.current() {
            Current::Polled | Current::Slot(_) if self.is_beside_here(&options) => {
                match self.exiling_here() {
                    None => return self.open_here(kind, options, location),
                    Some(node) => (node.exile(), node.tree.apart.clone()),
                }
            }
            Current::Node(node) if options.is_beside(&node.tree) => {
                let above = if node.is_exiling() { node.exile() } else { node.nearest_open() };
                (above, node.tree.apart.clone())
            }
            _ => (None, options.apart.clone()),
        };
        while let Some(above) = parent {
            match open_in(&above, kind, &options, location) {
                Some(site) => return site,
                None => parent = above.nearest_open(),
            }
        }
        open_tree(kind, options, location, apart)
    }

    /// Where what is current takes nothing, as it is dropped in a rollback: see `exile`.
    fn exiling_here(&self) -> Option<Arc<Node>> {
        if !self.engine.borrow().as_ref()?.is_gated(self.current_here()?) {
            return None;
        }
        self.engine_here(|engine, tree, key| engine.exiling(key).map(|key| engine.share(tree, key)))
    }

    /// Does what is driven here keep together with what is to be opened?
    #[inline]
    fn is_beside_here(&self, options: &Options) -> bool {
        options.apart.is_none()
            || self
                .engine
                .borrow()
                .as_ref()
                .and_then(|engine| engine.tree.as_ref())
                .is_some_and(|tree| options.is_beside(tree))
    }

    /// Below what is current in the tree that is driven here.
    fn open_here(&self, kind: Kind, options: Options, location: Place) -> Site {
        let (limit, limits) = (options.depth_limit, options.limits);
        let (key, tree, node) = self.engine_here(|engine, tree, parent| {
            // Inside an atomic transaction, too, as that may hand over what was added there.
            let named = kind == Kind::Begun || options.need_node() || engine.slot(parent).gated;
            let node = named.then(|| {
                let above = engine.share(tree, parent);
                options.shared_node(tree, kind, Some(above), location)
            });
            let key = engine.open_below(parent, kind, location, node.clone(), limit);
            engine.apply_limits(key, limits);
            (key, tree.clone(), node)
        });
        Site { tree, key, node, engine: None }
    }

    /// With the engine that is driven here and the slot of what is current in it. Only where that is a slot, or loose.
    pub(crate) fn engine_here<R>(&self, f: impl FnOnce(&mut Engine, &Arc<Tree>, Key) -> R) -> R {
        let mut engine = self.engine.borrow_mut();
        let Some(engine) = engine.as_deref_mut() else { unreachable!("a slot is current only in a drive") };
        let Some(tree) = engine.tree.clone() else { unreachable!("it is set in a drive") };
        engine.stirred = true;
        tree.apply_ops(engine);
        let key = self.current_here().flatten().unwrap_or_else(|| engine.materialise());
        f(engine, &tree, key)
    }

    /// Where a transaction is to be begun when one is needed: begins it now.
    pub(crate) fn make_lazy(&self) {
        let Current::Lazy(location) = self.current() else { return };
        let begin = || node_of(open_tree(Kind::Begun, Options::default(), location, None));
        let node = pool::begin_again(location).unwrap_or_else(begin);
        watch::begun(Some(&node));
        self.set_current(Current::Node(node));
    }
}

/// Of what was begun.
fn node_of(begun: Site) -> Arc<Node> {
    begun.node.unwrap_or_else(|| unreachable!("what is begun is held by its owner"))
}

impl Options {
    /// Is there nothing in them?
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// May it be opened below something in this tree?
    fn is_beside(&self, tree: &Tree) -> bool {
        match (&self.apart, &tree.apart) {
            (None, _) => true,
            (Some(apart), Some(other)) => Arc::ptr_eq(apart, other),
            (Some(_), None) => false,
        }
    }

    /// Is a node needed from the start: does the driver look for any of it there, or who watches?
    fn need_node(&self) -> bool {
        watch::is_on() || (!self.is_empty() && (self.name.is_some() || self.spawner.is_some() || self.atomic))
    }

    pub(crate) fn shared_node(
        &self,
        tree: &Arc<Tree>,
        kind: Kind,
        parent: Option<Arc<Node>>,
        location: Place,
    ) -> Arc<Node> {
        if self.is_empty() {
            return Node::new(tree.clone(), kind, parent, location);
        }
        Arc::new(self.node(tree.clone(), kind, parent, location))
    }

    pub(crate) fn node(
        &self,
        tree: Arc<Tree>,
        kind: Kind,
        parent: Option<Arc<Node>>,
        location: Place,
    ) -> Node {
        let mut node = Node::unshared(tree, kind, parent, location);
        node.name.clone_from(&self.name);
        node.depth_limit = self.depth_limit;
        node.spawner.clone_from(&self.spawner);
        node.hooks = self.atomic.then(|| Box::new(Hooks::new()));
        node.limits = self.limits;
        node
    }
}

/// Below a node of any tree. `None` if it has closed meanwhile.
fn open_in(parent: &Arc<Node>, kind: Kind, options: &Options, location: Place) -> Option<Site> {
    let tree = parent.tree.clone();
    let node = options.shared_node(&tree, kind, Some(parent.clone()), location);
    parent.submit_if_open(Op::Begin(node.clone())).ok()?;
    Some(Site { tree, key: node.key(), node: Some(node), engine: None })
}

/// On a tree of its own. A scope's engine is not put into its place, as it will drive at once.
#[inline]
fn open_tree(kind: Kind, options: Options, location: Place, apart: Option<Arc<Apart>>) -> Site {
    let (tree, mut engine) = match apart {
        None => pool::take(),
        apart => {
            let tree = Tree::new(false, apart);
            let engine = Engine::new(&tree);
            (tree, engine)
        }
    };
    let named = kind == Kind::Begun || options.need_node();
    let node = named.then(|| options.shared_node(&tree, kind, None, location));
    let key = engine.open(kind, location, node.clone());
    if !options.is_empty() {
        engine.slot(key).deepest = options.depth_limit.unwrap_or(DEPTH_LIMIT);
        engine.apply_limits(key, options.limits);
    }
    if kind != Kind::Begun {
        tree.set_open(true);
        return Site { tree, key, node, engine: Some(engine) };
    }
    engine.tree = None;
    tree.put_engine(engine);
    Site { tree, key, node, engine: None }
}
