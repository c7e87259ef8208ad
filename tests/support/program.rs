//! Bytes as a program for the model: any bytes are one. So random bytes, and a fuzzer that changes bytes, do what
//! proptest does, over the same model.
//!
//! The first three bytes say who drives, in which order the gates are opened, and how often something is polled. Each
//! byte after that is a step, in its lower half which one, in its upper half with what. A step that has steps of its own is
//! followed by these; they end at a byte that says so, or with the bytes.

use std::task::Poll;

use futures::poll;
use settled::{begin, scope, scope_local};

use crate::model::{Ending, GATES, Manner, Plan, Step, World};
use crate::{Task, assert_ready, yields};

/// Deeper ones are not made: each level takes stack.
const DEPTH: usize = 24;

/// What drives the steps.
#[derive(Clone, Copy, Debug)]
pub enum Drive {
    /// A scope, awaited.
    Scope,
    /// `end`, awaited by two who take turns.
    Ends,
    /// A scope in a scope, the inner of which is dropped after some polls.
    GivenUp,
    /// A local scope, awaited.
    Local,
}

/// A program that can be run again and again.
#[derive(Clone, Debug)]
pub struct Program {
    /// Who drives.
    pub drive: Drive,
    /// In which order the gates are opened.
    pub order: [usize; GATES],
    /// How many polls until an inner scope is dropped; each bit says which of two drivers is next.
    pub polls: u8,
    /// The body.
    pub steps: Vec<Step>,
}

impl Program {
    /// The program that these bytes are.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut bytes = bytes.iter().copied();
        let mut next = || bytes.next().unwrap_or(0);
        let drive = [Drive::Scope, Drive::Ends, Drive::GivenUp, Drive::Local][usize::from(next()) % 4];
        let (order, polls) = (permutation(next().into()), next());
        let steps = steps(&mut bytes, 0).0;
        Program { drive, order, polls, steps }
    }

    /// Runs it, and holds what happened against the model.
    ///
    /// # Panics
    ///
    /// If a promise is broken.
    pub fn check(self) {
        let world = World::with_executor();
        let outcome = match self.drive {
            Drive::Scope => {
                let mut task = Task::new(scope(world.walk(self.steps)));
                world.open_all(&mut task, &self.order)
            }
            Drive::Local => {
                let mut task = Task::new(scope_local(world.walk_locally(self.steps)));
                world.open_all(&mut task, &self.order)
            }
            Drive::Ends => {
                let t = begin();
                let plans = self.steps.into_iter().map(|step| match step {
                    Step::Add { plan, .. } => plan,
                    step => Plan { steps: vec![step], ending: Ending::Well },
                });
                t.enter(|| plans.for_each(|plan| world.add(plan)));
                let mut tasks = [Some(Task::new(t.end())), Some(Task::new(t.end()))];
                for (turn, gate) in self.order.into_iter().enumerate() {
                    let second = self.polls >> turn & 1;
                    tasks[usize::from(second)].take_if(|task| world.run(task).is_ready());
                    world.gates[gate].open();
                }
                assert_ready!(world.run(&mut Task::new(t.end())))
            }
            Drive::GivenUp => {
                let polls = self.polls % 6;
                let mut task = Task::new(scope(async {
                    let mut inner = Some(Box::pin(scope(world.walk(self.steps))));
                    for _ in 0..polls {
                        if let Some(scope) = &mut inner
                            && let Poll::Ready(outcome) = poll!(scope)
                        {
                            world.receive_all(outcome);
                            inner = None;
                        }
                        yields(1).await;
                    }
                }));
                world.open_all(&mut task, &self.order)
            }
        };
        world.check(outcome);
    }
}

/// One of all orders.
fn permutation(mut number: usize) -> [usize; GATES] {
    let mut order = std::array::from_fn(|gate| gate);
    for last in (1..GATES).rev() {
        order.swap(last, number % (last + 1));
        number /= last + 1;
    }
    order
}

/// Steps up to the byte that ends them, and how that says they end.
fn steps(bytes: &mut impl Iterator<Item = u8>, depth: usize) -> (Vec<Step>, Ending) {
    let mut steps = Vec::new();
    while let Some(byte) = bytes.next() {
        let with = usize::from(byte >> 4);
        let deeper = depth < DEPTH;
        steps.push(match byte & 15 {
            0 | 1 if with & 7 == 6 => return (steps, Ending::Failing),
            0 | 1 if with & 7 == 7 => return (steps, Ending::Panicking),
            0 | 1 => return (steps, Ending::Well),
            5 if deeper && with & 8 == 8 => Step::AddLocal(plan(bytes, depth)),
            2..=5 if deeper => Step::Add { plan: plan(bytes, depth), by_handle: with & 1 == 1 },
            6 | 7 => Step::AwaitLast,
            8 => Step::WaitAll,
            9 if with & 3 == 3 => Step::Abort,
            9 => Step::CancelLast,
            10 if deeper => Step::Scope(manner(with), self::steps(bytes, depth + 1).0),
            11 if deeper => Step::Abandon(manner(with), self::steps(bytes, depth + 1).0),
            12 if deeper => Step::Begin { plan: plan(bytes, depth), end: with & 1 == 1 },
            13 => Step::Look,
            14 => Step::Yield(with & 3),
            15 => Step::Pass(with % GATES),
            _ => Step::Look,
        });
    }
    (steps, Ending::Well)
}

fn plan(bytes: &mut impl Iterator<Item = u8>, depth: usize) -> Plan {
    let (steps, ending) = steps(bytes, depth + 1);
    Plan { steps, ending }
}

/// Mostly a plain one.
fn manner(with: usize) -> Manner {
    Manner {
        limit: [None, None, None, Some(1), Some(2), None, None, Some(1)][with & 7],
        fail_fast: with & 7 >= 6,
        spawned: with & 7 == 5,
        cancels: with & 8 == 8,
    }
}
