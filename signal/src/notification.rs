//! What `notify` gives back.

use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, OnceLock};
use std::task::{Context, Poll, ready};

use settled::Failures;

use crate::lock::{get_mut, lock};
use crate::parts::{Parts, Yield};

/// What became of one `notify` or `set`: the results of the handlers, in the order of connection.
///
/// Where all handlers were synchronous it is done at once: [`results`](Notification::results) has them. Otherwise await it:
/// it resolves with the results when the handlers are done, or with their [`Failures`].
///
/// Inside a transaction it may be dropped as well: the transaction waits for the handlers, and reports what failed and
/// was not received by awaiting this. Outside of any transaction it is a transaction of its own, which awaiting it
/// settles whole; dropped before that, its work goes to the [root](settled::Transaction::root).
///
/// ```
/// # use settled_signal::Signal;
/// let signal = Signal::<u32, u32>::new();
/// signal.connect(|x| x + 1);
/// assert_eq!(signal.notify(1).results(), Some(&[2][..]));
///
/// signal.connect_async(|x| async move { x * 10 });
/// let notification = signal.notify(1);
/// assert!(notification.has_async() && !notification.is_done());
/// assert_eq!(notification.results(), None);
/// assert_eq!(settled::block_on(notification).unwrap(), [2, 10]);
/// ```
///
/// # Errors
///
/// Awaiting it gives all failures of its handlers, each once. What would wait for itself is not waited for: the delivery to
/// an asynchronous handler that is queued behind the one in which this is awaited, and the change of an observable that
/// is to be taken along by a delivery further down this very stack. Its failure `is_would_deadlock`; only the waiting is
/// lost, the handlers are called later. Cycles that lead through several transactions are not found.
pub struct Notification<R = ()>(State<R>);

enum State<R> {
    /// There were only results.
    Done(Vec<R>),
    /// There is, or was, something to wait for; or a failure.
    Open(Open<R>),
}

struct Open<R> {
    /// Behind a lock so that `results` can look whether all is there.
    parts: Mutex<Parts<R>>,
    /// The results, once somebody has looked at them.
    looked_at: OnceLock<Vec<R>>,
}

impl<R> Notification<R> {
    #[inline]
    pub(crate) fn done(results: Vec<R>) -> Self {
        Notification(State::Done(results))
    }

    pub(crate) fn new(parts: Parts<R>) -> Self {
        Notification(State::Open(Open { parts: Mutex::new(parts), looked_at: OnceLock::new() }))
    }

    /// As what a handler gave.
    pub(crate) fn into_yield(self) -> Yield<R> {
        match self.0 {
            State::Done(results) => Yield::Many(results),
            State::Open(open) => {
                let mut parts = open.parts.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
                if let Some(results) = open.looked_at.into_inner() {
                    parts.put_results_back(results);
                }
                Yield::Nested(Box::new(parts))
            }
        }
    }

    /// Was anything not done when `notify` returned: an asynchronous handler, or a change that waits to be delivered?
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32>::new();
    /// signal.connect(|_| {});
    /// assert!(!signal.notify(1).has_async());
    /// ```
    pub fn has_async(&self) -> bool {
        match &self.0 {
            State::Done(_) => false,
            State::Open(open) => lock(&open.parts).has_async(),
        }
    }
}

impl<R: Send + 'static> Notification<R> {
    /// Has everything settled, so that awaiting it returns at once?
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// # settled::block_on(async {
    /// let signal = Signal::<u32>::new();
    /// signal.connect_async(|_| async {});
    /// let notification = settled::scope(async { signal.notify(1) }).await.unwrap();
    /// assert!(notification.is_done());
    /// # });
    /// ```
    pub fn is_done(&self) -> bool {
        match &self.0 {
            State::Done(_) => true,
            State::Open(open) => {
                let mut old = Vec::new();
                let is_done = lock(&open.parts).is_done(&mut old);
                drop(old);
                is_done
            }
        }
    }

    /// The results, in the order of connection; `None` as long as a handler is not done.
    ///
    /// Those that failed or have no result are left out. Whether any failed is told by awaiting.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32, u32>::new();
    /// signal.connect(|x| Ok::<_, String>(*x));
    /// signal.connect(|_| Err::<u32, _>("no"));
    /// assert_eq!(signal.notify(7).results(), Some(&[7][..]));
    /// ```
    pub fn results(&self) -> Option<&[R]> {
        let open = match &self.0 {
            State::Done(results) => return Some(results),
            State::Open(open) => open,
        };
        if open.looked_at.get().is_none() {
            let mut old = Vec::new();
            let mut parts = lock(&open.parts);
            // Another thread may have been faster: then the parts have no results any more.
            if parts.look(&mut old) && open.looked_at.get().is_none() {
                let _ = open.looked_at.set(parts.take_results());
            }
            drop(parts);
            drop(old);
        }
        open.looked_at.get().map(Vec::as_slice)
    }
}

/// Done, without a result: what a hook gives back that has notified nobody.
impl<R> Default for Notification<R> {
    fn default() -> Self {
        Notification::done(Vec::new())
    }
}

/// Done, with these results.
impl<R> From<Vec<R>> for Notification<R> {
    fn from(results: Vec<R>) -> Self {
        Notification::done(results)
    }
}

impl<R: Send + 'static> Future for Notification<R> {
    type Output = Result<Vec<R>, Failures>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let open = match &mut self.0 {
            State::Done(results) => return Poll::Ready(Ok(std::mem::take(results))),
            State::Open(open) => open,
        };
        let parts = get_mut(&mut open.parts);
        ready!(parts.poll(cx));
        let failures = parts.take_failures();
        let results = open.looked_at.take().unwrap_or_else(|| parts.take_results());
        self.0 = State::Done(Vec::new());
        Poll::Ready(failures.map_or(Ok(results), Err))
    }
}

// Nothing in it is pinned by the poll of it.
impl<R> Unpin for Notification<R> {}

impl<R: Send + 'static> fmt::Debug for Notification<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notification")
            .field("is_done", &self.is_done())
            .field("has_async", &self.has_async())
            .finish()
    }
}
