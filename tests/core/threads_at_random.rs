//! Threads that do to one tree whatever can be done to it, at random, from a seed: nothing is lost, nothing comes twice,
//! nothing stalls. `SETTLED_ROUNDS=100000` looks for longer.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use settled::{
    Failure, Failures, InTransactionExt, OnDrop, OwnedTransaction, Registry, ScopeError, Stashed,
    Transaction, add, add_cleanup, atomic, current, on_commit, on_rollback, scope,
};
use support::{Gate, Oops, cause, causes, finish, on_drop, yields};

const THREADS: u64 = 3;
const STEPS: usize = 25;

/// A small generator: the same numbers from the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below
    }
}

/// What became of one future.
#[derive(Clone, Default, Debug)]
struct Fate {
    fails: bool,
    done: usize,
    dropped: usize,
    told: usize,
    told_cancelled: usize,
}

#[derive(Clone)]
struct World {
    fates: Arc<Mutex<Vec<Fate>>>,
    told: Arc<Mutex<BTreeSet<String>>>,
    hooks: Arc<Mutex<(usize, usize)>>,
    gates: [Gate; 4],
    handles: Arc<Mutex<Vec<Transaction>>>,
    stashed: Arc<Mutex<Vec<Stashed<()>>>>,
    owners: Arc<Mutex<Vec<OwnedTransaction>>>,
}

impl World {
    fn future(
        &self,
        random: &mut Random,
        fails: bool,
    ) -> (usize, impl Future<Output = Result<(), Oops>> + Send + use<>) {
        let (fates, pick) = (self.fates.clone(), random.next(6) as usize);
        let index = {
            let mut fates = fates.lock().unwrap();
            fates.push(Fate { fails, ..Fate::default() });
            fates.len() - 1
        };
        let (gate, dropped) = (self.gates.get(pick).cloned(), fates.clone());
        let guard = on_drop(move || dropped.lock().unwrap()[index].dropped += 1);
        (index, async move {
            let _guard = guard;
            yields(pick % 3).await;
            if let Some(gate) = gate {
                gate.pass().await;
            }
            fates.lock().unwrap()[index].done += 1;
            if fails { Err(Oops(index.to_string())) } else { Ok(()) }
        })
    }

    fn tell(&self, index: usize) -> impl FnOnce(&Result<(), Failure>) + Send + use<> + 'static {
        let fates = self.fates.clone();
        move |result| {
            let mut fates = fates.lock().unwrap();
            match result.as_ref().is_err_and(Failure::is_cancelled) {
                true => fates[index].told_cancelled += 1,
                false => fates[index].told += 1,
            }
        }
    }

    /// Into what is current.
    fn add(&self, random: &mut Random) -> Stashed<()> {
        let fails = random_is(random, 8);
        let (index, future) = self.future(random, fails);
        match random.next(6) {
            0 => add_cleanup(future),
            1 => {
                let (world, mut seeded) = (self.clone(), Random(random.next(u64::MAX >> 12) | 1));
                add(async move {
                    let result = future.await;
                    drop(world.add(&mut seeded));
                    result
                })
            }
            _ => add(future),
        }
        .on_settled(self.tell(index))
    }

    fn tell_all(&self, result: Result<(), Failures>) {
        if let Err(failures) = result {
            self.told.lock().unwrap().extend(causes(&failures));
        }
    }

    fn handle(&self, random: &mut Random) -> Transaction {
        let handles = self.handles.lock().unwrap();
        handles[random.next(handles.len() as u64) as usize].clone()
    }

    /// Hooks that say which of the two was called.
    fn hook(&self) {
        let (commits, rolls_back) = (self.hooks.clone(), self.hooks.clone());
        self.hooks.lock().unwrap().0 += 1;
        on_commit(move || commits.lock().unwrap().1 += 1);
        on_rollback(move || rolls_back.lock().unwrap().1 += 1);
    }

    fn step(&self, random: &mut Random) {
        let t = self.handle(random);
        match random.next(16) {
            0..=3 => {
                let stashed = t.enter(|| self.add(random));
                if random.next(2) == 0 {
                    self.stashed.lock().unwrap().push(stashed);
                }
            }
            4 | 5 => {
                let policy = if random.next(2) == 0 { OnDrop::Cancel } else { OnDrop::Adopt };
                let mut builder = Transaction::builder().on_drop(policy);
                if random.next(4) == 0 {
                    builder = builder.limit(1);
                }
                let owner = t.enter(|| builder.begin());
                self.handles.lock().unwrap().push((*owner).clone());
                owner.enter(|| drop(self.add(random)));
                self.owners.lock().unwrap().push(owner);
            }
            6 => drop(take(&self.owners, random)),
            7 => {
                let owner = take(&self.owners, random);
                owner
                    .into_iter()
                    .for_each(|owner| self.poll(random, owner.end(), |world, told| world.tell_all(told)));
            }
            8 => self.poll(random, t.wait(), |world, told| world.tell_all(told)),
            9 => self.poll(random, t.end(), |world, told| world.tell_all(told)),
            10 => take(&self.stashed, random).into_iter().for_each(|stashed| {
                if random.next(2) == 0 {
                    stashed.cancel();
                }
                self.poll(random, stashed, |world, result| world.tell_one(result));
            }),
            11 => self.gates[random.next(4) as usize].rattle(),
            12 if random.next(3) == 0 => t.abort(),
            13 => {
                let (world, mut seeded) = (self.clone(), Random(random.next(u64::MAX >> 12) | 1));
                let body = async move {
                    drop(world.add(&mut seeded));
                    yields(2).await;
                    drop(world.add(&mut seeded));
                };
                t.enter(|| self.poll(random, scope(body), |world, told| world.tell_all(told)));
            }
            14 => {
                let (world, mut seeded) = (self.clone(), Random(random.next(u64::MAX >> 12) | 1));
                let body = async move {
                    world.hook();
                    drop(world.add(&mut seeded));
                    world.handles.lock().unwrap().push(current().unwrap());
                    yields(2).await;
                    world.hook();
                    if random_is(&mut seeded, 2) { Ok(()) } else { Err(()) }
                };
                t.enter(|| {
                    self.poll(random, atomic(body), |world, result| {
                        if let Err(ScopeError::Failed(failures)) = result {
                            world.tell_all(Err(failures));
                        }
                    });
                });
            }
            _ => self.poll(random, yields(2).in_transaction(&t), |_, ()| ()),
        }
    }

    fn tell_one(&self, result: Result<(), Failure>) {
        if let Err(failure) = result
            && failure.is_error()
        {
            self.told.lock().unwrap().insert(cause(&failure));
        }
    }

    /// Polls it some times, and gives it up if it is not ready by then.
    fn poll<F: Future>(&self, random: &mut Random, future: F, told: impl FnOnce(&World, F::Output)) {
        let mut future = Box::pin(future);
        for _ in 0..random.next(6) {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return told(self, output);
            }
            thread::yield_now();
        }
    }
}

fn random_is(random: &mut Random, one_of: u64) -> bool {
    random.next(one_of) == 0
}

fn take<T>(from: &Mutex<Vec<T>>, random: &mut Random) -> Option<T> {
    let mut from = from.lock().unwrap();
    let len = from.len() as u64;
    (len > 0).then(|| from.swap_remove(random.next(len) as usize))
}

fn round(seed: u64) {
    let registry = Registry::new();
    let top = Transaction::builder().registry(&registry).begin();
    let world = World {
        fates: Arc::default(),
        told: Arc::default(),
        hooks: Arc::default(),
        gates: std::array::from_fn(|_| Gate::new()),
        handles: Arc::new(Mutex::new(vec![(*top).clone()])),
        stashed: Arc::default(),
        owners: Arc::default(),
    };
    thread::scope(|s| {
        for n in 0..THREADS {
            let world = &world;
            s.spawn(move || {
                let mut random = Random((seed * THREADS + n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
                (0..STEPS).for_each(|_| world.step(&mut random));
            });
        }
    });
    world.gates.iter().for_each(Gate::open);
    world.owners.lock().unwrap().clear();
    world.tell_all(finish(top.end()));
    let settlement = finish(registry.wait_all());
    assert!(settlement.pending.is_empty(), "seed {seed}");
    world.tell_all(Err(settlement.failures));
    world.handles.lock().unwrap().clear();
    world.stashed.lock().unwrap().drain(..).for_each(|stashed| world.tell_one(finish(stashed)));

    let fates = world.fates.lock().unwrap();
    let mut failed = BTreeSet::new();
    for (index, fate) in fates.iter().enumerate() {
        let is_right = fate.dropped == 1 && fate.told == fate.done && fate.done + fate.told_cancelled == 1;
        assert!(is_right, "seed {seed}: {index}: {fate:?}");
        if fate.fails && fate.done > 0 {
            failed.insert(index.to_string());
        }
    }
    assert_eq!(*world.told.lock().unwrap(), failed, "seed {seed}");
    let (asked, called) = *world.hooks.lock().unwrap();
    assert_eq!(asked, called, "seed {seed}");
}

#[test]
fn nothing_is_lost_whatever_threads_do_to_a_tree() {
    settled::set_reporter(|_| {});
    let rounds = std::env::var("SETTLED_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(100);
    let from = std::env::var("SETTLED_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    (from..from + rounds).for_each(round);
}
