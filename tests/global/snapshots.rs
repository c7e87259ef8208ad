//! The root is seen with the trees that it has adopted.

use settled::{NodeKind, Transaction, add, scope, set_reporter, wait_all};
use support::{Gate, Task, assert_pending, finish};

#[test]
fn what_the_root_has_adopted_is_seen_below_it() {
    set_reporter(|_| ());
    let gate = Gate::new();
    let (first, second) = (gate.clone(), gate.clone());
    let mut dropped = Task::new(Transaction::builder().name("dropped").scope(async move {
        add(first.pass());
        add(first.pass());
        first.pass().await;
    }));
    assert_pending!(dropped.run());
    drop(dropped);
    let mut unnamed = Task::new(scope(async move {
        add(second.pass());
        second.pass().await;
    }));
    assert_pending!(unnamed.run());
    drop(unnamed);
    add(gate.pass());

    let snapshot = Transaction::root().snapshot();
    assert!(snapshot.is_complete());
    use NodeKind::{Future, Root, Scope};
    let seen: Vec<_> = snapshot.nodes().map(|node| (node.kind(), node.depth(), node.parent())).collect();
    let expected = [
        (Root, 0, None),
        (Future, 1, Some(0)), // drives the first tree
        (Scope, 2, Some(1)),
        (Future, 3, Some(2)),
        (Future, 3, Some(2)),
        (Future, 1, Some(0)), // drives the second one
        (Scope, 2, Some(5)),
        (Future, 3, Some(6)),
        (Future, 1, Some(0)),
    ];
    assert_eq!(seen, expected, "{snapshot}");
    assert_eq!(snapshot.nodes().nth(2).unwrap().name(), Some("dropped"));

    gate.open();
    assert!(finish(wait_all()).failures.is_empty());
    assert!(Transaction::root().snapshot().to_string().starts_with("root  open"));
    assert_eq!(Transaction::root().snapshot().nodes().len(), 1);
}

#[test]
fn thousands_of_adopted_trees_are_seen_in_passing() {
    const TREES: usize = 3_000;
    set_reporter(|_| ());
    let registry = settled::Registry::new();
    let gate = Gate::new();
    for _ in 0..TREES {
        drop(Transaction::builder().registry(&registry).begin().add(gate.pass()).unwrap());
    }
    // The driver, the transaction, its future.
    assert_eq!(registry.root().snapshot().nodes().len(), 1 + 3 * TREES);
    gate.open();
    finish(registry.wait_all());
}
