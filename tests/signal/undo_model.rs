//! Random programs of atomic transactions, in each other and polled in turns, over several observables, against a simple
//! model: the value that stands is the last one stored that has not been rolled back; synchronous handlers hear of each
//! store, and once of what a rollback has brought back; asynchronous ones of what was committed, in the order of commit,
//! but for what a later change has overtaken.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use proptest::collection::vec;
use proptest::prelude::*;
use settled::{atomic, block_on, scope};
use settled_signal::Observable;
use support::{Pauses, Task};

const OBSERVABLES: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Set(usize),
    Update(usize),
    Replace(usize),
    Yield,
    Atomic(Vec<Step>, bool),
    /// Polled so often, and dropped.
    Abandon(Vec<Step>, usize),
    Scope(Vec<Step>),
}

fn steps(depth: u32) -> BoxedStrategy<Vec<Step>> {
    let leaf = prop_oneof![
        4 => (0..OBSERVABLES).prop_map(Step::Set),
        1 => (0..OBSERVABLES).prop_map(Step::Update),
        1 => (0..OBSERVABLES).prop_map(Step::Replace),
        2 => Just(Step::Yield),
    ];
    if depth == 0 {
        return vec(leaf, 0..6).boxed();
    }
    let below = steps(depth - 1);
    let step = prop_oneof![
        6 => leaf,
        3 => (below.clone(), prop::bool::weighted(0.6)).prop_map(|(steps, well)| Step::Atomic(steps, well)),
        1 => (below.clone(), 1..4usize).prop_map(|(steps, polls)| Step::Abandon(steps, polls)),
        1 => below.prop_map(Step::Scope),
    ];
    vec(step, 0..6).boxed()
}

/// One that has been stored.
#[derive(Clone, Debug)]
struct Store {
    observable: usize,
    /// Of all stores the so manieth, and the value.
    number: u32,
    /// The atomic transaction that it is undone with.
    owner: Option<usize>,
}

/// What is to be.
#[derive(Default)]
struct Model {
    /// That have not been rolled back, in order.
    stores: Vec<Store>,
    /// What each open transaction holds back, in the order of the commit.
    held: Vec<Vec<Store>>,
    /// What synchronous handlers have heard.
    heard: [Vec<u32>; OBSERVABLES],
    /// What asynchronous handlers hear, and the latest of that.
    later: [Vec<u32>; OBSERVABLES],
    newest: [u32; OBSERVABLES],
    stored: u32,
}

impl Model {
    fn value(&self, observable: usize) -> u32 {
        self.stores.iter().rev().find(|store| store.observable == observable).map_or(0, |store| store.number)
    }

    /// The next value for this one.
    fn store(&mut self, observable: usize, owner: Option<usize>) -> u32 {
        self.stored += 1;
        let store = Store { observable, number: self.stored, owner };
        self.heard[observable].push(store.number);
        self.stores.push(store.clone());
        match owner {
            Some(owner) => self.held[owner].push(store),
            None => self.join(store),
        }
        self.stored
    }

    fn join(&mut self, store: Store) {
        if store.number > self.newest[store.observable] {
            self.newest[store.observable] = store.number;
            self.later[store.observable].push(store.number);
        }
    }

    fn begin(&mut self) -> usize {
        self.held.push(Vec::new());
        self.held.len() - 1
    }

    fn commit(&mut self, transaction: usize, around: Option<usize>) {
        let held = std::mem::take(&mut self.held[transaction]);
        self.stores
            .iter_mut()
            .filter(|store| store.owner == Some(transaction))
            .for_each(|store| store.owner = around);
        match around {
            Some(around) => self.held[around].extend(held),
            None => held.into_iter().for_each(|store| self.join(store)),
        }
    }

    fn roll_back(&mut self, transaction: usize) {
        self.held[transaction].clear();
        let before: Vec<u32> = (0..OBSERVABLES).map(|observable| self.value(observable)).collect();
        self.stores.retain(|store| store.owner != Some(transaction));
        for (observable, before) in before.into_iter().enumerate() {
            let value = self.value(observable);
            if value != before {
                self.heard[observable].push(value);
            }
        }
    }
}

#[derive(Clone)]
struct World {
    observables: Vec<Observable<u32>>,
    model: Arc<Mutex<Model>>,
    pauses: Pauses,
}

/// Rolls back in the model where the real one is about to be.
struct Open {
    world: World,
    transaction: usize,
    is_open: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.is_open {
            self.world.model.lock().unwrap().roll_back(self.transaction);
        }
    }
}

impl World {
    fn store(&self, step: &Step, owner: Option<usize>) {
        let (Step::Set(n) | Step::Update(n) | Step::Replace(n)) = *step else { return };
        let (before, value) = {
            let mut model = self.model.lock().unwrap();
            (model.value(n), model.store(n, owner))
        };
        let observable = &self.observables[n];
        match step {
            Step::Set(_) => drop(observable.set(value)),
            Step::Update(_) => drop(observable.update(|old| {
                assert_eq!(*old, before);
                *old = value;
            })),
            _ => assert_eq!(observable.replace(value), before),
        }
        self.check();
    }

    fn check(&self) {
        let model = self.model.lock().unwrap();
        for (n, observable) in self.observables.iter().enumerate() {
            assert_eq!(observable.get(), model.value(n), "the last that has not been rolled back, of {n}");
        }
    }

    fn run<'a>(
        &'a self,
        steps: &'a [Step],
        owner: Option<usize>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            for step in steps {
                match step {
                    Step::Set(_) | Step::Update(_) | Step::Replace(_) => self.store(step, owner),
                    Step::Yield => self.pauses.pause().await,
                    Step::Atomic(steps, well) => self.run_atomic(steps, *well, owner).await,
                    Step::Scope(steps) => drop(scope(self.run(steps, owner)).await),
                    Step::Abandon(steps, polls) => {
                        let mut abandoned = self.run_atomic(steps, true, owner);
                        for _ in 0..*polls {
                            self.pauses.resume();
                            if futures::poll!(&mut abandoned).is_ready() {
                                break;
                            }
                        }
                    }
                }
                self.check();
            }
        })
    }

    fn run_atomic<'a>(
        &'a self,
        steps: &'a [Step],
        well: bool,
        around: Option<usize>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let result = atomic(async move {
            let transaction = self.model.lock().unwrap().begin();
            let mut open = Open { world: self.clone(), transaction, is_open: true };
            self.run(steps, Some(transaction)).await;
            if well {
                open.is_open = false;
                self.model.lock().unwrap().commit(transaction, around);
                Ok(())
            } else {
                Err("as was to be")
            }
        });
        Box::pin(async move { drop(result.await) })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_rolled_back_never_comes_back(
        programs in vec(steps(2), 1..4),
        polled in vec((0..6usize, any::<bool>()), 0..40),
    ) {
        let world = World { observables: (0..OBSERVABLES).map(|_| Observable::new(0)).collect(), model: Arc::default(), pauses: Pauses::default() };
        let heard: Arc<Mutex<[Vec<u32>; OBSERVABLES]>> = Arc::default();
        let later: Arc<Mutex<[Vec<u32>; OBSERVABLES]>> = Arc::default();
        for (n, observable) in world.observables.iter().enumerate() {
            let heard = heard.clone();
            observable.connect(move |value| heard.lock().unwrap()[n].push(*value));
            let later = later.clone();
            observable.connect_async(move |value| {
                let later = later.clone();
                async move { later.lock().unwrap()[n].push(value) }
            });
        }
        let start = |program: Vec<Step>| {
            let world = world.clone();
            // All of it is atomic, or is not, as it begins.
            Some(Task::new(async move { scope(world.run(&program, None)).await.unwrap() }))
        };
        let mut tasks: Vec<_> = programs.into_iter().map(start).collect();
        for (n, drops) in polled {
            match tasks.get_mut(n) {
                Some(task) if drops && n == 0 => *task = None,
                Some(Some(one)) => {
                    world.pauses.resume();
                    if one.poll().is_ready() {
                        tasks[n] = None;
                    }
                }
                Some(None) => {}
                // Nobody's transaction.
                None => {
                    let world = world.clone();
                    block_on(scope(async move { world.store(&Step::Set(n % OBSERVABLES), None) })).unwrap();
                }
            }
            world.check();
        }
        for task in tasks {
            if let Some(mut task) = task {
                while task.poll().is_pending() {
                    world.pauses.resume();
                }
            }
            world.check();
        }
        // Whatever was adopted. What is in the root may be driven by another test's thread: that one wakes this.
        block_on(settled::Transaction::root().wait()).unwrap();
        let model = world.model.lock().unwrap();
        prop_assert_eq!(&*heard.lock().unwrap(), &model.heard);
        prop_assert_eq!(&*later.lock().unwrap(), &model.later);
    }
}
