//! What is done again whenever something that it has read is another value.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::outcome::IntoOutcome;
use crate::reaction::{Kind, Reaction};
use crate::running::Rerun;
use crate::source::Source;

/// Something that is done now, and again whenever what it has read has changed.
///
/// What it depends on is found by running it, anew with each run: what it reads, and nothing that handlers, hooks or other
/// futures read that it sets going. It is run again once all is settled, not with each change: in a transaction as a future
/// of that, each time when the body has been suspended, and before the end; in an atomic transaction at the commit, never
/// because of what is rolled back; with no transaction current at the end of `set`, or of [`batch`](crate::batch). It is run only
/// if what it has read is not the same after all, and each time once, however much has changed. Of several that are to be
/// run each is run once in a round, in rounds until none is left.
///
/// It may return what a handler may. An error, or a panic, is a failure of the transaction, or of the
/// [`Notification`](crate::Notification) of the `set`; it is run again all the same when something changes.
///
/// What is made by [`new_async`](Effect::new_async) gives a future: what that reads is tracked to its end. Where it is to be run
/// again before it is done it is dropped, and begun anew. The transaction that has changed something last has it, and its
/// failures; those before wait until it is done. With no transaction current it belongs to the notification of the `set`;
/// its first run to the current transaction, else to the [root](settled::Transaction::root).
///
/// One that is made within another one's run belongs to that: it is stopped when that is run again, or stopped. Dropping the
/// handle stops it as well, unless it is [detached](Effect::detach).
///
/// Effects that keep changing what they, or each other, read are stopped after 100 rounds: a failure that names where they were
/// made. They are run again when something else changes.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use settled_signal::{Effect, Observable, transaction};
///
/// transaction::block_on(async {
///     let (first, last) = (Observable::new("Ada"), Observable::new("Byron"));
///     let shown = Arc::new(Mutex::new(Vec::new()));
///     let effect = Effect::new({
///         let (first, last, shown) = (first.clone(), last.clone(), shown.clone());
///         move || shown.lock().unwrap().push(format!("{} {}", first.get(), last.get()))
///     });
///     transaction::scope(async {
///         first.set("Augusta");
///         last.set("King");
///     })
///     .await
///     .unwrap();
///     assert_eq!(*shown.lock().unwrap(), ["Ada Byron", "Augusta King"]);
/// });
/// ```
#[must_use = "dropping it stops it; `detach` lets it go on"]
pub struct Effect {
    reaction: Arc<Reaction>,
    /// It goes on when this is dropped.
    is_detached: bool,
}

impl Effect {
    /// Runs `f` now, and again whenever something that it has read has changed.
    ///
    /// ```
    /// # use std::sync::atomic::{AtomicU32, Ordering};
    /// # use settled_signal::{Effect, Observable};
    /// static SHOWN: AtomicU32 = AtomicU32::new(0);
    /// let level = Observable::new(1);
    /// let effect = Effect::new({ let level = level.clone(); move || SHOWN.store(level.get(), Ordering::Relaxed) });
    /// level.set(2);
    /// assert_eq!(SHOWN.load(Ordering::Relaxed), 2);
    /// ```
    #[track_caller]
    pub fn new<F, O>(f: F) -> Self
    where
        F: Fn() -> O + Send + Sync + 'static,
        O: IntoOutcome<()>,
    {
        let f = Box::new(move || f().into_outcome());
        Effect { reaction: Reaction::begin(Kind::Sync(f), true, Location::caller()), is_detached: false }
    }

    /// The same, asynchronous: runs the future that `f` makes, as what is added to the current transaction, else to the root; and a new one
    /// whenever something that it has read has changed.
    ///
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// # use settled_signal::{Effect, Observable, transaction};
    /// # transaction::block_on(async {
    /// let (level, saved) = (Observable::new(1), Arc::new(Mutex::new(vec![])));
    /// let mut effect = None;
    /// transaction::scope(async {
    ///     effect = Some(Effect::new_async({
    ///         let (level, saved) = (level.clone(), saved.clone());
    ///         move || { let (level, saved) = (level.clone(), saved.clone()); async move { saved.lock().unwrap().push(level.get()) } }
    ///     }));
    /// }).await.unwrap();
    /// transaction::scope(async { level.set(2); level.set(3); }).await.unwrap();
    /// assert_eq!(*saved.lock().unwrap(), [1, 3]);
    /// # });
    /// ```
    #[track_caller]
    pub fn new_async<F, Fut>(f: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoOutcome<()>,
    {
        Effect::asynchronous(f, false, Location::caller())
    }

    /// As [`new_async`](Effect::new_async), but what runs when it is to be run again is finished first, not dropped.
    ///
    /// ```
    /// # use settled_signal::{Effect, Observable};
    /// let level = Observable::new(1);
    /// Effect::new_async_finishing({ let level = level.clone(); move || { let level = level.clone(); async move { level.get(); } } }).detach();
    /// ```
    #[track_caller]
    pub fn new_async_finishing<F, Fut>(f: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoOutcome<()>,
    {
        Effect::asynchronous(f, true, Location::caller())
    }

    fn asynchronous<F, Fut>(f: F, finishes: bool, location: &'static Location<'static>) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoOutcome<()>,
    {
        let make = Box::new(move || {
            let future = f();
            Box::pin(async move { future.await.into_outcome() }) as _
        });
        let kind = Kind::Async(Rerun::new(make, finishes));
        Effect { reaction: Reaction::begin(kind, true, location), is_detached: false }
    }

    /// One that belongs to nobody but its handle.
    pub(crate) fn unowned(
        location: &'static Location<'static>,
        f: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let f = Box::new(move || {
            f();
            ().into_outcome()
        });
        Effect { reaction: Reaction::begin(Kind::Sync(f), false, location), is_detached: false }
    }

    /// It is not run any more. A future of it that is not done is dropped. What was made within it is stopped, too.
    ///
    /// ```
    /// # use settled_signal::{Effect, Observable};
    /// let level = Observable::new(1);
    /// let effect = Effect::new({ let level = level.clone(); move || assert_eq!(level.get(), 1) });
    /// effect.stop();
    /// assert!(settled::block_on(level.set(2)).is_ok());
    /// ```
    pub fn stop(&self) {
        self.reaction.stop();
    }

    /// It goes on without the handle: until the one that it was made in is run again or stopped, else for ever.
    ///
    /// ```
    /// # use settled_signal::{Effect, Observable};
    /// let level = Observable::new(1);
    /// Effect::new({ let level = level.clone(); move || if level.get() > 1 { Err("too high") } else { Ok(()) } }).detach();
    /// assert!(settled::block_on(level.set(2)).is_err());
    /// ```
    pub fn detach(mut self) {
        self.is_detached = true;
    }

    /// Tells when what it has read has changed, just before it is run again. Who connects while it is known to be invalid is
    /// told at once.
    ///
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// # use settled_signal::{Effect, Observable};
    /// let (level, log) = (Observable::new(1), Arc::new(Mutex::new(vec![])));
    /// let effect = Effect::new({
    ///     let (level, log) = (level.clone(), log.clone());
    ///     move || log.lock().unwrap().push(format!("run {}", level.get()))
    /// });
    /// effect.on_invalidate().connect({ let log = log.clone(); move |()| log.lock().unwrap().push("invalid".into()) });
    /// level.set(2);
    /// assert_eq!(*log.lock().unwrap(), ["run 1", "invalid", "run 2"]);
    /// ```
    pub fn on_invalidate(&self) -> &Source<()> {
        self.reaction.on_invalidate()
    }

    /// Tells, once, when it has been stopped. Who connects later is told at once.
    ///
    /// ```
    /// # use std::sync::atomic::{AtomicU32, Ordering};
    /// # use settled_signal::Effect;
    /// static TOLD: AtomicU32 = AtomicU32::new(0);
    /// let effect = Effect::new(|| {});
    /// effect.on_stop().connect(|()| drop(TOLD.fetch_add(1, Ordering::Relaxed)));
    /// effect.stop();
    /// effect.on_stop().connect(|()| drop(TOLD.fetch_add(1, Ordering::Relaxed)));
    /// assert_eq!(TOLD.load(Ordering::Relaxed), 2);
    /// ```
    pub fn on_stop(&self) -> &Source<()> {
        self.reaction.on_stop()
    }

    /// Has it been stopped?
    ///
    /// ```
    /// # use settled_signal::Effect;
    /// let effect = Effect::new(|| {});
    /// assert!(!effect.is_stopped());
    /// ```
    pub fn is_stopped(&self) -> bool {
        self.reaction.is_stopped()
    }
}

impl Drop for Effect {
    fn drop(&mut self) {
        if !self.is_detached {
            self.reaction.stop();
        }
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effect")
            .field("location", &self.reaction.location.to_string())
            .field("is_stopped", &self.is_stopped())
            .finish()
    }
}
