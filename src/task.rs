//! Futures made alike: whatever their type, the driver polls a [`Job`].
//!
//! A boxed future without a value is taken as it is; any other is put into a cell or a box, with what turns its output into
//! a value or a failure around it. The outcome is left in the ambient, as few are looked at.

use std::any::Any;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use pin_project_lite::pin_project;

use crate::current::{self, Remains};
use crate::error::BoxError;
use crate::job::{Empty, Job, fits};
use crate::parcel::pack;
use crate::settles::Settles;

/// How an output is taken.
pub(crate) trait Intake<O>: 'static {
    type Value: Send + 'static;

    fn take_in(output: O) -> Result<Self::Value, BoxError>;
}

/// An `Err` is a failure.
pub(crate) struct Checked;

/// As it is.
pub(crate) struct AsItIs;

impl<O: Settles> Intake<O> for Checked {
    type Value = O::Value;

    fn take_in(output: O) -> Result<O::Value, BoxError> {
        output.settle()
    }
}

impl<O: Send + 'static> Intake<O> for AsItIs {
    type Value = O;

    fn take_in(output: O) -> Result<O, BoxError> {
        Ok(output)
    }
}

/// A future that can still be given back.
pub(crate) enum Prepared<F, I> {
    Boxed(BoxFuture<'static, ()>),
    /// Boxed here, as it is too large for a cell.
    Large(Box<Wrapped<F, I>>),
    Small(Wrapped<F, I>),
}

pin_project! {
    pub(crate) struct Wrapped<F, I> {
        #[pin]
        future: F,
        // Not `I`: how the output is taken has no bearing on what threads it may be on.
        intake: PhantomData<fn() -> I>,
    }
}

impl<F, I> Prepared<F, I>
where
    F: Future + Send + 'static,
    I: Intake<F::Output>,
{
    #[inline]
    pub(crate) fn new(future: F) -> Self {
        let mut future = Some(future);
        if let Some(boxed) = (&mut future as &mut dyn Any).downcast_mut::<Option<BoxFuture<'static, ()>>>()
            && let Some(boxed) = boxed.take()
        {
            return Prepared::Boxed(boxed);
        }
        let Some(future) = future else { unreachable!("only the branch above takes it") };
        let wrapped = Wrapped { future, intake: PhantomData };
        if fits::<Wrapped<F, I>>() { Prepared::Small(wrapped) } else { Prepared::Large(Box::new(wrapped)) }
    }

    /// `cell` is called only where one is needed.
    #[inline]
    pub(crate) fn into_job(self, cell: impl FnOnce() -> Option<Empty>) -> Job {
        match self {
            Prepared::Boxed(boxed) => Job::Boxed(boxed),
            Prepared::Large(wrapped) => Job::Boxed(Box::into_pin(wrapped)),
            Prepared::Small(wrapped) => Job::new(wrapped, cell()),
        }
    }

    pub(crate) fn into_future(self) -> F {
        match self {
            Prepared::Boxed(boxed) => {
                let mut boxed = Some(boxed);
                match (&mut boxed as &mut dyn Any).downcast_mut::<Option<F>>().and_then(Option::take) {
                    Some(future) => future,
                    None => unreachable!("it is boxed as it is only if it is of this type"),
                }
            }
            Prepared::Large(wrapped) => wrapped.future,
            Prepared::Small(wrapped) => wrapped.future,
        }
    }
}

impl<F, I> Future for Wrapped<F, I>
where
    F: Future,
    I: Intake<F::Output>,
{
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let output = std::task::ready!(self.project().future.poll(cx));
        match I::take_in(output) {
            Ok(value) => current::with(|ambient| {
                if ambient.kept.get() {
                    ambient.leave(Remains::Value(pack(value)));
                } else {
                    drop(value);
                }
            }),
            Err(error) => current::with(|ambient| ambient.leave(Remains::Error(error))),
        }
        Poll::Ready(())
    }
}
