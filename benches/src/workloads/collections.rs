//! W5: a vector of `n` items changes `n` times, and one subscriber takes the diffs: each at once, or all at the end.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use eyeball_im::{ObservableVector, VectorDiff};
use futures::Stream;
use futures_signals::signal_vec::{MutableVec, SignalVec, VecDiff as VecChange};
use settled_signal::{ObservableVec, VecDiff};

use crate::subject::{Case, Round, Subject, Workload};
use crate::work::tick;

const SIZES: &[usize] = &[1_000];

macro_rules! case {
    ($id:literal, $title:literal, $round:ident) => {
        Case {
            id: $id,
            title: $title,
            sizes: SIZES,
            subjects: &[
                Subject::ours("settled-signal, ObservableVec", $round::<ObservableVec<u64>>),
                Subject::peer("futures-signals, MutableVec", $round::<MutableVec<u64>>),
                Subject::peer("eyeball-im, ObservableVector", $round::<ObservableVector<u64>>),
                Subject::yardstick("Vec and VecDeque of diffs", $round::<Plain>),
            ],
        }
    };
}

pub(super) const W5: Workload = Workload {
    id: "w5",
    title: "W5: collections, per change, with one subscriber that takes the diffs",
    cases: &[
        case!("push-each", "push, each diff taken at once", push_each),
        case!("set-each", "set, each diff taken at once", set_each),
        case!("push-end", "push, all diffs taken at the end", push_end),
        case!("set-end", "set, all diffs taken at the end", set_end),
    ],
};

/// A vector, and a subscriber.
trait Vector: Sized + 'static {
    type Taker: 'static;

    fn make(values: Vec<u64>) -> (Self, Self::Taker);
    fn push(&mut self, value: u64);
    fn set(&mut self, index: usize, value: u64);
    /// All that there is: notes each change of an item.
    fn take(&mut self, taker: &mut Self::Taker);
}

fn push_each<V: Vector>(n: usize) -> Round {
    Box::new(move || {
        let (mut vector, mut taker) = V::make(Vec::new());
        vector.take(&mut taker);
        for value in 0..n as u64 {
            vector.push(value);
            vector.take(&mut taker);
        }
    })
}

fn push_end<V: Vector>(n: usize) -> Round {
    Box::new(move || {
        let (mut vector, mut taker) = V::make(Vec::new());
        vector.take(&mut taker);
        (0..n as u64).for_each(|value| vector.push(value));
        vector.take(&mut taker);
    })
}

fn set_each<V: Vector>(n: usize) -> Round {
    let (mut vector, mut taker) = V::make(vec![0; n]);
    vector.take(&mut taker);
    Box::new(move || {
        for index in 0..n {
            vector.set(index, 1);
            vector.take(&mut taker);
        }
    })
}

fn set_end<V: Vector>(n: usize) -> Round {
    let (mut vector, mut taker) = V::make(vec![0; n]);
    vector.take(&mut taker);
    Box::new(move || {
        (0..n).for_each(|index| vector.set(index, 1));
        vector.take(&mut taker);
    })
}

/// Polls until it is pending.
fn drain<S: Stream + Unpin>(stream: &mut S, mut note: impl FnMut(S::Item)) {
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(item)) = Pin::new(&mut *stream).poll_next(&mut cx) {
        note(item);
    }
}

impl Vector for ObservableVec<u64> {
    type Taker = Box<dyn Stream<Item = VecDiff<u64>> + Unpin>;

    fn make(values: Vec<u64>) -> (Self, Self::Taker) {
        let vector = ObservableVec::from(values);
        let stream = Box::new(vector.stream());
        (vector, stream)
    }

    fn push(&mut self, value: u64) {
        ObservableVec::push(self, value);
    }

    fn set(&mut self, index: usize, value: u64) {
        ObservableVec::set(self, index, value);
    }

    fn take(&mut self, taker: &mut Self::Taker) {
        drain(taker, |diff| {
            if let VecDiff::Insert { .. } | VecDiff::Set { .. } = diff {
                tick(1);
            }
        });
    }
}

impl Vector for MutableVec<u64> {
    type Taker = Pin<Box<dyn SignalVec<Item = u64>>>;

    fn make(values: Vec<u64>) -> (Self, Self::Taker) {
        let vector = MutableVec::new_with_values(values);
        let signal = Box::pin(vector.signal_vec());
        (vector, signal)
    }

    fn push(&mut self, value: u64) {
        self.lock_mut().push(value);
    }

    fn set(&mut self, index: usize, value: u64) {
        self.lock_mut().set(index, value);
    }

    fn take(&mut self, taker: &mut Self::Taker) {
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(change)) = taker.as_mut().poll_vec_change(&mut cx) {
            if let VecChange::Push { .. } | VecChange::InsertAt { .. } | VecChange::UpdateAt { .. } = change {
                tick(1);
            }
        }
    }
}

impl Vector for ObservableVector<u64> {
    type Taker = Box<dyn Stream<Item = VectorDiff<u64>> + Unpin>;

    fn make(values: Vec<u64>) -> (Self, Self::Taker) {
        let mut vector = ObservableVector::with_capacity(1_024);
        vector.append(values.into_iter().collect());
        let stream = Box::new(vector.subscribe().into_stream());
        (vector, stream)
    }

    fn push(&mut self, value: u64) {
        self.push_back(value);
    }

    fn set(&mut self, index: usize, value: u64) {
        ObservableVector::set(self, index, value);
    }

    fn take(&mut self, taker: &mut Self::Taker) {
        drain(taker, |diff| {
            if let VectorDiff::PushBack { .. } | VectorDiff::Set { .. } = diff {
                tick(1);
            }
        });
    }
}

/// Bare: no lock, no sharing.
struct Plain {
    values: Vec<u64>,
    diffs: VecDeque<VecDiff<u64>>,
}

impl Vector for Plain {
    type Taker = ();

    fn make(values: Vec<u64>) -> (Self, ()) {
        (Plain { values, diffs: VecDeque::new() }, ())
    }

    fn push(&mut self, value: u64) {
        self.diffs.push_back(VecDiff::Insert { index: self.values.len(), value });
        self.values.push(value);
    }

    fn set(&mut self, index: usize, value: u64) {
        self.values[index] = value;
        self.diffs.push_back(VecDiff::Set { index, value });
    }

    fn take(&mut self, (): &mut ()) {
        while let Some(diff) = self.diffs.pop_front() {
            if let VecDiff::Insert { .. } | VecDiff::Set { .. } = diff {
                tick(1);
            }
        }
    }
}
