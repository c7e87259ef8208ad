//! Connecting by name.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, Weak};

use futures::future::BoxFuture;

use crate::connection::Connection;
use crate::external_model::ExternalHandler;
use crate::outcome::{HandlerOutcome, IntoOutcome};
use crate::rank::Key;
use crate::registry::name::{Pattern, short};
use crate::registry::subscription::{Connect, Subscription};
use crate::registry::told::Teller;
use crate::registry::{RegistryError, SignalRegistry, Told};
use crate::source::Source;

impl SignalRegistry {
    /// Connects a synchronous handler to what stands under the name; or will stand there. See [`Source::connect`].
    ///
    /// In a pattern `*` stands for one segment of a name, `**` for any number of them. Then the handler is connected to
    /// all that fit by name and by type: sources of `E` without results. (For those with results, and for all else that can
    /// be said of a connection, see [`connect_each`](SignalRegistry::connect_each).)
    ///
    /// What it gives back stands for the handler wherever it is connected.
    ///
    /// ```
    /// # use settled_signal::{Signal, SignalRegistry};
    /// # use std::sync::{Arc, Mutex};
    /// let (registry, seen) = (SignalRegistry::new(), Arc::new(Mutex::new(vec![])));
    /// let connection = registry.connect("ui.*.clicked", { let seen = seen.clone(); move |x: &u32| seen.lock().unwrap().push(*x) })?;
    /// let [ok, cancel] = [(); 2].map(|()| Signal::<u32>::new());
    /// registry.register("ui.ok.clicked", &ok)?;
    /// registry.register("ui.cancel.clicked", &cancel)?;
    /// ok.notify(1);
    /// cancel.notify(2);
    /// connection.disconnect();
    /// ok.notify(3);
    /// assert_eq!(*seen.lock().unwrap(), [1, 2]);
    /// # Ok::<(), settled_signal::RegistryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If it is no pattern; or if it is the very name of something of another type.
    #[track_caller]
    pub fn connect<E, F, O>(&self, pattern: &str, f: F) -> Result<Connection, RegistryError>
    where
        E: Clone + Send + Sync + 'static,
        F: Fn(&E) -> O + Send + Sync + 'static,
        O: IntoOutcome<()>,
    {
        let f = Arc::new(f);
        self.connect_each(pattern, move |source: &Source<E>| {
            let f = f.clone();
            source.connect(move |event| f(event))
        })
    }

    /// The same with an asynchronous handler. See [`Source::connect_async`]: deliveries of one source are made one after
    /// another, those of several do not wait for one another.
    ///
    /// # Errors
    ///
    /// As [`connect`](SignalRegistry::connect).
    #[track_caller]
    pub fn connect_async<E, F, Fut>(&self, pattern: &str, f: F) -> Result<Connection, RegistryError>
    where
        E: Clone + Send + Sync + 'static,
        F: Fn(E) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoOutcome<()>,
    {
        let f = Arc::new(f);
        self.connect_each(pattern, move |source: &Source<E>| {
            let f = f.clone();
            source.connect_async(move |event| f(event))
        })
    }

    /// As [`connect`](SignalRegistry::connect), with a handler that is bound to an object, without keeping that alive. See
    /// [`Source::connect_weak`].
    ///
    /// # Errors
    ///
    /// As [`connect`](SignalRegistry::connect).
    #[track_caller]
    pub fn connect_weak<E, M, F, O>(
        &self,
        pattern: &str,
        model: &Arc<M>,
        f: F,
    ) -> Result<Connection, RegistryError>
    where
        E: Clone + Send + Sync + 'static,
        M: Send + Sync + 'static,
        F: Fn(&M, &E) -> O + Send + Sync + 'static,
        O: IntoOutcome<()>,
    {
        let f = Arc::new(f);
        self.bound(pattern, model, move |source: &Source<E>, model| {
            let f = f.clone();
            source.connect_weak(model, move |model, event| f(model, event))
        })
    }

    /// The same with an asynchronous handler. See [`Source::connect_async_weak`].
    ///
    /// # Errors
    ///
    /// As [`connect`](SignalRegistry::connect).
    #[track_caller]
    pub fn connect_async_weak<E, M, F, Fut>(
        &self,
        pattern: &str,
        model: &Arc<M>,
        f: F,
    ) -> Result<Connection, RegistryError>
    where
        E: Clone + Send + Sync + 'static,
        M: Send + Sync + 'static,
        F: Fn(Arc<M>, E) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoOutcome<()>,
    {
        let f = Arc::new(f);
        self.bound(pattern, model, move |source: &Source<E>, model| {
            let f = f.clone();
            source.connect_async_weak(model, move |model, event| f(model, event))
        })
    }

    /// As [`connect`](SignalRegistry::connect), but `connect` is called with each source that fits, and connects what it
    /// likes, as it likes.
    ///
    /// ```
    /// # use settled_signal::{Signal, SignalRegistry, Source};
    /// let (registry, asked) = (SignalRegistry::new(), Signal::<u32, u32>::new());
    /// registry.connect_each("asked", |source: &Source<u32, u32>| source.connect_with().last().sync(|x| x + 1))?;
    /// registry.register("asked", &asked)?;
    /// asked.connect(|x| x * 10);
    /// assert_eq!(asked.notify(7).results(), Some(&[70, 8][..]));
    /// # Ok::<(), settled_signal::RegistryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`connect`](SignalRegistry::connect).
    #[track_caller]
    pub fn connect_each<E, R, F>(&self, pattern: &str, connect: F) -> Result<Connection, RegistryError>
    where
        E: Clone + Send + Sync + 'static,
        R: Send + 'static,
        F: Fn(&Source<E, R>) -> Connection + Send + Sync + 'static,
    {
        let connect: Connect = Box::new(move |entry| {
            let source: Source<E, R> = entry.get()?;
            Some((connect(&source), Box::new(source)))
        });
        self.attach(pattern, Some(wanted::<E, R>()), connect, None, Location::caller())
    }

    /// Connects a handler that listens to whatever it is, with its name: for a log, or an inspector. It gives no results.
    /// To each event it costs a clone of that and an allocation.
    ///
    /// ```
    /// # use settled_signal::{Observable, Signal, SignalRegistry};
    /// # use std::sync::{Arc, Mutex};
    /// let (registry, log) = (SignalRegistry::new(), Arc::new(Mutex::new(vec![])));
    /// registry.subscribe("**", {
    ///     let log = log.clone();
    ///     move |told| log.lock().unwrap().push(format!("{} {} {:?}", told.name(), told.event_type(), told.event::<u32>()))
    /// })?;
    /// let (level, asked) = (Observable::new(1_u32), Signal::<&str, usize>::new());
    /// registry.register("tank.level", &level)?;
    /// registry.register("asked", &asked)?;
    /// level.set(2);
    /// asked.notify("why");
    /// assert_eq!(*log.lock().unwrap(), ["tank.level u32 Some(2)", "asked &str None"]);
    /// # Ok::<(), settled_signal::RegistryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If it is no pattern.
    #[track_caller]
    pub fn subscribe<F, O>(&self, pattern: &str, f: F) -> Result<Connection, RegistryError>
    where
        F: Fn(&Told) -> O + Send + Sync + 'static,
        O: IntoOutcome<()>,
    {
        self.tell(pattern, Teller::Now(Arc::new(move |told| f(told).into_outcome())), Location::caller())
    }

    /// The same with an asynchronous handler.
    ///
    /// # Errors
    ///
    /// If it is no pattern.
    #[track_caller]
    pub fn subscribe_async<F, Fut>(&self, pattern: &str, f: F) -> Result<Connection, RegistryError>
    where
        F: Fn(Told) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoOutcome<()>,
    {
        let later = move |told| -> BoxFuture<'static, HandlerOutcome<()>> {
            let told = f(told);
            Box::pin(async move { told.await.into_outcome() })
        };
        self.tell(pattern, Teller::Later(Arc::new(later)), Location::caller())
    }

    /// Connects a [handler](crate::Handler) that is registered to what stands, or will stand, elsewhere: by their names alone,
    /// as a configuration would. See [`Source::connect_handler`].
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use settled_signal::{Handler, Signal, SignalRegistry, transaction::{self, BoxError}};
    /// struct Limit(u32);
    /// #[async_trait::async_trait]
    /// impl Handler<u32> for Limit {
    ///     async fn handle(self: Arc<Self>, x: u32) -> Result<(), BoxError> {
    ///         if x > self.0 { Err("too much".into()) } else { Ok(()) }
    ///     }
    /// }
    /// let (registry, level) = (SignalRegistry::new(), Signal::<u32>::new());
    /// let limit: Arc<dyn Handler<u32>> = Arc::new(Limit(3));
    /// registry.register("checks.limit", &limit)?;
    /// registry.wire("*.level", "checks.limit")?;
    /// registry.register("tank.level", &level)?;
    /// assert!(transaction::block_on(level.notify(4)).is_err());
    /// # Ok::<(), settled_signal::RegistryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no handler of that name; else as [`connect`](SignalRegistry::connect).
    #[track_caller]
    pub fn wire(&self, pattern: &str, handler: &str) -> Result<Connection, RegistryError> {
        let location = Location::caller();
        let handler = self.shared.entry(handler)?;
        let Some(wanted) = handler.listed.handles() else {
            return Err(RegistryError::mismatch(&handler, "Handler".into()));
        };
        let connect: Connect = Box::new(move |entry| handler.listed.connect_to(entry));
        self.attach(pattern, Some(wanted), connect, None, location)
    }

    /// Of a model's method.
    pub(super) fn connect_outside(
        &self,
        handler: &ExternalHandler,
        bound: Option<Weak<dyn Any + Send + Sync>>,
        location: &'static Location<'static>,
    ) -> Result<Connection, RegistryError> {
        let inner = handler.0.clone();
        let wanted =
            inner.method.outside.as_ref().map(|outside| (outside.source_type(), outside.type_name()));
        let connect: Connect = Box::new(move |entry| {
            let outside = inner.method.outside.as_ref()?;
            let source = entry.source(outside.source_type())?;
            Some((outside.connect(&*source)?, source))
        });
        self.attach(handler.handles(), wanted, connect, bound, location)
    }

    #[track_caller]
    fn bound<E, M, F>(&self, pattern: &str, model: &Arc<M>, connect: F) -> Result<Connection, RegistryError>
    where
        E: Clone + Send + Sync + 'static,
        M: Send + Sync + 'static,
        F: Fn(&Source<E>, &Arc<M>) -> Connection + Send + Sync + 'static,
    {
        let weak = Arc::downgrade(model);
        let bound: Weak<dyn Any + Send + Sync> = weak.clone();
        let connect: Connect = Box::new(move |entry| {
            let source: Source<E> = entry.get()?;
            Some((connect(&source, &weak.upgrade()?), Box::new(source)))
        });
        self.attach(pattern, Some(wanted::<E, ()>()), connect, Some(bound), Location::caller())
    }

    fn tell(
        &self,
        pattern: &str,
        teller: Teller,
        location: &'static Location<'static>,
    ) -> Result<Connection, RegistryError> {
        let connect: Connect = Box::new(move |entry| entry.listed.tell(&entry.name, &teller));
        self.attach(pattern, None, connect, None, location)
    }

    /// `wanted` is the type of the source, and how it is called, where something else under the very name is an error.
    fn attach(
        &self,
        pattern: &str,
        wanted: Option<(TypeId, String)>,
        connect: Connect,
        bound: Option<Weak<dyn Any + Send + Sync>>,
        location: &'static Location<'static>,
    ) -> Result<Connection, RegistryError> {
        let pattern = Pattern::parse(pattern).ok_or_else(|| RegistryError::no_pattern(pattern))?;
        let registry = Arc::downgrade(&self.shared);
        let subscription = self.shared.subscribe(|serial| Subscription {
            wanted: wanted.filter(|_| pattern.is_exact()),
            pattern,
            serial,
            location,
            connect,
            bound,
            registry,
            state: Mutex::default(),
        })?;
        Ok(Connection::new(Arc::downgrade(&subscription) as _, Key::default()))
    }
}

fn wanted<E: 'static, R: 'static>() -> (TypeId, String) {
    (TypeId::of::<Source<E, R>>(), short(type_name::<Source<E, R>>()))
}

impl fmt::Debug for SignalRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.all().iter().map(|entry| entry.to_string())).finish()
    }
}
