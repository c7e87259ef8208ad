//! W2: one event reaches `n` synchronous handlers, or `n` receivers of a peer that has none.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures::Stream;
use futures_signals::signal::{Mutable, SignalExt};
use settled_signal::{Observable, Signal};
use signals2::{Connect1, Emit1};
use tokio::sync::{broadcast, watch};

use crate::subject::{Case, Round, Subject, Workload};
use crate::work::tick;

const SIZES: &[usize] = &[1, 10, 1_000];

pub(super) const W2: Workload = Workload {
    id: "w2",
    title: "W2: notify, per delivery",
    cases: &[Case {
        id: "sync",
        title: "one event to N synchronous handlers; in the asynchronous peers: sent, and each of N receivers polled to the value and to rest",
        sizes: SIZES,
        subjects: &[
            Subject::ours("settled-signal, Signal::notify", signal),
            Subject::ours("settled-signal, Observable::set", observable),
            Subject::peer("signals2", signals2),
            Subject::peer("eyeball", eyeball),
            Subject::peer("futures-signals", futures_signals),
            Subject::peer("tokio broadcast", tokio_broadcast),
            Subject::peer("tokio watch", tokio_watch),
            Subject::yardstick("Vec<Box<dyn Fn>>", boxes),
            Subject::yardstick("lock and Arc snapshot", snapshot),
        ],
    }],
};

fn signal(n: usize) -> Round {
    let signal = Signal::<u64>::new();
    for _ in 0..n {
        signal.connect(|value| tick(*value));
    }
    Box::new(move || drop(signal.notify(1)))
}

fn observable(n: usize) -> Round {
    let observable = Observable::new(0_u64);
    for _ in 0..n {
        observable.connect(|value| tick(*value));
    }
    Box::new(move || drop(observable.set(1)))
}

fn signals2(n: usize) -> Round {
    let signal = signals2::Signal::<(u64,)>::new();
    for _ in 0..n {
        signal.connect(tick);
    }
    Box::new(move || _ = signal.emit(1))
}

type Handlers = Vec<Box<dyn Fn(&u64) + Send + Sync>>;

fn handlers(n: usize) -> Handlers {
    (0..n).map(|_| Box::new(|value: &u64| tick(*value)) as Box<dyn Fn(&u64) + Send + Sync>).collect()
}

fn boxes(n: usize) -> Round {
    let handlers = handlers(n);
    Box::new(move || handlers.iter().for_each(|handler| handler(&1)))
}

fn snapshot(n: usize) -> Round {
    let shared = Mutex::new(Arc::new(handlers(n)));
    Box::new(move || {
        let now = shared.lock().unwrap().clone();
        now.iter().for_each(|handler| handler(&1));
    })
}

/// What a task does that a value has woken: takes it, and registers for the next.
fn take<S: Stream<Item = u64> + Unpin>(stream: &mut S) {
    let mut cx = Context::from_waker(Waker::noop());
    let mut stream = pin!(stream);
    while let Poll::Ready(Some(value)) = stream.as_mut().poll_next(&mut cx) {
        tick(value);
    }
}

fn eyeball(n: usize) -> Round {
    let observable = eyeball::SharedObservable::new(0_u64);
    let mut subscribers: Vec<_> = (0..n).map(|_| observable.subscribe()).collect();
    subscribers.iter_mut().for_each(take);
    Box::new(move || {
        observable.set(1);
        subscribers.iter_mut().for_each(take);
    })
}

fn futures_signals(n: usize) -> Round {
    let mutable = Mutable::new(0_u64);
    let mut streams: Vec<_> = (0..n).map(|_| mutable.signal().to_stream()).collect();
    streams.iter_mut().for_each(take);
    Box::new(move || {
        mutable.set(1);
        streams.iter_mut().for_each(take);
    })
}

fn tokio_broadcast(n: usize) -> Round {
    let (sender, _) = broadcast::channel(16);
    let mut receivers: Vec<_> = (0..n).map(|_| sender.subscribe()).collect();
    Box::new(move || {
        sender.send(1_u64).expect("there are receivers");
        let mut cx = Context::from_waker(Waker::noop());
        for receiver in &mut receivers {
            while let Poll::Ready(value) = pin!(receiver.recv()).poll(&mut cx) {
                tick(value.expect("nobody lags"));
            }
        }
    })
}

fn tokio_watch(n: usize) -> Round {
    let (sender, first) = watch::channel(0_u64);
    let mut receivers: Vec<_> = (0..n).map(|_| first.clone()).collect();
    Box::new(move || {
        sender.send(1).expect("there are receivers");
        let mut cx = Context::from_waker(Waker::noop());
        for receiver in &mut receivers {
            loop {
                let polled = pin!(receiver.changed()).poll(&mut cx);
                let Poll::Ready(changed) = polled else { break };
                changed.expect("the sender lives");
                tick(*receiver.borrow_and_update());
            }
        }
    })
}
