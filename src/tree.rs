//! The shared part of a transaction tree: the mutex through which other threads reach its engine.
//!
//! # Protocol
//!
//! A tree has one [`Engine`] (slots, queues, counts). It is either *idle*: inside the mutex, and whoever locks it may use
//! it; or *driven*: owned by one thread, which keeps it in its thread-local ambient while it polls. Three ways lead to it:
//!
//! 1. on the thread that drives: through the ambient, without a lock;
//! 2. while it is idle: under the lock, directly;
//! 3. while another thread drives (or this one does, below another drive on its stack): an [`Op`] is left in the mutex,
//!    and the flag is raised.
//!
//! [`Tree::submit`] takes the right one. Invariants:
//!
//! - Idle means that no op is left: who puts the engine back applies what is there, under the same lock.
//! - The flag is raised under the lock, after the op; the driver looks at it before each poll and lowers it under the
//!   lock. So an op is seen before the driver leaves.
//! - Ops are applied in the order of submission, and a local add looks at the flag first: so first polls are one FIFO,
//!   whatever thread added.
//! - A node that others can hold (it has a [`Node`]) is closed only under the lock and only while no op is left. So an
//!   add by handle either comes before the close, and is waited for, or is refused.
//! - Nothing of the user's runs under the lock: ops only move things; what is to be woken or dropped is handed out.
//!
//! # Who wakes whom
//!
//! Outside drivers (scopes, `end`, `wait`, handles awaited from outside) have a seat in `drivers`. All of them are woken
//! when something becomes ready while nobody drives, and when a driver leaves with something ready (budget, drop, panic,
//! goal reached): one that is dropped or never polled again blocks nobody. A body's waker wakes its scope's task alone.
//! Completion is told to listeners (of a node, a ticket, a wait), never to `drivers`.

use std::sync::Arc;

use std::task::{Context, Waker};

use crate::cancel::Lasting;
use crate::current;
use crate::engine::Engine;
use crate::error::{Failures, drop_quietly};
use crate::failures::Trash;
use crate::look;
use crate::node::Node;
use crate::ready::{Added, Key};
use crate::registry;
use crate::spawn;
use crate::sync::{AtomicBool, AtomicU64, Mutex, MutexGuard, Ordering, fence, lock, store_before_loads};
use crate::ticket::Ticket;
use crate::wait::WaitCell;
use crate::waker::{Seat, WakerSet, Wakers, drop_waker, wake_all};
use crate::watch;

pub(crate) struct Tree {
    /// Unlike that of any other.
    pub(crate) id: u64,
    /// The root of the process: never closes.
    pub(crate) is_root: bool,
    /// The root has adopted it.
    adopted: AtomicBool,
    /// Something is in `ops`.
    flag: AtomicBool,
    /// The thread that drives; 0: none.
    thread: AtomicU64,
    /// It has a transaction that has not closed. Changes under the lock, but for a scope that nobody else can hold: that one
    /// is opened and closed without it (see `try_close`).
    open: AtomicBool,
    inner: Mutex<Inner>,
    /// With those it keeps apart from the trees of the process.
    pub(crate) apart: Option<Arc<registry::Apart>>,
    /// Where the registry has it.
    seat: registry::TreeSeat,
}

pub(crate) struct Inner {
    /// Here while nobody drives.
    pub(crate) engine: Option<Box<Engine>>,
    /// Left by others for who drives.
    ops: Vec<Op>,
    /// Outside drivers that wait for something to become ready.
    drivers: WakerSet,
}

/// What others want done.
pub(crate) enum Op {
    /// A future for this node.
    Add(Arc<Node>, Added),
    /// The same, for what survives a rollback.
    AddCleanup(Arc<Node>, Added),
    /// What this atomic transaction holds back may start, or goes to the one around it.
    Commit(Arc<Node>),
    /// What it holds back is to be dropped.
    Undo(Arc<Node>),
    /// The hooks of its rollback have been called.
    Undone(Arc<Node>),
    /// What this ticket is for, held by this node, was cancelled.
    CancelHeld(Arc<Node>, Arc<Ticket>),
    /// Give this node a slot below its parent.
    Begin(Arc<Node>),
    Wake(Key),
    /// Have the mark seen that was set on the ticket of what is, or was, in this slot.
    Cancel(Key),
    /// What others poll may be polled: it is held back no more.
    Release(Arc<Node>),
    /// What others poll is done, with these failures.
    Done(Arc<Node>, Failures),
    /// Something that waits for a place in this one has been cancelled.
    Unqueue(Key),
    /// Drop what is pending below; what is added later, too, if that is said.
    CancelBelow(Arc<Node>, Lasting),
    /// Close when all has settled.
    End(Arc<Node>),
    /// A scope's body is done (its owner still takes the outcome).
    BodyDone(Arc<Node>),
    /// The owner is gone: what is pending lives on with the parent.
    Orphan(Arc<Node>),
    /// Say when what counts now has settled.
    Wait(Arc<Node>, Arc<WaitCell>),
    /// Hand over the failures that nobody has received.
    Collect(Arc<Node>, Arc<WaitCell>),
    /// Failures that nobody received.
    Fail(Arc<Node>, Failures),
    /// Tell which transactions are open.
    Survey(Arc<registry::Survey>),
    /// Tell what stands below.
    Look(Arc<Node>, Arc<look::Answer>),
}

/// The answer to who wants to drive.
pub(crate) enum Access {
    /// It is yours: give it back.
    Drive(Box<Engine>),
    /// Another thread drives; the waker has been left.
    Busy,
}

impl Tree {
    pub(crate) fn new(is_root: bool, apart: Option<Arc<registry::Apart>>) -> Arc<Self> {
        let id = registry::next_id();
        let tree = Arc::new(Tree {
            id,
            is_root,
            adopted: AtomicBool::new(false),
            flag: AtomicBool::new(false),
            thread: AtomicU64::new(0),
            open: AtomicBool::new(false),
            inner: Mutex::new(Inner { engine: None, ops: Vec::new(), drivers: WakerSet::new() }),
            apart,
            seat: registry::TreeSeat::default(),
        });
        tree.seat.take(&tree);
        tree
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    /// Is it driven by this thread, anywhere on its stack?
    pub(crate) fn is_driven_by(&self, thread: u64) -> bool {
        // Only this thread writes its own number, so that order with others does not matter.
        self.thread.load(Ordering::Relaxed) == thread
    }

    pub(crate) fn set_driven_by(&self, thread: u64) {
        self.thread.store(thread, Ordering::Relaxed);
    }

    pub(crate) fn is_adopted(&self) -> bool {
        self.adopted.load(Ordering::Relaxed)
    }

    pub(crate) fn set_adopted(&self) {
        self.adopted.store(true, Ordering::Relaxed);
    }

    /// Do they have the same root?
    pub(crate) fn is_beside(&self, other: &Tree) -> bool {
        match (&self.apart, &other.apart) {
            (None, None) => true,
            (Some(apart), Some(other)) => Arc::ptr_eq(apart, other),
            _ => false,
        }
    }

    /// Has anybody left an op?
    #[inline]
    pub(crate) fn has_ops(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    /// Applies the op, or leaves it for who drives.
    pub(crate) fn submit(self: &Arc<Self>, op: Op) {
        let mut op = Some(op);
        if current::with(|ambient| {
            ambient.on_top(self.id, |engine| {
                self.apply_ops(engine);
                engine.apply(self, op.take().unwrap_or_else(|| unreachable!("taken once")));
            })
        })
        .is_some()
        {
            return;
        }
        let Some(op) = op else { return };
        self.change(|inner| inner.submit(self, op));
    }

    /// Changes the inner part, and wakes the drivers if something has become ready while nobody drives.
    pub(crate) fn change<R>(self: &Arc<Self>, f: impl FnOnce(&mut Inner) -> R) -> R {
        let (result, mail) = {
            let mut inner = self.lock();
            let result = f(&mut inner);
            (result, inner.tidy(self))
        };
        deliver(mail);
        result
    }

    /// Is anything pending in its top node, or on its way to that or to one below?
    pub(crate) fn is_busy(&self, top: &Node) -> bool {
        let inner = self.lock();
        top.pending() > 0 || !inner.ops.is_empty()
    }

    /// How many futures for this node who drives has not seen yet.
    pub(crate) fn adds_under_way(&self, node: &Arc<Node>) -> usize {
        if !self.has_ops() {
            return 0;
        }
        let is_add =
            |op: &&Op| matches!(op, Op::Add(whom, _) | Op::AddCleanup(whom, _) if Arc::ptr_eq(whom, node));
        self.lock().ops.iter().filter(is_add).count()
    }

    /// Applies what others left. For who owns the engine.
    #[inline]
    pub(crate) fn apply_ops(self: &Arc<Self>, engine: &mut Engine) {
        if self.has_ops() {
            self.apply_ops_slowly(engine);
        }
    }

    #[cold]
    fn apply_ops_slowly(self: &Arc<Self>, engine: &mut Engine) {
        // Under the lock, so that what is added is seen at any time: as an op or as pending.
        let mut inner = self.lock();
        self.flag.store(false, Ordering::Relaxed);
        inner.ops.drain(..).for_each(|op| engine.apply(self, op));
    }

    /// Closes what has settled and may be held by others. For who owns the engine.
    #[cold]
    pub(crate) fn close_settled(self: &Arc<Self>, engine: &mut Engine) {
        loop {
            self.apply_ops(engine);
            let inner = self.lock();
            if inner.ops.is_empty() {
                engine.close_settled(self);
                self.set_open(engine.is_open());
                return;
            }
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    pub(crate) fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::Release);
    }

    /// Closes the transaction of a scope that nobody else can hold, without the lock. False if somebody has left an op:
    /// apply it and try again.
    ///
    /// Who asks an open tree something leaves an op, raises the flag, and looks once more whether the tree is open, all
    /// under the lock (see `ask`). So either that comes second, finds it closed and takes the op back, or this comes second
    /// and sees the flag.
    pub(crate) fn try_close(&self) -> bool {
        store_before_loads(&self.open, false);
        if self.flag.load(Ordering::SeqCst) {
            self.set_open(true);
            return false;
        }
        true
    }

    /// Has a survey answered, if the tree is open.
    pub(crate) fn ask(self: &Arc<Self>, survey: &Arc<registry::Survey>) -> bool {
        self.change(|inner| {
            if !self.is_open() {
                return false;
            }
            inner.submit(self, Op::Survey(survey.clone()));
            fence(Ordering::SeqCst);
            if inner.engine.is_some() || self.is_open() {
                return true;
            }
            inner.ops.pop();
            self.flag.store(!inner.ops.is_empty(), Ordering::Release);
            false
        })
    }

    /// Puts the engine of an open transaction into its place.
    pub(crate) fn put_engine(&self, engine: Box<Engine>) {
        let mut inner = self.lock();
        inner.engine = Some(engine);
        self.set_open(true);
    }

    /// The engine, if nobody drives. It knows its tree.
    pub(crate) fn take_engine(self: &Arc<Self>) -> Option<Box<Engine>> {
        let mut engine = self.lock().engine.take()?;
        engine.tree = Some(self.clone());
        Some(engine)
    }

    /// The engine, unless another thread has it.
    pub(crate) fn access(self: &Arc<Self>, seat: &mut Seat, waker: impl FnOnce() -> Waker) -> Access {
        if let Some(engine) = self.take_engine() {
            return Access::Drive(engine);
        }
        let waker = waker();
        let mut inner = self.lock();
        match inner.engine.take() {
            Some(mut engine) => {
                drop(inner);
                drop_waker(Some(waker));
                engine.tree = Some(self.clone());
                Access::Drive(engine)
            }
            None => {
                let old = inner.drivers.sit(seat, waker);
                drop(inner);
                drop_waker(old);
                Access::Busy
            }
        }
    }

    /// Puts the engine back. With `wait`, only if nothing is ready, and who drove waits in his seat from now on: else it
    /// is given back. Without, all drivers are woken if something is ready.
    pub(crate) fn release(
        mut engine: Box<Engine>,
        wait: Option<(&mut Seat, Waker)>,
    ) -> Result<(), Box<Engine>> {
        // The tree is not to hold itself.
        let Some(tree) = engine.tree.take() else { unreachable!("it is set while the engine is out") };
        if wait.is_some() {
            engine.mark_time();
        }
        let mut old = None;
        let mail = {
            let mut guard = tree.lock();
            let inner = &mut *guard;
            if wait.is_some() && (!inner.ops.is_empty() || engine.has_work()) {
                drop(guard);
                drop_waker(wait.map(|(_, waker)| waker));
                engine.tree = Some(tree);
                return Err(engine);
            }
            tree.flag.store(false, Ordering::Relaxed);
            inner.ops.drain(..).for_each(|op| engine.apply(&tree, op));
            engine.stirred = true;
            inner.engine = Some(engine);
            let mail = inner.tidy(&tree);
            if let Some((seat, waker)) = wait {
                old = inner.drivers.sit(seat, waker);
            }
            mail
        };
        drop_waker(old);
        deliver(mail);
        Ok(())
    }

    /// Makes a closed tree ready for its next transaction, with the engine in its place. False if there is something in it.
    /// For who alone holds it.
    pub(crate) fn trim_blank(&self) -> bool {
        let mut inner = self.lock();
        let engine = inner.engine.as_deref_mut();
        let blank = engine.filter(|engine| !self.is_open() && engine.is_blank());
        blank.map(Engine::trim).is_some()
    }

    /// Uses the engine without waiting for it. `None` if another thread has it: that one puts it back in its own time.
    pub(crate) fn peek<R>(self: &Arc<Self>, f: impl FnOnce(&mut Engine) -> R) -> Option<R> {
        let mut f = Some(f);
        let mut look = |engine: &mut Engine| {
            self.apply_ops(engine);
            f.take().map(|f| f(engine))
        };
        let here = current::with(|ambient| {
            ambient.on_top(self.id, &mut look).or_else(|| ambient.below(self.id, &mut look))
        });
        match here {
            Some(found) => found,
            // Idle: no op is left.
            None => self.lock().engine.as_deref_mut().and_then(|engine| f.take().map(|f| f(engine))),
        }
    }

    /// For who must not drive now, as this stack drives the tree below another one (or too much): he may have to later,
    /// when that drive is over. Polled in the topmost drive he is a part of this tree, which others drive.
    pub(crate) fn sit_below(&self, seat: &mut Seat, cx: &Context<'_>) {
        if current::with(|ambient| ambient.driving.get() == self.id) {
            return;
        }
        let waker = cx.waker().clone();
        let old = self.lock().drivers.sit(seat, waker);
        drop_waker(old);
    }

    /// Waits no more for something to become ready.
    #[inline]
    pub(crate) fn leave(&self, seat: &mut Seat) {
        if seat.is_some() {
            let old = self.lock().drivers.leave(seat);
            drop_waker(old);
        }
    }
}

impl Inner {
    /// Applies the op if the engine is idle, or leaves it for who drives.
    pub(crate) fn submit(&mut self, tree: &Arc<Tree>, op: Op) {
        match &mut self.engine {
            Some(engine) => engine.apply(tree, op),
            None => {
                self.ops.push(op);
                tree.flag.store(true, Ordering::Release);
            }
        }
    }

    /// What others have left and nobody has done yet.
    pub(crate) fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// After a change of an idle engine: closes, collects who is to be woken and what is to be dropped.
    #[must_use]
    fn tidy(&mut self, tree: &Arc<Tree>) -> Option<Mail> {
        let engine = self.engine.as_deref_mut()?;
        let mut mail = None;
        // Else something has been added at most.
        if std::mem::take(&mut engine.stirred) {
            if !engine.closing.is_empty() {
                engine.close_settled(tree);
            }
            tree.set_open(engine.is_open());
            mail = engine.hand_out();
        }
        if !self.drivers.is_empty() && engine.has_work() {
            self.drivers.take_all(&mut mail.get_or_insert_default().wakers);
        }
        mail
    }
}

/// What a change leaves to be done without locks.
#[derive(Default)]
pub(crate) struct Mail {
    pub(crate) wakers: Wakers,
    pub(crate) trash: Trash,
}

/// Wakes and drops. Whatever panics in it, all of it is done.
#[inline]
pub(crate) fn deliver(mail: Option<Mail>) {
    if let Some(mail) = mail {
        wake_and_drop(mail);
    }
}

#[inline(never)]
fn wake_and_drop(mail: Mail) {
    let Mail { wakers, trash } = mail;
    if !trash.is_empty() {
        empty(trash);
    }
    wake_all(wakers);
}

#[cold]
fn empty(trash: Trash) {
    let Trash { failures, nodes, tasks, tickets } = trash;
    spawn::hand_over(tasks);
    failures.into_iter().for_each(drop_quietly);
    nodes.into_iter().for_each(|node| {
        watch::closed(&node);
        drop_quietly(node);
    });
    tickets.into_iter().for_each(drop_quietly);
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.seat.leave(self.apart.as_ref());
    }
}
