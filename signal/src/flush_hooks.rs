//! Those who want to know when effects are run.

use std::fmt;
use std::sync::OnceLock;

use crate::signal::Signal;
use crate::source::Source;

/// Signals of the process, around each run of effects: see [`on_flush`].
pub struct FlushHooks {
    before: Signal<()>,
    after: Signal<()>,
}

static HOOKS: OnceLock<FlushHooks> = OnceLock::new();

/// Signals that tell, wherever in the process effects are run: before the first, and after the last of them.
///
/// Their handlers are called on the thread that runs the effects, with their transaction current, untracked. What they set is
/// looked at in the same go, if it is before, else in the next one. Until this is called first, it costs a load.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use settled_signal::{Effect, Observable, on_flush};
///
/// let (level, log) = (Observable::new(1), Arc::new(Mutex::new(vec![])));
/// let note = |what: &'static str| { let log = log.clone(); move || log.lock().unwrap().push(what) };
/// let effect = Effect::new({ let (level, note) = (level.clone(), note("run")); move || { level.get(); note() } });
/// let before = on_flush().before().connect({ let note = note("before"); move |()| note() });
/// let after = on_flush().after().connect({ let note = note("after"); move |()| note() });
/// level.set(2);
/// assert_eq!(*log.lock().unwrap(), ["run", "before", "run", "after"]);
/// # before.disconnect();
/// # after.disconnect();
/// ```
pub fn on_flush() -> &'static FlushHooks {
    HOOKS.get_or_init(|| FlushHooks { before: Signal::new(), after: Signal::new() })
}

impl FlushHooks {
    /// Told before effects are run.
    pub fn before(&self) -> &Source<()> {
        &self.before
    }

    /// Told when they have been.
    pub fn after(&self) -> &Source<()> {
        &self.after
    }
}

impl fmt::Debug for FlushHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlushHooks").field("before", &self.before).field("after", &self.after).finish()
    }
}

#[inline]
pub(crate) fn before() {
    if let Some(hooks) = HOOKS.get() {
        drop(hooks.before.notify(()));
    }
}

#[inline]
pub(crate) fn after() {
    if let Some(hooks) = HOOKS.get() {
        drop(hooks.after.notify(()));
    }
}
