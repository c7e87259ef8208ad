//! The promises, held against random programs (see `support/model.rs`).

use std::sync::mpsc;
use std::task::Poll;
use std::thread;

use futures::poll;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use settled::{begin, block_on, current, scope, scope_local};
use support::model::{GATES, World};
use support::{Gate, Task, assert_ready, finish, yields};

use crate::strategies::plan;

/// The same programs at each run; `PROPTEST_CASES=100000` looks at more of them.
fn config() -> ProptestConfig {
    ProptestConfig { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_scope_keeps_its_promises(
        body in plan(),
        order in Just((0..GATES).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let world = World::with_executor();
        let mut task = Task::new(scope(world.walk(body.steps)));
        let outcome = world.open_all(&mut task, &order);
        world.check(outcome);
    }

    #[test]
    fn a_local_scope_keeps_its_promises(
        body in plan(),
        order in Just((0..GATES).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let world = World::with_executor();
        let mut task = Task::new(scope_local(world.walk_locally(body.steps)));
        let outcome = world.open_all(&mut task, &order);
        world.check(outcome);
    }

    #[test]
    fn begin_and_end_keep_their_promises(
        plans in vec(plan(), 0..5),
        order in Just((0..GATES).collect::<Vec<_>>()).prop_shuffle(),
        drivers in vec(any::<bool>(), GATES),
    ) {
        let world = World::with_executor();
        let t = begin();
        t.enter(|| plans.into_iter().for_each(|plan| world.add(plan)));
        let mut tasks = [Some(Task::new(t.end())), Some(Task::new(t.end()))];
        // Two take turns at driving; either may see the end first.
        for (&gate, second) in order.iter().zip(drivers) {
            tasks[usize::from(second)].take_if(|task| world.run(task).is_ready());
            world.gates[gate].open();
        }
        world.check(assert_ready!(world.run(&mut Task::new(t.end()))));
    }

    #[test]
    fn they_are_kept_whoever_drives_and_wakes(plans in vec(plan(), 1..5)) {
        let world = World::default();
        let t = begin();
        t.enter(|| plans.into_iter().for_each(|plan| world.add(plan)));
        thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| drop(block_on(t.end())));
            }
            s.spawn(|| world.gates.iter().for_each(Gate::open));
            // One that comes and goes.
            s.spawn(|| (0..10).for_each(|_| drop(Task::new(t.end()).poll())));
        });
        world.check(finish(t.end()));
    }

    #[test]
    fn they_are_kept_whoever_helps_the_scope(body in plan()) {
        let (world, (give, take)) = (World::unordered(), mpsc::channel());
        let outcome = thread::scope(|s| {
            let body = async {
                give.send(current().unwrap()).unwrap();
                world.walk(body.steps).await;
            };
            let owner = s.spawn(|| block_on(scope(body)));
            let t = take.recv().unwrap();
            for t in [t.clone(), t.clone()] {
                s.spawn(move || drop(block_on(t.end())));
            }
            s.spawn(|| world.gates.iter().for_each(Gate::open));
            s.spawn(move || (0..10).for_each(|_| drop(Task::new(t.end()).poll())));
            owner.join().unwrap()
        });
        world.check(outcome);
    }

    #[test]
    fn they_are_kept_where_a_scope_is_given_up(body in plan(), polls in 0..6_usize) {
        let world = World::with_executor();
        let mut task = Task::new(scope(async {
            let mut inner = Some(Box::pin(scope(world.walk(body.steps))));
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
        let outcome = world.open_all(&mut task, &[0, 1, 2, 3]);
        world.check(outcome);
    }
}
