//! Random programs, and the model that they are held against: whatever is added, wherever, and however it ends, each runs
//! once, in order, and the end comes after all of it with exactly the failures that nobody received. (Programs are made
//! by `program.rs` here, from bytes, and by `core/strategies.rs`, with proptest.)
//!
//! What is cancelled with others (`abort`, `fail_fast`, `OnDrop::Cancel`) may come to its end or not, as it happens; the
//! model knows which may, and that those do not begin which had not. A limit changes the order, and a spawner is free in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures::future::BoxFuture;
use futures::{FutureExt, poll};
use settled::testing::Executor;
use settled::{Failure, Failures, Stashed, add, add_local, begin, current};

pub use crate::plan::{Ending, GATES, Manner, Plan, Step};
use crate::{Gate, Oops, Task, assert_ready, cause, causes, yields};

/// A body or a future in which something is added, by number.
type Place = usize;

/// What is begun in the order of adding, among those like it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
enum Line {
    /// The queue of the tree.
    #[default]
    Queue,
    /// The line of a limit: of this scope, with so many places.
    Limited(Place, usize),
    /// The list of a local transaction.
    Local,
    /// Whatever order a spawner likes.
    Free,
}

/// Where a step is walked.
#[derive(Clone, Debug, Default)]
struct Here {
    /// What it is in: the last one is where it adds to.
    within: Vec<Place>,
    /// How that begins what is added.
    line: Line,
    /// A spawner runs what is added.
    spawned: bool,
    /// The owner of a local transaction around polls it.
    local: bool,
}

/// What is known of an added future.
#[derive(Debug)]
struct Known {
    line: Line,
    within: Vec<Place>,
}

/// What happened, by number; numbers are given in the order of adding.
#[derive(Debug, Default)]
struct Record {
    added: Vec<Known>,
    started: Vec<usize>,
    done: Vec<usize>,
    failed: Vec<usize>,
    received: Vec<usize>,
    /// They may not have come to their end.
    cancelled: BTreeSet<usize>,
    /// Nor have these been begun: they were cancelled before.
    unbegun: BTreeSet<usize>,
    /// How many were received without their numbers.
    omitted: usize,
    /// A body and a child may add at the same time, on two threads: numbers then tell no order.
    unordered: bool,
    /// A task that waits inside drives what others would, and not in the poll of their owner.
    spawned: bool,
    places: usize,
    /// Those that fail fast; and whether something in them has failed.
    fast: BTreeMap<Place, bool>,
    /// Futures that have not been dropped; and those of them that have been begun, by the scope that limits them.
    alive: usize,
    running: BTreeMap<Place, usize>,
    /// More were running there than should.
    crowded: Vec<Place>,
    /// They had not come to their end, and somebody who waited for that went on.
    unsettled: Vec<usize>,
}

impl Record {
    fn place(&mut self) -> Place {
        self.places += 1;
        self.places
    }

    /// All that is pending below this place is cancelled.
    fn cancel_below(&mut self, place: Place) {
        for (number, known) in self.added.iter().enumerate() {
            if known.within.contains(&place) && !self.done.contains(&number) {
                self.cancelled.insert(number);
                if !self.started.contains(&number) {
                    self.unbegun.insert(number);
                }
            }
        }
    }

    /// Who waited for what is below this place, as far as it was added before so many, goes on.
    fn settled_below(&mut self, place: Place, before: usize) {
        let is_below = |number: &usize| self.added[*number].within.contains(&place);
        let is_settled = |number: &usize| self.done.contains(number) || self.may_be_missing(*number);
        let unsettled: Vec<_> = (0..before).filter(is_below).filter(|number| !is_settled(number)).collect();
        self.unsettled.extend(unsettled);
    }

    /// May it be that it has not come to its end?
    fn may_be_missing(&self, number: usize) -> bool {
        let failed_fast = |place: &Place| self.fast.get(place).copied().unwrap_or(false);
        self.cancelled.contains(&number) || self.added[number].within.iter().any(failed_fast)
    }
}

/// What all futures of a program share.
#[derive(Clone, Debug, Default)]
pub struct World {
    record: Arc<Mutex<Record>>,
    /// Those that `Step::Pass` waits at.
    pub gates: Arc<[Gate; GATES]>,
    /// Runs what is spawned; without one nothing is.
    executor: Option<Executor>,
}

/// An added future, until it is dropped.
struct Alive {
    world: World,
    line: Line,
    started: bool,
}

impl Alive {
    fn start(&mut self, number: usize) {
        self.started = true;
        self.world.record(|r| {
            r.started.push(number);
            if let Line::Limited(place, limit) = self.line {
                let running = r.running.entry(place).or_default();
                *running += 1;
                if *running > limit {
                    r.crowded.push(place);
                }
            }
        });
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.world.record(|r| {
            r.alive -= 1;
            if let (Line::Limited(place, _), true) = (self.line, self.started) {
                *r.running.entry(place).or_default() -= 1;
            }
        });
    }
}

impl World {
    /// For a body that runs beside other drivers.
    pub fn unordered() -> Self {
        let world = World::default();
        world.record(|r| r.unordered = true);
        world
    }

    /// With an executor, that `run` and `open_all` drive.
    pub fn with_executor() -> Self {
        World { executor: Some(Executor::new()), ..World::default() }
    }

    fn record<R>(&self, f: impl FnOnce(&mut Record) -> R) -> R {
        f(&mut self.record.lock().unwrap())
    }

    /// Adds to the current transaction.
    pub fn add(&self, plan: Plan) {
        drop(self.add_in(&Here::default(), plan, false));
    }

    /// The same for a step. Gives the number of what was added, too.
    fn add_in(&self, here: &Here, plan: Plan, by_handle: bool) -> (usize, Stashed<()>) {
        let (number, future) = self.future(here, here.line, plan);
        let stashed = match current() {
            Some(t) if by_handle => t.add(future).unwrap(),
            _ => add(future),
        };
        (number, stashed)
    }

    fn add_local(&self, here: &Here, plan: Plan) {
        let (number, future) = self.future(here, Line::Local, plan);
        let refused = add_local(future).is_settled();
        let may_be_refused = !here.local || self.record(|r| r.spawned);
        assert!(refused || here.local, "taken only where the owner polls");
        assert!(!refused || may_be_refused, "and there always");
        if refused {
            self.record(|r| r.cancelled.insert(number));
        }
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

    fn future(&self, here: &Here, line: Line, plan: Plan) -> (usize, BoxFuture<'static, Result<(), Oops>>) {
        let (number, place) = self.record(|r| {
            r.added.push(Known { line, within: here.within.clone() });
            r.alive += 1;
            (r.added.len() - 1, r.place())
        });
        let mut alive = Alive { world: self.clone(), line, started: false };
        let mut own = here.clone();
        own.within.push(place);
        own.line = if own.spawned { Line::Free } else { Line::Queue };
        own.local &= line != Line::Free;
        let world = self.clone();
        let future = async move {
            alive.start(number);
            world.walk_in(own, plan.steps).await;
            world.record(|r| {
                r.done.push(number);
                if !matches!(plan.ending, Ending::Well) {
                    r.failed.push(number);
                    for place in &r.added[number].within {
                        r.fast.entry(*place).and_modify(|failed| *failed = true);
                    }
                }
            });
            match plan.ending {
                Ending::Well => Ok(()),
                Ending::Failing => Err(Oops(number.to_string())),
                Ending::Panicking => panic!("{number}"),
            }
        };
        (number, future.boxed())
    }

    /// Does these, as the body of a program does.
    pub fn walk(&self, steps: Vec<Step>) -> BoxFuture<'_, ()> {
        let within = vec![self.record(Record::place)];
        self.walk_in(Here { within, ..Here::default() }, steps)
    }

    /// The same for the body of a local transaction.
    pub fn walk_locally(&self, steps: Vec<Step>) -> BoxFuture<'_, ()> {
        let within = vec![self.record(Record::place)];
        self.walk_in(Here { within, local: true, ..Here::default() }, steps)
    }

    /// A scope in which these are walked, and its place.
    fn scope<'a>(
        &'a self,
        here: &Here,
        manner: Manner,
        steps: Vec<Step>,
    ) -> (Place, settled::Scope<BoxFuture<'a, ()>>) {
        let place = self.record(|r| {
            let place = r.place();
            if manner.fail_fast {
                r.fast.insert(place, false);
            }
            place
        });
        let (mut below, mut builder) = (here.clone(), manner.builder());
        if let (true, Some(executor)) = (manner.spawned, &self.executor) {
            builder = builder.spawner(executor.spawner());
            below.spawned = true;
            self.record(|r| r.spawned = true);
        }
        below.within.push(place);
        below.line = match manner.limit {
            _ if below.spawned => Line::Free,
            Some(limit) => Line::Limited(place, limit),
            None => Line::Queue,
        };
        (place, builder.scope(self.walk_in(below, steps)))
    }

    /// Does these, as a body or an added future does.
    fn walk_in(&self, here: Here, steps: Vec<Step>) -> BoxFuture<'_, ()> {
        async move {
            let mut own = None;
            let mut last: Option<(usize, Stashed<()>)> = None;
            for step in steps {
                match step {
                    Step::Add { plan, by_handle } => last = Some(self.add_in(&here, plan, by_handle)),
                    Step::AddLocal(plan) => self.add_local(&here, plan),
                    Step::AwaitLast => {
                        if let Some((number, stashed)) = last.take() {
                            match stashed.await {
                                Ok(()) => assert!(self.record(|r| r.done.contains(&number))),
                                Err(failure) => self.receive(&failure),
                            }
                        }
                    }
                    Step::WaitAll => {
                        let place = here.within.last().copied().unwrap();
                        let before = self.record(|r| r.added.len());
                        self.receive_all(current().unwrap().wait().await);
                        self.record(|r| r.settled_below(place, before));
                    }
                    Step::CancelLast => {
                        if let Some((number, stashed)) = last.take() {
                            stashed.cancel();
                            self.record(|r| r.cancelled.insert(number));
                        }
                    }
                    Step::Abort => {
                        let place = here.within.last().copied().unwrap();
                        self.record(|r| r.cancel_below(place));
                        current().unwrap().abort();
                    }
                    Step::Scope(manner, steps) => {
                        let manner = Manner { cancels: false, ..manner };
                        let (place, scope) = self.scope(&here, manner, steps);
                        self.receive_all(scope.await);
                        self.record(|r| r.settled_below(place, r.added.len()));
                    }
                    Step::Abandon(manner, steps) => {
                        let (place, scope) = self.scope(&here, manner, steps);
                        let mut abandoned = Box::pin(scope);
                        match poll!(&mut abandoned) {
                            Poll::Ready(outcome) => self.receive_all(outcome),
                            Poll::Pending if manner.cancels => self.record(|r| r.cancel_below(place)),
                            Poll::Pending => {}
                        }
                    }
                    Step::Begin { plan, end } => {
                        let (t, mut inside) = (begin(), here.clone());
                        inside.line = if here.spawned { Line::Free } else { Line::Queue };
                        t.enter(|| drop(self.add_in(&inside, plan, false)));
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

    /// Runs the task, and what was spawned, until both rest.
    pub fn run<F: Future>(&self, task: &mut Task<F>) -> Poll<F::Output> {
        loop {
            if let ready @ Poll::Ready(_) = task.run() {
                return ready;
            }
            if self.executor.as_ref().is_none_or(|executor| executor.run_until_stalled() == 0) {
                return Poll::Pending;
            }
        }
    }

    /// The same, opening one gate after another in the given order, whenever all rests.
    pub fn open_all<F: Future>(&self, task: &mut Task<F>, order: &[usize]) -> F::Output {
        for &gate in order {
            if let Poll::Ready(output) = self.run(task) {
                return output;
            }
            self.gates[gate].open();
        }
        assert_ready!(self.run(task))
    }

    /// Holds the record against what the end told.
    pub fn check(&self, outcome: Result<(), Failures>) {
        let record = self.record.lock().unwrap();
        assert_eq!(record.alive, 0, "all have been dropped before the end");
        assert!(record.crowded.is_empty(), "no more run than the limit says");
        assert!(
            record.unsettled.is_empty(),
            "who waits goes on when all has settled: {:?}",
            record.unsettled
        );
        let ordered = |numbers: &[usize]| record.unordered || numbers.is_sorted();
        let mut lines: BTreeMap<Line, Vec<usize>> = BTreeMap::new();
        for number in &record.started {
            lines.entry(record.added[*number].line).or_default().push(*number);
        }
        lines.remove(&Line::Free);
        for (line, started) in &lines {
            assert!(ordered(started), "first polls are in the order of adding: {line:?} {started:?}");
        }
        if !record.unordered {
            let begun: Vec<_> = record.started.iter().filter(|n| record.unbegun.contains(n)).collect();
            assert!(begun.is_empty(), "what was cancelled before its first poll is never polled: {begun:?}");
        }
        let whole = |seen: &[usize]| {
            let seen = sorted(seen);
            let missing = |n: &usize| seen.binary_search(n).is_err() && !record.may_be_missing(*n);
            seen.windows(2).all(|pair| pair[0] < pair[1]) && !(0..record.added.len()).any(|n| missing(&n))
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
