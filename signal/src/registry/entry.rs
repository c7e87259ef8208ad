//! What stands under a name: a signal, an observable, a source, a model, a handler, whatever its types are.
//!
//! None but a handler and what was [declared](crate::SignalRegistry::declare) is kept alive by its entry. To look at the others
//! a reference is taken, which may turn out to be the last: so nothing here is called under a lock but what says so.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, Weak};

use crate::change::Shared;
use crate::connection::Connection;
use crate::describe::Description;
use crate::external::{ExternalSignal, ExternalSignaller};
use crate::external_model::ExternalHandler;
use crate::handler::Handler;
use crate::handlers::Handlers;
use crate::lock::lock;
use crate::model::Model;
use crate::observable::Observable;
use crate::published;
use crate::registry::name::short;
use crate::registry::told::{Teller, tell};
use crate::signal::Signal;
use crate::source::Source;

/// What kind of thing stands under a name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Signal,
    Observable,
    Source,
    Handler,
    Model,
}

/// Where values go that must not be dropped under a lock.
pub(crate) type Trash = Vec<Box<dyn Any>>;

/// Ends what was begun.
pub(crate) type Stop = Box<dyn FnOnce() + Send + Sync>;

/// Something that stands under a name.
pub(crate) trait Listed: Send + Sync {
    /// A handle of this type, which is its own type or that of its source. `None`: it is gone.
    fn handle(&self, wanted: TypeId) -> Option<Box<dyn Any>>;

    /// Is it still there? What was taken to see that goes to the trash, so that this may be asked under a lock.
    fn is_alive(&self, trash: &mut Trash) -> bool {
        let handle = self.handle(self.own_type());
        let is_alive = handle.is_some();
        trash.extend(handle);
        is_alive
    }

    /// The type of its handle.
    fn own_type(&self) -> TypeId;

    /// The type of its source, if it is something to connect to.
    fn source_type(&self) -> Option<TypeId> {
        None
    }

    /// Is there nothing left of it? May be asked under a lock.
    fn is_forgotten(&self) -> bool;

    /// Connects who listens to whatever it is. And what keeps the list meanwhile.
    fn tell(&self, _: &Arc<str>, _: &Teller) -> Option<(Connection, Box<dyn Any>)> {
        None
    }

    /// Has this one told of its events from now on.
    fn publish(&self, _: &Arc<str>, _: &Arc<dyn ExternalSignaller>) -> Option<(ExternalSignal, Stop)> {
        None
    }

    /// The handlers that are connected, with their names.
    fn handlers(&self) -> Vec<(Option<Arc<str>>, Connection)> {
        Vec::new()
    }

    /// Of a model: the name of its type, and its methods that handle something.
    fn model(&self) -> Option<(&'static str, Arc<[ExternalHandler]>)> {
        None
    }

    /// Of a model: itself.
    fn bound(&self) -> Option<Weak<dyn Any + Send + Sync>> {
        None
    }

    /// Of a handler: the type of the source that it is for, and how it is called.
    fn handles(&self) -> Option<(TypeId, String)> {
        None
    }

    /// Of a handler: connects it there. And what keeps that meanwhile.
    fn connect_to(&self, _: &Entry) -> Option<(Connection, Box<dyn Any>)> {
        None
    }

    /// It is registered no more.
    fn removed(&self) {}
}

/// A signaller that is told, until that is stopped.
type Told = (Arc<dyn ExternalSignaller>, Stop);

/// A name that is taken.
pub(crate) struct Entry {
    pub(crate) name: Arc<str>,
    pub(crate) kind: Kind,
    /// Its own number, or that of the model that it belongs to: they go together.
    pub(crate) group: u64,
    pub(crate) serial: u64,
    /// Where it was registered.
    pub(crate) location: &'static Location<'static>,
    /// The type of its handle, to be shown.
    pub(crate) type_name: &'static str,
    pub(crate) listed: Box<dyn Listed>,
    /// Of those who are told of its events. `None`: it is registered no more.
    pub(crate) stops: Mutex<Option<Vec<Told>>>,
}

impl Entry {
    pub(crate) fn type_name(&self) -> String {
        short(self.type_name)
    }

    /// A handle of this type, if it can have that.
    pub(crate) fn can_be<T: 'static>(&self) -> bool {
        let wanted = TypeId::of::<T>();
        wanted == self.listed.own_type() || Some(wanted) == self.listed.source_type()
    }

    pub(crate) fn get<T: 'static>(&self) -> Option<T> {
        let handle = if self.can_be::<T>() { self.listed.handle(TypeId::of::<T>()) } else { None };
        handle?.downcast().ok().map(|handle| *handle)
    }

    /// Its source, if it is of this type.
    pub(crate) fn source(&self, wanted: TypeId) -> Option<Box<dyn Any>> {
        if self.listed.source_type() == Some(wanted) { self.listed.handle(wanted) } else { None }
    }

    /// Tells this one of its events, from now on.
    pub(crate) fn publish(&self, signaller: &Arc<dyn ExternalSignaller>) -> Option<ExternalSignal> {
        let (signal, stop) = self.listed.publish(&self.name, signaller)?;
        let mut late = Some((signaller.clone(), stop));
        if let Some(stops) = &mut *lock(&self.stops) {
            stops.extend(late.take());
        }
        match late {
            None => Some(signal),
            // It has been removed meanwhile.
            Some((_, stop)) => {
                stop();
                None
            }
        }
    }

    /// Stops to tell this one.
    pub(crate) fn unpublish(&self, signaller: &Arc<dyn ExternalSignaller>) {
        let mut stopped = Vec::new();
        if let Some(stops) = &mut *lock(&self.stops) {
            stopped.extend(stops.extract_if(.., |(to, _)| Arc::ptr_eq(to, signaller)));
        }
        stopped.into_iter().for_each(|(_, stop)| stop());
    }

    pub(crate) fn is_removed(&self) -> bool {
        lock(&self.stops).is_none()
    }

    /// It is registered no more.
    pub(crate) fn removed(&self) {
        let stops = lock(&self.stops).take();
        stops.into_iter().flatten().for_each(|(_, stop)| stop());
        self.listed.removed();
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).field("type", &self.type_name()).finish()
    }
}

/// What can be registered.
pub struct Listing {
    pub(crate) kind: Kind,
    pub(crate) type_name: &'static str,
    pub(crate) listed: Box<dyn Listed>,
    /// Where it is a model: what it has.
    pub(crate) parts: Vec<(&'static str, Listing)>,
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").field("type", &short(self.type_name)).finish()
    }
}

impl Listing {
    pub(crate) fn new<T>(kind: Kind, listed: Box<dyn Listed>) -> Self {
        Listing { kind, type_name: type_name::<T>(), listed, parts: Vec::new() }
    }
}

/// Out of reach of others.
pub trait Listable: 'static {
    fn listing(&self) -> Listing;
}

/// A signal, or a source.
struct OfSource<E, R> {
    handlers: Weak<Handlers<E, R>>,
    /// Where it is kept.
    _kept: Option<Source<E, R>>,
    is_signal: bool,
}

impl<E, R> OfSource<E, R> {
    fn source(&self) -> Option<Source<E, R>> {
        self.handlers.upgrade().map(Source::of)
    }
}

impl<E, R> Listed for OfSource<E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    fn handle(&self, wanted: TypeId) -> Option<Box<dyn Any>> {
        let source = self.source()?;
        let is_source = wanted == TypeId::of::<Source<E, R>>();
        Some(if is_source { Box::new(source) } else { Box::new(Signal::of(source)) })
    }

    fn own_type(&self) -> TypeId {
        if self.is_signal { TypeId::of::<Signal<E, R>>() } else { TypeId::of::<Source<E, R>>() }
    }

    fn source_type(&self) -> Option<TypeId> {
        Some(TypeId::of::<Source<E, R>>())
    }

    fn is_forgotten(&self) -> bool {
        self.handlers.strong_count() == 0
    }

    fn tell(&self, name: &Arc<str>, teller: &Teller) -> Option<(Connection, Box<dyn Any>)> {
        let source = self.source()?;
        Some((tell(&source, name, teller), Box::new(source)))
    }

    fn publish(
        &self,
        name: &Arc<str>,
        signaller: &Arc<dyn ExternalSignaller>,
    ) -> Option<(ExternalSignal, Stop)> {
        let source = self.source()?;
        Some(match self.is_signal {
            true => source.publish(name.clone(), signaller.clone()),
            false => published::publish_source(&source, name.clone(), signaller.clone()),
        })
    }

    fn handlers(&self) -> Vec<(Option<Arc<str>>, Connection)> {
        self.source().map_or_else(Vec::new, |source| source.connections())
    }
}

impl<E, R> Listable for Signal<E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    fn listing(&self) -> Listing {
        let handlers = Arc::downgrade(self.handlers());
        Listing::new::<Self>(Kind::Signal, Box::new(OfSource { handlers, _kept: None, is_signal: true }))
    }
}

impl<E, R> Listable for Source<E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    fn listing(&self) -> Listing {
        let handlers = Arc::downgrade(self.handlers());
        Listing::new::<Self>(Kind::Source, Box::new(OfSource { handlers, _kept: None, is_signal: false }))
    }
}

/// A signal that its entry keeps.
pub(crate) fn keeping<E, R>(signal: &Signal<E, R>) -> Listing
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    let handlers = Arc::downgrade(signal.handlers());
    let listed = OfSource { handlers, _kept: Some((**signal).clone()), is_signal: true };
    Listing::new::<Signal<E, R>>(Kind::Signal, Box::new(listed))
}

/// An observable.
struct OfObservable<T>(Weak<Shared<T>>);

impl<T> OfObservable<T> {
    /// A handle; none any more when the last one is gone.
    fn observable(&self) -> Option<Observable<T>> {
        Observable::one_more(self.0.upgrade()?)
    }
}

impl<T: Clone + Send + Sync + 'static> Listed for OfObservable<T> {
    fn handle(&self, wanted: TypeId) -> Option<Box<dyn Any>> {
        let observable = self.observable()?;
        let is_source = wanted == TypeId::of::<Source<T>>();
        Some(if is_source { Box::new(observable.changed().clone()) } else { Box::new(observable) })
    }

    fn own_type(&self) -> TypeId {
        TypeId::of::<Observable<T>>()
    }

    fn source_type(&self) -> Option<TypeId> {
        Some(TypeId::of::<Source<T>>())
    }

    fn is_forgotten(&self) -> bool {
        self.0.strong_count() == 0
    }

    fn tell(&self, name: &Arc<str>, teller: &Teller) -> Option<(Connection, Box<dyn Any>)> {
        let observable = self.observable()?;
        Some((tell(observable.changed(), name, teller), Box::new(observable)))
    }

    fn publish(
        &self,
        name: &Arc<str>,
        signaller: &Arc<dyn ExternalSignaller>,
    ) -> Option<(ExternalSignal, Stop)> {
        let shared = self.0.upgrade()?;
        let (signal, connection) = published::connect(&shared, name.clone(), signaller.clone());
        Some((
            signal,
            Box::new(move || {
                connection.disconnect();
            }),
        ))
    }

    fn handlers(&self) -> Vec<(Option<Arc<str>>, Connection)> {
        self.observable().map_or_else(Vec::new, |observable| observable.changed().connections())
    }
}

impl<T: Clone + Send + Sync + 'static> Listable for Observable<T> {
    fn listing(&self) -> Listing {
        Listing::new::<Self>(Kind::Observable, Box::new(OfObservable(Arc::downgrade(self.shared()))))
    }
}

/// A handler that is an object. It is kept.
struct OfHandler<E, R>(Arc<dyn Handler<E, R>>);

impl<E, R> Listed for OfHandler<E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    fn handle(&self, _: TypeId) -> Option<Box<dyn Any>> {
        Some(Box::new(self.0.clone()))
    }

    fn own_type(&self) -> TypeId {
        TypeId::of::<Arc<dyn Handler<E, R>>>()
    }

    fn is_forgotten(&self) -> bool {
        false
    }

    fn handles(&self) -> Option<(TypeId, String)> {
        Some((TypeId::of::<Source<E, R>>(), short(type_name::<Source<E, R>>())))
    }

    fn connect_to(&self, entry: &Entry) -> Option<(Connection, Box<dyn Any>)> {
        let source: Source<E, R> = entry.get()?;
        Some((source.connect_handler(self.0.clone()), Box::new(source)))
    }
}

impl<E, R> Listable for Arc<dyn Handler<E, R>>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    fn listing(&self) -> Listing {
        Listing::new::<Self>(Kind::Handler, Box::new(OfHandler(self.clone())))
    }
}

/// A model. Its methods are kept, the model is not.
struct OfModel<M> {
    model: Weak<M>,
    methods: Arc<[ExternalHandler]>,
}

impl<M: Model + Send + Sync + 'static> Listed for OfModel<M> {
    fn handle(&self, _: TypeId) -> Option<Box<dyn Any>> {
        Some(Box::new(self.model.upgrade()?))
    }

    fn own_type(&self) -> TypeId {
        TypeId::of::<Arc<M>>()
    }

    fn is_forgotten(&self) -> bool {
        self.model.strong_count() == 0
    }

    fn model(&self) -> Option<(&'static str, Arc<[ExternalHandler]>)> {
        Some((M::NAME, self.methods.clone()))
    }

    fn bound(&self) -> Option<Weak<dyn Any + Send + Sync>> {
        Some(self.model.clone())
    }

    fn removed(&self) {
        self.methods.iter().for_each(ExternalHandler::end);
    }
}

impl<M: Model + Send + Sync + 'static> Listable for Arc<M> {
    fn listing(&self) -> Listing {
        let mut description = Description::default();
        M::describe(self, &mut description);
        let methods = description.methods.into_iter().map(ExternalHandler::new).collect();
        let listed = OfModel { model: Arc::downgrade(self), methods };
        let parts = description.parts;
        Listing { parts, ..Listing::new::<Self>(Kind::Model, Box::new(listed)) }
    }
}
