//! Random programs, and the model that they are held against: whatever is added, wherever, and however it ends, each runs
//! once, in order, and the end comes after all of it with exactly the failures that nobody received. (Programs are made
//! by `program.rs` here, from bytes, and by `core/strategies.rs`, with proptest.)

use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures::future::BoxFuture;
use futures::{FutureExt, poll};
use settled::{Failure, Failures, Stashed, add, begin, current, scope};

use crate::{Gate, Oops, Task, assert_ready, cause, causes, yields};

/// What an added future does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// One after another.
    pub steps: Vec<Step>,
    /// And then.
    pub ending: Ending,
}

/// What it does first, and then, and then.
#[derive(Clone, Debug)]
pub enum Step {
    /// Adds, by the ambient or by handle.
    Add {
        /// What is added.
        plan: Plan,
        /// By handle?
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
        /// What is added to it.
        plan: Plan,
        /// Ended?
        end: bool,
    },
    /// Looks which transaction is current.
    Look,
    /// Pending so many times, having woken itself.
    Yield(usize),
    /// Pending until this gate is opened by hand.
    Pass(usize),
}

/// How it ends.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    /// Without a failure.
    Well,
    /// By an error that tells its number.
    Failing,
    /// By a panic that tells its number.
    Panicking,
}

/// How many gates a program has.
pub const GATES: usize = 4;

/// What happened, by number; numbers are given in the order of adding.
#[derive(Debug, Default)]
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
#[derive(Clone, Debug, Default)]
pub struct World {
    record: Arc<Mutex<Record>>,
    /// Those that `Step::Pass` waits at.
    pub gates: Arc<[Gate; GATES]>,
}

impl World {
    /// For a body that runs beside other drivers.
    pub fn unordered() -> Self {
        let world = World::default();
        world.record(|r| r.unordered = true);
        world
    }

    fn record<R>(&self, f: impl FnOnce(&mut Record) -> R) -> R {
        f(&mut self.record.lock().unwrap())
    }

    /// Adds to the current transaction. Gives the number of what was added, too.
    pub fn add(&self, plan: Plan, by_handle: bool) -> (usize, Stashed<()>) {
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

    /// Notes the failures of an outcome as received.
    pub fn receive_all(&self, outcome: Result<(), Failures>) {
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

    /// Does these, as a body or an added future does.
    pub fn walk(&self, steps: Vec<Step>) -> BoxFuture<'_, ()> {
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
    pub fn check(&self, outcome: Result<(), Failures>) {
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

/// Runs the task, opening one gate after another in the given order, whenever it rests.
pub fn open_all<F: Future>(task: &mut Task<F>, gates: &[Gate; GATES], order: &[usize]) -> F::Output {
    for &gate in order {
        if let Poll::Ready(output) = task.run() {
            return output;
        }
        gates[gate].open();
    }
    assert_ready!(task.run())
}
