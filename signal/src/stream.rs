//! The events of a source as a stream.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::stream::{FusedStream, Stream};

use crate::connection::Connection;
use crate::handler::{Connectable, Handle};
use crate::handlers::Candidate;
use crate::rank::Place;
use crate::ring::Ring;
use crate::round::Round;
use crate::source::Source;

/// The events of a [`Source`], to be taken one by one: made by [`Source::stream`].
#[must_use = "streams do nothing unless polled"]
pub struct EventStream<E> {
    ring: Arc<Ring<E>>,
    connection: Connection,
}

/// A stream was too slow: so many events were dropped between the one before this and the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lagged {
    missed: u64,
}

/// Where the events go in; it is connected.
struct Feed<E>(Arc<Ring<E>>);

impl<E, R> Source<E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    /// The events from now on as a stream, which keeps up to `capacity` of them until they are taken.
    ///
    /// It is fed inside `notify`, like a synchronous handler that gives no result, and holds up nobody: where it is full the
    /// oldest event makes room, and the gap is told in its place ([`Lagged`]). It does not keep its source alive, and ends
    /// when that is gone; dropped, it leaves nothing behind.
    ///
    /// ```
    /// # use futures::StreamExt;
    /// # use settled_signal::Signal;
    /// # settled::block_on(async {
    /// let signal = Signal::<u32>::new();
    /// let mut stream = signal.stream(2);
    /// (1..=3).for_each(|x| drop(signal.notify(x)));
    /// assert_eq!(stream.next().await.unwrap().unwrap_err().missed(), 1);
    /// assert_eq!(stream.next().await, Some(Ok(2)));
    /// drop(signal);
    /// assert_eq!(stream.next().await, Some(Ok(3)));
    /// assert_eq!(stream.next().await, None);
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// If `capacity` is 0.
    #[track_caller]
    pub fn stream(&self, capacity: usize) -> EventStream<E> {
        assert!(capacity > 0, "a stream without capacity could only ever tell of gaps");
        let ring = Arc::new(Ring::new(capacity));
        let entry = Connectable::new(Feed(ring.clone()), None);
        let connection =
            self.attach(Candidate { entry, place: Place::default(), is_weak: true, object: None });
        EventStream { ring, connection }
    }
}

impl<E, R> Handle<E, R> for Feed<E>
where
    E: Clone + Send + Sync + 'static,
{
    fn call(&self, event: &E, round: &mut Round<R>) {
        self.call_last(event.clone(), round);
    }

    fn call_last(&self, event: E, _: &mut Round<R>) {
        self.0.push(event);
    }

    fn is_gone(&self) -> bool {
        self.0.is_dropped()
    }
}

impl<E> Drop for Feed<E> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<E> Stream for EventStream<E> {
    type Item = Result<E, Lagged>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.ring.poll_next(cx)
    }
}

impl<E> FusedStream for EventStream<E> {
    fn is_terminated(&self) -> bool {
        self.ring.is_over()
    }
}

impl<E> Drop for EventStream<E> {
    fn drop(&mut self) {
        self.ring.abandon();
        self.connection.forget();
    }
}

impl<E> fmt::Debug for EventStream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("is_over", &self.ring.is_over()).finish_non_exhaustive()
    }
}

impl Lagged {
    pub(crate) fn new(missed: u64) -> Self {
        Lagged { missed }
    }

    /// How many events were dropped.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the stream was too slow and has missed {} events", self.missed)
    }
}

impl Error for Lagged {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::Signal;

    #[test]
    fn a_dropped_stream_is_out_of_the_list_at_once() {
        let signal = Signal::<u32>::new();
        let stream = signal.stream(1);
        let ring = Arc::downgrade(&stream.ring);
        drop(stream);
        assert!(ring.upgrade().is_none());
    }
}
