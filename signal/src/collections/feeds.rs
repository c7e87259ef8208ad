//! What streams have not taken yet: a queue for each, of bounded length, and the stream that takes from it.
//!
//! A stream begins with a reset. Each change puts its diff into every queue, under the lock under which it is made; who
//! polls takes the whole queue at once and gives it one by one, so that to fall behind costs no more than to keep up. Where
//! a queue would weigh more than the contents (and a few), it is given up for one more reset: nobody misses anything, and
//! what is kept is never more than that.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use futures::Stream;
use smallvec::SmallVec;

use crate::collections::log::{Diff, Trash};
use crate::late;

/// What a queue may weigh beyond the contents.
const FEW: usize = 64;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// To be woken when nothing is locked.
pub(crate) type Wakers = SmallVec<[Waker; 1]>;

pub(crate) struct Feeds<D> {
    list: Vec<Feed<D>>,
}

struct Feed<D> {
    /// Of its stream.
    number: u64,
    queue: VecDeque<D>,
    weight: usize,
    /// What the stream gets next is a reset, and the queue is empty.
    is_behind: bool,
    waker: Option<Waker>,
}

impl<D: Diff> Feeds<D> {
    pub(crate) fn new() -> Self {
        Feeds { list: Vec::new() }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// A diff for each, where there are so many items now.
    #[inline]
    pub(crate) fn push(&mut self, diff: D, len: usize, trash: &mut Trash, wakers: &mut Wakers) {
        let Some((last, others)) = self.list.split_last_mut() else { return trash.push(Box::new(diff)) };
        for feed in others {
            feed.push(diff.clone(), len, trash, wakers);
        }
        last.push(diff, len, trash, wakers);
    }

    /// The same where there is one that keeps up, and the diff is one step: gives its waker. Else gives the diff back.
    #[inline]
    pub(crate) fn push_to_one(&mut self, diff: D, len: usize) -> Result<Option<Waker>, D> {
        match &mut *self.list {
            [feed] if !feed.is_behind && feed.weight < len + FEW => {
                feed.weight += 1;
                feed.queue.push_back(diff);
                Ok(feed.waker.take())
            }
            _ => Err(diff),
        }
    }

    pub(crate) fn join(&mut self, number: u64) {
        self.list.push(Feed { number, queue: VecDeque::new(), weight: 0, is_behind: true, waker: None });
    }

    /// What is to be dropped.
    pub(crate) fn leave(&mut self, number: u64) -> Option<impl Sized + use<D>> {
        let index = self.list.iter().position(|feed| feed.number == number)?;
        Some(self.list.swap_remove(index))
    }

    pub(crate) fn wake_all(&mut self, wakers: &mut Wakers) {
        wakers.extend(self.list.iter_mut().filter_map(|feed| feed.waker.take()));
    }

    /// Moves what is there to who takes it; where there is nothing, he is woken by the next diff, if he has given a waker.
    #[inline]
    pub(crate) fn take(
        &mut self,
        number: u64,
        taken: &mut VecDeque<D>,
        waker: Option<Waker>,
        reset: impl FnOnce() -> D,
        ends: impl FnOnce() -> bool,
    ) -> Taken {
        let Some(feed) = self.list.iter_mut().find(|feed| feed.number == number) else {
            return Taken::Over(waker);
        };
        if !feed.queue.is_empty() {
            std::mem::swap(&mut feed.queue, taken);
            feed.weight = 0;
            return Taken::There(waker);
        }
        if feed.is_behind {
            feed.is_behind = false;
            taken.push_back(reset());
            return Taken::There(waker);
        }
        if ends() {
            return Taken::Over(waker);
        }
        match waker {
            None => Taken::Nothing(None),
            waker => Taken::Nothing(std::mem::replace(&mut feed.waker, waker)),
        }
    }
}

/// What has become of it. Has a waker that is to be dropped when nothing is locked.
pub(crate) enum Taken {
    There(#[expect(dead_code, reason = "kept only to be dropped")] Option<Waker>),
    Nothing(#[expect(dead_code, reason = "kept only to be dropped")] Option<Waker>),
    /// Nothing is there, and nothing comes any more.
    Over(#[expect(dead_code, reason = "kept only to be dropped")] Option<Waker>),
}

impl<D: Diff> Feed<D> {
    #[inline]
    fn push(&mut self, diff: D, len: usize, trash: &mut Trash, wakers: &mut Wakers) {
        if self.is_behind {
            return trash.push(Box::new(diff));
        }
        self.weight += diff.weight();
        self.queue.push_back(diff);
        if self.weight > len + FEW {
            self.weight = 0;
            self.is_behind = true;
            trash.push(Box::new(std::mem::take(&mut self.queue)));
        }
        if let Some(waker) = self.waker.take() {
            wakers.push(waker);
        }
    }
}

/// What streams take from.
pub(crate) trait Feeding<D>: Send + Sync {
    /// From now on there is a queue for the one with this number.
    fn join(&self, number: u64);

    /// See [`Feeds::take`].
    fn take(&self, number: u64, taken: &mut VecDeque<D>, waker: Option<Waker>) -> Taken;

    /// There is none any more.
    fn leave(&self, number: u64);

    /// May these be called? Not from within an update of this on this thread.
    fn is_free(&self) -> bool;
}

/// The diffs, beginning with a reset.
pub(crate) struct DiffStream<D: Diff> {
    /// None: it has ended.
    source: Option<Arc<dyn Feeding<D>>>,
    number: u64,
    /// To be given before more is taken.
    taken: VecDeque<D>,
    /// It has given something: if there is nothing now, it is to be woken.
    is_at_end: bool,
}

impl<D: Diff> DiffStream<D> {
    pub(crate) fn new(source: Arc<dyn Feeding<D>>) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        source.join(number);
        DiffStream { source: Some(source), number, taken: VecDeque::new(), is_at_end: false }
    }

    /// There is nothing at hand.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<D>> {
        loop {
            let Some(source) = &self.source else { return Poll::Ready(None) };
            // Whoever has been given something will most likely wait now; who has waited will most likely be given something.
            let waker = self.is_at_end.then(|| cx.waker().clone());
            let waits = waker.is_some();
            match source.take(self.number, &mut self.taken, waker) {
                Taken::There(_) => {
                    self.is_at_end = true;
                    return Poll::Ready(self.taken.pop_front());
                }
                Taken::Nothing(_) if waits => {
                    self.is_at_end = false;
                    return Poll::Pending;
                }
                Taken::Nothing(_) => self.is_at_end = true,
                Taken::Over(_) => self.leave(),
            }
        }
    }

    fn leave(&mut self) {
        let Some(source) = self.source.take() else { return };
        let number = self.number;
        if source.is_free() {
            source.leave(number);
        } else {
            late::tell(Arc::as_ptr(&source).cast::<()>(), move || source.leave(number));
        }
    }
}

impl<D: Diff> Stream for DiffStream<D> {
    type Item = D;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<D>> {
        match self.taken.pop_front() {
            None => self.poll_source(cx),
            next => Poll::Ready(next),
        }
    }
}

impl<D: Diff> Drop for DiffStream<D> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<D: Diff> Unpin for DiffStream<D> {}
