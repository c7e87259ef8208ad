//! What the expansion of `#[model]` and `#[handlers]` calls. Not for people: it may change with any version.

#![allow(missing_docs, reason = "hidden, and what is not said here is said of the macros")]

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use crate::describe::Description;
use crate::observable::Observable;

/// A struct that is marked `#[model]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    label = "not marked `#[model]`",
    note = "handlers are connected by the constructor that `#[model]` makes, and a base is a model in an `Arc`"
)]
pub trait Model {
    /// Its name, without its module.
    const NAME: &'static str;

    /// How many bases are below it.
    const LEVEL: u32;

    /// A struct with a field for each signal and observable field.
    type Signals<'a>
    where
        Self: 'a;

    fn signals(&self) -> Self::Signals<'_>;

    /// Tells what it has, its base first.
    fn describe(model: &Arc<Self>, to: &mut Description)
    where
        Self: Sized;
}

/// A model whose constructor connects the block of this number: any of them where it can look for them, those that it
/// says it has where it is generic. (Of a generic one it cannot be found out: there a block whose bounds are stricter than
/// the model's would be left out without a word.)
#[diagnostic::on_unimplemented(
    message = "no constructor connects block {N} of the handlers of `{Self}`",
    label = "these would never be called",
    note = "handlers are for a `#[model]`; a generic one says that it has them: `#[model(handlers)]`, or `#[model(handlers = 2)]` for the blocks 1 and 2"
)]
pub trait ExpectsBlock<const N: usize>: Model {}

/// The block of handlers of this number.
#[diagnostic::on_unimplemented(
    message = "`{Self}` says that it has handlers, but there is no block {N} of them for it",
    label = "for this there is no `#[handlers]`",
    note = "a generic model's blocks hold for all of its parameters: `impl<T: A> Model<T>` with the bounds that the model has"
)]
pub trait HandlersBlock<const N: usize>: ExpectsBlock<N> + Sized {
    fn connect(model: &Arc<Self>);

    /// Tells what its methods handle.
    fn methods(model: &Arc<Self>, to: &mut Description);
}

/// The block of this number, if there is one: its own `connect` comes before that of [`NoBlock`].
#[derive(Debug)]
pub struct MaybeBlock<M, const N: usize>(std::marker::PhantomData<M>);

impl<M: HandlersBlock<N>, const N: usize> MaybeBlock<M, N> {
    pub fn connect(model: &Arc<M>) {
        M::connect(model);
    }

    pub fn methods(model: &Arc<M>, to: &mut Description) {
        M::methods(model, to);
    }
}

pub trait NoBlock<M> {
    fn connect(_: &Arc<M>) {}

    fn methods(_: &Arc<M>, _: &mut Description) {}
}

impl<M, const N: usize> NoBlock<M> for MaybeBlock<M, N> {}

/// A name that all instances share: made once.
#[derive(Debug)]
pub struct Name {
    text: &'static str,
    shared: OnceLock<Arc<str>>,
}

impl Name {
    pub const fn new(text: &'static str) -> Self {
        Name { text, shared: OnceLock::new() }
    }
}

impl From<&'static Name> for Arc<str> {
    fn from(name: &'static Name) -> Self {
        name.shared.get_or_init(|| name.text.into()).clone()
    }
}

/// The model that a handler is being called on, which keeps it meanwhile.
///
/// # Panics
///
/// Anywhere else it may be gone.
pub fn called_on<M>(model: &Weak<M>) -> Arc<M> {
    model.upgrade().expect("a handler that is being called keeps its model")
}

/// Something to be shown, if it is `Debug`: its own `get` comes before that of [`Hidden`].
#[expect(missing_debug_implementations, reason = "would be taken for what it holds")]
pub struct Shown<'a, T: ?Sized>(pub &'a T);

impl<T: fmt::Debug> Shown<'_, T> {
    pub fn get(&self) -> &dyn fmt::Debug {
        self.0
    }
}

pub trait Hidden {
    fn get(&self) -> &dyn fmt::Debug {
        &Unshown
    }
}

struct Unshown;

impl fmt::Debug for Unshown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

impl<T: ?Sized> Hidden for Shown<'_, T> {}

/// What an observable holds, to be shown: `_` from within its own `update`.
pub struct Value<'a, T>(pub &'a Observable<T>);

impl<T> fmt::Debug for Value<'_, T>
where
    T: fmt::Debug + Clone + Send + Sync + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.shown() {
            Some(value) => value.fmt(f),
            None => Unshown.fmt(f),
        }
    }
}
