//! Models that reach beyond the process: what an [`ExternalSignaller`](crate::ExternalSignaller) is told of them.

use std::any::Any;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex};

use crate::connection::Connection;
use crate::external::ExternalSignal;
use crate::lock::lock;

/// A model that has been registered: for an [`ExternalSignaller`](crate::ExternalSignaller). A handle that does not keep it
/// alive.
#[derive(Clone)]
pub struct ExternalModel {
    pub(crate) path: Arc<str>,
    pub(crate) name: &'static str,
    pub(crate) signals: Arc<[ExternalSignal]>,
    pub(crate) handlers: Arc<[ExternalHandler]>,
}

/// A method of a model that handles something, of the model itself or beyond it: see [`ExternalModel::handlers`].
#[derive(Clone)]
pub struct ExternalHandler(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) method: crate::describe::Method,
    pub(crate) claim: Mutex<Claim>,
}

/// Who has a method that handles something beyond its model.
#[derive(Default)]
pub(crate) enum Claim {
    /// Nobody yet.
    #[default]
    Free,
    /// The registry, which has connected it to what has that name.
    Connected(Connection),
    /// An external signaller. This is kept for it.
    Taken { _inlet: Box<dyn Any + Send + Sync> },
    /// Its model is registered no more.
    Gone,
}

impl ExternalModel {
    /// The path that it is registered under.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The name of its type.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its signals and observables, each under its own name.
    pub fn signals(&self) -> &[ExternalSignal] {
        &self.signals
    }

    /// Its handlers, in the order in which they are declared, those of its base first.
    pub fn handlers(&self) -> &[ExternalHandler] {
        &self.handlers
    }
}

impl ExternalHandler {
    pub(crate) fn new(method: crate::describe::Method) -> Self {
        ExternalHandler(Arc::new(Inner { method, claim: Mutex::default() }))
    }

    /// The name of the method, with that of the model's type: `Person.on_name`.
    pub fn name(&self) -> &'static str {
        self.0.method.name
    }

    /// What it handles: a field of its model, or a name beyond it.
    pub fn handles(&self) -> &'static str {
        self.0.method.handles
    }

    /// Does it handle something beyond its model?
    pub fn is_outside(&self) -> bool {
        self.0.method.outside.is_some()
    }

    /// Is it asynchronous?
    pub fn is_async(&self) -> bool {
        self.0.method.is_async
    }

    /// The name of the type of the event that it takes, to be shown, where it is for something beyond its model.
    pub fn event_type(&self) -> Option<&'static str> {
        self.0.method.outside.as_ref().map(|outside| outside.event_type())
    }

    /// Takes a handler of something beyond its model: that is called then for what comes in by what is given back, and for
    /// nothing else. `None` if it is for a field of its model, or somebody has taken it before.
    ///
    /// A handler that nobody takes is connected to what is registered under the name.
    pub fn take(&self) -> Option<ExternalSignal> {
        let outside = self.0.method.outside.as_ref()?;
        let (signal, inlet) = outside.inlet(self.handles().into());
        let mut claim = lock(&self.0.claim);
        if matches!(*claim, Claim::Taken { .. } | Claim::Gone) {
            drop(claim);
            return None;
        }
        let old = mem::replace(&mut *claim, Claim::Taken { _inlet: inlet });
        drop(claim);
        old.release();
        Some(signal)
    }

    pub(crate) fn is_free(&self) -> bool {
        self.is_outside() && matches!(*lock(&self.0.claim), Claim::Free)
    }

    /// The registry has connected it, unless somebody has taken it.
    pub(crate) fn connected(&self, connection: Connection) {
        let mut claim = lock(&self.0.claim);
        if matches!(*claim, Claim::Free) {
            *claim = Claim::Connected(connection);
        } else {
            drop(claim);
            connection.disconnect();
        }
    }

    /// Its model is registered no more.
    pub(crate) fn end(&self) {
        let old = mem::replace(&mut *lock(&self.0.claim), Claim::Gone);
        old.release();
    }
}

impl Claim {
    fn release(self) {
        if let Claim::Connected(connection) = self {
            connection.disconnect();
        }
    }
}

impl fmt::Debug for ExternalModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalModel")
            .field("path", &self.path)
            .field("name", &self.name)
            .field("signals", &self.signals)
            .field("handlers", &self.handlers)
            .finish()
    }
}

impl fmt::Debug for ExternalHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut handler = f.debug_struct("ExternalHandler");
        handler.field("name", &self.name()).field("handles", &self.handles());
        handler.finish_non_exhaustive()
    }
}
