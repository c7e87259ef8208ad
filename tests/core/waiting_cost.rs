//! Waiting for many costs so much for each, whatever the others do: each of these would take minutes otherwise.

use settled::{Registry, Transaction, begin};
use support::{Gate, Task, assert_pending, assert_ready, finish, yields};

#[test]
fn everything_where_many_trees_come_to_their_ends_one_at_a_time() {
    const MANY: usize = 5_000;
    let registry = Registry::new();
    let gates: Vec<Gate> = (0..MANY).map(|_| Gate::new()).collect();
    let owners: Vec<_> = gates
        .iter()
        .map(|gate| {
            let owner = Transaction::builder().registry(&registry).begin();
            owner.add(gate.pass()).unwrap();
            owner
        })
        .collect();
    let mut all = Task::new(registry.wait_all());
    for gate in &gates {
        assert_pending!(all.run());
        gate.open();
    }
    assert_eq!(assert_ready!(all.run()).ended, MANY);
    drop(owners);
}

#[test]
fn everything_from_inside_where_many_were_begun_beside_each_other_or_below_each_other() {
    const MANY: usize = 20_000;
    let registry = Registry::new();
    let inside = registry.clone();
    let scope = Transaction::builder().registry(&registry).scope(async move {
        let beside: Vec<_> = (0..MANY).map(|_| begin()).collect();
        assert_eq!(inside.wait_all().await.ended, MANY);
        drop(beside);
        let mut below = vec![begin()];
        for _ in 0..MANY {
            let next = below[below.len() - 1].enter(begin);
            below.push(next);
        }
        assert_eq!(inside.wait_all().await.ended, 1);
    });
    finish(scope).unwrap();
}

#[test]
fn many_waits_each_for_one_more() {
    const MANY: usize = 50_000;
    let t = begin();
    let waits: Vec<_> = (0..MANY)
        .map(|_| {
            t.add(yields(1)).unwrap();
            t.wait()
        })
        .collect();
    finish(t.end()).unwrap();
    waits.into_iter().for_each(|wait| finish(wait).unwrap());
}
