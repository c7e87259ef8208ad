//! An interleaving of futures, told by numbers: [`Sequencer`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::sync::lock;

/// Makes futures take turns: number 0 first, then number 1, and so on, wherever they stand in the code.
///
/// Each number is used once, and none is left out: what waits for one that never comes waits for ever, and is seen as a
/// future that is pending. Clones share the numbers. The idea is that of the `Sequencer` of Python's `trio`.
///
/// ```
/// use settled::testing::{Log, Sequencer};
///
/// let (log, sequencer) = (Log::new(), Sequencer::new());
/// settled::block_on(settled::scope(async {
///     let (note, points) = (log.clone(), sequencer.clone());
///     settled::add(async move {
///         points.at(1).await.with(|| note.note("first, second turn"));
///     });
///     let (note, points) = (log.clone(), sequencer.clone());
///     settled::add(async move {
///         points.at(0).await.with(|| note.note("second, first turn"));
///         points.at(2).await.with(|| note.note("second, third turn"));
///     });
/// }))
/// .unwrap();
/// log.expect(["second, first turn", "first, second turn", "second, third turn"]);
/// ```
#[derive(Clone, Default)]
pub struct Sequencer(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Whose turn it is, or is next.
    next: usize,
    /// Numbers that have been used.
    used: BTreeSet<usize>,
    /// Who waits.
    waiting: BTreeMap<usize, Waker>,
    /// A number that was given up before it was its turn.
    broken: Option<usize>,
}

impl Sequencer {
    /// The first turn is that of number 0.
    ///
    /// ```
    /// let sequencer = settled::testing::Sequencer::new();
    /// settled::block_on(sequencer.at(0)).with(|| ());
    /// settled::block_on(sequencer.at(1)).with(|| ());
    /// assert_eq!(format!("{sequencer:?}"), "Sequencer { next: 2, waiting: [] }");
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Is ready when it is this number's turn. The next one's comes when the [`Turn`] that this resolves with is dropped.
    ///
    /// # Panics
    ///
    /// If the number has been used before. The future panics if one with another number was dropped before its turn: then
    /// that turn will never come.
    ///
    /// ```
    /// let sequencer = settled::testing::Sequencer::new();
    /// let (executor, log) = (settled::testing::Executor::new(), settled::testing::Log::new());
    /// for number in [1, 0] {
    ///     let (point, note) = (sequencer.at(number), log.clone());
    ///     drop(executor.spawn(async move { point.await.with(|| note.note(format!("turn {number}"))) }));
    /// }
    /// executor.run_until_stalled();
    /// log.expect(["turn 0", "turn 1"]);
    /// ```
    #[track_caller]
    pub fn at(&self, number: usize) -> Point {
        let fresh = lock(&self.0).used.insert(number);
        assert!(fresh, "the number {number} of a sequencer was used twice");
        Point { sequencer: self.clone(), number, done: false }
    }

    /// Goes on with the next number.
    fn advance(&self) {
        let waker = {
            let mut state = lock(&self.0);
            state.next += 1;
            let next = state.next;
            state.waiting.remove(&next)
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl fmt::Debug for Sequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.0);
        let waiting: Vec<_> = state.waiting.keys().collect();
        f.debug_struct("Sequencer").field("next", &state.next).field("waiting", &waiting).finish()
    }
}

/// Waits for its turn. Made by [`Sequencer::at`].
///
/// ```
/// let sequencer = settled::testing::Sequencer::new();
/// let point: settled::testing::Point = sequencer.at(0);
/// assert_eq!(settled::block_on(point).with(|| "my turn"), "my turn");
/// ```
#[derive(Debug)]
#[must_use = "it waits for its turn when it is awaited"]
pub struct Point {
    sequencer: Sequencer,
    number: usize,
    /// Its turn has come.
    done: bool,
}

impl Future for Point {
    type Output = Turn;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Turn> {
        let waker = cx.waker().clone();
        let number = self.number;
        let mut state = lock(&self.sequencer.0);
        if let Some(broken) = state.broken {
            drop(state);
            panic!(
                "a sequencer is broken: number {broken} was dropped before its turn, {number} waits in vain"
            );
        }
        if state.next == number {
            let old = state.waiting.remove(&number);
            drop(state);
            drop((old, waker));
            self.done = true;
            return Poll::Ready(Turn { sequencer: self.sequencer.clone() });
        }
        let old = state.waiting.insert(number, waker);
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl Drop for Point {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let waiting = {
            let mut state = lock(&self.sequencer.0);
            state.broken.get_or_insert(self.number);
            std::mem::take(&mut state.waiting)
        };
        waiting.into_values().for_each(Waker::wake);
    }
}

/// It is this number's turn, until this is dropped.
///
/// ```
/// use futures::FutureExt;
///
/// let sequencer = settled::testing::Sequencer::new();
/// let turn: settled::testing::Turn = settled::block_on(sequencer.at(0));
/// let mut next = sequencer.at(1);
/// assert!((&mut next).now_or_never().is_none());
/// drop(turn);
/// assert!(next.now_or_never().is_some());
/// ```
#[must_use = "the turn is over as soon as it is dropped"]
pub struct Turn {
    sequencer: Sequencer,
}

impl Turn {
    /// Calls `f`; then the turn is over.
    ///
    /// ```
    /// let sequencer = settled::testing::Sequencer::new();
    /// let turn = settled::block_on(sequencer.at(0));
    /// assert_eq!(turn.with(|| 1 + 1), 2);
    /// settled::block_on(sequencer.at(1)).with(|| ()); // the next one's turn has come
    /// ```
    pub fn with<R>(self, f: impl FnOnce() -> R) -> R {
        f()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.sequencer.advance();
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Turn").field(&lock(&self.sequencer.0).next).finish()
    }
}
