//! Every future of ours, dropped after each number of polls: what had been set going runs or is told that it is cancelled,
//! once; each failure is told once; each hook and cleanup is called as if nothing had happened.

use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures::FutureExt;
use settled::{
    Failure, Failures, InTransactionExt, OwnedTransaction, Registry, ScopeError, Stashed, Transaction, add,
    add_cleanup, add_local, atomic, begin_local, current, on_commit, on_rollback, scope, scope_local,
    try_scope,
};
use support::{Gate, Oops, cause, causes, finish, on_drop, yields};

/// What became of one future.
#[derive(Default, Debug)]
struct Fate {
    /// What it fails with, if it comes to that.
    fails: Option<String>,
    /// It is to be done whatever happens.
    is_cleanup: bool,
    done: usize,
    dropped: usize,
    /// By its callback: done or failed, cancelled.
    told: [usize; 2],
}

/// Everything that one program set going.
#[derive(Clone)]
struct World {
    registry: Registry,
    t: Arc<OwnedTransaction>,
    gate: Gate,
    fates: Arc<Mutex<Vec<Fate>>>,
    /// What bodies have been told, and did not hand on.
    told: Arc<Mutex<Vec<String>>>,
    /// Commit hooks called, rollback hooks called, pairs of both asked for.
    hooks: Arc<Mutex<[usize; 3]>>,
}

impl World {
    fn new() -> Self {
        let registry = Registry::new();
        let t = Arc::new(Transaction::builder().registry(&registry).begin());
        World {
            registry,
            t,
            gate: Gate::new(),
            fates: Arc::default(),
            told: Arc::default(),
            hooks: Arc::default(),
        }
    }

    fn future(
        &self,
        fails: Option<&'static str>,
        is_cleanup: bool,
    ) -> (usize, impl Future<Output = Result<(), Oops>> + Send + use<> + 'static) {
        let (fates, gate) = (self.fates.clone(), self.gate.pass());
        let index = fates.lock().unwrap().len();
        let fails = fails.map(|text| format!("{text}{index}"));
        fates.lock().unwrap().push(Fate { fails: fails.clone(), is_cleanup, ..Fate::default() });
        let dropped = fates.clone();
        let guard = on_drop(move || dropped.lock().unwrap()[index].dropped += 1);
        (index, async move {
            let _guard = guard;
            yields(1).await;
            gate.await;
            fates.lock().unwrap()[index].done += 1;
            fails.map_or(Ok(()), |text| Err(Oops(text)))
        })
    }

    fn tell(&self, index: usize) -> impl FnOnce(&Result<(), Failure>) + Send + use<> + 'static {
        let fates = self.fates.clone();
        move |result| {
            let cancelled = result.as_ref().is_err_and(Failure::is_cancelled);
            fates.lock().unwrap()[index].told[usize::from(cancelled)] += 1;
        }
    }

    fn add(&self, fails: Option<&'static str>) -> Stashed<()> {
        let (index, future) = self.future(fails, false);
        add(future).on_settled(self.tell(index))
    }

    fn add_cleanup(&self) {
        let (index, future) = self.future(None, true);
        drop(add_cleanup(future).on_settled(self.tell(index)));
    }

    fn add_local(&self, fails: Option<&'static str>) -> settled::LocalStashed<()> {
        let (index, future) = self.future(fails, false);
        add_local(future).on_settled(self.tell(index))
    }

    fn hook(&self) {
        self.hooks.lock().unwrap()[2] += 1;
        let (commits, rolls_back) = (self.hooks.clone(), self.hooks.clone());
        on_commit(move || commits.lock().unwrap()[0] += 1);
        on_rollback(move || rolls_back.lock().unwrap()[1] += 1);
    }

    /// All of it, in what is current: children with children, failures, cleanups.
    fn set_going(&self) {
        drop(self.add(None));
        drop(self.add(Some("a")));
        self.add_cleanup();
        let world = self.clone();
        add(async move {
            drop(world.add(Some("b")));
            yields(2).await;
            drop(world.add(None));
        });
    }

    fn check(&self, mut told: Vec<String>, what: &str) {
        let fates = self.fates.lock().unwrap();
        for fate in &*fates {
            assert_eq!(
                (fate.dropped, fate.told[0], fate.told[1]),
                (1, fate.done, 1 - fate.done),
                "{what}: {fate:?}"
            );
            assert!(!fate.is_cleanup || fate.done == 1, "{what}: {fate:?}");
        }
        let mut expected: Vec<_> =
            fates.iter().filter(|fate| fate.done > 0).filter_map(|fate| fate.fails.clone()).collect();
        expected.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, expected, "{what}");
        let [commits, rollbacks, asked] = *self.hooks.lock().unwrap();
        assert_eq!(commits + rollbacks, asked, "{what}");
    }
}

/// Polls what `make` makes as often as it takes, but each time drops it one poll later than before.
fn at_every_poll<F: Future<Output = Vec<String>>>(make: impl Fn(World) -> F) {
    program(false, make);
}

fn program<F: Future<Output = Vec<String>>>(ends: bool, make: impl Fn(World) -> F) {
    for opened_at in 0..4 {
        for polls in 0.. {
            let world = World::new();
            let mut told = Vec::new();
            let mut future = Box::pin(make(world.clone()));
            let mut done = false;
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            for poll in 0..polls {
                if poll == opened_at {
                    world.gate.open();
                }
                if let Poll::Ready(causes) = world.t.enter(|| future.as_mut().poll(&mut cx)) {
                    told.extend(causes);
                    done = true;
                    break;
                }
            }
            drop(future);
            world.gate.open();
            told.extend(of(finish(world.t.end())));
            let settlement = finish(world.registry.wait_all());
            assert!(settlement.pending.is_empty());
            told.extend(causes(&settlement.failures));
            told.append(&mut world.told.lock().unwrap());
            if ends {
                // Every end gets the same.
                told.sort_unstable();
                told.dedup();
            }
            world.check(told, &format!("opened at {opened_at}, {polls} polls"));
            if done {
                break;
            }
            assert!(polls < 200, "never done");
        }
    }
}

fn of<T>(result: Result<T, Failures>) -> Vec<String> {
    result.map_or_else(|failures| causes(&failures), |_| Vec::new())
}

fn of_one<T>(result: Result<T, Failure>) -> Vec<String> {
    result.err().filter(|failure| !failure.is_cancelled()).iter().map(cause).collect()
}

fn of_scope<T, E>(result: Result<T, ScopeError<E>>) -> Vec<String> {
    match result {
        Err(ScopeError::Failed(failures)) => causes(&failures),
        _ => Vec::new(),
    }
}

async fn body(world: World) {
    world.set_going();
    yields(1).await;
    world.gate.pass().await;
    world.set_going();
}

#[test]
fn scopes() {
    at_every_poll(|world| scope(body(world)).map(of));
    at_every_poll(|world| scope(body(world)).outcome().map(|outcome| causes(&outcome.failures)));
    at_every_poll(|world| try_scope(body(world).map(Ok::<_, Oops>)).map(of_scope));
    at_every_poll(|world| try_scope(body(world).map(|()| Err::<(), _>(Oops("body".into())))).map(of_scope));
    at_every_poll(|world| {
        let scope = try_scope(body(world).map(|()| Err::<(), _>(Oops("body".into())))).outcome();
        scope.map(|outcome| causes(&outcome.failures))
    });
    at_every_poll(|world| {
        let inner = world.clone();
        scope(async move {
            world.set_going();
            let told = of(scope(body(inner)).await);
            world.told.lock().unwrap().extend(told);
            world.set_going();
        })
        .map(of)
    });
}

#[test]
fn atomic_ones() {
    async fn with_all<E>(world: World, result: Result<(), E>) -> Result<(), E> {
        world.hook();
        let checked = world.clone();
        current().unwrap().before_commit(async move {
            checked.hook();
            drop(checked.add(Some("c")));
            yields(2).await;
        });
        body(world.clone()).await;
        world.hook();
        result
    }
    at_every_poll(|world| atomic(with_all(world, Ok::<_, Oops>(()))).map(of_scope));
    at_every_poll(|world| atomic(with_all(world, Err(Oops("body".into())))).map(of_scope));
    at_every_poll(|world| {
        let outcome = atomic(with_all(world, Ok::<_, Oops>(()))).outcome();
        outcome.map(|outcome| causes(&outcome.failures))
    });
    for (inner, outer) in [(true, true), (true, false), (false, true), (false, false)] {
        let result = |well: bool| if well { Ok(()) } else { Err(Oops("body".into())) };
        at_every_poll(move |world| {
            atomic(async move {
                let (own, other) = (world.clone(), world.clone());
                let told = of_scope(atomic(with_all(own, result(inner))).await);
                let more = of(scope(body(other)).await);
                assert!(told.is_empty() && more.is_empty(), "nothing has run yet");
                with_all(world, result(outer)).await
            })
            .map(of_scope)
        });
    }
}

#[test]
fn what_waits() {
    program(true, |world| {
        world.t.enter(|| world.set_going());
        world.t.end().map(of)
    });
    program(true, |world| {
        world.t.enter(|| world.set_going());
        let wait = world.t.wait();
        world.t.enter(|| world.set_going());
        wait.map(of)
    });
    program(true, |world| {
        world.t.enter(|| world.set_going());
        world.t.end_within(yields(3)).map(|result| match result {
            Err(settled::EndError::Failed(failures)) => causes(&failures),
            _ => Vec::new(),
        })
    });
    program(true, |world| {
        world.t.enter(|| world.set_going());
        world.registry.wait_all().map(|settlement| causes(&settlement.failures))
    });
    program(true, |world| {
        world.t.enter(|| world.set_going());
        world.registry.root().enter(|| world.set_going());
        world.registry.wait_all_within(yields(4)).map(|settlement| causes(&settlement.failures))
    });
    program(true, |world| {
        world.t.enter(|| world.set_going());
        world.t.complete_snapshot().map(|snapshot| (Vec::new(), snapshot).0)
    });
}

#[test]
fn handles() {
    at_every_poll(|world| world.t.enter(|| world.add(Some("a"))).map(of_one));
    at_every_poll(|world| {
        let stashed = world.t.enter(|| world.add(Some("a")));
        world.t.enter(|| world.set_going());
        let told = world.told.clone();
        scope(async move {
            let causes = of_one(stashed.await);
            told.lock().unwrap().extend(causes);
        })
        .map(of)
    });
    at_every_poll(|world| {
        let futures = [None, Some("a"), Some("b"), None].map(|fails| {
            let (index, future) = world.future(fails, false);
            let (tell, told) = (world.tell(index), world.told.clone());
            async move {
                let stashed = add(future).on_settled(tell);
                let causes = of_one(stashed.await);
                told.lock().unwrap().extend(causes);
            }
        });
        world.t.gather(futures).map(|done| (Vec::new(), done.unwrap()).0)
    });
    at_every_poll(|world| {
        let inside = world.clone();
        body(inside).in_transaction(&world.t.clone()).map(|()| Vec::new())
    });
    at_every_poll(|world| {
        world.t.enter(|| body(world.clone()).in_current_transaction()).map(|()| Vec::new())
    });
}

#[test]
fn local_ones() {
    async fn local_body(world: World) {
        body(world.clone()).await;
        drop(world.add_local(Some("l")));
        drop(world.add_local(None));
        let told = of_one(world.add_local(Some("m")).await);
        world.told.lock().unwrap().extend(told);
        drop(world.add_local(Some("n")));
    }
    at_every_poll(|world| {
        let outcome = scope_local(local_body(world)).outcome();
        outcome.map(|outcome| causes(&outcome.failures))
    });
    at_every_poll(|world| async move {
        let t = begin_local();
        t.enter(|| world.set_going());
        let stashed = t.enter(|| world.add_local(Some("l")));
        t.enter(|| drop(world.add_local(Some("m"))));
        let tell = |told| world.told.lock().unwrap().extend::<Vec<_>>(told);
        tell(of_one(stashed.await));
        tell(of(t.wait().await));
        t.enter(|| drop(world.add_local(Some("n"))));
        tell(of(t.end().await));
        Vec::new()
    });
}
