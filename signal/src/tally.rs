//! What has come of the [prompt](crate::prompt) deliveries of one notification: one record for all of them.
//!
//! Each delivery has a number, and tells its outcome under it when it is done; a [`Run`] of them, added one behind another,
//! is one part of the notification. Who has dropped the notification wants to know nothing: then nothing is kept, and
//! failures are the transaction's alone.
//!
//! The record serves again: a signal keeps its last one, and takes it for the next notification if it is nobody else's.

use std::any::Any;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use settled::plumbing::{self, Helper, Place};
use settled::{BoxError, Failure};

use crate::lock::lock;
use crate::parts::{Parts, Yield};
use crate::tree::Tree;

/// What one delivery came to.
pub(crate) type Told<R> = Result<Yield<R>, Failure>;

/// So much room for outcomes is kept for the next notification.
const KEPT: usize = 1024;

pub(crate) struct Tally<R> {
    /// Where the deliveries live.
    tree: Option<Tree>,
    /// Where the notification was made.
    location: &'static Location<'static>,
    /// There is somebody who may ask.
    is_kept: AtomicBool,
    state: Mutex<State<R>>,
}

struct State<R> {
    /// By the numbers of the deliveries, as far as one has told.
    told: Vec<Option<Told<R>>>,
    /// Who waits, and for which.
    waiter: Option<(u32, Waker)>,
}

/// A tally of any type, as a queue knows it.
pub(crate) trait AnyTally: Any + Send + Sync {
    fn tree(&self) -> Option<&Tree>;
}

impl<R: Send + 'static> AnyTally for Tally<R> {
    fn tree(&self) -> Option<&Tree> {
        self.tree.as_ref()
    }
}

impl<R> Tally<R> {
    fn new(location: &'static Location<'static>) -> Self {
        let state = State { told: Vec::new(), waiter: None };
        Tally { tree: Tree::current(), location, is_kept: AtomicBool::new(true), state: Mutex::new(state) }
    }

    fn serve_again(&mut self, location: &'static Location<'static>) {
        if !self.tree.as_ref().is_some_and(Tree::is_current) {
            self.tree = Tree::current();
        }
        self.location = location;
        *self.is_kept.get_mut() = true;
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept.load(Ordering::Acquire)
    }

    /// One is done.
    #[inline]
    pub(crate) fn tell(&self, number: u32, outcome: Result<Yield<R>, BoxError>) {
        if self.is_kept() {
            return self.tell_waiter(number, outcome);
        }
        if let Err(error) = outcome {
            plumbing::leave_error(error);
        }
    }

    #[inline(never)]
    fn tell_waiter(&self, number: u32, outcome: Result<Yield<R>, BoxError>) {
        let told = outcome.map_err(|error| plumbing::error_at(error, self.location));
        if let Err(failure) = &told {
            plumbing::leave_failure(failure.clone());
        }
        self.note(number, told);
    }

    /// One is done, and something of it panicked behind that: in the place of its outcome.
    #[cold]
    pub(crate) fn tell_panic(&self, number: u32, payload: Box<dyn Any + Send>) {
        let failure = plumbing::panic_unrecorded(payload, self.location);
        plumbing::leave_failure(failure.clone());
        self.note(number, Err(failure));
    }

    /// One is dropped that is not done.
    #[cold]
    pub(crate) fn lose(&self, number: u32, place: Place) {
        if self.is_kept() {
            self.note(number, Err(plumbing::fate_of(place, self.location)));
        }
    }

    /// Nobody waits for this one: he would wait for himself.
    fn refuse(&self, number: u32) {
        self.note(number, Err(plumbing::would_deadlock_at(self.location)));
    }

    /// What comes later than a refusal is not heard.
    fn note(&self, number: u32, told: Told<R>) {
        let mut state = lock(&self.state);
        if !self.is_kept() {
            drop(state);
            return drop(told);
        }
        let index = number as usize;
        if state.told.len() <= index {
            state.told.resize_with(index + 1, || None);
        }
        let late = if state.told[index].is_some() { Some(told) } else { state.told[index].replace(told) };
        let waiter = state.waiter.take_if(|(awaited, _)| *awaited == number);
        drop(state);
        drop(late);
        if let Some((_, waker)) = waiter {
            plumbing::stop();
            waker.wake();
        }
    }

    /// Nobody wants to know anything any more.
    fn forget(&self) {
        self.is_kept.store(false, Ordering::Release);
        let mut state = lock(&self.state);
        let waiter = state.waiter.take();
        if state.told.is_empty() {
            drop(state);
            return drop(waiter);
        }
        let mut told = std::mem::take(&mut state.told);
        drop(state);
        drop(waiter);
        told.clear();
        if told.capacity() <= KEPT {
            lock(&self.state).told = told;
        }
    }
}

/// Prompt deliveries that were added one behind another.
pub(crate) struct Run {
    /// The number of the first one.
    first: u32,
    /// How many there are.
    len: u32,
    /// So many have settled, from the first on.
    settled: u32,
    /// The place of the first one.
    place: Place,
}

/// How far a run is.
pub(crate) enum Progress<R> {
    /// All are done.
    Over,
    /// One is not.
    Open,
    /// One has given a notification, at the end of the run. The rest is behind it, if there is one.
    Nested(Box<Parts<R>>, Option<Run>),
}

impl Run {
    pub(crate) fn new(number: u32, place: Place) -> Self {
        Run { first: number, len: 1, settled: 0, place }
    }

    /// Takes one more in, if it stands right behind.
    #[inline]
    pub(crate) fn append(&mut self, place: Place) -> bool {
        let follows = place.is_behind(self.place, u64::from(self.len));
        self.len += u32::from(follows);
        follows
    }

    /// The number of the first that is open.
    fn open(&self) -> u32 {
        self.first + self.settled
    }

    fn open_place(&self) -> Place {
        self.place.behind(u64::from(self.settled))
    }

    /// Passes those that have settled.
    pub(crate) fn look<R>(&mut self, tally: &Tally<R>) -> Progress<R> {
        let mut state = lock(&tally.state);
        while self.settled < self.len {
            match state.told.get_mut(self.open() as usize) {
                None | Some(None) => return Progress::Open,
                Some(Some(told)) => {
                    self.settled += 1;
                    if !matches!(told, Ok(Yield::Nested(_))) {
                        continue;
                    }
                    if let Ok(Yield::Nested(parts)) = std::mem::replace(told, Ok(Yield::Nothing)) {
                        drop(state);
                        return Progress::Nested(parts, self.split());
                    }
                }
            }
        }
        Progress::Over
    }

    /// Ends behind those that have settled. The rest, if there is one.
    fn split(&mut self) -> Option<Run> {
        let (first, place) = (self.open(), self.open_place());
        let len = self.len - self.settled;
        self.len = self.settled;
        (len > 0).then_some(Run { first, len, settled: 0, place })
    }

    /// Waits for the first that is open. False if he who waits would wait for himself, and so does not any more.
    pub(crate) fn poll<R>(
        &mut self,
        tally: &Tally<R>,
        helper: &mut Option<Helper>,
        cx: &mut Context<'_>,
    ) -> Poll<bool> {
        let (number, place) = (self.open(), self.open_place());
        if place.is_here() {
            tally.refuse(number);
            return Poll::Ready(false);
        }
        let helper = helper.get_or_insert_with(|| match &tally.tree {
            Some(tree) => tree.helper(),
            None => unreachable!("what was added has a tree"),
        });
        let listen = |waker: Option<Waker>| {
            let mut state = lock(&tally.state);
            if matches!(state.told.get(number as usize), Some(Some(_))) {
                drop(state);
                drop(waker);
                return Some(());
            }
            if let Some(waker) = waker {
                let old = state.waiter.replace((number, waker));
                drop(state);
                drop(old);
            }
            None
        };
        match helper.drive_to(place, cx, listen) {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(())) => Poll::Ready(true),
            // The tree is gone, and what was in it.
            None => {
                tally.note(number, Err(plumbing::fate_of(place, tally.location)));
                Poll::Ready(true)
            }
        }
    }

    /// Moves the results out.
    pub(crate) fn take_results<R>(&self, tally: &Tally<R>, results: &mut Vec<R>) {
        let mut state = lock(&tally.state);
        for told in state.told.iter_mut().skip(self.first as usize).take(self.settled as usize) {
            let Some(Ok(given)) = told else { continue };
            match std::mem::replace(given, Yield::Nothing) {
                Yield::One(result) => results.push(result),
                Yield::Many(mut many) => results.append(&mut many),
                Yield::Nothing | Yield::Nested(_) => {}
            }
        }
    }

    /// Tells of each failure.
    pub(crate) fn each_failure<R>(&self, tally: &Tally<R>, mut f: impl FnMut(&Failure)) {
        let state = lock(&tally.state);
        for told in state.told.iter().skip(self.first as usize).take(self.settled as usize) {
            if let Some(Err(failure)) = told {
                f(failure);
            }
        }
    }
}

/// The tally of a notification that is there.
pub(crate) struct Kept<R>(pub(crate) Arc<Tally<R>>);

impl<R> Drop for Kept<R> {
    fn drop(&mut self) {
        self.0.forget();
    }
}

/// What a signal has for its next notification.
pub(crate) struct Tallies<R>(Mutex<Option<Arc<Tally<R>>>>);

impl<R> Tallies<R> {
    pub(crate) fn new() -> Self {
        Tallies(Mutex::new(None))
    }

    /// For what is about to be added to the current transaction.
    pub(crate) fn take(&self, location: &'static Location<'static>) -> Kept<R> {
        let mut last = lock(&self.0);
        if let Some(tally) = last.as_mut().and_then(Arc::get_mut) {
            tally.serve_again(location);
        } else {
            *last = Some(Arc::new(Tally::new(location)));
        }
        match &*last {
            Some(tally) => Kept(tally.clone()),
            None => unreachable!("it was put there just now"),
        }
    }
}
