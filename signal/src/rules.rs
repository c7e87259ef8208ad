//! What few observables have: rules for their values, handlers that hear of the old value with the new one, and somebody
//! outside who is told.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use settled::BoxError;

use crate::graph::Untracked;
use crate::options::Options;
use crate::refused::Reason;
use crate::source::Source;

pub(crate) type Validate<T> = Box<dyn Fn(&T) -> Result<(), BoxError> + Send + Sync>;

/// Are they the same?
pub(crate) type Same<T> = fn(&T, &T) -> bool;

pub(crate) struct More<T> {
    pub(crate) rules: Rules<T>,
    pub(crate) replaced: Source<(T, T)>,
    /// Has handlers that tell external signallers.
    pub(crate) published: OnceLock<Source<T>>,
}

impl<T> More<T> {
    pub(crate) fn new(rules: Rules<T>) -> Box<Self> {
        Box::new(More { rules, replaced: Source::new(Options::default()), published: OnceLock::new() })
    }
}

pub(crate) struct Rules<T> {
    /// All are asked, in order.
    pub(crate) validate: Vec<Validate<T>>,
    /// What is the same is no change.
    pub(crate) gate: Option<Same<T>>,
}

impl<T> Default for Rules<T> {
    fn default() -> Self {
        Rules { validate: Vec::new(), gate: None }
    }
}

impl<T> Rules<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.validate.is_empty() && self.gate.is_none()
    }

    /// May it be stored?
    pub(crate) fn check(&self, value: &T) -> Result<(), Reason> {
        let _untracked = Untracked::begin();
        let checked =
            catch_unwind(AssertUnwindSafe(|| self.validate.iter().try_for_each(|validate| validate(value))));
        checked.map_err(|payload: Box<dyn Any + Send>| Reason::Panic(payload))?.map_err(Reason::Error)
    }
}
