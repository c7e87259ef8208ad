//! A value that follows from others.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::Stream;

use crate::derived::{Calculation, Core, Derived};
use crate::graph::Graph;
use crate::source::Source;

/// A value that is computed from observables and from other computeds, when it is asked for.
///
/// What it depends on is found by running its closure: whatever that reads. It is computed at the first read, and again at a
/// read after something that it depends on has become another value; in between it is kept. A value that equals the one
/// before is no change for those who depend on it. A read never shows values that did not stand together: also in the midst
/// of a transaction, and from any thread.
///
/// A handle: clones are the same computed. It keeps what its closure holds. To read it costs a look and a clone where nothing has
/// changed. No lock is held while its closure runs; another thread that needs the same value waits for it meanwhile. The
/// value's own `Clone` and `PartialEq` run under a lock: they must not touch this computed.
///
/// Where the closure panics, who reads it gets a panic that names where it was made, until something that it has read
/// changes. So does a computed that reads itself, and one that keeps changing what it reads. Computeds that read each other may
/// be as many as you like: marking and bringing up to date takes no stack, and what first runs take is had from the heap where
/// the platform can.
///
/// ```
/// use settled_signal::{Computed, Observable};
///
/// let (net, rate) = (Observable::new(100), Observable::new(20));
/// let gross = Computed::new({
///     let (net, rate) = (net.clone(), rate.clone());
///     move || net.get() * (100 + rate.get()) / 100
/// });
/// assert_eq!(gross.get(), 120);
/// net.set(200);
/// assert_eq!(gross.get(), 240);
/// ```
pub struct Computed<T> {
    /// Away only while it is being dropped.
    core: Option<Arc<Core<T>>>,
}

impl<T> Computed<T>
where
    T: Clone + Send + Sync + 'static,
{
    /// The value that this closure computes.
    ///
    /// ```
    /// # use std::sync::atomic::{AtomicU32, Ordering};
    /// # use settled_signal::{Computed, Observable};
    /// static RUNS: AtomicU32 = AtomicU32::new(0);
    /// let level = Observable::new(1);
    /// let is_high = Computed::new({
    ///     let level = level.clone();
    ///     move || { RUNS.fetch_add(1, Ordering::Relaxed); level.get() > 9 }
    /// });
    /// assert!(!is_high.get() && !is_high.get());
    /// level.set(10);
    /// level.set(11);
    /// assert!(is_high.get());
    /// assert_eq!(RUNS.load(Ordering::Relaxed), 2);
    /// ```
    #[track_caller]
    pub fn new(compute: impl Fn() -> T + Send + Sync + 'static) -> Self
    where
        T: PartialEq,
    {
        Computed::of(Calculation { compute, same: T::eq }, Location::caller())
    }

    /// The same for values that are not `PartialEq`, or are to be compared otherwise.
    ///
    /// ```
    /// # use settled_signal::{Computed, Observable};
    /// let level = Observable::new(1.0_f64);
    /// let half = Computed::with_eq({ let level = level.clone(); move || level.get() / 2.0 }, |a, b| a.to_bits() == b.to_bits());
    /// assert_eq!(half.get(), 0.5);
    /// ```
    #[track_caller]
    pub fn with_eq(
        compute: impl Fn() -> T + Send + Sync + 'static,
        same: impl Fn(&T, &T) -> bool + Send + Sync + 'static,
    ) -> Self {
        Computed::of(Calculation { compute, same }, Location::caller())
    }

    fn of(
        calculation: Calculation<
            impl Fn() -> T + Send + Sync + 'static,
            impl Fn(&T, &T) -> bool + Send + Sync + 'static,
        >,
        location: &'static Location<'static>,
    ) -> Self {
        let core = Graph::here().add_computation(|tracked| Derived::new(tracked, location, calculation));
        Computed { core: Some(core) }
    }

    /// The value (a clone of it), up to date.
    ///
    /// ```
    /// # use settled_signal::{Computed, Observable};
    /// let level = Observable::new(1);
    /// let double = Computed::new({ let level = level.clone(); move || level.get() * 2 });
    /// level.set(2);
    /// assert_eq!(double.get(), 4);
    /// ```
    ///
    /// # Panics
    ///
    /// If the closure panics, or has panicked and nothing that it read has changed since; if it reads itself; if it keeps
    /// changing what it reads.
    ///
    /// ```should_panic
    /// # use settled_signal::Computed;
    /// Computed::<u32>::new(|| panic!("no value")).get();
    /// ```
    #[track_caller]
    pub fn get(&self) -> T {
        self.core().read(Location::caller(), T::clone)
    }

    /// Calls `f` with a snapshot of the value (a clone).
    ///
    /// ```
    /// # use settled_signal::Computed;
    /// let name = Computed::new(|| "Ada".to_string());
    /// assert_eq!(name.with(|name| name.len()), 3);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](Computed::get).
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        f(&self.get())
    }

    /// Where handlers connect that want to hear of changes: the event is the new value.
    ///
    /// From the first call of this on (or of [`stream`](Computed::stream)) the value is computed without being asked for:
    /// wherever an [`Effect`](crate::Effect) would be run, in that transaction. So several changes of what it depends on are told as one, and
    /// none if the value is the same in the end.
    ///
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// # use settled_signal::{Computed, Observable};
    /// let (level, seen) = (Observable::new(1), Arc::new(Mutex::new(vec![])));
    /// let is_high = level.map(|level| *level > 9);
    /// is_high.changed().connect({ let seen = seen.clone(); move |is_high| seen.lock().unwrap().push(*is_high) });
    /// [2, 10, 11, 3].map(|new| drop(level.set(new)));
    /// assert_eq!(*seen.lock().unwrap(), [true, false]);
    /// ```
    ///
    /// # Panics
    ///
    /// At the first call, as [`get`](Computed::get).
    #[track_caller]
    pub fn changed(&self) -> &Source<T> {
        self.core().mirror(Location::caller()).changed()
    }

    /// The values as a stream: the one that stands, and again whenever that is another one. It ends when the last handle is
    /// gone. See [`changed`](Computed::changed), also for when the value is computed.
    ///
    /// ```
    /// # use futures::StreamExt;
    /// # use settled_signal::Observable;
    /// # settled::block_on(async {
    /// let level = Observable::new(1);
    /// let double = level.map(|level| level * 2);
    /// let mut values = double.stream();
    /// assert_eq!(values.next().await, Some(2));
    /// level.set(2);
    /// level.set(3);
    /// drop(double);
    /// assert_eq!(values.next().await, Some(6));
    /// assert_eq!(values.next().await, None);
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// As [`changed`](Computed::changed).
    #[track_caller]
    pub fn stream(&self) -> impl Stream<Item = T> + Send + Sync + Unpin + use<T> {
        self.core().mirror(Location::caller()).stream()
    }

    /// What follows from this value alone.
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// let level = Observable::new(1);
    /// let text = level.map(|level| level * 2).map(|double| double.to_string());
    /// level.set(4);
    /// assert_eq!(text.get(), "8");
    /// ```
    #[track_caller]
    pub fn map<U>(&self, f: impl Fn(&T) -> U + Send + Sync + 'static) -> Computed<U>
    where
        U: Clone + PartialEq + Send + Sync + 'static,
    {
        let this = self.clone();
        Computed::new(move || this.with(&f))
    }
}

impl<T> Computed<T> {
    fn core(&self) -> &Arc<Core<T>> {
        match &self.core {
            Some(core) => core,
            None => unreachable!("it is not being dropped"),
        }
    }
}

impl<T> Clone for Computed<T> {
    fn clone(&self) -> Self {
        let core = self.core();
        core.handles.fetch_add(1, Ordering::Relaxed);
        Computed { core: Some(core.clone()) }
    }
}

impl<T> Drop for Computed<T> {
    fn drop(&mut self) {
        let Some(core) = self.core.take() else { return };
        if core.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            let mirror = core.mirror.get().map(|mirror| mirror.end());
            let key = core.tracked.key();
            // Before it leaves: what its closure holds is then dropped by who drops all such things in turn.
            drop(core);
            drop(mirror);
            key.leave();
        }
    }
}

/// Does not compute it: shows where it was made.
impl<T> fmt::Debug for Computed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let location = self.core.as_ref().map(|core| core.location);
        f.debug_struct("Computed")
            .field("location", &location.map(ToString::to_string))
            .finish_non_exhaustive()
    }
}
