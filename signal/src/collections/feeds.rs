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

    fn join(&mut self, number: u64) {
        self.list.push(Feed { number, queue: VecDeque::new(), weight: 0, is_behind: true, waker: None });
    }

    /// What is to be dropped.
    fn leave(&mut self, number: u64) -> Option<impl Sized + use<D>> {
        let index = self.list.iter().position(|feed| feed.number == number)?;
        Some(self.list.swap_remove(index))
    }

    pub(crate) fn wake_all(&mut self, wakers: &mut Wakers) {
        wakers.extend(self.list.iter_mut().filter_map(|feed| feed.waker.take()));
    }

    /// Moves what is there to who takes it. False if there is nothing.
    fn take(&mut self, number: u64, taken: &mut VecDeque<D>, reset: impl FnOnce() -> D) -> bool {
        let Some(feed) = self.list.iter_mut().find(|feed| feed.number == number) else { return false };
        if feed.is_behind {
            feed.is_behind = false;
            taken.push_back(reset());
        } else {
            std::mem::swap(&mut feed.queue, taken);
            feed.weight = 0;
        }
        !taken.is_empty()
    }

    /// Is woken by the next diff. Gives back a waker to be dropped.
    fn wait(&mut self, number: u64, waker: Waker) -> Option<Waker> {
        match self.list.iter_mut().find(|feed| feed.number == number) {
            Some(feed) => feed.waker.replace(waker),
            None => Some(waker),
        }
    }
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
        wakers.extend(self.waker.take());
    }
}

/// Gets the queues, what gives all that there is, and whether nothing comes any more.
pub(crate) type Look<'a, D> = dyn FnMut(&mut Feeds<D>, &dyn Fn() -> D, bool) + 'a;

/// What streams take from.
pub(crate) trait Feeding<D>: Send + Sync {
    /// Calls this under the lock.
    fn with(&self, f: &mut Look<'_, D>);

    /// May that be called? Not from within an update of this on this thread.
    fn is_free(&self) -> bool;
}

/// The diffs, beginning with a reset.
pub(crate) struct DiffStream<D: Diff> {
    /// None: it has ended.
    source: Option<Arc<dyn Feeding<D>>>,
    number: u64,
    /// To be given before more is taken.
    taken: VecDeque<D>,
}

impl<D: Diff> DiffStream<D> {
    pub(crate) fn new(source: Arc<dyn Feeding<D>>) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        source.with(&mut |feeds, _, _| feeds.join(number));
        DiffStream { source: Some(source), number, taken: VecDeque::new() }
    }
}

impl<D: Diff> Stream for DiffStream<D> {
    type Item = D;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<D>> {
        let this = &mut *self;
        let Some(source) = &this.source else { return Poll::Ready(this.taken.pop_front()) };
        if this.taken.is_empty() {
            let (number, taken) = (this.number, &mut this.taken);
            let mut is_there = false;
            source.with(&mut |feeds, reset, _| is_there = feeds.take(number, taken, reset));
            if !is_there {
                let (mut waker, mut is_over) = (Some(cx.waker().clone()), false);
                source.with(&mut |feeds, reset, ends| {
                    is_over = !feeds.take(number, taken, reset) && ends;
                    if taken.is_empty() && !is_over {
                        waker = waker.take().and_then(|waker| feeds.wait(number, waker));
                    }
                });
                drop(waker);
                if is_over {
                    this.leave();
                }
            }
        }
        match this.taken.pop_front() {
            None if this.source.is_some() => Poll::Pending,
            next => Poll::Ready(next),
        }
    }
}

impl<D: Diff> DiffStream<D> {
    fn leave(&mut self) {
        // Within an update of the collection: what is left there goes with that.
        if let Some(source) = self.source.take_if(|source| source.is_free()) {
            let mut gone = None;
            source.with(&mut |feeds, _, _| gone = feeds.leave(self.number));
            drop(gone);
        }
    }
}

impl<D: Diff> Drop for DiffStream<D> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<D: Diff> Unpin for DiffStream<D> {}
