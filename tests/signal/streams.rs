//! `Source::stream`: bounded, a gap is told, and nothing is left behind.

use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use settled_signal::{EventStream, Signal, Source};
use static_assertions::assert_impl_all;
use support::{Log, Task, assert_pending, assert_ready, elsewhere, on_wake};

assert_impl_all!(EventStream<u32>: Send, Sync, Unpin);

#[test]
fn events_come_in_order_and_wake_who_waits() {
    let signal = Signal::<u32, String>::new();
    let mut stream = signal.stream(4);
    let mut next = Task::new(stream.next());
    assert_pending!(next.run());
    // It gives no result.
    assert_eq!(signal.notify(1).results(), Some(&[][..]));
    assert!(next.is_woken());
    assert_eq!(assert_ready!(next.run()), Some(Ok(1)));
    drop(next);
    signal.notify(2);
    signal.notify(3);
    assert_eq!(stream.next().now_or_never(), Some(Some(Ok(2))));
    assert_eq!(stream.next().now_or_never(), Some(Some(Ok(3))));
    assert_eq!(stream.next().now_or_never(), None);
}

#[test]
fn a_gap_is_told_in_its_place_with_its_length() {
    let signal = Signal::<u32>::new();
    let mut stream = signal.stream(3);
    (1..=10).for_each(|x| drop(signal.notify(x)));
    let mut taken = |count| {
        let items = std::iter::from_fn(|| stream.next().now_or_never().flatten()).take(count);
        items.map(|item| item.map_err(|lagged| lagged.missed())).collect::<Vec<_>>()
    };
    assert_eq!(taken(2), [Err(7), Ok(8)]);
    signal.notify(11);
    signal.notify(12);
    assert_eq!(taken(9), [Err(1), Ok(10), Ok(11), Ok(12)]);
}

#[test]
fn it_ends_when_its_source_is_gone_disconnected_or_cleared_and_not_before() {
    let signal = Signal::<u32>::new();
    let source: Source<u32> = (*signal).clone();
    let (mut stream, mut cleared) = (signal.stream(1), signal.stream(1));
    signal.notify(1);
    signal.clear();
    assert_eq!(cleared.next().now_or_never(), Some(Some(Ok(1))));
    assert_eq!(cleared.next().now_or_never(), Some(None));
    drop(stream);
    stream = source.stream(1);
    let mut next = Task::new(stream.next());
    drop(signal);
    assert_pending!(next.run());
    drop(source);
    assert!(next.is_woken());
    assert_eq!(assert_ready!(next.run()), None);
}

#[test]
fn a_dropped_stream_leaves_nothing_behind() {
    let signal = Signal::<u32>::new();
    let streams: Vec<_> = (0..100).map(|_| signal.stream(4)).collect();
    signal.notify(1);
    assert_eq!(signal.len(), 100);
    drop(streams);
    assert_eq!(signal.len(), 0);

    // Neither events nor wakers, also while it is being fed.
    let signal = Signal::<Arc<()>>::new();
    let (event, mut stream) = (Arc::new(()), signal.stream(4));
    let (waker, woken) = (Arc::new(()), Arc::new(()));
    let kept = waker.clone();
    let waker = on_wake(move || _ = &kept);
    assert!(stream.poll_next_unpin(&mut std::task::Context::from_waker(&waker)).is_pending());
    drop(waker);
    signal.notify(event.clone());
    drop(stream);
    assert_eq!((Arc::strong_count(&event), Arc::strong_count(&woken)), (1, 1));
}

#[test]
fn a_stream_that_a_handler_drops_while_its_signal_is_being_notified_takes_no_more() {
    let signal = Signal::<u32>::new();
    let cell = Arc::new(std::sync::Mutex::new(None));
    let held = cell.clone();
    signal.connect(move |_| drop(held.lock().unwrap().take()));
    *cell.lock().unwrap() = Some(signal.stream(1));
    signal.notify(1);
    assert_eq!(signal.len(), 1);
}

/// An event that runs something when it is cloned.
struct OnClone(Arc<()>, Arc<dyn Fn() + Send + Sync>);

impl Clone for OnClone {
    fn clone(&self) -> Self {
        (self.1)();
        OnClone(self.0.clone(), self.1.clone())
    }
}

#[test]
fn a_stream_that_is_dropped_while_its_signal_is_being_notified_keeps_nothing_until_the_end_of_that() {
    // Neither what it had not taken yet, nor its waker, nor what is just coming in.
    let signal = Signal::<OnClone>::new();
    let (first, second, waker_is) = (Arc::new(()), Arc::new(()), Arc::new(()));
    let (full, mut waiting, log) = (signal.stream(2), signal.stream(2), Log::new());
    signal.notify(OnClone(first.clone(), Arc::new(|| {})));
    assert!(waiting.next().now_or_never().is_some());
    let kept = waker_is.clone();
    let waker = on_wake(move || _ = &kept);
    assert!(waiting.poll_next_unpin(&mut std::task::Context::from_waker(&waker)).is_pending());
    drop(waker);

    let (noted, counts) = (log.clone(), [first.clone(), second.clone(), waker_is.clone()]);
    signal.connect(move |_| noted.note(format!("{:?}", counts.each_ref().map(Arc::strong_count))));
    let streams = std::sync::Mutex::new(vec![full, waiting]);
    let drop_all = move || drop(std::mem::take(&mut *streams.lock().unwrap()));
    // The first stream is gone by the time its event has been cloned.
    signal.notify(OnClone(second.clone(), Arc::new(drop_all)));
    // Each is here and with the handler, and the second one is the event.
    assert_eq!(log.take(), ["[2, 3, 2]"]);
}

/// An event whose destructor looks at the signal that it went through.
#[derive(Clone)]
struct Touchy(Signal<Option<Arc<Touchy>>>);

impl Drop for Touchy {
    fn drop(&mut self) {
        self.0.notify(None);
        assert!(self.0.len() < 9);
    }
}

#[test]
fn what_it_drops_may_touch_it() {
    let signal = Signal::<Option<Arc<Touchy>>>::new();
    let mut stream = signal.stream(1);
    let event = || Some(Arc::new(Touchy(signal.clone())));
    signal.notify(event());
    signal.notify(event());
    assert!(stream.next().now_or_never().unwrap().unwrap().is_err());
    signal.notify(event());
    elsewhere(move || drop(stream));
    signal.notify(event());
    assert!(signal.is_empty());
}

#[test]
#[should_panic(expected = "capacity")]
fn no_capacity_panics() {
    let _stream = Signal::<u32>::new().stream(0);
}
