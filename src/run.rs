//! The transaction of a body that has been started: its turns with the tree, its suspension, its end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::cancel::{self, Lasting};
use crate::commit::{Commit, Verdict};
use crate::current::{self, Ambient, Current, Frame, Goal, Polled};
use crate::driver::{Drive, Left};
use crate::engine::Engine;
use crate::error::{Failure, Failures, Place, call_quietly};
use crate::frames::Framed;
use crate::node::Node;
use crate::on_drop::OnDrop;
use crate::open::{Options, Site};
use crate::owned::{Heard, abandon};
use crate::pool;
use crate::ready::Key;
use crate::report;
use crate::slot::{Kind, NONE};
use crate::tree::{Access, Op, Tree};
use crate::until::only_listens;
use crate::waker::{BodyWakers, Seat};
use crate::watch;

/// The transaction of a body that has been started.
pub(crate) struct Run {
    site: Site,
    wakers: BodyWakers,
    /// Of an atomic transaction.
    commit: Option<Box<Commit>>,
    /// What becomes of what is pending if the owner drops it.
    on_drop: OnDrop,
    /// The body is not done.
    pub(crate) live: bool,
    /// The task's waker has been left with the body's.
    armed: bool,
    /// Among those who drive.
    seat: Seat,
    /// Among those who listen for the outcome.
    listening: Seat,
}

/// Polls the body, drops it when it is done, and says how it ended.
pub(crate) type PollBody<'a> = &'a mut dyn FnMut(&mut Context<'_>) -> Option<Verdict>;

impl Run {
    pub(crate) fn open(ambient: &Ambient, options: Options, location: Place) -> Self {
        let commit = options.atomic.then(Box::default);
        let on_drop = options.limits.on_drop;
        let mut site = ambient.open(Kind::Body, options, location);
        watch::begun(site.node.as_ref());
        let id = site.tree.id;
        let pooled = match &mut site.engine {
            Some(engine) => engine.pooled_body(),
            None => ambient.on_top(id, Engine::pooled_body).flatten(),
        };
        let wakers = pooled.unwrap_or_else(BodyWakers::new);
        Run { site, wakers, commit, on_drop, live: true, armed: false, seat: None, listening: None }
    }

    /// Of a transaction that has been opened on a tree of its own, whose body has had its first turn.
    #[inline(never)]
    pub(crate) fn begun(tree: Arc<Tree>, key: Key, wakers: BodyWakers, live: bool) -> Self {
        let site = Site { tree, key, node: None, engine: None };
        Run {
            site,
            wakers,
            commit: None,
            on_drop: OnDrop::default(),
            live,
            armed: false,
            seat: None,
            listening: None,
        }
    }

    pub(crate) fn poll(
        &mut self,
        ambient: &Ambient,
        cx: &mut Context<'_>,
        body: PollBody<'_>,
    ) -> Poll<Failures> {
        self.disarm();
        let engine = match self.site.engine.take() {
            Some(engine) => Some(engine),
            None if only_listens(&self.site.tree) => None,
            None => match self.site.tree.access(&mut self.seat, || cx.waker().clone()) {
                Access::Drive(engine) => Some(engine),
                Access::Busy => None,
            },
        };
        match engine {
            Some(engine) => {
                let key = self.site.node.as_ref().map_or(self.site.key, |node| node.key());
                let drive = Drive::start(ambient, engine, Goal::Node { key, strictly: false });
                self.poll_driving(drive, ambient, cx, body, false)
            }
            None => {
                self.site.tree.sit_below(&mut self.seat, cx);
                self.poll_listening(ambient, cx, body)
            }
        }
    }

    /// The body and the tree in turn, until both have nothing to do. `had_turn`: the body has just been polled.
    pub(crate) fn poll_driving(
        &mut self,
        mut drive: Drive<'_>,
        ambient: &Ambient,
        cx: &mut Context<'_>,
        body: PollBody<'_>,
        mut had_turn: bool,
    ) -> Poll<Failures> {
        loop {
            // The body, then what was ready when it suspended: neither keeps the other from its turn.
            let had_turn = std::mem::take(&mut had_turn);
            let woken = self.live && self.wakers.inner.is_woken() && !had_turn;
            if woken && drive.spend() {
                self.poll_body(ambient, body);
            }
            let mut left = Left::Event;
            while left == Left::Event {
                if let Some(failures) = self.outcome(ambient) {
                    self.retire(drive);
                    return Poll::Ready(failures);
                }
                left = drive.run(self.live.then_some(&*self.wakers.inner));
            }
            if left == Left::Body
                || (left == Left::Idle && self.live && self.wakers.inner.is_woken() && drive.may_spend())
            {
                continue;
            }
            if let Some(failures) = self.outcome(ambient) {
                self.retire(drive);
                return Poll::Ready(failures);
            }
            self.suspend(ambient, cx);
            if left == Left::Budget || (self.live && self.wakers.inner.is_woken()) {
                drop(drive);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match drive.rest(&mut self.seat, cx.waker().clone()) {
                Ok(()) => return Poll::Pending,
                Err(again) => drive = again,
            }
            self.disarm();
        }
    }

    /// The body alone: somebody else drives.
    fn poll_listening(
        &mut self,
        ambient: &Ambient,
        cx: &mut Context<'_>,
        body: PollBody<'_>,
    ) -> Poll<Failures> {
        if self.live && self.wakers.inner.is_woken() {
            self.poll_body(ambient, body);
        }
        if let Some(failures) = self.outcome(ambient) {
            return Poll::Ready(failures);
        }
        self.suspend(ambient, cx);
        if self.live && self.wakers.inner.is_woken() {
            cx.waker().wake_by_ref();
        }
        self.outcome(ambient).map_or(Poll::Pending, Poll::Ready)
    }

    /// Polls the body once, with its transaction current.
    fn poll_body(&mut self, ambient: &Ambient, body: PollBody<'_>) {
        let Site { tree, key, node, .. } = &self.site;
        let _watched = watch::enter(node.as_ref());
        self.wakers.take_woken();
        let mut cx = Context::from_waker(&self.wakers.waker);
        let placed = node.as_ref().is_none_or(|node| node.is_placed());
        let mut step = |cx: &mut Context<'_>| match (&mut self.commit, node) {
            (Some(commit), Some(node)) => commit.advance(node.hooks(), node.location, cx, body),
            _ => body(cx).is_some(),
        };
        let done = match node {
            Some(node) if ambient.driving.get() != tree.id || !placed => {
                let _frame = Framed::push(ambient, Frame::Body(node.clone()));
                ambient.enter(Current::Node(node.clone()), || step(&mut cx))
            }
            _ => {
                let key = node.as_ref().map_or(*key, |node| node.key());
                let outer = ambient.polled.replace(Polled::Slot(key));
                let _frame = (outer != Polled::Nothing).then(|| Framed::push(ambient, Frame::Polled(outer)));
                // The future that holds the scope, if any, is told of its wakes by its slot as before.
                let done = ambient.enter(Current::Slot(key), || step(&mut cx));
                ambient.polled.set(outer);
                done
            }
        };
        if done {
            if let (Some(commit), Some(node)) = (&mut self.commit, node) {
                commit.conclude(ambient, node);
            }
            self.live = false;
            match node {
                Some(node) => {
                    watch::ending(node);
                    tree.submit(Op::BodyDone(node.clone()));
                }
                None => {
                    ambient.on_top(tree.id, |engine| engine.slot(*key).live = false);
                }
            }
        }
    }

    /// The failures, once everything has settled. Where nobody else holds the transaction, this closes it.
    #[inline]
    fn outcome(&mut self, ambient: &Ambient) -> Option<Failures> {
        if self.live { None } else { self.outcome_when_done(ambient) }
    }

    fn outcome_when_done(&mut self, ambient: &Ambient) -> Option<Failures> {
        let Site { tree, key, node, .. } = &mut self.site;
        if let Some(node) = node {
            return node.take_outcome();
        }
        ambient
            .on_top(tree.id, |engine| {
                let slot = engine.slot(*key);
                if slot.pending > 0 {
                    return None;
                }
                if slot.extra.is_some() {
                    let shared = node.insert(engine.share_with_owner(tree, *key));
                    engine.end(shared, |_| ());
                    tree.close_settled(engine);
                    return shared.take_outcome();
                }
                if slot.parent == NONE && !tree.try_close() {
                    tree.apply_ops(engine);
                    return None;
                }
                engine.close_body(*key);
                Some(Failures::default())
            })
            .flatten()
    }

    /// From now on the task is woken when there is something to do. From now on, too, others may hold the transaction.
    fn suspend(&mut self, ambient: &Ambient, cx: &Context<'_>) {
        let fresh = self.site.node.is_none();
        let Some(node) = self.share(ambient) else { return };
        if fresh && !self.live {
            node.tree.submit(Op::BodyDone(node.clone()));
        }
        node.listen(&mut self.listening, cx.waker().clone());
        if self.live {
            self.wakers.inner.arm(cx.waker().clone());
            self.armed = true;
        }
    }

    #[inline]
    fn disarm(&mut self) {
        if std::mem::take(&mut self.armed) {
            self.wakers.inner.disarm();
        }
    }

    fn share(&mut self, ambient: &Ambient) -> Option<Arc<Node>> {
        let Site { tree, key, node, engine } = &mut self.site;
        if node.is_none() {
            *node = match engine {
                Some(engine) => Some(engine.share_with_owner(tree, *key)),
                None => ambient.on_top(tree.id, |engine| engine.share_with_owner(tree, *key)).or_else(|| {
                    tree.change(|inner| {
                        inner.engine.as_mut().map(|engine| engine.share_with_owner(tree, *key))
                    })
                }),
            };
        }
        node.clone()
    }

    /// All has settled. Where nobody else holds the transaction, its engine is taken along, to be used again.
    fn retire(&mut self, mut drive: Drive<'_>) {
        if self.site.node.is_none() {
            self.site.engine = drive.stop();
        }
    }

    /// It has settled, and the outcome is taken. Returns the node, which knows who is above.
    /// And, of an atomic one, why it did not commit.
    pub(crate) fn close(self) -> (Option<Arc<Node>>, Option<Failure>) {
        let Run { site: Site { tree, node, engine, .. }, wakers, commit, mut seat, mut listening, .. } = self;
        tree.leave(&mut seat);
        match (&node, engine) {
            (None, Some(mut engine)) if !engine.is_open() => {
                engine.recycle_body(wakers);
                // This one and the engine's.
                pool::put(tree, engine, 2);
            }
            // A scope within another one's tree, polled from outside.
            (None, Some(engine)) => drop(Tree::release(engine, None)),
            (None, None) => {}
            (Some(node), _) => {
                node.unclaim(&mut listening);
                if node.parent.is_none() && Arc::strong_count(node) == 1 {
                    // This one and that of the node, which goes now.
                    pool::put_idle(tree, 2);
                }
            }
        }
        (node, commit.and_then(|commit| commit.into_refused()))
    }

    /// The owner drops it half-way.
    pub(crate) fn abandon(mut self, location: Place, drop_body: impl FnOnce()) {
        self.disarm();
        let node = current::with(|ambient| self.share(ambient));
        self.site.tree.leave(&mut self.seat);
        let Some(node) = node else { return call_quietly(drop_body) };
        if let Some(engine) = self.site.engine.take() {
            let _put = Tree::release(engine, None);
        }
        // What has not committed is rolled back.
        let rolls_back = self.commit.as_ref().is_some_and(|commit| !commit.is_through());
        let cancels = self.on_drop == OnDrop::Cancel && !rolls_back;
        if cancels {
            // What the body's destructors add comes after this.
            node.tree.submit(Op::CancelBelow(node.clone(), Lasting::Once));
        }
        let dropped = current::with(|ambient| {
            // For who waits in a destructor: he is a part of this.
            let _frame = Framed::push(ambient, Frame::Body(node.clone()));
            catch_unwind(AssertUnwindSafe(|| match &mut self.commit {
                Some(commit) if !commit.is_through() => {
                    current::enter(&node, || commit.give_up(&node, drop_body));
                }
                _ => cancel::drop_body(ambient, &node, cancels, drop_body),
            }))
        });
        if let Err(payload) = dropped {
            let failure = Failure::from_panic(payload, location);
            node.hand_up(&Failures::one(failure));
        }
        let pending = node.pending();
        node.unclaim(&mut self.listening);
        if abandon(&node, self.on_drop) == Heard::Waits {
            report::dropped(location, node.name.as_deref(), pending);
        }
    }
}
