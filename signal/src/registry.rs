//! Signals and handlers by name.
//!
//! The names are in `registry/name`, what stands under one in `registry/entry`, handlers that are connected by name in
//! `registry/connect`, `registry/subscription` and `registry/told`; in which steps all that changes is told in `registry/shared`.

mod connect;
mod entry;
mod error;
mod name;
mod registered;
mod shared;
mod subscription;
mod told;

use std::any::type_name;
use std::panic::Location;
use std::sync::Arc;

use crate::external::ExternalSignaller;
use crate::registry::entry::keeping;
use crate::registry::name::{Pattern, is_name};
use crate::signal::Signal;

pub(crate) use crate::registry::entry::{Listable, Listing, Stop};
pub use crate::registry::error::RegistryError;
pub(crate) use crate::registry::name::short;
pub use crate::registry::registered::Registered;
pub(crate) use crate::registry::shared::Shared;
pub use crate::registry::told::Told;

/// What can be [registered](SignalRegistry::register): a [`Signal`], an [`Observable`](crate::Observable), a [`Source`](crate::Source), a model
/// in its `Arc`, an `Arc<dyn Handler<E, R>>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be registered",
    note = "a `Signal`, an `Observable`, a `Source`, a model in its `Arc`, an `Arc<dyn Handler<E, R>>` can"
)]
pub trait Registrable: Listable {}

impl<T: Listable> Registrable for T {}

/// Signals and handlers by name: who knows the name and the type finds the thing, whoever made it, and whether it is there
/// yet or not.
///
/// A handle: clones are the same registry. Names are segments with dots between them. A model stands under a path, and
/// what it has below that.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use settled_signal::{Observable, SignalRegistry, model};
///
/// #[model]
/// struct User { name: String, age: u32 }
///
/// let registry = SignalRegistry::new();
/// // Connected before there is any user; to what fits, by name and type.
/// let seen = Arc::new(Mutex::new(vec![]));
/// registry.connect("users.*.name", { let seen = seen.clone(); move |name: &String| seen.lock().unwrap().push(name.clone()) })?;
///
/// let ada = User::new("Ada".into(), 36);
/// registry.register("users.ada", &ada)?;
/// ada.set_name("Lady Ada".into());
/// registry.get::<Observable<String>>("users.ada.name")?.set("Countess".into());
/// assert_eq!(*seen.lock().unwrap(), ["Lady Ada", "Countess"]);
///
/// let names: Vec<String> = registry.find("users.**")?.iter().map(|found| found.to_string()).collect();
/// assert_eq!(names, ["users.ada: Arc<User>", "users.ada.age: Observable<u32>", "users.ada.name: Observable<String>"]);
/// # Ok::<(), settled_signal::RegistryError>(())
/// ```
///
/// Nothing is kept alive by being registered, but handlers and what was [declared](SignalRegistry::declare): what is gone
/// frees its name. What is connected by name goes with the registry.
///
/// No lock is held while handlers, hooks or external signallers run.
#[derive(Clone, Default)]
pub struct SignalRegistry {
    shared: Arc<Shared>,
}

impl SignalRegistry {
    /// With nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives it a name. A model gets a path: each of its signals and observables (also those that others do not see) gets the
    /// name of its field below that. Handlers of the model that name something beyond it
    /// (`#[handler("users.*.renamed")]`) are offered to the [external signallers](SignalRegistry::add_signaller), and
    /// connected here if none of those takes them.
    ///
    /// Who has connected to the name is called from now on.
    ///
    /// ```
    /// # use settled_signal::{Signal, SignalRegistry};
    /// let registry = SignalRegistry::new();
    /// let clicked = Signal::<u32>::new();
    /// registry.register("ui.clicked", &clicked)?;
    /// let error = registry.register("ui.clicked", &Signal::<u32>::new()).unwrap_err();
    /// assert!(error.is_taken());
    /// drop(clicked);
    /// assert!(registry.register("ui.clicked", &Signal::<u32>::new()).is_ok());
    /// # Ok::<(), settled_signal::RegistryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the name is taken, or is none, or a handler waits under this very name for something of another type. Then nothing has
    /// been registered.
    #[track_caller]
    pub fn register<T: Registrable>(&self, name: &str, thing: &T) -> Result<(), RegistryError> {
        let location = Location::caller();
        if !is_name(name) {
            return Err(RegistryError::no_name(name));
        }
        let entry = self.shared.register(name, thing.listing(), location)?;
        let Some((_, handlers)) = entry.listed.model() else { return Ok(()) };
        for handler in handlers.iter().filter(|handler| handler.is_free()) {
            let connected = self.connect_outside(handler, entry.listed.bound(), location);
            match connected {
                Ok(connection) => handler.connected(connection),
                Err(error) => {
                    self.remove(name);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// A signal of that name; where there is none, it is made, and kept here until it is [removed](SignalRegistry::remove).
    ///
    /// ```
    /// # use settled_signal::{Signal, SignalRegistry};
    /// let registry = SignalRegistry::new();
    /// registry.declare::<u32, u32>("app.asked")?.connect(|x| x + 1);
    /// assert_eq!(registry.declare::<u32, u32>("app.asked")?.notify(1).results(), Some(&[2][..]));
    /// # Ok::<(), settled_signal::RegistryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If it is no name, if something else stands there, or a handler waits for something else there.
    #[track_caller]
    pub fn declare<E, R>(&self, name: &str) -> Result<Signal<E, R>, RegistryError>
    where
        E: Clone + Send + Sync + 'static,
        R: Send + 'static,
    {
        let location = Location::caller();
        if !is_name(name) {
            return Err(RegistryError::no_name(name));
        }
        loop {
            match self.get::<Signal<E, R>>(name) {
                Err(error) if error.is_unknown() => {}
                found => return found,
            }
            let signal = Signal::builder().name(name).build();
            match self.shared.register(name, keeping(&signal), location) {
                // Somebody was faster.
                Err(error) if error.is_taken() => {}
                registered => return registered.map(|_| signal),
            }
        }
    }

    /// Takes it out; with a model, all that it has. What was connected by name is disconnected from it, external
    /// signallers are told no more. False if nothing stands there.
    ///
    /// ```
    /// # use settled_signal::{Observable, SignalRegistry};
    /// let (registry, level) = (SignalRegistry::new(), Observable::new(1));
    /// registry.register("level", &level)?;
    /// registry.connect("level", |_: &i32| Err("too high"))?;
    /// assert!(registry.remove("level") && !registry.remove("level"));
    /// assert!(settled_signal::transaction::block_on(level.set(2)).is_ok());
    /// # Ok::<(), settled_signal::RegistryError>(())
    /// ```
    pub fn remove(&self, name: &str) -> bool {
        self.shared.remove(name)
    }

    /// A handle of what stands there: a `Signal<E, R>`, an `Observable<T>`, an `Arc<dyn Handler<E, R>>`, a model in its `Arc`;
    /// or a `Source<E, R>` of a signal, an observable, a source.
    ///
    /// ```
    /// # use settled_signal::{Observable, SignalRegistry, Source};
    /// let (registry, level) = (SignalRegistry::new(), Observable::new(1));
    /// registry.register("tank.level", &level)?;
    /// let same: Observable<i32> = registry.get("tank.level")?;
    /// assert_eq!(same.get(), 1);
    /// let changed: Source<i32> = registry.get("tank.level")?;
    /// assert!(registry.get::<Observable<u8>>("tank.level").unwrap_err().is_mismatch());
    /// # Ok::<(), settled_signal::RegistryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If nothing stands there (it says what is near), or something of another type (it says which, and where it was
    /// registered).
    pub fn get<T: Registrable>(&self, name: &str) -> Result<T, RegistryError> {
        let entry = self.shared.entry(name)?;
        if let Some(thing) = entry.get() {
            return Ok(thing);
        }
        if entry.can_be::<T>() || !entry.listed.is_alive(&mut Vec::new()) {
            return Err(self.shared.unknown(name));
        }
        Err(RegistryError::mismatch(&entry, short(type_name::<T>())))
    }

    /// All that is registered, in the order of names.
    pub fn all(&self) -> Vec<Registered> {
        self.shared.entries(None).into_iter().map(Registered).collect()
    }

    /// All whose names fit a pattern, in which `*` stands for one segment and `**` for any number of them.
    ///
    /// # Errors
    ///
    /// If it is no pattern.
    pub fn find(&self, pattern: &str) -> Result<Vec<Registered>, RegistryError> {
        let pattern = Pattern::parse(pattern).ok_or_else(|| RegistryError::no_pattern(pattern))?;
        Ok(self.shared.entries(Some(&pattern)).into_iter().map(Registered).collect())
    }

    /// Tells this one of all signals, observables and models that are registered, now and later, and of their notifications:
    /// each under the name that it has here. False if it is told already.
    pub fn add_signaller(&self, signaller: Arc<dyn ExternalSignaller>) -> bool {
        self.shared.add_signaller(&signaller)
    }

    /// It is told no more. False if it was not told.
    pub fn remove_signaller(&self, signaller: &Arc<dyn ExternalSignaller>) -> bool {
        self.shared.remove_signaller(signaller)
    }
}
