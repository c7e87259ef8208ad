//! Ending everything that is open, anywhere: [`wait_all`], [`wait_all_within`].

use std::collections::HashSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::stream::{FuturesUnordered, Stream};

use crate::current;
use crate::end::{End, Wait};
use crate::error::{Failure, Failures, Place};
use crate::node::Node;
use crate::registry::Survey;
use crate::root;
use crate::transaction::{Transaction, TransactionId};

/// What [`wait_all`] came to.
///
/// ```
/// let settlement = settled::block_on(settled::wait_all());
/// assert!(settlement.failures.is_empty() && settlement.pending.is_empty());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Settlement {
    /// How many transactions have been ended.
    pub ended: usize,
    /// Their failures, and those of the root.
    pub failures: Failures,
    /// Those that were still pending when the time was over; they go on, and close when they have settled.
    pub pending: Vec<TransactionId>,
    /// The same, as handles.
    open: Vec<Transaction>,
}

impl Settlement {
    /// The names of those that were still pending, where they have one: in the order of [`pending`](Settlement::pending).
    ///
    /// ```
    /// let never = settled::Transaction::builder().name("import").begin();
    /// never.add(std::future::pending::<()>()).unwrap();
    /// let settlement = settled::block_on(settled::wait_all_within(async {}));
    /// assert_eq!(settlement.pending_names().collect::<Vec<_>>(), [Some("import")]);
    /// # settled::set_reporter(|_| ());
    /// ```
    pub fn pending_names(&self) -> impl Iterator<Item = Option<&str>> {
        self.open.iter().map(Transaction::name)
    }

    /// Those that were still pending, in the same order: to see what hangs, to abort it, or to wait on.
    ///
    /// ```
    /// let never = settled::begin();
    /// never.add(std::future::pending::<()>()).unwrap();
    /// let settlement = settled::block_on(settled::wait_all_within(async {}));
    /// let hangs = settlement.pending_transactions().next().unwrap();
    /// println!("{}", hangs.snapshot());
    /// hangs.abort();
    /// settled::block_on(hangs.end()).unwrap();
    /// ```
    pub fn pending_transactions(&self) -> impl Iterator<Item = &Transaction> {
        self.open.iter()
    }
}

/// Ends every transaction of the process that is open now, and settles the root.
///
/// What it is itself part of is left out: called in a body, it does not wait for that. A scope is waited for until its
/// body is done: two bodies that both await this wait for each other. For the end of a program, and for tests.
///
/// ```
/// settled::set_reporter(|_| ());
/// settled::add(async { Err::<(), _>("lost?") }); // no transaction here
/// let settlement = settled::block_on(settled::wait_all());
/// assert_eq!(settlement.failures.len(), 1);
/// assert!(settlement.pending.is_empty());
/// ```
#[track_caller]
pub fn wait_all() -> impl Future<Output = Settlement> + Send {
    let location = std::panic::Location::caller();
    async move { WaitAll::new(root::node(), location).await }
}

/// As [`wait_all`], but not longer than the timer takes: any future that is done when the time is over.
///
/// What is pending then is named in [`Settlement::pending`] and goes on.
///
/// ```
/// let never = settled::begin();
/// never.add(std::future::pending::<()>()).unwrap();
/// let settlement = settled::block_on(settled::wait_all_within(async {}));
/// assert_eq!(settlement.pending, [never.id()]);
/// # settled::set_reporter(|_| ());
/// ```
#[track_caller]
pub fn wait_all_within<T: Future<Output = ()>>(timer: T) -> impl Future<Output = Settlement> {
    let location = std::panic::Location::caller();
    async move { within(WaitAll::new(root::node(), location), timer).await }
}

pub(crate) async fn within(mut all: WaitAll, timer: impl Future<Output = ()>) -> Settlement {
    let mut timer = pin!(timer);
    std::future::poll_fn(|cx| {
        if let Poll::Ready(settlement) = Pin::new(&mut all).poll(cx) {
            return Poll::Ready(settlement);
        }
        timer.as_mut().poll(cx).map(|()| all.so_far())
    })
    .await
}

pub(crate) struct WaitAll {
    location: Place,
    /// Of the process, or of a registry.
    root: Arc<Node>,
    /// Questions that trees have not answered yet.
    surveys: Vec<Arc<Survey>>,
    /// Asked once, at the first poll.
    asked: bool,
    /// Of the topmost ones. Each is polled when it was woken, however many others there are.
    ends: FuturesUnordered<Ending>,
    ended: usize,
    /// The root, as long as there are ends under way.
    during: Option<Wait>,
    /// The root again, with what the ends left there.
    after: Option<Wait>,
    failures: Vec<Failure>,
    omitted: usize,
}

impl WaitAll {
    pub(crate) fn new(root: &Arc<Node>, location: Place) -> Self {
        WaitAll {
            location,
            root: root.clone(),
            surveys: Vec::new(),
            asked: false,
            ends: FuturesUnordered::new(),
            ended: 0,
            during: None,
            after: None,
            failures: Vec::new(),
            omitted: 0,
        }
    }

    fn collect(&mut self, failures: &Failures) {
        self.omitted += failures.omitted();
        for failure in failures {
            // A tree that the root has adopted tells both.
            if !self.failures.iter().any(|known| known.same(failure)) {
                self.failures.push(failure.clone());
            }
        }
    }

    /// Takes the answers of the trees: the topmost transactions that this is no part of are to be ended.
    fn take_answers(&mut self, waker: &Waker) {
        let Self { surveys, ends, location, .. } = self;
        surveys.retain(|survey| {
            let Some(nodes) = survey.take(waker) else { return true };
            let foreign: Vec<Arc<Node>> = nodes
                .into_iter()
                .filter(|node| !node.is_root())
                .filter(|node| !current::with(|ambient| ambient.waits_for_itself(node, false)))
                .collect();
            let known: HashSet<*const Node> = foreign.iter().map(Arc::as_ptr).collect();
            let is_below =
                |node: &Arc<Node>| node.ancestors().any(|above| known.contains(&Arc::as_ptr(above)));
            let topmost = foreign.iter().filter(|node| !is_below(node));
            ends.extend(topmost.map(|node| Ending(End::new(node.clone(), location))));
            false
        });
    }

    /// Waits for the root, unless this is part of something in it.
    fn root(&self) -> Option<Wait> {
        let part = current::with(|ambient| ambient.waits_for_itself(&self.root, true));
        (!part).then(|| Wait::new(self.root.clone(), self.location))
    }

    fn so_far(&mut self) -> Settlement {
        let mut open: Vec<_> = self.ends.iter().map(|Ending(end)| Transaction::of(end.node())).collect();
        if self.root.pending() > 0 && self.root().is_some() {
            open.push(Transaction::of(&self.root));
        }
        let pending = open.iter().map(Transaction::id).collect();
        let failures = Failures::new(std::mem::take(&mut self.failures), std::mem::take(&mut self.omitted));
        failures.receive();
        Settlement { ended: self.ended, failures, pending, open }
    }
}

/// An end whose failures are not received yet.
struct Ending(End);

impl Future for Ending {
    type Output = Failures;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Failures> {
        self.0.poll_quietly(cx)
    }
}

/// Given up: what it has collected goes back to the root.
impl Drop for WaitAll {
    fn drop(&mut self) {
        let failures = Failures::new(std::mem::take(&mut self.failures), self.omitted);
        self.root.hand_up(&failures);
    }
}

impl Future for WaitAll {
    type Output = Settlement;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Settlement> {
        let this = &mut *self;
        if !this.asked {
            this.asked = true;
            this.surveys = Survey::of_all(this.root.tree.apart.as_ref(), cx.waker());
            this.during = this.root();
        }
        this.take_answers(cx.waker());
        while let Poll::Ready(Some(failures)) = Pin::new(&mut this.ends).poll_next(cx) {
            this.ended += 1;
            this.collect(&failures);
        }
        if let Some(wait) = &mut this.during
            && let Poll::Ready(failures) = wait.poll_quietly(cx)
        {
            this.during = None;
            this.collect(&failures);
        }
        if !this.surveys.is_empty() || !this.ends.is_empty() || this.during.is_some() {
            return Poll::Pending;
        }
        if this.after.is_none() {
            this.after = this.root();
        }
        if let Some(wait) = &mut this.after {
            let failures = std::task::ready!(wait.poll_quietly(cx));
            this.collect(&failures);
        }
        Poll::Ready(this.so_far())
    }
}
