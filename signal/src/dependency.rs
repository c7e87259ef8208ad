//! For who has data of another kind, and wants effects and computeds to depend on it.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, OnceLock};

use crate::flush::Settling;
use crate::graph::{Origin, current_graph, is_tracking};
use crate::notification::Notification;

/// Something that computeds and effects depend on, with whatever data behind it: where that is read say
/// [`depend`](Dependency::depend), where it has been changed [`changed`](Dependency::changed).
///
/// A handle: clones are the same dependency.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
///
/// use settled_signal::{Computed, Dependency};
///
/// let (clicks, dependency) = (Arc::new(AtomicU32::new(0)), Dependency::new());
/// let is_busy = Computed::new({
///     let (clicks, dependency) = (clicks.clone(), dependency.clone());
///     move || {
///         dependency.depend();
///         clicks.load(Ordering::Relaxed) > 9
///     }
/// });
/// assert!(!is_busy.get());
/// clicks.store(10, Ordering::Relaxed);
/// dependency.changed();
/// assert!(is_busy.get());
/// ```
#[derive(Clone, Default)]
pub struct Dependency {
    /// Its node, once somebody has read it.
    origin: Arc<OnceLock<Origin>>,
}

impl Dependency {
    /// One that nobody depends on.
    ///
    /// ```
    /// # use settled_signal::Dependency;
    /// assert!(settled::block_on(Dependency::new().changed()).is_ok());
    /// ```
    pub fn new() -> Self {
        Dependency::default()
    }

    /// What runs now depends on it. Nothing where nothing is tracked.
    pub fn depend(&self) {
        if is_tracking() {
            let origin = self.origin.get().or_else(|| {
                let graph = current_graph()?;
                Some(self.origin.get_or_init(|| Origin::new(&graph)))
            });
            if let Some(origin) = origin {
                origin.track();
            }
        }
    }

    /// It has changed: what depends on it is computed again when it is asked for, and effects are run as when an
    /// [`Observable`](crate::Observable) is set. Say it after the data has been changed.
    ///
    /// It is not undone by a rollback: where the data is, say it again.
    #[track_caller]
    pub fn changed(&self) -> Notification<()> {
        let location = Location::caller();
        let told = Notification::default();
        let Some(origin) = self.origin.get() else { return told };
        Settling::of(location, |settle, due| origin.graph().change(origin, settle, due)).end(told)
    }
}

impl fmt::Debug for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dependency").field("is_known", &self.origin.get().is_some()).finish()
    }
}
