//! All results of several futures: [`Gather`].

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::Failure;
use crate::stash::Stashed;

/// The outputs of several futures that were added together, in order. See
/// [`Transaction::gather`](crate::Transaction::gather).
///
/// Resolves when all have settled. Where some failed it resolves with the first failure; the others stay with the
/// transaction.
///
/// ```
/// let transaction = settled::begin();
/// let gather = transaction.gather([std::future::ready(1), std::future::ready(2)]);
/// assert_eq!(settled::block_on(gather).unwrap(), [1, 2]);
/// # settled::block_on(transaction.end()).unwrap();
/// ```
#[must_use = "the futures run anyway; their results are had by awaiting this"]
pub struct Gather<T> {
    /// Those not taken yet. They are awaited one after the other: all are needed, and so each wake is for one.
    left: VecDeque<Stashed<T>>,
    outputs: Vec<T>,
    failure: Option<Failure>,
}

// Neither handles nor outputs are pinned in it.
impl<T> Unpin for Gather<T> {}

impl<T: Send + 'static> Gather<T> {
    pub(crate) fn new(parts: Vec<Stashed<T>>) -> Self {
        Gather { outputs: Vec::with_capacity(parts.len()), left: parts.into(), failure: None }
    }
}

impl<T: Send + 'static> Future for Gather<T> {
    type Output = Result<Vec<T>, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        while let Some(next) = this.left.front_mut() {
            match std::task::ready!(next.poll_quietly(cx)) {
                Ok(output) => this.outputs.push(output),
                Err(failure) => {
                    this.failure.get_or_insert(failure);
                }
            }
            this.left.pop_front();
        }
        Poll::Ready(match this.failure.take() {
            Some(failure) => {
                failure.receive();
                Err(failure)
            }
            None => Ok(std::mem::take(&mut this.outputs)),
        })
    }
}

impl<T> fmt::Debug for Gather<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").field("unsettled", &self.left.len()).finish_non_exhaustive()
    }
}
