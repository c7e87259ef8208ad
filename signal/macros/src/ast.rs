//! What was written, taken apart: what a parser can refuse is refused here.

pub(crate) mod handlers;
pub(crate) mod marks;
pub(crate) mod model;
pub(crate) mod options;

use proc_macro2::TokenStream;
use syn::{Error, Result};

/// All errors of one item, so that one compilation tells all of them.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            none => *none = Some(error),
        }
    }

    /// The value, unless it is an error.
    pub(crate) fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn any(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.map(Error::into_compile_error).unwrap_or_default()
    }
}
