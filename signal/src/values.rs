//! The values of an observable as a stream: whoever polls gets the one that stands, if he has not had it.
//!
//! A stream that has nothing to give leaves its waker under the lock under which it has found nothing; each store takes all
//! wakers along. It keeps the observable until that has ended: when the last handle is gone, and no rollback can bring
//! anything back. Dropped, it takes its waker away.

use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures::Stream;

use crate::change::Shared;

static NEXT: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Values<T> {
    /// None: it has ended.
    shared: Option<Arc<Shared<T>>>,
    /// The version that it gave last.
    seen: u64,
    /// Its number among those that wait.
    number: u64,
}

impl<T> Values<T> {
    pub(crate) fn new(shared: &Arc<Shared<T>>) -> Self {
        Values { shared: Some(shared.clone()), seen: 0, number: NEXT.fetch_add(1, Ordering::Relaxed) }
    }
}

impl<T: Clone> Stream for Values<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        let Some(shared) = &this.shared else { return Poll::Ready(None) };
        let waker = cx.waker().clone();
        let mut state = shared.store.lock(Location::caller());
        if state.version != this.seen {
            let value = state.value.clone();
            this.seen = state.version;
            return Poll::Ready(Some(value));
        }
        if !shared.has_handles() && !state.has_layers() {
            drop(state);
            this.shared = None;
            return Poll::Ready(None);
        }
        let wakers = &mut state.rare().wakers;
        let old = match wakers.iter_mut().find(|(number, _)| *number == this.number) {
            Some((_, old)) => Some(std::mem::replace(old, waker)),
            None => {
                wakers.push((this.number, waker));
                None
            }
        };
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl<T> Drop for Values<T> {
    fn drop(&mut self) {
        // Within an update of this observable: it is woken in vain, once.
        if let Some(shared) = self.shared.as_ref().filter(|shared| shared.store.own_update().is_none()) {
            let mut state = shared.store.lock(Location::caller());
            let old = state.rare.as_mut().and_then(|rare| {
                let index = rare.wakers.iter().position(|(number, _)| *number == self.number)?;
                Some(rare.wakers.swap_remove(index))
            });
            let rest = state.tidy();
            drop(state);
            drop((old, rest));
        }
    }
}

impl<T> Shared<T> {
    /// There is one handle less. With the last one streams end.
    pub(crate) fn let_go(&self) {
        if self.handles.fetch_sub(1, Ordering::AcqRel) == 1 && self.store.own_update().is_none() {
            let after = self.store.lock(Location::caller()).wake();
            after.settle();
        }
    }

    pub(crate) fn has_handles(&self) -> bool {
        self.handles.load(Ordering::Acquire) != 0
    }
}
