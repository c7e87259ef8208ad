//! What is registered, as it is listed.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::connection::Connection;
use crate::registry::entry::{Entry, Kind};

/// Something that is registered: see [`SignalRegistry::all`](crate::SignalRegistry::all). It does not keep it alive, unless
/// the registry does.
///
/// ```
/// # use settled_signal::{Signal, SignalRegistry};
/// let (registry, clicked) = (SignalRegistry::new(), Signal::<u32>::new());
/// registry.register("ui.clicked", &clicked)?;
/// clicked.connect_with().name("log").sync(|_| {});
/// let [found] = &registry.all()[..] else { panic!("there is one") };
/// assert!(found.is_signal());
/// assert_eq!((found.name(), found.type_name().as_str()), ("ui.clicked", "Signal<u32>"));
/// assert_eq!(found.handlers()[0].name().as_deref(), Some("log"));
/// # Ok::<(), settled_signal::RegistryError>(())
/// ```
#[derive(Clone)]
pub struct Registered(pub(super) Arc<Entry>);

impl Registered {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Is it a [`Signal`](crate::Signal)?
    pub fn is_signal(&self) -> bool {
        self.0.kind == Kind::Signal
    }

    /// Is it an [`Observable`](crate::Observable)?
    pub fn is_observable(&self) -> bool {
        self.0.kind == Kind::Observable
    }

    /// Is it a mere [`Source`](crate::Source), to be listened to?
    pub fn is_source(&self) -> bool {
        self.0.kind == Kind::Source
    }

    /// Is it a [`Handler`](crate::Handler) object?
    pub fn is_handler(&self) -> bool {
        self.0.kind == Kind::Handler
    }

    /// Is it a model? What it has stands under its path.
    pub fn is_model(&self) -> bool {
        self.0.kind == Kind::Model
    }

    /// Its type, as one writes it.
    pub fn type_name(&self) -> String {
        self.0.type_name()
    }

    /// Where it was registered.
    pub fn location(&self) -> &'static Location<'static> {
        self.0.location
    }

    /// The handlers that are connected to it, in the order in which they are called.
    pub fn handlers(&self) -> Vec<Connection> {
        self.0.listed.handlers().into_iter().map(|(_, connection)| connection).collect()
    }
}

/// The name and the type.
impl fmt::Display for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.type_name())
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered").field("name", &self.0.name).field("type", &self.type_name()).finish()
    }
}
