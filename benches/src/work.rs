//! What every subject is given to do, and who drives it.

use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

/// Units of work that have really been done.
static DONE: AtomicU64 = AtomicU64::new(0);

/// Notes a unit as done. A load and a store: subjects have one thread, and a read-modify-write would be measured too.
pub fn tick(value: u64) {
    DONE.store(DONE.load(Ordering::Relaxed) + u64::from(black_box(value) != 0), Ordering::Relaxed);
}

/// How many units have been done.
pub fn done() -> u64 {
    DONE.load(Ordering::Relaxed)
}

/// A future given by its type.
#[derive(Debug)]
pub struct Work {
    yields: u32,
    value: u32,
}

/// A future that somebody else has boxed.
pub type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Work {
    /// Ready at the first poll.
    pub fn ready() -> Self {
        Work { yields: 0, value: black_box(1) }
    }

    /// Pending once, having woken itself.
    pub fn yielding() -> Self {
        Work { yields: 1, value: black_box(1) }
    }

    /// As the type that libraries see most.
    pub fn boxed(self) -> Boxed {
        Box::pin(self)
    }
}

impl Future for Work {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yields == 0 {
            tick(self.value.into());
            return Poll::Ready(());
        }
        self.yields -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The barest executor, the same for all: polls until it is done. What is measured wakes nobody but itself.
pub fn drive<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}
