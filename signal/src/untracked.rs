//! Reading without depending on what is read.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::graph::Untracked as Suspended;

/// Calls `f`; what it reads is not what the effect or computed that runs here depends on.
///
/// ```
/// use settled_signal::{Computed, Observable, untracked};
///
/// let (a, b) = (Observable::new(1), Observable::new(1));
/// let sum = Computed::new({ let (a, b) = (a.clone(), b.clone()); move || a.get() + untracked(|| b.get()) });
/// assert_eq!(sum.get(), 2);
/// b.set(2);
/// assert_eq!(sum.get(), 2);
/// a.set(2);
/// assert_eq!(sum.get(), 4);
/// ```
#[inline]
pub fn untracked<R>(f: impl FnOnce() -> R) -> R {
    let _suspended = Suspended::begin();
    f()
}

/// The same for futures.
pub trait UntrackedExt: Future {
    /// The same future; what it reads, also after an `.await`, is not what the effect that runs it depends on.
    ///
    /// ```
    /// # use settled_signal::{Observable, UntrackedExt};
    /// let level = Observable::new(1);
    /// assert_eq!(settled::block_on(async { level.get() }.untracked()), 1);
    /// ```
    fn untracked(self) -> Untracked<Self>
    where
        Self: Sized,
    {
        Untracked { future: self }
    }
}

impl<F: Future> UntrackedExt for F {}

pin_project! {
    /// A future whose reads are not tracked: see [`UntrackedExt::untracked`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Untracked<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Untracked<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _suspended = Suspended::begin();
        self.project().future.poll(cx)
    }
}
