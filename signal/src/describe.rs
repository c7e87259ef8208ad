//! What a model has, as it tells a registry: its signals and observables, and its handlers. Written by `#[model]` and
//! `#[handlers]`.

#![allow(missing_docs, reason = "hidden: what is not said here is said of the macros")]

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::sync::Arc;

use crate::connection::Connection;
use crate::external::ExternalSignal;
use crate::observable::Observable;
use crate::registry::{Listable, Listing, short};
use crate::signal::Signal;
use crate::source::Source;

/// A base comes first; what the model itself has of the same name takes its place.
#[derive(Default)]
pub struct Description {
    pub(crate) parts: Vec<(&'static str, Listing)>,
    pub(crate) methods: Vec<Method>,
}

/// A method that handles something.
pub(crate) struct Method {
    pub(crate) name: &'static str,
    /// A field of the model, or a name beyond it.
    pub(crate) handles: &'static str,
    pub(crate) is_async: bool,
    pub(crate) outside: Option<Box<dyn Outside>>,
}

/// Handles something beyond its model.
pub(crate) trait Outside: Send + Sync {
    /// The type of the source that it is for.
    fn source_type(&self) -> TypeId;

    fn type_name(&self) -> String;

    /// Of its event.
    fn event_type(&self) -> &'static str;

    /// Connects it; `source` is a `Source<E>`.
    fn connect(&self, source: &dyn Any) -> Option<Connection>;

    /// A way in for its events, open as long as what is given back is kept.
    fn inlet(&self, name: Arc<str>) -> (ExternalSignal, Box<dyn Any + Send + Sync>);
}

type Connect<E> = Box<dyn Fn(&Source<E>) -> Connection + Send + Sync>;

struct Of<E>(Connect<E>);

impl Description {
    pub fn observable<T: Clone + Send + Sync + 'static>(
        &mut self,
        field: &'static str,
        observable: &Observable<T>,
    ) {
        self.part(field, observable.listing());
    }

    pub fn signal<E, R>(&mut self, field: &'static str, signal: &Signal<E, R>)
    where
        E: Clone + Send + Sync + 'static,
        R: Send + 'static,
    {
        self.part(field, signal.listing());
    }

    fn part(&mut self, field: &'static str, listing: Listing) {
        self.parts.retain(|(other, _)| *other != field);
        self.parts.push((field, listing));
    }

    /// It handles a field of its own.
    pub fn handler(&mut self, name: &'static str, handles: &'static str, is_async: bool) {
        self.methods.push(Method { name, handles, is_async, outside: None });
    }

    /// It handles something of that name.
    pub fn outside<E: Clone + Send + Sync + 'static>(
        &mut self,
        name: &'static str,
        handles: &'static str,
        is_async: bool,
        connect: impl Fn(&Source<E>) -> Connection + Send + Sync + 'static,
    ) {
        let outside: Box<dyn Outside> = Box::new(Of::<E>(Box::new(connect)));
        self.methods.push(Method { name, handles, is_async, outside: Some(outside) });
    }
}

impl<E: Clone + Send + Sync + 'static> Outside for Of<E> {
    fn source_type(&self) -> TypeId {
        TypeId::of::<Source<E>>()
    }

    fn type_name(&self) -> String {
        short(type_name::<Source<E>>())
    }

    fn event_type(&self) -> &'static str {
        type_name::<E>()
    }

    fn connect(&self, source: &dyn Any) -> Option<Connection> {
        source.downcast_ref().map(|source| (self.0)(source))
    }

    fn inlet(&self, name: Arc<str>) -> (ExternalSignal, Box<dyn Any + Send + Sync>) {
        let inlet: Signal<E> = Signal::new();
        (self.0)(&inlet);
        (ExternalSignal::new(name, Arc::downgrade(inlet.handlers())), Box::new(inlet))
    }
}

impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parts.iter().map(|(field, _)| field)).finish()
    }
}
