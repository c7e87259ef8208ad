//! Connecting a handler with more to say of it.

use std::fmt;
use std::sync::{Arc, Weak};

use crate::connection::Connection;
use crate::delivery::{Deliver, Delivery};
use crate::handler::{Bound, BoundLater, Connectable, Handle, Later, Once, Plain};
use crate::handlers::Candidate;
use crate::outcome::IntoOutcome;
use crate::rank::{End, Place};
use crate::source::Source;

/// How a handler is connected: made by [`Source::connect_with`], ends in [`sync`](ConnectBuilder::sync) or
/// [`run`](ConnectBuilder::run).
///
/// Handlers that asked to be first are called first, then those of higher priority, then those with a
/// [level](ConnectBuilder::level), then the others; equals in the order of connection; and at the end those that asked to
/// be last. Connecting one before others that are there moves those: it takes time in proportion to their number.
///
/// ```
/// # use std::sync::{Arc, Mutex};
/// # use settled_signal::Signal;
/// let (signal, log) = (Signal::<()>::new(), Arc::new(Mutex::new(vec![])));
/// let note = |name| { let log = log.clone(); move |_: &()| log.lock().unwrap().push(name) };
/// signal.connect_with().last().sync(note("last"));
/// signal.connect(note("a"));
/// signal.connect_with().priority(10).sync(note("urgent"));
/// signal.connect(note("b"));
/// signal.connect_with().first().sync(note("first"));
/// signal.notify(());
/// assert_eq!(*log.lock().unwrap(), ["first", "urgent", "a", "b", "last"]);
/// ```
#[must_use = "nothing is connected before `sync` or `run`"]
pub struct ConnectBuilder<'a, E, R = (), B = ()> {
    source: &'a Source<E, R>,
    place: Place,
    once: bool,
    delivery: Delivery,
    name: Option<Arc<str>>,
    /// What it is bound to.
    bound: B,
}

impl<'a, E, R> ConnectBuilder<'a, E, R> {
    pub(crate) fn new(source: &'a Source<E, R>) -> Self {
        ConnectBuilder {
            source,
            place: Place::default(),
            once: false,
            delivery: source.handlers().options.delivery,
            name: None,
            bound: (),
        }
    }

    /// Binds the handler to an object, without keeping that alive: when the object is gone the handler is skipped and
    /// forgotten. What an asynchronous one is owed by then it still gets.
    ///
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// # use settled_signal::Signal;
    /// struct Log(Mutex<Vec<u32>>);
    /// impl Log {
    ///     fn note(&self, value: &u32) { self.0.lock().unwrap().push(*value); }
    /// }
    /// let (signal, log) = (Signal::<u32>::new(), Arc::new(Log(Mutex::default())));
    /// signal.connect_with().weak(&log).first().sync(Log::note);
    /// signal.notify(1);
    /// assert_eq!(*log.0.lock().unwrap(), [1]);
    /// drop(log);
    /// signal.notify(2);
    /// assert!(signal.is_empty());
    /// ```
    pub fn weak<M: ?Sized>(self, model: &Arc<M>) -> ConnectBuilder<'a, E, R, Weak<M>> {
        let ConnectBuilder { source, place, once, delivery, name, .. } = self;
        ConnectBuilder { source, place, once, delivery, name, bound: Arc::downgrade(model) }
    }
}

impl<E, R, B> ConnectBuilder<'_, E, R, B> {
    /// It is called before those of a lower priority; 0 is that of all others.
    pub fn priority(mut self, priority: i32) -> Self {
        self.place.priority = priority;
        self
    }

    /// It is called before all that did not ask for this.
    pub fn first(mut self) -> Self {
        self.place.end = End::First;
        self
    }

    /// It is called after all that did not ask for this.
    pub fn last(mut self) -> Self {
        self.place.end = End::Last;
        self
    }

    /// It belongs to a model: to its base (0), to what derives from that (1), and so on. It is called before those without
    /// a level, in the signal's [`Order`](crate::Order).
    pub fn level(mut self, level: u32) -> Self {
        self.place.level = Some(level);
        self
    }

    /// It is called once, and then forgotten; also where that call panics, and also when `notify` is called by several
    /// threads or by the handler itself. The delivery to an asynchronous one that was made stands.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32, u32>::new();
    /// let connection = signal.connect_with().once().sync(|x| *x);
    /// assert_eq!(signal.notify(1).results(), Some(&[1][..]));
    /// assert_eq!(signal.notify(2).results(), Some(&[][..]));
    /// assert!(!connection.is_connected());
    /// ```
    pub fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// What becomes of an event while the handler is not done with the one before. For asynchronous ones; synchronous ones
    /// have always done when the next comes, or are called within themselves.
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// A name for the handler, to find it by, and for `Debug`.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl<E, R, B> ConnectBuilder<'_, E, R, B>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    fn attach<H: Handle<E, R> + 'static>(self, handler: H, is_weak: bool) -> Connection {
        let ConnectBuilder { source, place, once, name, .. } = self;
        let is_weak = is_weak || once;
        let entry = match once {
            false => Connectable::new(handler, name) as _,
            true => Connectable::new(Once::new(handler), name) as _,
        };
        source.attach(Candidate { entry, place, is_weak, object: None })
    }
}

impl<E, R> ConnectBuilder<'_, E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    /// Connects a synchronous handler. See [`Source::connect`].
    pub fn sync<F, O>(self, f: F) -> Connection
    where
        F: Fn(&E) -> O + Send + Sync + 'static,
        O: IntoOutcome<R>,
    {
        self.attach(Plain(f), false)
    }

    /// Connects an asynchronous handler. See [`Source::connect_async`].
    pub fn run<F, Fut>(self, f: F) -> Connection
    where
        F: Fn(E) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoOutcome<R>,
    {
        let delivery = self.delivery;
        self.attach(Later(Deliver::new(f, delivery)), false)
    }
}

impl<E, R, M> ConnectBuilder<'_, E, R, Weak<M>>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
    M: ?Sized + Send + Sync + 'static,
{
    /// Connects a synchronous handler that is bound to an object. See [`Source::connect_weak`].
    pub fn sync<F, O>(self, f: F) -> Connection
    where
        F: Fn(&M, &E) -> O + Send + Sync + 'static,
        O: IntoOutcome<R>,
    {
        let model = self.bound.clone();
        self.attach(Bound { model, f }, true)
    }

    /// Connects an asynchronous handler that is bound to an object. See [`Source::connect_async_weak`].
    pub fn run<F, Fut>(self, f: F) -> Connection
    where
        F: Fn(Arc<M>, E) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoOutcome<R>,
    {
        let model = self.bound.clone();
        let deliver = Deliver::new(move |(model, event)| f(model, event), self.delivery);
        self.attach(BoundLater { model, deliver }, true)
    }
}

impl<E, R, B> fmt::Debug for ConnectBuilder<'_, E, R, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectBuilder")
            .field("name", &self.name)
            .field("place", &self.place)
            .field("once", &self.once)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}
