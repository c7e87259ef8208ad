//! Random programs of changes, batches and atomic transactions, in each other and polled in turns, on one vector, against a
//! simple model of elements; with replicas made of diffs alone, and views, all of them compared after each step.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use proptest::collection::vec;
use proptest::prelude::*;
use settled::{atomic, scope};
use settled_signal::{ObservableVec, VecDiff, VecEdit, VecView};
use support::{Pauses, Task, finish};

use super::kit::{later_replica, replica, streamed};

type Index = prop::sample::Index;

#[derive(Clone, Debug)]
enum Change {
    Push,
    Insert(Index),
    Set(Index),
    Update(Index),
    Remove(Index),
    Pop,
    Swap(Index, Index),
    Truncate(Index),
    Extend(usize),
    Retain(u32),
    ReplaceAll(usize),
    Sort,
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
    Scope(Vec<Step>),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    prop_oneof![
        4 => Just(Change::Push),
        4 => index().prop_map(Change::Insert),
        4 => index().prop_map(Change::Set),
        1 => index().prop_map(Change::Update),
        4 => index().prop_map(Change::Remove),
        1 => Just(Change::Pop),
        2 => (index(), index()).prop_map(|(a, b)| Change::Swap(a, b)),
        1 => index().prop_map(Change::Truncate),
        2 => (0..5usize).prop_map(Change::Extend),
        1 => (2..5u32).prop_map(Change::Retain),
        1 => (0..6usize).prop_map(Change::ReplaceAll),
        1 => Just(Change::Sort),
        1 => Just(Change::Clear),
    ]
}

fn steps(depth: u32) -> BoxedStrategy<Vec<Step>> {
    let leaf = prop_oneof![
        6 => change().prop_map(Step::Change),
        1 => vec(change(), 0..30).prop_map(Step::Batch),
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

type Owner = Option<usize>;

#[derive(Clone, Debug)]
struct Element {
    /// The values that have not been rolled back, and whose they are.
    values: Vec<(u32, Owner)>,
    inserted: Owner,
    removed: Option<usize>,
}

/// All elements that there are for anybody, in order.
#[derive(Default)]
struct Model {
    elements: Vec<Element>,
    transactions: usize,
    next: u32,
}

impl Model {
    fn read(&self) -> Vec<u32> {
        let read = self.elements.iter().filter(|element| element.removed.is_none());
        read.map(|element| element.values.last().unwrap().0).collect()
    }

    /// Where the element that is read at this index stands.
    fn place(&self, index: usize) -> usize {
        let read = (0..self.elements.len()).filter(|place| self.elements[*place].removed.is_none());
        read.chain([self.elements.len()]).nth(index).unwrap()
    }

    fn insert(&mut self, index: usize, value: u32, owner: Owner) {
        let place = if index == self.read().len() { self.elements.len() } else { self.place(index) };
        self.elements.insert(place, Element { values: vec![(value, owner)], inserted: owner, removed: None });
    }

    fn set(&mut self, index: usize, value: u32, owner: Owner) {
        let place = self.place(index);
        self.elements[place].values.push((value, owner));
    }

    fn remove(&mut self, index: usize, owner: Owner) {
        let place = self.place(index);
        match owner {
            Some(by) if self.elements[place].inserted != owner => self.elements[place].removed = Some(by),
            _ => drop(self.elements.remove(place)),
        }
    }

    fn replace_all(&mut self, values: &[u32], owner: Owner) {
        (0..self.read().len()).rev().for_each(|index| self.remove(index, owner));
        values.iter().enumerate().for_each(|(index, value)| self.insert(index, *value, owner));
    }

    fn commit(&mut self, by: usize, around: Owner) {
        if around.is_none() {
            self.elements.retain(|element| element.removed != Some(by));
        }
        for element in &mut self.elements {
            let owners = element.values.iter_mut().map(|(_, owner)| owner).chain([&mut element.inserted]);
            owners.filter(|owner| **owner == Some(by)).for_each(|owner| *owner = around);
            if element.removed == Some(by) {
                element.removed = around;
            }
        }
        // What it has both put there and removed.
        if around.is_some() {
            self.elements.retain(|element| element.removed != around || element.inserted != around);
        }
    }

    fn roll_back(&mut self, by: usize) {
        self.elements.retain(|element| element.inserted != Some(by));
        for element in &mut self.elements {
            element.values.retain(|(_, owner)| *owner != Some(by));
            element.removed.take_if(|removed| *removed == by);
        }
    }
}

/// What can be done to a vector and to its edit.
trait Target {
    fn push(&mut self, value: u32);
    fn insert(&mut self, index: usize, value: u32);
    fn set(&mut self, index: usize, value: u32) -> u32;
    fn update(&mut self, index: usize, value: u32);
    fn remove(&mut self, index: usize) -> u32;
    fn pop(&mut self) -> Option<u32>;
    fn swap(&mut self, a: usize, b: usize);
    fn truncate(&mut self, len: usize);
    fn extend(&mut self, values: Vec<u32>);
    fn retain(&mut self, f: &dyn Fn(&u32) -> bool);
    fn replace_all(&mut self, values: Vec<u32>);
    fn sort(&mut self);
    fn clear(&mut self);
}

impl Target for ObservableVec<u32> {
    fn push(&mut self, value: u32) {
        ObservableVec::push(self, value);
    }
    fn insert(&mut self, index: usize, value: u32) {
        ObservableVec::insert(self, index, value);
    }
    fn set(&mut self, index: usize, value: u32) -> u32 {
        self.replace(index, value)
    }
    fn update(&mut self, index: usize, value: u32) {
        ObservableVec::update(self, index, |old| *old = value);
    }
    fn remove(&mut self, index: usize) -> u32 {
        ObservableVec::remove(self, index)
    }
    fn pop(&mut self) -> Option<u32> {
        ObservableVec::pop(self)
    }
    fn swap(&mut self, a: usize, b: usize) {
        ObservableVec::swap(self, a, b);
    }
    fn truncate(&mut self, len: usize) {
        ObservableVec::truncate(self, len);
    }
    fn extend(&mut self, values: Vec<u32>) {
        ObservableVec::extend(self, values);
    }
    fn retain(&mut self, f: &dyn Fn(&u32) -> bool) {
        ObservableVec::retain(self, f);
    }
    fn replace_all(&mut self, values: Vec<u32>) {
        ObservableVec::replace_all(self, values);
    }
    fn sort(&mut self) {
        self.sort_now_by(rough);
    }
    fn clear(&mut self) {
        ObservableVec::clear(self);
    }
}

impl Target for VecEdit<'_, '_, u32> {
    fn push(&mut self, value: u32) {
        VecEdit::push(self, value);
    }
    fn insert(&mut self, index: usize, value: u32) {
        VecEdit::insert(self, index, value);
    }
    fn set(&mut self, index: usize, value: u32) -> u32 {
        VecEdit::set(self, index, value)
    }
    fn update(&mut self, index: usize, value: u32) {
        VecEdit::update(self, index, |old| *old = value);
    }
    fn remove(&mut self, index: usize) -> u32 {
        VecEdit::remove(self, index)
    }
    fn pop(&mut self) -> Option<u32> {
        VecEdit::pop(self)
    }
    fn swap(&mut self, a: usize, b: usize) {
        VecEdit::swap(self, a, b);
    }
    fn truncate(&mut self, len: usize) {
        VecEdit::truncate(self, len);
    }
    fn extend(&mut self, values: Vec<u32>) {
        VecEdit::extend(self, values);
    }
    fn retain(&mut self, f: &dyn Fn(&u32) -> bool) {
        VecEdit::retain(self, f);
    }
    fn replace_all(&mut self, values: Vec<u32>) {
        VecEdit::replace_all(self, values);
    }
    fn sort(&mut self) {
        self.sort_by(rough);
    }
    fn clear(&mut self) {
        VecEdit::clear(self);
    }
}

/// An order in which many are equal.
fn rough(a: &u32, b: &u32) -> std::cmp::Ordering {
    (a % 7).cmp(&(b % 7))
}

impl Change {
    /// Does it to both.
    fn make(&self, target: &mut impl Target, model: &mut Model, owner: Owner) {
        let before = model.read();
        let len = before.len();
        let mut next = || {
            model.next += 1;
            model.next
        };
        match self {
            Change::Push => {
                let value = next();
                model.insert(len, value, owner);
                target.push(value);
            }
            Change::Insert(index) => {
                let (index, value) = (index.index(len + 1), next());
                model.insert(index, value, owner);
                target.insert(index, value);
            }
            Change::Set(index) | Change::Update(index) if len > 0 => {
                let (index, value) = (index.index(len), next());
                model.set(index, value, owner);
                match self {
                    Change::Set(_) => assert_eq!(target.set(index, value), before[index]),
                    _ => target.update(index, value),
                }
            }
            Change::Remove(index) if len > 0 => {
                let index = index.index(len);
                model.remove(index, owner);
                assert_eq!(target.remove(index), before[index]);
            }
            Change::Pop => {
                if len > 0 {
                    model.remove(len - 1, owner);
                }
                assert_eq!(target.pop(), before.last().copied());
            }
            Change::Swap(a, b) if len > 0 => {
                let (a, b) = (a.index(len), b.index(len));
                if a != b {
                    model.set(a, before[b], owner);
                    model.set(b, before[a], owner);
                }
                target.swap(a, b);
            }
            Change::Truncate(to) => {
                let to = to.index(len + 1);
                (to..len).rev().for_each(|index| model.remove(index, owner));
                target.truncate(to);
            }
            Change::Extend(count) => {
                let values: Vec<u32> = (0..*count).map(|_| next()).collect();
                values.iter().enumerate().for_each(|(n, value)| model.insert(len + n, *value, owner));
                target.extend(values);
            }
            Change::Retain(by) => {
                let gone = (0..len).rev().filter(|index| before[*index].is_multiple_of(*by));
                gone.for_each(|index| model.remove(index, owner));
                target.retain(&|value| !value.is_multiple_of(*by));
            }
            Change::ReplaceAll(count) => {
                let values: Vec<u32> = (0..*count).map(|_| next()).collect();
                model.replace_all(&values, owner);
                target.replace_all(values);
            }
            Change::Sort => {
                let mut sorted = before.clone();
                sorted.sort_by(rough);
                if sorted != before {
                    model.replace_all(&sorted, owner);
                }
                target.sort();
            }
            Change::Clear => {
                (0..len).rev().for_each(|index| model.remove(index, owner));
                target.clear();
            }
            _ => {}
        }
    }
}

/// A view, with what it must be.
type Recompute = Box<dyn Fn(&[u32]) -> Vec<u32> + Send + Sync>;

struct Viewed {
    view: VecView<u32>,
    recompute: Recompute,
    seen: Arc<Mutex<Vec<u32>>>,
    later: Arc<Mutex<Vec<u32>>>,
}

impl Viewed {
    fn new(view: VecView<u32>, recompute: impl Fn(&[u32]) -> Vec<u32> + Send + Sync + 'static) -> Self {
        let seen = replica(view.changed(), view.to_vec());
        let later = later_replica(view.changed(), view.to_vec());
        Viewed { view, recompute: Box::new(recompute), seen, later }
    }
}

fn views(of: &ObservableVec<u32>) -> Vec<Viewed> {
    let odd = |x: &u32| x % 2 == 1;
    let odds = of.filter(odd);
    vec![
        Viewed::new(odds.clone(), move |all| all.iter().copied().filter(odd).collect()),
        Viewed::new(of.map(|x| x * 3), |all| all.iter().map(|x| x * 3).collect()),
        Viewed::new(of.limit(4), |all| all.iter().copied().take(4).collect()),
        Viewed::new(of.sort_by(rough), |all| {
            let mut all = all.to_vec();
            all.sort_by(rough);
            all
        }),
        Viewed::new(odds.sort_by(|a, b| rough(b, a)).limit(3).map(|x| x + 1), move |all| {
            let mut all: Vec<u32> = all.iter().copied().filter(odd).collect();
            all.sort_by(|a, b| rough(b, a));
            all.into_iter().take(3).map(|x| x + 1).collect()
        }),
    ]
}

#[derive(Clone)]
struct World {
    numbers: ObservableVec<u32>,
    model: Arc<Mutex<Model>>,
    seen: Arc<Mutex<Vec<u32>>>,
    later: Arc<Mutex<Vec<u32>>>,
    views: Arc<Vec<Viewed>>,
    /// Who waits to be polled again.
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
    fn new(numbers: Vec<u32>) -> Self {
        let mut model = Model { next: 100, ..Model::default() };
        model.replace_all(&numbers, None);
        let numbers = ObservableVec::from(numbers);
        World {
            seen: replica(numbers.changed(), numbers.to_vec()),
            later: later_replica(numbers.changed(), numbers.to_vec()),
            views: Arc::new(views(&numbers)),
            model: Arc::new(Mutex::new(model)),
            pauses: Pauses::default(),
            numbers,
        }
    }

    fn check(&self) {
        let expected = self.model.lock().unwrap().read();
        assert_eq!(self.numbers.to_vec(), expected);
        assert_eq!(*self.seen.lock().unwrap(), expected, "the replica");
        for (n, viewed) in self.views.iter().enumerate() {
            let expected = (viewed.recompute)(&expected);
            assert_eq!(viewed.view.to_vec(), expected, "view {n}");
            assert_eq!(viewed.view.get(expected.len() / 2), expected.get(expected.len() / 2).copied());
            assert_eq!(*viewed.seen.lock().unwrap(), expected, "the replica of view {n}");
        }
    }

    /// Where all is decided, and nothing is owed.
    fn check_settled(&self) {
        self.check();
        assert_eq!(*self.later.lock().unwrap(), self.numbers.to_vec(), "the asynchronous replica");
        for (n, viewed) in self.views.iter().enumerate() {
            assert_eq!(
                *viewed.later.lock().unwrap(),
                viewed.view.to_vec(),
                "the asynchronous replica of view {n}"
            );
        }
    }

    fn resumed<F: Future>(&self, task: &mut Task<F>) -> Poll<F::Output> {
        self.pauses.resume();
        task.poll()
    }

    fn step(&self, step: &Step, owner: Owner) {
        match step {
            Step::Change(change) => {
                change.make(&mut self.numbers.clone(), &mut self.model.lock().unwrap(), owner);
            }
            Step::Batch(changes) => drop(self.numbers.batch(|numbers| {
                let mut model = self.model.lock().unwrap();
                changes.iter().for_each(|change| change.make(numbers, &mut model, owner));
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
                    Step::Scope(steps) => scope(self.run(steps, owner)).await.unwrap(),
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
        Box::pin(async move {
            let result = result.await;
            assert_eq!(result.is_ok(), well, "{result:?}");
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replicas_and_views_are_what_the_vector_is_whatever_is_rolled_back(
        first in vec(0..100u32, 0..8),
        programs in vec(steps(2), 1..4),
        polled in vec((0..6usize, any::<bool>()), 0..40),
        plain in vec(change(), 40),
    ) {
        let world = World::new(first);
        let mut stream = streamed(world.numbers.stream());
        let mut lazy = streamed(world.numbers.stream());
        let start = |program: Vec<Step>| {
            let world = world.clone();
            // All of it is atomic, or is not, as it begins.
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
            prop_assert_eq!(stream.catch_up(), world.numbers.to_vec());
        }
        for task in tasks {
            if let Some(mut task) = task {
                while around.enter(|| world.resumed(&mut task)).is_pending() {}
            }
            world.check();
        }
        finish(around.end()).unwrap();
        world.check_settled();
        prop_assert_eq!(stream.catch_up(), world.numbers.to_vec());
        prop_assert_eq!(lazy.catch_up(), world.numbers.to_vec());
    }

    /// Handlers that change the vector themselves: replicas are the same in the end.
    #[test]
    fn replicas_are_the_same_where_handlers_change_the_vector(changes in vec(change(), 0..40), most in 1..20usize) {
        let world = World::new(vec![1, 2, 3]);
        let inside = world.numbers.clone();
        world.numbers.changed().connect(move |diff| match diff {
            VecDiff::Insert { value, .. } if value % 3 == 0 => drop(inside.insert(0, value + 1_000)),
            VecDiff::Insert { .. } | VecDiff::Append { .. } if inside.len() > most => drop(inside.truncate(most / 2)),
            VecDiff::Set { index, value } if value % 5 == 0 && *index < inside.len() => drop(inside.remove(*index)),
            _ => {}
        });
        // Connected behind it: it hears of nested changes in order all the same.
        let behind = replica(world.numbers.changed(), world.numbers.to_vec());
        for change in changes {
            let numbers = world.numbers.clone();
            finish(scope(async move {
                let mut model = Model { next: numbers.len() as u32, ..Model::default() };
                model.replace_all(&numbers.to_vec(), None);
                change.make(&mut numbers.clone(), &mut model, None);
            })).unwrap();
            let now = world.numbers.to_vec();
            prop_assert_eq!(&*behind.lock().unwrap(), &now);
            let mut model = Model { next: 0, ..Model::default() };
            model.replace_all(&now, None);
            *world.model.lock().unwrap() = model;
            world.check_settled();
        }
    }
}
