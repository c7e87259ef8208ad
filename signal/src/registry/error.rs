//! What goes wrong with names.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::registry::entry::Entry;

/// A name in a [`SignalRegistry`](crate::SignalRegistry) does not stand for what was asked for; or may not be taken.
///
/// ```
/// # use settled_signal::{Observable, Signal, SignalRegistry};
/// let registry = SignalRegistry::new();
/// let level = Observable::new(1);
/// registry.register("tank.level", &level).unwrap();
///
/// let error = registry.get::<Observable<i32>>("tank.levle").unwrap_err();
/// assert!(error.is_unknown());
/// assert_eq!(error.to_string(), "nothing is registered as `tank.levle`; did you mean `tank.level`?");
///
/// let error = registry.get::<Signal<u32>>("tank.level").unwrap_err();
/// assert!(error.is_mismatch());
/// assert!(error.to_string().starts_with("`tank.level` is an `Observable<i32>`, not a `Signal<u32>`: registered at "));
/// ```
pub struct RegistryError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    name: Arc<str>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Nothing stands there.
    Unknown { near: Vec<Arc<str>> },
    /// Something else stands there.
    Mismatch { stands: Stands, wanted: String },
    /// It is to be registered, and something stands there.
    Taken { stands: Stands, given: String },
    /// It is to be registered, and somebody waits for something else there.
    Awaited { awaited: Stands, given: String },
    /// No name, or no pattern.
    Malformed { may_be_wild: bool },
}

/// What is there already.
#[derive(Debug)]
struct Stands {
    what: String,
    at: &'static Location<'static>,
}

impl Stands {
    fn of(entry: &Entry) -> Self {
        Stands { what: entry.type_name(), at: entry.location }
    }
}

impl RegistryError {
    fn new(name: &str, kind: Kind) -> Self {
        RegistryError(Box::new(Inner { name: name.into(), kind }))
    }

    pub(crate) fn unknown(name: &str, near: Vec<Arc<str>>) -> Self {
        Self::new(name, Kind::Unknown { near })
    }

    pub(crate) fn mismatch(entry: &Entry, wanted: String) -> Self {
        Self::new(&entry.name, Kind::Mismatch { stands: Stands::of(entry), wanted })
    }

    pub(crate) fn taken(entry: &Entry, given: String) -> Self {
        Self::new(&entry.name, Kind::Taken { stands: Stands::of(entry), given })
    }

    pub(crate) fn awaited(name: &str, what: String, at: &'static Location<'static>, given: String) -> Self {
        Self::new(name, Kind::Awaited { awaited: Stands { what, at }, given })
    }

    pub(crate) fn no_name(text: &str) -> Self {
        Self::new(text, Kind::Malformed { may_be_wild: false })
    }

    pub(crate) fn no_pattern(text: &str) -> Self {
        Self::new(text, Kind::Malformed { may_be_wild: true })
    }

    /// The name that it is about.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Is nothing registered under the name, or not any more?
    pub fn is_unknown(&self) -> bool {
        matches!(self.0.kind, Kind::Unknown { .. })
    }

    /// Does the name stand for something of another type?
    pub fn is_mismatch(&self) -> bool {
        matches!(self.0.kind, Kind::Mismatch { .. })
    }

    /// Could it not be registered, as the name is taken?
    pub fn is_taken(&self) -> bool {
        matches!(self.0.kind, Kind::Taken { .. })
    }

    /// Could it not be registered, as a handler waits for something of another type under the name?
    pub fn is_awaited(&self) -> bool {
        matches!(self.0.kind, Kind::Awaited { .. })
    }

    /// Is it no name, or no pattern?
    pub fn is_malformed(&self) -> bool {
        matches!(self.0.kind, Kind::Malformed { .. })
    }

    /// Names that are registered and look like the unknown one, the nearest first.
    pub fn near(&self) -> impl Iterator<Item = &str> {
        let near = match &self.0.kind {
            Kind::Unknown { near } => near.as_slice(),
            _ => &[],
        };
        near.iter().map(|name| &**name)
    }

    /// The type of what stands there, or is waited for there, where that is the trouble.
    pub fn found(&self) -> Option<&str> {
        match &self.0.kind {
            Kind::Mismatch { stands, .. }
            | Kind::Taken { stands, .. }
            | Kind::Awaited { awaited: stands, .. } => Some(&stands.what),
            Kind::Unknown { .. } | Kind::Malformed { .. } => None,
        }
    }

    /// Where that was registered, or connected.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        match &self.0.kind {
            Kind::Mismatch { stands, .. }
            | Kind::Taken { stands, .. }
            | Kind::Awaited { awaited: stands, .. } => Some(stands.at),
            Kind::Unknown { .. } | Kind::Malformed { .. } => None,
        }
    }
}

/// With its article, in quotes.
struct A<'a>(&'a str);

impl fmt::Display for A<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let article = if self.0.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
        write!(f, "{article} `{}`", self.0)
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { name, kind } = &*self.0;
        match kind {
            Kind::Unknown { near } => {
                write!(f, "nothing is registered as `{name}`")?;
                for (index, near) in near.iter().enumerate() {
                    let before = if index == 0 { "; did you mean" } else { " or" };
                    write!(f, "{before} `{near}`")?;
                }
                f.write_str(if near.is_empty() { "" } else { "?" })
            }
            Kind::Mismatch { stands: Stands { what, at }, wanted } => {
                write!(f, "`{name}` is {}, not {}: registered at {at}", A(what), A(wanted))
            }
            Kind::Taken { stands: Stands { what, at }, given } => {
                write!(f, "{} cannot be `{name}`: that is {}, registered at {at}", A(given), A(what))
            }
            Kind::Awaited { awaited: Stands { what, at }, given } => {
                write!(
                    f,
                    "{} cannot be `{name}`: a handler waits for {} there, connected at {at}",
                    A(given),
                    A(what)
                )
            }
            Kind::Malformed { may_be_wild: false } => {
                write!(f, "`{name}` is no name: that is segments with dots between them, without stars")
            }
            Kind::Malformed { may_be_wild: true } => {
                write!(
                    f,
                    "`{name}` is no pattern: that is segments with dots between them, some of them `*` or `**`"
                )
            }
        }
    }
}

impl fmt::Debug for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryError").field("name", &self.0.name).field("kind", &self.0.kind).finish()
    }
}

impl Error for RegistryError {}
