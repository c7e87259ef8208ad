//! Random programs of atomic transactions within each other, plain scopes and added futures, against a simple model: what
//! was added runs exactly once, or is dropped unstarted and told so, as the outermost commit or the nearest rollback says.
//!
//! The model is kept by the programs themselves as they go: each atomic transaction has a list of what it owes, which its
//! end hands over, fulfils or discards.

use std::collections::BTreeMap;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures::future::BoxFuture;
use futures::{FutureExt, poll};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use settled::{
    OnDrop, ScopeError, Transaction, TransactionBuilder, add, add_cleanup, current, on_commit, on_rollback,
    scope,
};
use support::{Task, on_drop, yields};

#[derive(Clone, Debug)]
enum Step {
    /// Adds a future that walks these; dropped unstarted it may say goodbye.
    Add {
        steps: Vec<Step>,
        goodbye: bool,
        cancel: bool,
    },
    /// Adds so many to a transaction that is begun here and left to what it was begun in.
    Begun(usize),
    Cleanup,
    OnCommit,
    OnRollback,
    Check(bool),
    Abort,
    Yield(usize),
    /// Walks these in a scope.
    Scope(Vec<Step>, Limit),
    /// Walks these in a scope that is polled once and dropped.
    Abandon(Vec<Step>),
    Atomic(Vec<Step>, End, Limit),
}

/// How many children may run at once.
type Limit = Option<usize>;

#[derive(Clone, Copy, Debug)]
enum End {
    Well,
    Failing,
    Panicking,
    /// Polled this often, and dropped.
    Dropped(usize),
}

fn steps(depth: u32) -> BoxedStrategy<Vec<Step>> {
    let leaf = prop_oneof![
        3 => Just(Step::Cleanup),
        1 => (0..3usize).prop_map(Step::Begun),
        3 => Just(Step::OnCommit),
        3 => Just(Step::OnRollback),
        1 => any::<bool>().prop_map(Step::Check),
        1 => Just(Step::Check(true)),
        1 => Just(Step::Abort),
        2 => (1..3usize).prop_map(Step::Yield),
        6 => (any::<bool>(), prop::bool::weighted(0.2)).prop_map(|(goodbye, cancel)| Step::Add { steps: vec![], goodbye, cancel }),
    ];
    if depth == 0 {
        return vec(leaf, 0..5).boxed();
    }
    let end = prop_oneof![
        4 => Just(End::Well),
        2 => Just(End::Failing),
        1 => Just(End::Panicking),
        1 => (1..4usize).prop_map(End::Dropped),
    ];
    let below = steps(depth - 1);
    let step = prop_oneof![
        5 => leaf,
        2 => (below.clone(), any::<bool>()).prop_map(|(steps, goodbye)| Step::Add { steps, goodbye, cancel: false }),
        1 => (below.clone(), limit()).prop_map(|(steps, limit)| Step::Scope(steps, limit)),
        1 => below.clone().prop_map(Step::Abandon),
        3 => (below, end, limit()).prop_map(|(steps, end, limit)| Step::Atomic(steps, end, limit)),
    ];
    vec(step, 0..6).boxed()
}

fn limit() -> impl Strategy<Value = Limit> {
    prop_oneof![3 => Just(None), 1 => (1..3usize).prop_map(Some)]
}

type Id = usize;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Event {
    Ran(Id),
    /// A callback was told.
    Told(Id, Fate),
    AtCommit(Id),
    AtRollback(Id),
    /// The body of an atomic transaction is about to return.
    Body(Id),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Fate {
    Runs,
    Cancelled,
}

/// What one atomic transaction owes.
#[derive(Default)]
struct Owed {
    /// In the order of adding; whether it survives a rollback.
    added: Vec<(Id, bool)>,
    at_commit: Vec<Id>,
    at_rollback: Vec<Id>,
    /// Checks that are still to pass.
    unchecked: usize,
    refused: bool,
    aborted: bool,
    outer: Option<usize>,
    /// What it was begun within and that may be dropped half-way.
    path: Vec<Id>,
}

/// Where a step is walked.
#[derive(Clone, Default)]
struct Here {
    /// The atomic transaction that holds back what is added.
    holder: Option<usize>,
    /// See `Owed`.
    path: Vec<Id>,
}

impl Here {
    fn within(&self, token: Id) -> Self {
        let mut path = self.path.clone();
        path.push(token);
        Here { holder: self.holder, path }
    }
}

#[derive(Default)]
struct State {
    next: Id,
    log: Vec<Event>,
    /// One for each atomic transaction, `None` once it has ended.
    owed: Vec<Option<Owed>>,
    expected: BTreeMap<Id, Fate>,
    /// Each is to be in the log in this order.
    sequences: Vec<Vec<Event>>,
    never: Vec<Event>,
    /// Some wait in line, and what is not limited overtakes them.
    limited: bool,
}

#[derive(Clone, Default)]
struct World(Arc<Mutex<State>>);

impl World {
    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.0.lock().unwrap())
    }

    fn builder(&self, limit: Limit) -> TransactionBuilder {
        match limit {
            Some(limit) => {
                self.with(|state| state.limited = true);
                Transaction::builder().limit(limit)
            }
            None => Transaction::builder(),
        }
    }

    fn log(&self, event: Event) {
        self.with(|state| state.log.push(event));
    }

    fn id(&self) -> Id {
        self.with(|state| {
            state.next += 1;
            state.next
        })
    }

    /// A future with this number, and what tells of its end.
    fn future(&self, id: Id, steps: Vec<Step>, goodbye: bool) -> impl Future<Output = ()> + Send + 'static {
        let world = self.clone();
        let unstarted = {
            let world = self.clone();
            on_drop(move || {
                if goodbye && !world.with(|state| state.log.contains(&Event::Ran(id))) {
                    let said = world.id();
                    world.with(|state| state.expected.insert(said, Fate::Runs));
                    let again = world.clone();
                    add(async move { again.log(Event::Ran(said)) });
                }
            })
        };
        async move {
            world.log(Event::Ran(id));
            world.walk(steps, Here::default()).await;
            drop(unstarted);
        }
    }

    fn walk(&self, steps: Vec<Step>, here: Here) -> BoxFuture<'static, ()> {
        let world = self.clone();
        async move {
            for step in steps {
                world.step(step, here.clone()).await;
            }
        }
        .boxed()
    }

    async fn step(&self, step: Step, here: Here) {
        let holder = here.holder;
        match step {
            Step::Yield(times) => yields(times).await,
            Step::Add { steps, goodbye, cancel } => {
                let id = self.owe(holder, false);
                let world = self.clone();
                let stashed = add(self.future(id, steps, goodbye)).on_settled(move |result| {
                    let fate = if result.is_ok() { Fate::Runs } else { Fate::Cancelled };
                    world.log(Event::Told(id, fate));
                });
                if cancel {
                    stashed.cancel();
                    self.with(|state| {
                        if let Some(owed) = holder.and_then(|holder| state.owed[holder].as_mut()) {
                            owed.added.retain(|(other, _)| *other != id);
                        }
                        state.expected.insert(id, Fate::Cancelled);
                    });
                }
            }
            Step::Begun(many) => {
                let begun = Transaction::builder().on_drop(OnDrop::Adopt).begin();
                for _ in 0..many {
                    let id = self.owe(holder, false);
                    let world = self.clone();
                    begun.add(self.future(id, vec![], false)).unwrap().on_settled(move |result| {
                        let fate = if result.is_ok() { Fate::Runs } else { Fate::Cancelled };
                        world.log(Event::Told(id, fate));
                    });
                }
            }
            Step::Cleanup => {
                let id = self.owe(holder, true);
                add_cleanup(self.future(id, vec![], false));
            }
            Step::OnCommit => {
                let (id, world) = (self.id(), self.clone());
                let event = Event::AtCommit(id);
                self.with(|state| match holder.and_then(|holder| state.owed[holder].as_mut()) {
                    Some(owed) => owed.at_commit.push(id),
                    None => state.sequences.push(vec![event]),
                });
                on_commit(move || world.log(event));
            }
            Step::OnRollback => {
                let (id, world) = (self.id(), self.clone());
                let event = Event::AtRollback(id);
                self.with(|state| match holder.and_then(|holder| state.owed[holder].as_mut()) {
                    Some(owed) => owed.at_rollback.push(id),
                    None => state.never.push(event),
                });
                on_rollback(move || world.log(event));
            }
            Step::Check(passes) => {
                let Some(holder) = holder else { return };
                self.with(|state| {
                    if let Some(owed) = &mut state.owed[holder] {
                        owed.refused |= !passes;
                        owed.unchecked += 1;
                    }
                });
                let world = self.clone();
                current().unwrap().before_commit(async move {
                    yields(1).await;
                    world.with(|state| {
                        if let Some(owed) = &mut state.owed[holder] {
                            owed.unchecked -= 1;
                        }
                    });
                    if passes { Ok(()) } else { Err("refused") }
                });
            }
            Step::Abort => {
                let Some(holder) = holder else { return };
                // A plain scope in between is no atomic one: that alone is rolled back by an abort.
                if self.with(|state| state.owed[holder].is_some())
                    && current().unwrap().name() == Some("atomic")
                {
                    current().unwrap().abort();
                    self.with(|state| state.owed[holder].as_mut().unwrap().aborted = true);
                }
            }
            Step::Scope(steps, limit) => drop(self.builder(limit).scope(self.walk(steps, here)).await),
            Step::Abandon(steps) => {
                let (world, token) = (self.clone(), self.id());
                let mut abandoned = Box::pin(scope(async move {
                    world.walk(steps, here.within(token)).await;
                    pending::<()>().await;
                }));
                assert!(poll!(abandoned.as_mut()).is_pending());
                drop(abandoned);
                self.given_up(token);
            }
            Step::Atomic(steps, end, limit) => self.atomic(steps, end, limit, here).await,
        }
    }

    /// An added future's number; the one that holds it back owes it.
    fn owe(&self, holder: Option<usize>, cleanup: bool) -> Id {
        let id = self.id();
        self.with(|state| match holder.and_then(|holder| state.owed[holder].as_mut()) {
            Some(owed) => owed.added.push((id, cleanup)),
            None => drop(state.expected.insert(id, Fate::Runs)),
        });
        id
    }

    async fn atomic(&self, steps: Vec<Step>, end: End, limit: Limit, here: Here) {
        let token = self.id();
        let path = here.within(token).path;
        let number = self.with(|state| {
            state.owed.push(Some(Owed { outer: here.holder, path: path.clone(), ..Owed::default() }));
            state.owed.len() - 1
        });
        let world = self.clone();
        let mut body = Box::pin(self.builder(limit).name("atomic").atomic(async move {
            world.walk(steps, Here { holder: Some(number), path }).await;
            match end {
                End::Well => {
                    world.log(Event::Body(number));
                    Ok(())
                }
                End::Failing => Err("failing"),
                End::Panicking => std::panic::panic_any("panicking"),
                End::Dropped(_) => pending().await,
            }
        }));
        if let End::Dropped(polls) = end {
            for _ in 0..polls {
                assert!(poll!(body.as_mut()).is_pending());
                yields(1).await;
            }
            drop(body);
            return self.given_up(token);
        }
        let result = AssertUnwindSafe(body).catch_unwind().await;
        let (refused, aborted) = self.with(|state| {
            let owed = state.owed[number].as_ref().unwrap();
            (owed.refused, owed.aborted)
        });
        match (result, end) {
            (Ok(Ok(()) | Err(ScopeError::Failed(_))), End::Well) => {
                assert!(!refused && !aborted);
                return self.committed(number);
            }
            (Ok(Err(ScopeError::Refused(failure))), End::Well) => {
                assert!(
                    if aborted { failure.is_cancelled() } else { refused && failure.is_error() },
                    "{failure}"
                );
            }
            (Ok(Err(ScopeError::Body("failing"))), End::Failing) | (Err(_), End::Panicking) => {}
            (result, _) => panic!("{end:?}: {result:?}"),
        }
        self.rolled_back(number);
    }

    fn committed(&self, number: usize) {
        self.with(|state| {
            let owed = state.owed[number].take().unwrap();
            match owed.outer.and_then(|outer| state.owed[outer].as_mut()) {
                Some(outer) => {
                    outer.added.extend(owed.added);
                    outer.at_commit.extend(owed.at_commit);
                    outer.at_rollback.extend(owed.at_rollback);
                }
                None => {
                    let mut sequence = vec![Event::Body(number)];
                    sequence.extend(owed.at_commit.into_iter().map(Event::AtCommit));
                    sequence.extend(owed.added.iter().map(|(id, _)| Event::Ran(*id)));
                    state.sequences.push(sequence);
                    state.never.extend(owed.at_rollback.into_iter().map(Event::AtRollback));
                    state.expected.extend(owed.added.into_iter().map(|(id, _)| (id, Fate::Runs)));
                }
            }
        });
    }

    fn rolled_back(&self, number: usize) {
        self.with(|state| {
            let owed = state.owed[number].take().unwrap();
            state.sequences.push(owed.at_rollback.into_iter().rev().map(Event::AtRollback).collect());
            state.never.extend(owed.at_commit.into_iter().map(Event::AtCommit));
            let (cleanups, rest): (Vec<_>, Vec<_>) =
                owed.added.into_iter().partition(|(_, cleanup)| *cleanup);
            state.expected.extend(rest.into_iter().map(|(id, _)| (id, Fate::Cancelled)));
            match owed.outer.and_then(|outer| state.owed[outer].as_mut()) {
                Some(outer) => outer.added.extend(cleanups),
                None => state.expected.extend(cleanups.into_iter().map(|(id, _)| (id, Fate::Runs))),
            }
        });
    }

    /// All that were begun within this, inner ones first, were dropped half-way.
    fn given_up(&self, token: Id) {
        let within = |owed: &Option<Owed>| owed.as_ref().is_some_and(|owed| owed.path.contains(&token));
        let all =
            self.with(|state| (0..state.owed.len()).filter(|n| within(&state.owed[*n])).collect::<Vec<_>>());
        for number in all.into_iter().rev() {
            let committed = self.with(|state| {
                let owed = state.owed[number].as_ref().unwrap();
                let well = owed.unchecked == 0 && !owed.refused && !owed.aborted;
                well && state.log.contains(&Event::Body(number))
            });
            // It may have committed, and was dropped before it could tell.
            if committed { self.committed(number) } else { self.rolled_back(number) }
        }
    }

    fn check(&self) {
        self.with(|state| {
            assert!(state.owed.iter().all(Option::is_none), "every body has ended");
            let position = |event: &Event| state.log.iter().position(|other| other == event);
            for (id, fate) in &state.expected {
                let ran = state.log.iter().filter(|event| **event == Event::Ran(*id)).count();
                let told: Vec<_> = state
                    .log
                    .iter()
                    .filter(|event| matches!(event, Event::Told(other, _) if other == id))
                    .collect();
                match fate {
                    Fate::Runs => assert_eq!(ran, 1, "{id} runs once"),
                    Fate::Cancelled => assert_eq!(
                        (ran, told),
                        (0, vec![&Event::Told(*id, Fate::Cancelled)]),
                        "{id} is cancelled"
                    ),
                }
            }
            for sequence in &state.sequences {
                let is_ordered = |event: &Event| !(state.limited && matches!(event, Event::Ran(_)));
                let sequence: Vec<_> = sequence.iter().copied().filter(is_ordered).collect();
                let positions: Vec<_> = sequence.iter().map(position).collect();
                assert!(
                    positions.iter().all(Option::is_some),
                    "all of {sequence:?} happens: {:?}",
                    state.log
                );
                assert!(positions.is_sorted(), "{sequence:?} in this order: {:?}", state.log);
            }
            for event in &state.never {
                assert_eq!(position(event), None, "never {event:?}");
            }
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn all_or_nothing(program in steps(4)) {
        let world = World::default();
        let mut task = Task::new(scope(world.walk(program, Here::default())));
        let Poll::Ready(_result) = task.run() else { panic!("stalled") };
        world.check();
    }
}
