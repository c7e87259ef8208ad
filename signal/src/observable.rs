//! A value that tells of its changes.

use std::fmt;
use std::mem;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::Stream;

use crate::careful::Made;
use crate::change::Shared;
use crate::computed::Computed;
use crate::connection::Connection;
use crate::graph::is_tracking;
use crate::late::Updating;
use crate::notification::Notification;
use crate::observable_builder::ObservableBuilder;
use crate::options::Options;
use crate::outcome::IntoOutcome;
use crate::refused::Rejected;
use crate::source::Source;
use crate::values::Values;

/// A value with handlers that are called when it is set.
///
/// A handle: clones are the same value. Every handler is called with every change once, in the order in which they were
/// stored, and the last one delivered is the value that stands. So when it is set while its handlers are being called (by
/// one of them, or by another thread), that change is delivered next, by who delivers already, in the transaction of its
/// setter: `set` returns at once, its [`Notification`] is not done, and the setter's transaction waits for it.
///
/// In an [atomic](settled::atomic) transaction a store is seen at once, by all, and undone if that is rolled back: then the
/// value stands that was stored last of all that has not been rolled back. Synchronous handlers and streams hear of what is
/// restored, once; asynchronous handlers hear at the commit of what was committed, and of nothing else. Each such transaction
/// keeps one older value, however often it stores; the first `update` in it works on a clone.
///
/// No lock is held while a handler runs. The value's own `Clone` and `PartialEq`, which run under the lock, must not
/// touch the observable.
///
/// ```
/// use settled_signal::{Observable, transaction};
///
/// transaction::block_on(async {
///     let name = Observable::new("nobody".to_string());
///     name.connect(|name| println!("now it is {name}"));
///     name.connect_async(|name| async move { println!("{name} is saved") });
///
///     transaction::scope(async {
///         name.set("Ada".into());            // prints that now it is Ada
///     }).await.unwrap();                     // prints that Ada is saved
///     assert_eq!(name.get(), "Ada");
/// });
/// ```
pub struct Observable<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Observable<T>
where
    T: Clone + Send + Sync + 'static,
{
    /// An observable with this value, and without handlers.
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// assert_eq!(Observable::new(7).get(), 7);
    /// ```
    pub fn new(value: T) -> Self {
        Observable { shared: Shared::new(value, Options::default(), None) }
    }

    /// To make one with a name, or with rules for its values.
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// let level = Observable::builder(1).name("level").gated().build();
    /// assert_eq!((level.get(), level.name()), (1, Some("level")));
    /// ```
    pub fn builder(value: T) -> ObservableBuilder<T> {
        ObservableBuilder::new(value)
    }

    pub(crate) fn of(shared: Arc<Shared<T>>) -> Self {
        Observable { shared }
    }

    /// The name that it was built with.
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// assert_eq!(Observable::new(1).name(), None);
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.shared.name.as_deref()
    }

    /// The value (a clone of it).
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// let level = Observable::new(1);
    /// level.set(2);
    /// assert_eq!(level.get(), 2);
    /// ```
    ///
    /// # Panics
    ///
    /// Within an [`update`](Observable::update) of this observable. So does everything that touches the value.
    #[track_caller]
    pub fn get(&self) -> T {
        if is_tracking() {
            self.shared.track();
        }
        self.shared.store.lock(Location::caller()).value.clone()
    }

    /// Calls `f` with a snapshot of the value (a clone): `f` may set the observable, and others may meanwhile.
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// let name = Observable::new("Ada".to_string());
    /// assert_eq!(name.with(|name| name.len()), 3);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](Observable::get).
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        f(&self.get())
    }

    /// Stores the value and calls the handlers: synchronous ones before it returns (but see above), asynchronous ones in
    /// the current transaction.
    ///
    /// The handlers hear of it though it may equal the old value; see [`set_if_changed`](Observable::set_if_changed).
    /// Where nobody listens it is a store, without an allocation or a clone. If a validator refuses the value, nobody hears of
    /// it, the old value stays, and the failure is in the notification, and so in the transaction.
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// # use std::sync::{Arc, Mutex};
    /// let (level, seen) = (Observable::new(0), Arc::new(Mutex::new(vec![])));
    /// level.connect({ let seen = seen.clone(); move |level| seen.lock().unwrap().push(*level) });
    /// level.set(1);
    /// level.set(2);
    /// assert_eq!(*seen.lock().unwrap(), [1, 2]);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](Observable::get).
    #[track_caller]
    pub fn set(&self, value: T) -> Notification<()> {
        let location = Location::caller();
        if let Some(careful) = self.shared.careful(location) {
            return careful.put(value).told(location).0;
        }
        let mut value = value;
        self.exchange(&mut value, location)
    }

    /// As [`set`](Observable::set), but gives the value back if a validator refuses it: then nothing has happened, and the
    /// transaction does not hear of it.
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// let level = Observable::builder(1).validate(|x: &i32| if *x < 100 { Ok(()) } else { Err("overflow") }).build();
    /// let rejected = level.try_set(200).unwrap_err();
    /// assert_eq!((rejected.value, level.get()), (200, 1));
    /// assert!(level.try_set(2).is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// If a validator refuses the value, or panics.
    ///
    /// # Panics
    ///
    /// As [`get`](Observable::get).
    #[track_caller]
    pub fn try_set(&self, value: T) -> Result<Notification<()>, Rejected<T>> {
        let location = Location::caller();
        let Some(careful) = self.shared.careful(location) else { return Ok(self.set(value)) };
        careful.put(value).rejected(location)
    }

    /// Stores the value and calls the handlers, unless it equals the one that is there. Was it stored?
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// let level = Observable::new(1);
    /// assert!(!level.set_if_changed(1));
    /// assert!(level.set_if_changed(2));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](Observable::get).
    #[track_caller]
    pub fn set_if_changed(&self, value: T) -> bool
    where
        T: PartialEq,
    {
        let location = Location::caller();
        if let Some(mut careful) = self.shared.careful(location) {
            careful.same = Some(T::eq);
            let made = careful.put(value);
            let is_stored = matches!(made, Made::Stored(..));
            drop(made.told(location));
            return is_stored;
        }
        let handlers = self.shared.changed.handlers().snapshot();
        // Either value is dropped only when the lock is open again, whatever unwinds.
        let (mut value, mut is_changed) = (value, false);
        match handlers {
            None => {
                self.shared.store(location, |current| {
                    if *current != value {
                        mem::swap(current, &mut value);
                        is_changed = true;
                    }
                    is_changed
                });
            }
            Some(handlers) => {
                self.shared.change(handlers, location, |current| {
                    if *current == value {
                        return None;
                    }
                    let event = value.clone();
                    mem::swap(current, &mut value);
                    is_changed = true;
                    Some(event)
                });
            }
        }
        is_changed
    }

    /// As [`set`](Observable::set), but gives back the value that was there; the one that was given, if that is not stored.
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// let level = Observable::new(1);
    /// assert_eq!(level.replace(2), 1);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](Observable::get).
    #[track_caller]
    pub fn replace(&self, value: T) -> T {
        let location = Location::caller();
        if let Some(mut careful) = self.shared.careful(location) {
            careful.gives_back = true;
            let (_, Some(value)) = careful.put(value).told(location) else {
                unreachable!("what does not stand is given back, as was asked for")
            };
            return value;
        }
        let mut value = value;
        self.exchange(&mut value, location);
        value
    }

    /// Changes the value in place and calls the handlers.
    ///
    /// `f` has the value to itself: other threads wait until it returns. Two updates that touch each other's observables
    /// from two threads wait for ever: do not nest them. If `f` panics, the value stays as `f` left it, and no handler is
    /// called.
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// let names = Observable::new(vec!["Ada"]);
    /// names.update(|names| names.push("Grace"));
    /// assert_eq!(names.get(), ["Ada", "Grace"]);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`get`](Observable::get), and if `f` panics. A panic that tells of a touch from within `f` names both places:
    ///
    /// ```should_panic
    /// # use settled_signal::Observable;
    /// let level = Observable::new(1);
    /// level.update(|value| *value = level.get() + 1);
    /// ```
    #[track_caller]
    pub fn update(&self, f: impl FnOnce(&mut T)) -> Notification<()> {
        let location = Location::caller();
        let _updating = Updating::new(Arc::as_ptr(&self.shared));
        if let Some(careful) = self.shared.careful(location) {
            return careful.update(f).told(location).0;
        }
        let store = &self.shared.store;
        match self.shared.changed.handlers().snapshot() {
            None => self.shared.store(location, |value| {
                store.update(location, || f(value));
                true
            }),
            Some(handlers) => self.shared.change(handlers, location, |value| {
                store.update(location, || f(value));
                Some(value.clone())
            }),
        }
    }

    /// As [`update`](Observable::update), but gives what `f` has made of the value back if a validator refuses it: then nothing
    /// has happened, and the transaction does not hear of it.
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// let level = Observable::builder(90).validate(|x: &i32| if *x < 100 { Ok(()) } else { Err("overflow") }).build();
    /// let rejected = level.try_update(|level| *level += 20).unwrap_err();
    /// assert_eq!((rejected.value, level.get()), (110, 90));
    /// assert!(level.try_update(|level| *level += 2).is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// If a validator refuses the value, or panics.
    ///
    /// # Panics
    ///
    /// As [`update`](Observable::update).
    #[track_caller]
    pub fn try_update(&self, f: impl FnOnce(&mut T)) -> Result<Notification<()>, Rejected<T>> {
        let location = Location::caller();
        let _updating = Updating::new(Arc::as_ptr(&self.shared));
        let Some(careful) = self.shared.careful(location) else { return Ok(self.update(f)) };
        careful.update(f).rejected(location)
    }

    /// Where handlers connect that want to hear of changes: the event is the new value.
    ///
    /// ```
    /// # use settled_signal::{Observable, Source};
    /// let level = Observable::new(1);
    /// let changes: &Source<i32> = level.changed();
    /// let connection = changes.connect(|level| println!("{level}"));
    /// assert!(level.changed().disconnect(&connection));
    /// ```
    pub fn changed(&self) -> &Source<T> {
        &self.shared.changed
    }

    /// Where handlers connect that want the old value as well: the event is the old and the new one.
    ///
    /// For each change they are called after those of [`changed`](Observable::changed). The pair is made only where somebody
    /// listens: two more clones. From the first call of this on, a set costs a look at who listens.
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// # use std::sync::{Arc, Mutex};
    /// let (level, seen) = (Observable::new(1), Arc::new(Mutex::new(vec![])));
    /// level.replaced().connect({ let seen = seen.clone(); move |pair| seen.lock().unwrap().push(*pair) });
    /// level.set(2);
    /// level.set(7);
    /// assert_eq!(*seen.lock().unwrap(), [(1, 2), (2, 7)]);
    /// ```
    pub fn replaced(&self) -> &Source<(T, T)> {
        &self.shared.more().replaced
    }

    /// The values as a stream: the one that stands, and again whenever that is another one.
    ///
    /// Who polls gets the value that stands then, never an older one: what was set and overtaken between two polls is left
    /// out. Each `set` counts, also of an equal value. The stream ends when the last handle of the observable is gone, after
    /// the last value; it keeps the observable until then, and is no handle itself. A set costs a wake for each stream
    /// that waits.
    ///
    /// ```
    /// # use futures::StreamExt;
    /// # use settled_signal::Observable;
    /// # settled::block_on(async {
    /// let level = Observable::new(1);
    /// let mut values = level.stream();
    /// assert_eq!(values.next().await, Some(1));
    /// level.set(2);
    /// level.set(3);
    /// drop(level);
    /// assert_eq!(values.next().await, Some(3));
    /// assert_eq!(values.next().await, None);
    /// # });
    /// ```
    pub fn stream(&self) -> impl Stream<Item = T> + Send + Sync + Unpin + use<T> {
        Values::new(&self.shared)
    }

    /// What follows from this value alone.
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// let level = Observable::new(1);
    /// let text = level.map(|level| level.to_string());
    /// level.set(2);
    /// assert_eq!(text.get(), "2");
    /// ```
    #[track_caller]
    pub fn map<U>(&self, f: impl Fn(&T) -> U + Send + Sync + 'static) -> Computed<U>
    where
        U: Clone + PartialEq + Send + Sync + 'static,
    {
        let this = self.clone();
        Computed::new(move || this.with(&f))
    }

    /// Short for [`changed`](Observable::changed) and [`connect`](Source::connect).
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// let level = Observable::new(1);
    /// level.connect(|level| if *level > 9 { Err("too high") } else { Ok(()) });
    /// assert!(settled::block_on(level.set(10)).is_err());
    /// ```
    pub fn connect<F, O>(&self, f: F) -> Connection
    where
        F: Fn(&T) -> O + Send + Sync + 'static,
        O: IntoOutcome<()>,
    {
        self.shared.changed.connect(f)
    }

    /// Short for [`changed`](Observable::changed) and [`connect_async`](Source::connect_async).
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// let level = Observable::new(1);
    /// level.connect_async(|level| async move { if level > 9 { Err("too high") } else { Ok(()) } });
    /// assert!(settled::block_on(level.set(10)).is_err());
    /// ```
    pub fn connect_async<F, Fut>(&self, f: F) -> Connection
    where
        F: Fn(T) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoOutcome<()>,
    {
        self.shared.changed.connect_async(f)
    }

    /// Short for [`changed`](Observable::changed) and [`connect_weak`](Source::connect_weak).
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// # use std::sync::Arc;
    /// let (level, alarm) = (Observable::new(1), Arc::new("alarm"));
    /// let connection = level.connect_weak(&alarm, |alarm, level| println!("{alarm}: {level}"));
    /// drop(alarm);
    /// assert!(!connection.is_connected());
    /// ```
    pub fn connect_weak<M, F, O>(&self, model: &Arc<M>, f: F) -> Connection
    where
        M: ?Sized + Send + Sync + 'static,
        F: Fn(&M, &T) -> O + Send + Sync + 'static,
        O: IntoOutcome<()>,
    {
        self.shared.changed.connect_weak(model, f)
    }

    /// Short for [`changed`](Observable::changed) and [`connect_async_weak`](Source::connect_async_weak).
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// # use std::sync::Arc;
    /// let (level, alarm) = (Observable::new(1), Arc::new("alarm"));
    /// let connection = level.connect_async_weak(&alarm, |alarm, level| async move { println!("{alarm}: {level}") });
    /// drop(alarm);
    /// assert!(!connection.is_connected());
    /// ```
    pub fn connect_async_weak<M, F, Fut>(&self, model: &Arc<M>, f: F) -> Connection
    where
        M: ?Sized + Send + Sync + 'static,
        F: Fn(Arc<M>, T) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoOutcome<()>,
    {
        self.shared.changed.connect_async_weak(model, f)
    }

    #[inline]
    fn exchange(&self, value: &mut T, location: &'static Location<'static>) -> Notification<()> {
        match self.shared.changed.handlers().snapshot() {
            None => self.shared.store(location, |current| {
                mem::swap(current, value);
                true
            }),
            Some(handlers) => {
                // Cloned before the lock is taken.
                let event = value.clone();
                self.shared.change(handlers, location, |current| {
                    mem::swap(current, value);
                    Some(event)
                })
            }
        }
    }
}

impl<T> Observable<T> {
    pub(crate) fn shared(&self) -> &Arc<Shared<T>> {
        &self.shared
    }

    /// One handle more, if there is one: when the last is gone, streams have come to their end.
    pub(crate) fn one_more(shared: Arc<Shared<T>>) -> Option<Self> {
        let more = |handles: usize| (handles > 0).then_some(handles + 1);
        let counted = shared.handles.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        counted.is_ok().then(|| Observable { shared })
    }
}

impl<T> Drop for Observable<T> {
    fn drop(&mut self) {
        self.shared.let_go();
    }
}

impl<T> Observable<T>
where
    T: Clone + Send + Sync + 'static,
{
    /// A clone of the value, to be shown; none from within its own `update`.
    pub(crate) fn shown(&self) -> Option<T> {
        self.shared.store.own_update().is_none().then(|| self.get())
    }
}

impl<T> Clone for Observable<T> {
    fn clone(&self) -> Self {
        self.shared.handles.fetch_add(1, Ordering::Relaxed);
        Observable { shared: self.shared.clone() }
    }
}

/// Shows the value (a clone of it, without holding the lock), also from within its own `update`, where it is left out.
impl<T> fmt::Debug for Observable<T>
where
    T: fmt::Debug + Clone + Send + Sync + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shared.store.own_update() {
            Some(location) => write!(f, "Observable(updated at {location})"),
            None => f.debug_tuple("Observable").field(&self.get()).finish(),
        }
    }
}
