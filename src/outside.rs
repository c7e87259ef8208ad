//! Futures that count in a transaction and are polled by somebody else than its driver: on a runtime of the user's, by the
//! owner of a local transaction, or by whoever has them.
//!
//! Each is a child without a job: it has a slot and a [`Node`] from the start, is counted like any other, and tells the
//! tree by an op when it is done or dropped. Being polled outside any drive, it stands on the stack as a body does
//! (`Frame::Body`): so who would wait for himself in it is found. What the tree wants of it (that it be dropped, as it was
//! cancelled or is nested too deep) is left in its [`Outside`], where the next poll looks.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use smallvec::SmallVec;

use crate::cancel;
use crate::current::{self, Current, Frame, Remains};
use crate::error::{Failure, Failures, Kind as Why, Place, drop_quietly};
use crate::frames::Framed;
use crate::node::Node;
use crate::open::Options;
use crate::root;
use crate::slot::Kind;
use crate::sync::{Mutex, lock};
use crate::tree::Op;
use crate::waker::{Wakers, drop_waker, wake_all};

/// Where the tree and who polls meet.
#[derive(Default)]
pub(crate) struct Outside {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// It is to be dropped, and why. Never one that holds a value of the user's.
    refused: Option<Failure>,
    /// It was cancelled with what is above it: what is current while it is dropped; `None` inside: the root.
    home: Option<Option<Arc<Node>>>,
    /// It is not to be polled before an atomic transaction around it commits.
    held: bool,
    /// Of who polls.
    waker: Option<Waker>,
}

impl Outside {
    /// Has it dropped by its next poll. Gives who is to be woken for that.
    #[must_use]
    pub(crate) fn refuse(&self, failure: Failure) -> Option<Waker> {
        let mut state = lock(&self.state);
        state.refused.get_or_insert(failure);
        state.waker.take()
    }

    /// The same, as all is cancelled that is below something: it is at home there while it is dropped.
    #[must_use]
    pub(crate) fn refuse_with_others(&self, failure: Failure, home: Option<Arc<Node>>) -> Option<Waker> {
        let mut state = lock(&self.state);
        // Both are above what this belongs to: neither reference is the last one.
        state.home = Some(home);
        state.refused.get_or_insert(failure);
        state.waker.take()
    }

    /// Has it look at its ticket. Gives who is to be woken for that.
    #[must_use]
    pub(crate) fn nudge(&self) -> Option<Waker> {
        lock(&self.state).waker.take()
    }

    /// Where it is at home, if it was cancelled with others.
    fn home(&self) -> Option<Option<Arc<Node>>> {
        lock(&self.state).home.clone()
    }

    /// That of what is held back.
    fn held() -> Self {
        Outside { state: Mutex::new(State { held: true, ..State::default() }) }
    }

    pub(crate) fn is_held(&self) -> bool {
        lock(&self.state).held
    }

    /// It may be polled. Gives whether it was held back, and who is to be woken for that.
    pub(crate) fn release(&self) -> (bool, Option<Waker>) {
        let mut state = lock(&self.state);
        match std::mem::take(&mut state.held) {
            true => (true, state.waker.take()),
            false => (false, None),
        }
    }

    /// From now on this task is woken when it is refused or released. Says so if it is refused already, or else whether it
    /// may be polled.
    fn arm(&self, cx: &Context<'_>) -> Result<bool, Failure> {
        let state = lock(&self.state);
        if state.refused.is_some() || state.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            return state.verdict();
        }
        drop(state);
        let waker = cx.waker().clone();
        let mut state = lock(&self.state);
        let old = state.waker.replace(waker);
        let verdict = state.verdict();
        drop(state);
        drop_waker(old);
        verdict
    }

    /// Nobody is woken for it any more. Gives the mark.
    fn disarm(&self) -> Option<Failure> {
        let mut state = lock(&self.state);
        let (old, refused) = (state.waker.take(), state.refused.clone());
        drop(state);
        drop_waker(old);
        refused
    }
}

impl State {
    fn verdict(&self) -> Result<bool, Failure> {
        self.refused.clone().map_or(Ok(!self.held), Err)
    }
}

/// What counts in a transaction until it says that it is done.
pub(crate) struct Part {
    /// The child that counts.
    node: Arc<Node>,
    /// What is current in it.
    current: Arc<Node>,
}

impl Part {
    /// Counts in `parent`. With `own`, it is a transaction of its own; else `parent` is current in it. `None` if `parent`
    /// is closed.
    pub(crate) fn open(parent: &Arc<Node>, location: Place, own: bool) -> Option<Self> {
        let node = Part::open_node(parent, location, Outside::default())?;
        Some(Part { current: if own { node.clone() } else { parent.clone() }, node })
    }

    /// The same for what is not to be polled before it is released.
    pub(crate) fn open_held(parent: &Arc<Node>, location: Place) -> Option<Self> {
        Part::open_node(parent, location, Outside::held()).map(Part::of)
    }

    fn open_node(parent: &Arc<Node>, location: Place, outside: Outside) -> Option<Arc<Node>> {
        let options = Options::default();
        let mut node = options.node(parent.tree.clone(), Kind::Added, Some(parent.clone()), location);
        node.outside = Some(Box::new(outside));
        let node = Arc::new(node);
        parent.submit_if_open(Op::Begin(node.clone())).ok()?;
        Some(node)
    }

    /// That of a node that has a slot already.
    pub(crate) fn of(node: Arc<Node>) -> Self {
        Part { current: node.clone(), node }
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    pub(crate) fn current(&self) -> &Arc<Node> {
        &self.current
    }

    /// Runs `f` as what is polled here. `ticket`: the address of its own, if it has one.
    pub(crate) fn within<R>(&self, ticket: Option<usize>, f: impl FnOnce() -> R) -> R {
        current::with(|ambient| {
            let _ticket = ticket.map(|ticket| Framed::push(ambient, Frame::Ticket(ticket)));
            let _body = Framed::push(ambient, Frame::Body(self.node.clone()));
            ambient.enter(Current::Node(self.current.clone()), f)
        })
    }

    /// The same for what is dropped: `home` is current if it was cancelled with others.
    fn within_home(&self, ticket: Option<usize>, home: Option<Option<Arc<Node>>>, f: impl FnOnce()) {
        let tree = &self.node.tree;
        self.within(ticket, || match home {
            None => f(),
            Some(home) => cancel::at_home(tree, &home.unwrap_or_else(|| root::of(tree)), f),
        });
    }

    /// It does not count any more, except for what is below it.
    pub(crate) fn done(&self, failures: Failures) {
        self.node.tree.submit(Op::Done(self.node.clone(), failures));
    }
}

/// Panics, to become failures.
pub(crate) type Panics = SmallVec<[Box<dyn Any + Send>; 1]>;

/// A future with whom it concerns.
pub(crate) trait Work: Unpin {
    /// Is it a failure of the transaction if it is dropped, though nobody cancelled it?
    const LOST_IS_FAILURE: bool;

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Remains>>;

    /// Drops the future.
    fn clear(&mut self);

    /// The address of its ticket, if it has one.
    fn ticket(&self) -> Option<usize>;

    fn is_cancelled(&self) -> bool;

    /// Tells the outcome: of what failed, the first failure.
    fn settle(&mut self, told: Result<Option<Box<dyn Any + Send>>, Failure>, wakers: &mut Wakers) -> Panics;
}

/// Has a future polled by somebody else, with all that follows. It fails if it is dropped before it is done.
pub(crate) struct Outsider<W: Work> {
    part: Part,
    /// Until it is done.
    work: Option<W>,
}

impl<W: Work> Outsider<W> {
    pub(crate) fn new(part: Part, work: W) -> Self {
        Outsider { part, work: Some(work) }
    }

    fn outside(&self) -> Option<&Outside> {
        self.part.node.outside.as_deref()
    }

    fn cancelled(&self) -> Failure {
        Failure::new(Why::Cancelled, self.part.node.location)
    }

    /// It is done, or dropped: tells so everybody concerned, as a drive does (see `done`).
    fn finish(
        &mut self,
        refused: Option<Failure>,
        lost: bool,
        remains: Option<Remains>,
        panic: Option<Box<dyn Any + Send>>,
    ) {
        let Some(mut work) = self.work.take() else { return };
        let location = self.part.node.location;
        let mut failures: SmallVec<[Failure; 1]> = SmallVec::new();
        let (mut omitted, mut value) = (0, None);
        match remains {
            None => {}
            Some(Remains::Value(left)) => value = Some(left),
            Some(Remains::Error(error)) => failures.push(Failure::new(Why::Error(error), location)),
            Some(Remains::Failures(many)) => {
                failures.extend(many.iter().cloned());
                omitted = many.omitted();
            }
        }
        let mut wakers = Wakers::new();
        let home = self.outside().and_then(Outside::home).filter(|_| refused.is_some());
        self.part.within_home(work.ticket(), home, || {
            // What panicked or was refused is still to be dropped, which may panic too.
            let second = catch_unwind(AssertUnwindSafe(|| work.clear())).err();
            let panics = panic.into_iter().chain(second);
            failures.extend(panics.map(|payload| Failure::from_panic(payload, location)));
            let told = refused.clone().or_else(|| failures.first().cloned());
            if lost || refused.as_ref().is_some_and(|failure| !failure.is_cancelled()) {
                failures.insert_many(0, refused);
            }
            let told = match told {
                Some(failure) => {
                    drop_quietly(value);
                    Err(failure)
                }
                None => Ok(value),
            };
            let panics = work.settle(told, &mut wakers);
            failures.extend(panics.into_iter().map(|payload| Failure::from_panic(payload, location)));
            drop_quietly(work);
        });
        self.part.done(Failures::new(failures.into_vec(), omitted));
        wake_all(wakers);
    }
}

impl<W: Work> Future for Outsider<W> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // First the waker, then the mark: who marks it later wakes.
        let mut refused = match this.outside().map_or(Ok(true), |outside| outside.arm(cx)) {
            Ok(true) => None,
            Ok(false) => return Poll::Pending,
            Err(failure) => Some(failure),
        };
        let Some(work) = &mut this.work else { return Poll::Ready(()) };
        if refused.is_none() && work.is_cancelled() {
            refused = Some(this.cancelled());
        }
        if refused.is_some() {
            this.finish(refused, false, None, None);
            return Poll::Ready(());
        }
        let Some(work) = &mut this.work else { return Poll::Ready(()) };
        let ticket = work.ticket();
        match this.part.within(ticket, || catch_unwind(AssertUnwindSafe(|| work.poll(cx)))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(remains)) => this.finish(None, false, remains, None),
            Err(payload) => this.finish(None, false, None, Some(payload)),
        }
        Poll::Ready(())
    }
}

impl<W: Work> Drop for Outsider<W> {
    fn drop(&mut self) {
        let marked = self.outside().and_then(Outside::disarm);
        if let Some(work) = &self.work {
            let lost = W::LOST_IS_FAILURE && marked.is_none() && !work.is_cancelled();
            let refused = marked.unwrap_or_else(|| self.cancelled());
            self.finish(Some(refused), lost, None, None);
        }
    }
}
