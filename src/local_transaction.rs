//! A begun transaction with local futures: [`begin_local`], [`LocalTransaction`].

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::end::{End, Wait};
use crate::error::{Closed, Failures, Place};
use crate::local::{Locals, Owner};
use crate::local_stash::{LocalStashed, to_node_or_back};
use crate::open::Options;
use crate::owned::OwnedTransaction;
use crate::settles::Settles;
use crate::transaction::Transaction;
use crate::waker::Seat;

/// As [`begin`](crate::begin), and futures that are not `Send` can be added to it. It stays on its thread.
///
/// ```
/// use std::rc::Rc;
///
/// let (transaction, rc) = (settled::begin_local(), Rc::new(1));
/// let held = rc.clone();
/// transaction.enter(|| settled::add_local(async move { drop(held) }));
/// settled::block_on(transaction.end()).unwrap();
/// assert_eq!(Rc::strong_count(&rc), 1);
/// ```
#[track_caller]
pub fn begin_local() -> LocalTransaction {
    LocalTransaction::open(Options::default(), Location::caller())
}

/// A transaction that was begun here, with local futures. Whoever has this is to [end](LocalTransaction::end) it.
///
/// Those are polled by who awaits `end`, `wait` or the handle of one of them, got from this. Others who wait for the
/// transaction wait until that is done.
///
/// ```compile_fail,E0277
/// fn is_send(_: impl Send) {}
/// is_send(settled::begin_local());
/// ```
pub struct LocalTransaction {
    // Dropped first: it tells what became of the local futures.
    owner: Owner,
    transaction: OwnedTransaction,
}

impl LocalTransaction {
    pub(crate) fn open(options: Options, location: Place) -> Self {
        let transaction = OwnedTransaction::open(options, location);
        let owner = Owner::new(location);
        owner.list.belong_to(|| Some(transaction.node().clone()));
        LocalTransaction { owner, transaction }
    }

    /// Makes it current for the length of the call, for [`add_local`](crate::add_local) too.
    ///
    /// ```
    /// let window = settled::begin_local();
    /// let shared = std::rc::Rc::new(5);
    /// let held = shared.clone();
    /// let local = window.enter(|| settled::add_local_value(async move { *held }));
    /// assert_eq!(settled::block_on(local).unwrap(), 5);
    /// # settled::block_on(window.end()).unwrap();
    /// ```
    pub fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        self.owner.list.enter(|| self.transaction.enter(f))
    }

    /// Adds a future that need not be `Send`: see [`add_local`](crate::add_local).
    ///
    /// # Errors
    ///
    /// [`Closed`] gives the future back if the transaction is closed.
    ///
    /// ```
    /// let transaction = settled::begin_local();
    /// transaction.add_local(async { Err::<(), _>("no") }).unwrap();
    /// assert_eq!(settled::block_on(transaction.end()).unwrap_err().len(), 1);
    /// assert!(transaction.add_local(async {}).is_err());
    /// ```
    #[track_caller]
    pub fn add_local<F>(&self, future: F) -> Result<LocalStashed<<F::Output as Settles>::Value>, Closed<F>>
    where
        F: Future + 'static,
        F::Output: Settles,
    {
        let node = self.transaction.node();
        to_node_or_back(&self.owner.list, node, future, Settles::settle, Location::caller())
    }

    /// Adds a future whose output is taken as it is: see [`add_local_value`](crate::add_local_value).
    ///
    /// # Errors
    ///
    /// [`Closed`] gives the future back if the transaction is closed.
    ///
    /// ```
    /// let transaction = settled::begin_local();
    /// let seven = transaction.add_local_value(async { std::rc::Rc::new(7) }).unwrap();
    /// assert_eq!(*settled::block_on(seven).unwrap(), 7);
    /// settled::block_on(transaction.end()).unwrap();
    /// ```
    #[track_caller]
    pub fn add_local_value<F>(&self, future: F) -> Result<LocalStashed<F::Output>, Closed<F>>
    where
        F: Future + 'static,
    {
        to_node_or_back(&self.owner.list, self.transaction.node(), future, Ok, Location::caller())
    }

    /// As [`Transaction::wait`], and polls the local futures meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Transaction::wait`].
    ///
    /// ```
    /// let window = settled::begin_local();
    /// window.enter(|| settled::add_local(async {}));
    /// settled::block_on(window.wait()).unwrap();
    /// # settled::block_on(window.end()).unwrap();
    /// ```
    #[track_caller]
    pub fn wait(&self) -> LocalWait {
        LocalWait(Attending::new(self.transaction.wait(), &self.owner.list))
    }

    /// As [`Transaction::end`], and polls the local futures meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Transaction::end`].
    ///
    /// ```
    /// let window = settled::begin_local();
    /// window.enter(|| settled::add_local(async { Err::<(), _>("no") }));
    /// assert_eq!(settled::block_on(window.end()).unwrap_err().len(), 1);
    /// ```
    #[track_caller]
    pub fn end(&self) -> LocalEnd {
        LocalEnd(Attending::new(self.transaction.end(), &self.owner.list))
    }
}

impl Deref for LocalTransaction {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        &self.transaction
    }
}

impl fmt::Debug for LocalTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalTransaction").field(&**self).finish()
    }
}

/// Something to wait for, while the list is polled.
struct Attending<W> {
    wait: W,
    list: Rc<Locals>,
    seat: Seat,
}

impl<W: Future + Unpin> Attending<W> {
    fn new(wait: W, list: &Rc<Locals>) -> Self {
        Attending { wait, list: list.clone(), seat: None }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<W::Output> {
        let Attending { wait, list, seat } = self;
        list.attend(|| {
            let polled = Pin::new(wait).poll(cx);
            match polled {
                Poll::Ready(_) => list.leave(seat),
                Poll::Pending => list.poll(seat, cx),
            }
            polled
        })
    }
}

impl<W> Drop for Attending<W> {
    fn drop(&mut self) {
        self.list.leave(&mut self.seat);
    }
}

/// The future of [`LocalTransaction::end`].
///
/// ```
/// let transaction = settled::begin_local();
/// let end: settled::LocalEnd = transaction.end();
/// settled::block_on(end).unwrap();
/// assert_eq!(transaction.state(), settled::State::Closed);
/// ```
#[must_use = "a transaction ends when this is awaited"]
pub struct LocalEnd(Attending<End>);

/// The future of [`LocalTransaction::wait`].
///
/// ```
/// let transaction = settled::begin_local();
/// let wait: settled::LocalWait = transaction.wait();
/// settled::block_on(wait).unwrap();
/// assert_eq!(transaction.state(), settled::State::Open);
/// # settled::block_on(transaction.end()).unwrap();
/// ```
#[must_use = "what was added settles only if this, or something else, is awaited"]
pub struct LocalWait(Attending<Wait>);

impl Future for LocalEnd {
    type Output = Result<(), Failures>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

impl Future for LocalWait {
    type Output = Result<(), Failures>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

impl fmt::Debug for LocalEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalEnd").field(&self.0.wait).finish()
    }
}

impl fmt::Debug for LocalWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalWait").field(&self.0.wait).finish()
    }
}
