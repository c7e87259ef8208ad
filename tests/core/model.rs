//! Random programs, and the model that they are held against: whatever is added, wherever, and however it ends, each runs
//! once, in order, and the end comes after all of it with exactly the failures that nobody received. (The properties
//! themselves are in `properties.rs`.)

use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures::future::BoxFuture;
use futures::{FutureExt, poll};
use proptest::collection::vec;
use proptest::prelude::*;
use settled::{Failure, Failures, Stashed, add, begin, current, scope};
use support::{Gate, Oops, cause, causes, yields};

/// What an added future does.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    ending: Ending,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Adds, by the ambient or by handle.
    Add {
        plan: Plan,
        by_handle: bool,
    },
    /// Awaits what it added last, if anything.
    AwaitLast,
    /// Waits for all that it added.
    WaitAll,
    /// Cancels what it added last, if anything, and lets go of it.
    CancelLast,
    /// Walks these in a scope of its own, and awaits that.
    Scope(Vec<Step>),
    /// Walks these in a scope that is polled once and dropped.
    Abandon(Vec<Step>),
    /// Begins a transaction, adds to it, and ends it; or leaves it open.
    Begin {
        plan: Plan,
        end: bool,
    },
    /// Looks which transaction is current.
    Look,
    Yield(usize),
    /// Pending until this gate is opened by hand.
    Pass(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    Well,
    Failing,
    Panicking,
}

pub(crate) const GATES: usize = 4;

/// What happened, by number; numbers are given in the order of adding.
#[derive(Default)]
struct Record {
    added: usize,
    started: Vec<usize>,
    done: Vec<usize>,
    failed: Vec<usize>,
    received: Vec<usize>,
    cancelled: Vec<usize>,
    /// How many were received without their numbers.
    omitted: usize,
    /// A body and a child may add at the same time, on two threads: numbers then tell no order.
    unordered: bool,
}

/// What all futures of a program share.
#[derive(Clone, Default)]
pub(crate) struct World {
    record: Arc<Mutex<Record>>,
    pub(crate) gates: Arc<[Gate; GATES]>,
}

impl World {
    /// For a body that runs beside other drivers.
    pub(crate) fn unordered() -> Self {
        let world = World::default();
        world.record(|r| r.unordered = true);
        world
    }

    fn record<R>(&self, f: impl FnOnce(&mut Record) -> R) -> R {
        f(&mut self.record.lock().unwrap())
    }

    pub(crate) fn add(&self, plan: Plan, by_handle: bool) -> (usize, Stashed<()>) {
        let number = self.record(|r| {
            r.added += 1;
            r.added - 1
        });
        let future = self.clone().run(number, plan);
        let stashed = match current() {
            Some(t) if by_handle => t.add(future).unwrap(),
            _ => add(future),
        };
        (number, stashed)
    }

    /// The number that a failure carries, which nobody else has been told.
    fn receive(&self, failure: &Failure) {
        if !failure.is_cancelled() {
            let number = cause(failure).parse().unwrap();
            self.record(|r| r.received.push(number));
        }
    }

    pub(crate) fn receive_all(&self, outcome: Result<(), Failures>) {
        if let Err(failures) = outcome {
            failures.iter().for_each(|failure| self.receive(failure));
            self.record(|r| r.omitted += failures.omitted());
        }
    }

    fn run(self, number: usize, plan: Plan) -> BoxFuture<'static, Result<(), Oops>> {
        async move {
            self.record(|r| r.started.push(number));
            self.walk(plan.steps).await;
            self.record(|r| r.done.push(number));
            match plan.ending {
                Ending::Well => return Ok(()),
                _ => self.record(|r| r.failed.push(number)),
            }
            match plan.ending {
                Ending::Panicking => panic!("{number}"),
                _ => Err(Oops(number.to_string())),
            }
        }
        .boxed()
    }

    pub(crate) fn walk(&self, steps: Vec<Step>) -> BoxFuture<'_, ()> {
        async move {
            let mut own = None;
            let mut last: Option<(usize, Stashed<()>)> = None;
            for step in steps {
                match step {
                    Step::Add { plan, by_handle } => last = Some(self.add(plan, by_handle)),
                    Step::AwaitLast => {
                        if let Some((_, stashed)) = last.take()
                            && let Err(failure) = stashed.await
                        {
                            self.receive(&failure);
                        }
                    }
                    Step::WaitAll => self.receive_all(current().unwrap().wait().await),
                    Step::CancelLast => {
                        if let Some((number, stashed)) = last.take() {
                            stashed.cancel();
                            self.record(|r| r.cancelled.push(number));
                        }
                    }
                    Step::Scope(steps) => self.receive_all(scope(self.walk(steps)).await),
                    Step::Abandon(steps) => {
                        let mut abandoned = Box::pin(scope(self.walk(steps)));
                        if let Poll::Ready(outcome) = poll!(&mut abandoned) {
                            self.receive_all(outcome);
                        }
                    }
                    Step::Begin { plan, end } => {
                        let t = begin();
                        t.enter(|| self.add(plan, false));
                        if end {
                            self.receive_all(t.end().await);
                        }
                    }
                    Step::Look => {
                        let now = current().unwrap().id();
                        assert_eq!(
                            *own.get_or_insert(now),
                            now,
                            "one transaction from the first poll to the last"
                        );
                    }
                    Step::Yield(times) => yields(times).await,
                    Step::Pass(gate) => self.gates[gate].pass().await,
                }
            }
        }
        .boxed()
    }

    /// Holds the record against what the end told.
    pub(crate) fn check(&self, outcome: Result<(), Failures>) {
        let record = self.record.lock().unwrap();
        let all: Vec<usize> = (0..record.added).collect();
        let ordered = |numbers: &[usize]| record.unordered || numbers.is_sorted();
        assert!(ordered(&record.started), "first polls are in the order of adding: {:?}", record.started);
        let whole = |seen: &[usize]| {
            let seen = sorted(seen);
            let missing = |n: &usize| seen.binary_search(n).is_err() && !record.cancelled.contains(n);
            seen.windows(2).all(|pair| pair[0] < pair[1]) && !all.iter().any(missing)
        };
        assert!(
            whole(&record.started),
            "each but the cancelled has been started, once: {:?}",
            record.started
        );
        assert!(whole(&record.done), "each but the cancelled has come to its end, once: {:?}", record.done);
        let owed: Vec<usize> =
            sorted(&record.failed).into_iter().filter(|n| !record.received.contains(n)).collect();
        let (told, omitted): (Vec<usize>, _) = match &outcome {
            Ok(()) => (Vec::new(), 0),
            Err(failures) => {
                (causes(failures).iter().map(|n| n.parse().unwrap()).collect(), failures.omitted())
            }
        };
        assert_eq!(told.len() + omitted, owed.len(), "told: {told:?}, owed: {owed:?}");
        assert!(ordered(&told), "failures are told in the order of adding: {told:?}");
        assert!(omitted > 0 || sorted(&told) == owed, "and each once: {told:?}, owed: {owed:?}");
    }
}

fn sorted(numbers: &[usize]) -> Vec<usize> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers
}

pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    let ending =
        prop_oneof![3 => Just(Ending::Well), 1 => Just(Ending::Failing), 1 => Just(Ending::Panicking)];
    let quiet = prop_oneof![(0..4_usize).prop_map(Step::Yield), (0..GATES).prop_map(Step::Pass)];
    let leaf = (vec(quiet, 0..3), ending.clone()).prop_map(|(steps, ending)| Plan { steps, ending });
    leaf.prop_recursive(4, 40, 6, move |below| {
        let steps = vec(step(below), 0..6);
        (steps, ending.clone()).prop_map(|(steps, ending)| Plan { steps, ending })
    })
}

fn step(plan: BoxedStrategy<Plan>) -> impl Strategy<Value = Step> {
    let steps =
        vec((plan.clone(), any::<bool>()).prop_map(|(plan, by_handle)| Step::Add { plan, by_handle }), 0..3);
    let (inner, abandoned) = (steps.clone(), steps);
    prop_oneof![
        8 => (plan.clone(), any::<bool>()).prop_map(|(plan, by_handle)| Step::Add { plan, by_handle }),
        2 => Just(Step::AwaitLast),
        2 => Just(Step::WaitAll),
        1 => Just(Step::CancelLast),
        1 => inner.prop_map(Step::Scope),
        1 => abandoned.prop_map(Step::Abandon),
        1 => (plan, any::<bool>()).prop_map(|(plan, end)| Step::Begin { plan, end }),
        1 => Just(Step::Look),
        2 => (0..4_usize).prop_map(Step::Yield),
        2 => (0..GATES).prop_map(Step::Pass),
    ]
}
