//! Random programs of changes, batches and atomic transactions, in each other and polled in turns, on one map, against a
//! simple model: each key is what the last store there that has not been rolled back has made of it.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use proptest::collection::vec;
use proptest::prelude::*;
use settled::{atomic, scope};
use settled_signal::{MapEdit, MapView, ObservableMap, VecView};
use support::{Pauses, Task, finish};

use super::kit::{later_replica, replica, streamed_map};

const KEYS: u8 = 6;

#[derive(Clone, Debug)]
enum Change {
    Insert(u8),
    Remove(u8),
    Update(u8),
    Retain(u32),
    Extend(Vec<u8>),
    ReplaceAll(Vec<u8>),
    Clear,
}

#[derive(Clone, Debug)]
enum Step {
    Change(Change),
    Batch(Vec<Change>),
    Yield,
    Atomic(Vec<Step>, bool),
    /// Polled so often, and dropped.
    Abandon(Vec<Step>, usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        5 => (0..KEYS).prop_map(Change::Insert),
        3 => (0..KEYS).prop_map(Change::Remove),
        2 => (0..KEYS).prop_map(Change::Update),
        1 => (2..4u32).prop_map(Change::Retain),
        1 => vec(0..KEYS, 0..4).prop_map(Change::Extend),
        1 => vec(0..KEYS, 0..4).prop_map(Change::ReplaceAll),
        1 => Just(Change::Clear),
    ]
}

fn steps(depth: u32) -> BoxedStrategy<Vec<Step>> {
    let leaf = prop_oneof![
        6 => change().prop_map(Step::Change),
        1 => vec(change(), 0..25).prop_map(Step::Batch),
        2 => Just(Step::Yield),
    ];
    if depth == 0 {
        return vec(leaf, 0..6).boxed();
    }
    let below = steps(depth - 1);
    let step = prop_oneof![
        6 => leaf,
        3 => (below.clone(), prop::bool::weighted(0.6)).prop_map(|(steps, well)| Step::Atomic(steps, well)),
        1 => (below, 1..4usize).prop_map(|(steps, polls)| Step::Abandon(steps, polls)),
    ];
    vec(step, 0..6).boxed()
}

type Owner = Option<usize>;
type Map = BTreeMap<u8, u32>;

#[derive(Default)]
struct Model {
    /// What has been stored, in order, and whose it is.
    stores: Vec<(u8, Option<u32>, Owner)>,
    transactions: usize,
    next: u32,
}

impl Model {
    fn read(&self) -> Map {
        let mut map = Map::new();
        for (key, value, _) in &self.stores {
            match value {
                Some(value) => map.insert(*key, *value),
                None => map.remove(key),
            };
        }
        map
    }

    fn commit(&mut self, by: usize, around: Owner) {
        self.stores.iter_mut().filter(|store| store.2 == Some(by)).for_each(|store| store.2 = around);
    }

    fn roll_back(&mut self, by: usize) {
        self.stores.retain(|store| store.2 != Some(by));
    }

    fn next(&mut self) -> u32 {
        self.next += 1;
        self.next
    }
}

/// What the map or its edit has to do.
enum Done {
    Insert(u8, u32),
    Remove(u8),
    Update(u8, u32),
    Retain(u32),
    Extend(Vec<(u8, u32)>),
    ReplaceAll(Map),
    Clear,
}

impl Change {
    fn model(&self, model: &mut Model, owner: Owner) -> Done {
        let before = model.read();
        let gone = |model: &mut Model, keys: Vec<u8>| {
            model.stores.extend(keys.into_iter().map(|key| (key, None, owner)));
        };
        match self {
            Change::Insert(key) => {
                let value = model.next();
                model.stores.push((*key, Some(value), owner));
                Done::Insert(*key, value)
            }
            Change::Remove(key) => {
                if before.contains_key(key) {
                    gone(model, vec![*key]);
                }
                Done::Remove(*key)
            }
            Change::Update(key) => {
                let value = model.next();
                if before.contains_key(key) {
                    model.stores.push((*key, Some(value), owner));
                }
                Done::Update(*key, value)
            }
            Change::Retain(by) => {
                gone(
                    model,
                    before
                        .into_iter()
                        .filter(|(_, value)| value.is_multiple_of(*by))
                        .map(|(key, _)| key)
                        .collect(),
                );
                Done::Retain(*by)
            }
            Change::Extend(keys) => {
                let entries: Vec<(u8, u32)> = keys.iter().map(|key| (*key, model.next())).collect();
                model.stores.extend(entries.iter().map(|(key, value)| (*key, Some(*value), owner)));
                Done::Extend(entries)
            }
            Change::ReplaceAll(keys) => {
                let entries: Map = keys.iter().map(|key| (*key, model.next())).collect();
                gone(model, before.into_keys().filter(|key| !entries.contains_key(key)).collect());
                model.stores.extend(entries.iter().map(|(key, value)| (*key, Some(*value), owner)));
                Done::ReplaceAll(entries)
            }
            Change::Clear => {
                gone(model, before.into_keys().collect());
                Done::Clear
            }
        }
    }
}

impl Done {
    fn to_map(&self, map: &ObservableMap<u8, u32>) {
        match self {
            Done::Insert(key, value) => drop(map.insert(*key, *value)),
            Done::Remove(key) => drop(map.remove(key)),
            Done::Update(key, value) => _ = map.update(key, |old| *old = *value),
            Done::Retain(by) => drop(map.retain(|_, value| !value.is_multiple_of(*by))),
            Done::Extend(entries) => drop(map.extend(entries.clone())),
            Done::ReplaceAll(entries) => drop(map.replace_all(entries.clone())),
            Done::Clear => drop(map.clear()),
        }
    }

    fn to_edit(&self, map: &mut MapEdit<'_, '_, u8, u32>) {
        match self {
            Done::Insert(key, value) => drop(map.insert(*key, *value)),
            Done::Remove(key) => drop(map.remove(key)),
            Done::Update(key, value) => _ = map.update(key, |old| *old = *value),
            Done::Retain(by) => map.retain(|_, value| !value.is_multiple_of(*by)),
            Done::Extend(entries) => map.extend(entries.clone()),
            Done::ReplaceAll(entries) => map.replace_all(entries.clone()),
            Done::Clear => map.clear(),
        }
    }
}

#[derive(Clone)]
struct World {
    map: ObservableMap<u8, u32>,
    model: Arc<Mutex<Model>>,
    seen: Arc<Mutex<Map>>,
    later: Arc<Mutex<Map>>,
    odd: MapView<u8, u32>,
    odd_seen: Arc<Mutex<Map>>,
    odd_later: Arc<Mutex<Map>>,
    tripled: VecView<u32>,
    tripled_seen: Arc<Mutex<Vec<u32>>>,
    keys: VecView<u8>,
    keys_seen: Arc<Mutex<Vec<u8>>>,
    /// Who waits to be polled again.
    pauses: Pauses,
}

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
    fn new() -> Self {
        let map = ObservableMap::new();
        let odd = map.filter(|_, value| value % 2 == 1);
        let tripled = odd.map_values(|key, value| value * 3 + u32::from(*key)).values();
        let keys = map.keys();
        World {
            model: Arc::default(),
            pauses: Pauses::default(),
            seen: replica(map.changed(), Map::new()),
            later: later_replica(map.changed(), Map::new()),
            odd_seen: replica(odd.changed(), Map::new()),
            odd_later: later_replica(odd.changed(), Map::new()),
            tripled_seen: replica(tripled.changed(), vec![]),
            keys_seen: replica(keys.changed(), vec![]),
            map,
            odd,
            tripled,
            keys,
        }
    }

    fn check(&self) {
        let expected = self.model.lock().unwrap().read();
        assert_eq!(self.map.to_map(), expected);
        assert_eq!(*self.seen.lock().unwrap(), expected, "the replica");
        let keys: Vec<u8> = expected.keys().copied().collect();
        assert_eq!((&self.keys.to_vec(), &*self.keys_seen.lock().unwrap()), (&keys, &keys));
        let odd: Map = expected.into_iter().filter(|(_, value)| value % 2 == 1).collect();
        assert_eq!((&self.odd.to_map(), &*self.odd_seen.lock().unwrap()), (&odd, &odd));
        let tripled: Vec<u32> = odd.iter().map(|(key, value)| value * 3 + u32::from(*key)).collect();
        assert_eq!((&self.tripled.to_vec(), &*self.tripled_seen.lock().unwrap()), (&tripled, &tripled));
    }

    fn resumed<F: Future>(&self, task: &mut Task<F>) -> Poll<F::Output> {
        self.pauses.resume();
        task.poll()
    }

    fn step(&self, step: &Step, owner: Owner) {
        match step {
            Step::Change(change) => {
                let done = change.model(&mut self.model.lock().unwrap(), owner);
                done.to_map(&self.map);
            }
            Step::Batch(changes) => drop(self.map.batch(|map| {
                for change in changes {
                    change.model(&mut self.model.lock().unwrap(), owner).to_edit(map);
                }
            })),
            _ => {}
        }
        self.check();
    }

    fn run<'a>(&'a self, steps: &'a [Step], owner: Owner) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            for step in steps {
                match step {
                    Step::Change(_) | Step::Batch(_) => self.step(step, owner),
                    Step::Yield => self.pauses.pause().await,
                    Step::Atomic(steps, well) => self.run_atomic(steps, *well, owner).await,
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
        around: Owner,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let result = atomic(async move {
            let transaction = {
                let mut model = self.model.lock().unwrap();
                model.transactions += 1;
                model.transactions
            };
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
        Box::pin(async move { assert_eq!(result.await.is_ok(), well) })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replicas_and_views_are_what_the_map_is_whatever_is_rolled_back(
        programs in vec(steps(2), 1..4),
        polled in vec((0..6usize, any::<bool>()), 0..40),
        plain in vec(change(), 40),
    ) {
        let world = World::new();
        let mut stream = streamed_map(world.map.stream());
        let start = |program: Vec<Step>| {
            let world = world.clone();
            Some(Task::new(async move { scope(world.run(&program, None)).await.unwrap() }))
        };
        // What is adopted goes there.
        let around = settled::begin();
        let mut tasks: Vec<_> = programs.into_iter().map(start).collect();
        for ((n, drops), change) in polled.into_iter().zip(plain) {
            match tasks.get_mut(n) {
                Some(task) if drops && n == 0 => around.enter(|| *task = None),
                Some(Some(one)) => {
                    if around.enter(|| world.resumed(one)).is_ready() {
                        tasks[n] = None;
                    }
                }
                Some(None) => {}
                // Nobody's transaction.
                None => {
                    let world = world.clone();
                    finish(scope(async move { world.step(&Step::Change(change), None) })).unwrap();
                }
            }
            world.check();
            prop_assert_eq!(stream.catch_up(), world.map.to_map());
        }
        for task in tasks {
            if let Some(mut task) = task {
                while around.enter(|| world.resumed(&mut task)).is_pending() {}
            }
            world.check();
        }
        finish(around.end()).unwrap();
        world.check();
        let now = world.map.to_map();
        prop_assert_eq!(&stream.catch_up(), &now);
        prop_assert_eq!(&*world.later.lock().unwrap(), &now);
        prop_assert_eq!(&*world.odd_later.lock().unwrap(), &world.odd.to_map());
    }
}
