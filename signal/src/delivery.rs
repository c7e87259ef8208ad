//! How an asynchronous handler gets its events: [`Delivery`], and what joins the queue when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use settled::{Transaction, plumbing};

use crate::behind::Behind;
use crate::delivering::{Delivering, Turn};
use crate::held::{Held, Seat};
use crate::outcome::IntoOutcome;
use crate::prompt;
use crate::queue::{Link, Queue, Queued};
use crate::relay::Relay;
use crate::round::Round;
use crate::tree::Tree;

/// What becomes of an event for an asynchronous handler that has not done with the one before.
///
/// Each delivery is counted in, and its failure goes to, the transaction of its own `notify`, also where it waits behind one
/// of another transaction. In an [atomic](settled::atomic) transaction none is made before the commit.
///
/// ```
/// # use std::sync::{Arc, Mutex};
/// # use settled_signal::{Delivery, Signal};
/// # settled::block_on(async {
/// let seen = Arc::new(Mutex::new(vec![]));
/// let signal = Signal::<u32>::new();
/// let save = { let seen = seen.clone(); move |x| { let seen = seen.clone(); async move { seen.lock().unwrap().push(x) } } };
/// signal.connect_with().delivery(Delivery::Coalesced).run(save);
/// settled::scope(async { (0..1000).for_each(|x| drop(signal.notify(x))) }).await.unwrap();
/// assert_eq!(*seen.lock().unwrap(), [999]);
/// # });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Delivery {
    /// It waits: one after another, in order, none is lost.
    #[default]
    Queued,
    /// It does not wait: all at once. (A change of an observable that an atomic transaction held back, and a later one has
    /// overtaken before its commit, comes to nothing, as with all of these.)
    Every,
    /// The new one cancels the one before, and begins when that has been dropped. What it supersedes resolves with no
    /// result and no failure; so does what it finds waiting. One that is done in the very poll in which it was superseded
    /// has its result, or its failure.
    Latest,
    /// While one runs, only the newest is kept. Those that it supersedes resolve with no result and no failure.
    Coalesced,
}

impl Delivery {
    /// Do those that have not begun give way to a new one?
    pub(crate) fn overtakes(self) -> bool {
        matches!(self, Delivery::Latest | Delivery::Coalesced)
    }
}

/// What all deliveries to one handler share.
pub(crate) struct Deliver<F> {
    /// Calls the handler.
    pub(crate) f: F,
    /// Whoever waits for the turn.
    queue: Queue,
    /// No delivery begins any more once this is false.
    connected: AtomicBool,
}

impl<F> Deliver<F> {
    pub(crate) fn new(f: F, delivery: Delivery) -> Arc<Self> {
        Arc::new(Deliver { f, queue: Queue::new(delivery), connected: AtomicBool::new(true) })
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Acquire)
    }

    pub(crate) fn disconnect(&self) {
        self.connected.store(false, Ordering::Release);
    }

    pub(crate) fn line(&self) -> &Queue {
        &self.queue
    }
}

impl<F: Send + Sync> Queued for Deliver<F> {
    fn queue(&self) -> &Queue {
        &self.queue
    }
}

/// What a delivery waits behind, as far as that was known when it was made.
pub(crate) struct Waits {
    /// In the queue of its handler.
    line: Option<Behind>,
    /// Among those of its notification.
    relay: Option<Behind>,
}

impl Waits {
    /// Does it wait for what is being polled on this stack?
    pub(crate) fn is_below_front(&self) -> bool {
        [&self.line, &self.relay].into_iter().flatten().any(Behind::is_below_front)
    }
}

/// Adds a delivery to the current transaction. `cargo` is what the handler is called with.
#[inline]
pub(crate) fn deliver<C, F, Fut, R>(handler: &Arc<Deliver<F>>, cargo: C, round: &mut Round<'_, R>)
where
    C: Send + 'static,
    R: Send + 'static,
    F: Fn(C) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: IntoOutcome<R>,
{
    if round.is_sync {
        return;
    }
    let cargo = if round.is_sequential() { Some(cargo) } else { prompt::deliver(handler, cargo, round) };
    if let Some(cargo) = cargo {
        deliver_in_line(handler, cargo, round);
    }
}

/// The same the long way.
#[inline(never)]
fn deliver_in_line<C, F, Fut, R>(handler: &Arc<Deliver<F>>, cargo: C, round: &mut Round<'_, R>)
where
    C: Send + 'static,
    R: Send + 'static,
    F: Fn(C) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: IntoOutcome<R>,
{
    let relay = round.relay();
    let holder = plumbing::holder();
    let (turn, waits) = if relay.is_none() && holder.is_none() && handler.queue.delivery() != Delivery::Every
    {
        let (ticket, is_behind) = handler.queue.join(Tree::current(), None, round.stamp);
        let seat = Seat::Taken(ticket);
        let waits = is_behind.then(|| {
            let line = Behind { of: handler.clone(), seat: seat.clone() };
            Box::new(Waits { line: Some(line), relay: None })
        });
        (Turn::new(handler.clone(), Some(seat), None), waits)
    } else {
        join(handler, relay, holder, round.stamp)
    };
    let stashed = plumbing::add_at(Delivering::new(cargo, turn), round.location());
    round.push_delivery(stashed, waits);
}

/// The same where there is more to it: no queue, two queues, or none yet.
#[cold]
fn join<F>(
    handler: &Arc<Deliver<F>>,
    relay: Option<Arc<Relay>>,
    holder: Option<Transaction>,
    stamp: u64,
) -> (Turn<F>, Option<Box<Waits>>)
where
    F: Send + Sync + 'static,
{
    let tree = Tree::current();
    let relay = relay.map(|relay| {
        let (ticket, _) = relay.queue().join(tree.clone(), None, 0);
        Behind { of: relay, seat: Seat::Taken(ticket) }
    });
    let link = relay.clone().map(Box::new);
    let seat = match (handler.queue.delivery(), holder) {
        (Delivery::Every, None) => {
            handler.queue.pass(stamp);
            None
        }
        (_, None) => Some(Seat::Taken(handler.queue.join(tree, link, stamp).0)),
        (_, Some(holder)) => {
            let held = Held::new();
            let (handler, seat) = (handler.clone(), held.clone());
            holder.on_commit(move || take_held_place(&handler, &seat, tree, link, stamp));
            Some(Seat::Held(held))
        }
    };
    let waits = handler.queue.delivery() != Delivery::Every;
    let line = seat.clone().filter(|_| waits).map(|seat| Behind { of: handler.clone(), seat });
    // Its two places know of each other.
    if let (Some(relay), Some(line)) = (&relay, &line) {
        relay.link(line.clone());
    }
    let turn = Turn::new(handler.clone(), seat, relay.clone());
    (turn, Some(Box::new(Waits { line, relay })))
}

/// At the commit. What a later change has overtaken comes to nothing.
fn take_held_place<F>(handler: &Arc<Deliver<F>>, held: &Held, tree: Option<Tree>, link: Link, stamp: u64) {
    if handler.queue.delivery() == Delivery::Every {
        if handler.queue.pass(stamp) {
            held.free();
        }
    } else if !held.is_gone()
        && let Some(ticket) = handler.queue.join_late(tree, link, stamp)
        && !held.take(ticket)
    {
        handler.queue.leave(ticket);
    }
}
