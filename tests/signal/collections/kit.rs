//! Replicas: what is made of diffs alone.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures::Stream;
use settled_signal::{MapDiff, Source, VecDiff};

/// Something that diffs are applied to.
pub(crate) trait Replica<D>: Clone + Default + Send + 'static {
    fn take(&mut self, diff: &D);
}

impl<T: Clone + Send + Sync + 'static> Replica<VecDiff<T>> for Vec<T> {
    fn take(&mut self, diff: &VecDiff<T>) {
        diff.apply(self);
    }
}

/// Strict: what is inserted must not be there, and so on.
impl<K, V> Replica<MapDiff<K, V>> for BTreeMap<K, V>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn take(&mut self, diff: &MapDiff<K, V>) {
        for step in diff.steps() {
            match step {
                MapDiff::Insert { key, .. } => assert!(!self.contains_key(key)),
                MapDiff::Update { key, .. } | MapDiff::Remove { key } => assert!(self.contains_key(key)),
                MapDiff::Reset { .. } => {}
                MapDiff::Batch(_) => panic!("a batch in a batch"),
            }
            step.apply(self);
        }
    }
}

/// Made by a synchronous handler. Poisoned where a diff did not fit.
pub(crate) fn replica<D, C>(source: &Source<D>, now: C) -> Arc<Mutex<C>>
where
    D: Clone + Send + Sync + 'static,
    C: Replica<D>,
{
    let replica = Arc::new(Mutex::new(now));
    let inside = replica.clone();
    source.connect(move |diff: &D| inside.lock().unwrap().take(diff));
    replica
}

/// The same, made by an asynchronous one.
pub(crate) fn later_replica<D, C>(source: &Source<D>, now: C) -> Arc<Mutex<C>>
where
    D: Clone + Send + Sync + 'static,
    C: Replica<D>,
{
    let replica = Arc::new(Mutex::new(now));
    let inside = replica.clone();
    source.connect_async(move |diff: D| {
        let inside = inside.clone();
        async move { inside.lock().unwrap().take(&diff) }
    });
    replica
}

/// The same, made of a stream when it is asked for.
pub(crate) struct Streamed<S, C> {
    stream: S,
    replica: C,
    /// How many diffs there have been.
    pub(crate) diffs: usize,
    pub(crate) is_over: bool,
}

impl<D, S, C> Streamed<S, C>
where
    S: Stream<Item = D> + Unpin,
    C: Replica<D>,
{
    fn new(stream: S) -> Self {
        Streamed { stream, replica: C::default(), diffs: 0, is_over: false }
    }

    /// All that is there.
    pub(crate) fn catch_up(&mut self) -> C {
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            match Pin::new(&mut self.stream).poll_next(&mut cx) {
                Poll::Ready(Some(diff)) => {
                    self.diffs += 1;
                    self.replica.take(&diff);
                }
                Poll::Ready(None) => {
                    self.is_over = true;
                    return self.replica.clone();
                }
                Poll::Pending => return self.replica.clone(),
            }
        }
    }
}

pub(crate) fn streamed<T, S>(stream: S) -> Streamed<S, Vec<T>>
where
    T: Clone + Send + Sync + 'static,
    S: Stream<Item = VecDiff<T>> + Unpin,
{
    Streamed::new(stream)
}

pub(crate) fn streamed_map<K, V, S>(stream: S) -> Streamed<S, BTreeMap<K, V>>
where
    K: Clone + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: Stream<Item = MapDiff<K, V>> + Unpin,
{
    Streamed::new(stream)
}
