//! Futures that their users poll, inside a transaction: [`InTransactionExt`].

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::error::{Failures, Place};
use crate::outside::Part;
use crate::root;
use crate::transaction::{self, Transaction};

/// Has a future that something else polls (a task of a runtime's, a branch of a `select`) take part in a transaction.
///
/// A task that is spawned does not inherit the current transaction. Wrapped in one of these, that is current in every poll
/// of it and while it is dropped, so that what it adds is waited for; and it counts as
/// [pending](crate::Transaction::pending) from the call on, until it is done or dropped. Who waits for the transaction
/// does not poll it: whoever has it must.
///
/// ```
/// use settled::InTransactionExt;
///
/// let spawn = |task: futures::future::BoxFuture<'static, ()>| {
///     std::thread::spawn(|| settled::block_on(task));
/// };
/// let failures = settled::block_on(settled::scope(async {
///     spawn(Box::pin(async { drop(settled::add(async { Err::<(), _>("seen") })) }.in_current_transaction()));
/// }))
/// .unwrap_err();
/// assert!(failures.to_string().ends_with("seen"));
/// ```
pub trait InTransactionExt: Future {
    /// Counts in `transaction`, which is current in it. If that is closed, it is the nearest open one above instead, else
    /// the [root](Transaction::root).
    ///
    /// Awaiting the end of that transaction in it is [would-deadlock](crate::Failure::is_would_deadlock) at once. The
    /// output is passed through as it is, a panic too. Costs an allocation.
    ///
    /// ```
    /// use settled::InTransactionExt;
    ///
    /// let transaction = settled::begin();
    /// let future = async { settled::current().unwrap().id() }.in_transaction(&transaction);
    /// assert_eq!(transaction.pending(), 1);
    /// assert_eq!(settled::block_on(future), transaction.id());
    /// assert_eq!(transaction.pending(), 0);
    /// # settled::block_on(transaction.end()).unwrap();
    /// ```
    #[track_caller]
    fn in_transaction(self, transaction: &Transaction) -> InTransaction<Self>
    where
        Self: Sized,
    {
        InTransaction::new(self, Some(transaction), Location::caller())
    }

    /// The same with the transaction that is current here. Where none is, the future runs as it is.
    ///
    /// ```
    /// use settled::InTransactionExt;
    ///
    /// let future = settled::block_on(settled::scope(async { async { 5 }.in_current_transaction().await }));
    /// assert_eq!(future.unwrap(), 5);
    /// ```
    #[track_caller]
    fn in_current_transaction(self) -> InTransaction<Self>
    where
        Self: Sized,
    {
        let current = transaction::current();
        InTransaction::new(self, current.as_ref(), Location::caller())
    }
}

impl<F: Future> InTransactionExt for F {}

pin_project! {
    /// A future that takes part in a transaction: see [`InTransactionExt`].
    ///
    /// ```
    /// use settled::InTransactionExt;
    ///
    /// let transaction = settled::begin();
    /// let future = async { settled::current().map(|current| current.id()) }.in_transaction(&transaction);
    /// assert_eq!(settled::block_on(future), Some(transaction.id()));
    /// # settled::block_on(transaction.end()).unwrap();
    /// ```
    #[must_use = "a future does nothing unless it is polled; until it is done or dropped the transaction waits for it"]
    pub struct InTransaction<F> {
        // Until it is done.
        #[pin]
        future: Option<F>,
        // Until it is done; `None` where no transaction was current.
        part: Option<Part>,
        location: Place,
    }

    impl<F> PinnedDrop for InTransaction<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(part) = this.part.take() {
                let out = CountOut(part);
                out.0.within(None, || this.future.set(None));
            }
        }
    }
}

/// Counts it out, also where its destructor panics.
struct CountOut(Part);

impl Drop for CountOut {
    fn drop(&mut self) {
        self.0.done(Failures::default());
    }
}

impl<F: Future> InTransaction<F> {
    fn new(future: F, transaction: Option<&Transaction>, location: Place) -> Self {
        let part = transaction.map(|transaction| {
            let mut above = transaction.node().nearest_open();
            while let Some(node) = above {
                match Part::open(&node, location, false) {
                    Some(part) => return part,
                    None => above = node.nearest_open(),
                }
            }
            let root = root::of(&transaction.node().tree);
            match Part::open(&root, location, false).or_else(|| Part::open(root::node(), location, false)) {
                Some(part) => part,
                None => unreachable!("the root never closes"),
            }
        });
        InTransaction { future: Some(future), part, location }
    }
}

impl<F: Future> Future for InTransaction<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let mut poll = |future: Pin<&mut Option<F>>| match future.as_pin_mut() {
            Some(future) => future.poll(cx),
            None => panic!("a future in a transaction was polled after it was done"),
        };
        let Some(part) = &*this.part else {
            let output = std::task::ready!(poll(this.future.as_mut()));
            this.future.set(None);
            return Poll::Ready(output);
        };
        let left = part.within(None, || {
            let polled = match catch_unwind(AssertUnwindSafe(|| poll(this.future.as_mut()))) {
                Ok(Poll::Pending) => return None,
                Ok(Poll::Ready(output)) => Ok(output),
                Err(payload) => Err(payload),
            };
            let dropped = catch_unwind(AssertUnwindSafe(|| this.future.set(None)));
            Some(polled.and_then(|output| dropped.map(|()| output)))
        });
        let Some(left) = left else { return Poll::Pending };
        drop(this.part.take().map(CountOut));
        match left {
            Ok(output) => Poll::Ready(output),
            Err(payload) => resume_unwind(payload),
        }
    }
}

impl<F> fmt::Debug for InTransaction<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InTransaction")
            .field("transaction", &self.part.as_ref().map(|part| part.current().id))
            .field("done", &self.future.is_none())
            .field("made", &format_args!("{}", self.location))
            .finish()
    }
}
