//! What a snapshot shows, and that taking one never waits.

use std::sync::mpsc;
use std::thread;

use settled::{NodeKind, Snapshot, SnapshotNode, Stage, State, Transaction, add, begin, current, scope};
use support::{Gate, Log, Task, assert_pending, assert_ready, elsewhere, finish, on_drop, yields};

/// Without ages.
fn lines(snapshot: &Snapshot) -> Vec<String> {
    snapshot.to_string().lines().map(String::from).collect()
}

fn stages(snapshot: &Snapshot) -> Vec<Stage> {
    snapshot.nodes().map(SnapshotNode::stage).collect()
}

fn kinds(snapshot: &Snapshot) -> Vec<NodeKind> {
    snapshot.nodes().map(SnapshotNode::kind).collect()
}

fn depths(snapshot: &Snapshot) -> Vec<usize> {
    snapshot.nodes().map(SnapshotNode::depth).collect()
}

#[test]
fn it_has_every_node_with_kind_stage_place_and_what_is_pending() {
    let gate = Gate::new();
    let t = Transaction::builder().name("import").begin();
    let here = line!();
    let waits = gate.clone();
    t.add(async move {
        let inner = scope(async {
            add(waits.pass());
            let begun = begin();
            begun.add(waits.pass()).unwrap();
            waits.pass().await;
            begun.end().await.unwrap();
        });
        inner.await.unwrap();
    })
    .unwrap();
    t.add(async {}).unwrap();
    let mut end = Task::new(t.end());
    let before = t.snapshot();
    assert_eq!(stages(&before), [Stage::Open, Stage::Queued, Stage::Queued]);

    assert_pending!(end.run());
    let later = line!() + 1;
    t.add(async {}).unwrap();
    let snapshot = t.snapshot();
    assert!(snapshot.is_complete());
    use NodeKind::{Begun, Future, Scope};
    assert_eq!(kinds(&snapshot), [Begun, Future, Scope, Future, Begun, Future, Future]);
    assert_eq!(depths(&snapshot), [0, 1, 2, 3, 3, 4, 1]);
    use Stage::{Ending, Open, Pending, Queued};
    assert_eq!(stages(&snapshot), [Ending, Pending, Open, Pending, Open, Pending, Queued]);
    let parents: Vec<_> = snapshot.nodes().map(SnapshotNode::parent).collect();
    assert_eq!(parents, [None, Some(0), Some(1), Some(2), Some(2), Some(4), Some(0)]);
    let pending: Vec<_> = snapshot.nodes().map(SnapshotNode::pending).collect();
    assert_eq!(pending, [2, 1, 2, 0, 1, 0, 0]);
    let first = snapshot.nodes().next().unwrap();
    assert_eq!((first.id(), first.name()), (Some(t.id()), Some("import")));
    let added = snapshot.nodes().nth(1).unwrap();
    assert_eq!((added.location().line(), added.location().file()), (here + 2, file!()));
    let queued = snapshot.nodes().last().unwrap();
    assert_eq!((queued.location().line(), queued.location().file()), (later, file!()));

    gate.open();
    assert_ready!(end.run()).unwrap();
    let closed = t.snapshot();
    assert_eq!(stages(&closed), [Stage::Closed]);
    assert!(closed.is_complete());
    assert_eq!(stages(&before).len(), 3, "what was taken stays");
}

#[test]
fn a_future_is_seen_running_ready_pending_and_done() {
    let gate = Gate::new();
    let (waits, log) = (gate.clone(), Log::new());
    let t = begin();
    let note = log.clone();
    t.add(async move {
        let own = current().unwrap();
        note.note(format!("{:?}", stages(&own.snapshot())));
        let above = own.parent().unwrap();
        note.note(format!("{:?}", stages(&above.snapshot())));
        yields(1).await; // it has a slot: this makes it ready
        waits.pass().await;
        add(waits.pass());
        let keeps = waits.clone();
        add(async move {
            // Its parent is done by now.
            let top = current().unwrap().parent().unwrap().parent().unwrap();
            keeps.rattle();
            note.note(format!("{:?}", stages(&top.snapshot())));
        });
    })
    .unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert_eq!(stages(&t.snapshot()), [Stage::Ending, Stage::Pending]);
    gate.rattle();
    assert_eq!(stages(&t.snapshot()), [Stage::Ending, Stage::Ready]);
    assert_pending!(end.run());
    gate.open();
    assert_ready!(end.run()).unwrap();
    assert_eq!(
        log.take(),
        ["[Running]", "[Ending, Running]", "[Ending, Done, Running]"],
        "as seen from within"
    );
}

#[test]
fn it_is_whole_from_within_a_body_a_child_a_destructor_and_below_another_drive() {
    let whole = |t: &Transaction| assert!(t.snapshot().is_complete());
    finish(scope(async {
        let t = current().unwrap();
        add(async {});
        whole(&t);
        let child = t.clone();
        add(async move {
            whole(&child);
            // The drive of another tree is on top of this one.
            let (other, below) = (begin_elsewhere(), child.clone());
            other
                .add(async move {
                    let snapshot = below.snapshot();
                    assert!(snapshot.is_complete());
                    assert_eq!(stages(&snapshot)[..2], [Stage::Open, Stage::Running]);
                })
                .unwrap();
            finish(other.end()).unwrap();
        });
        let gone = t.clone();
        add(async move {
            let _at_drop = on_drop(move || whole(&gone));
            yields(1).await;
        });
        yields(3).await;
        t.enter(|| whole(&t));
    }))
    .unwrap();
}

/// A transaction on a tree of its own, wherever this is called.
fn begin_elsewhere() -> settled::OwnedTransaction {
    elsewhere(begin)
}

#[test]
fn while_another_thread_drives_it_has_what_is_known_and_does_not_wait() {
    let (started, on_start) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let t = Transaction::builder().name("busy").begin();
    t.add(async move {
        started.send(()).unwrap();
        may_go_on.recv().unwrap(); // blocks who drives
    })
    .unwrap();
    t.add(async {}).unwrap();
    thread::scope(|s| {
        s.spawn(|| finish(t.wait()).unwrap());
        on_start.recv().unwrap();

        t.add(async {}).unwrap();
        let inner = t.enter(begin);
        inner.add(async {}).unwrap();
        let snapshot = t.snapshot();
        assert!(!snapshot.is_complete());
        assert_eq!(stages(&snapshot), [Stage::Open, Stage::Queued, Stage::Open, Stage::Queued]);
        assert_eq!(depths(&snapshot), [0, 1, 1, 2]);
        assert_eq!(snapshot.nodes().next().unwrap().pending(), 3);
        assert!(snapshot.to_string().ends_with("(incomplete: another thread drives this just now)"));
        assert!(snapshot.to_mermaid().contains("%% incomplete"));

        // Whoever can wait is answered by who drives.
        let mut complete = Task::new(t.complete_snapshot());
        let mut given_up = Task::new(t.complete_snapshot());
        assert_pending!(complete.run());
        assert_pending!(given_up.run());
        drop(given_up);
        go_on.send(()).unwrap();
        while !complete.is_woken() {
            thread::yield_now();
        }
        let snapshot = assert_ready!(complete.run());
        assert!(snapshot.is_complete());
        assert_eq!(snapshot.nodes().next().unwrap().name(), Some("busy"));
        finish(inner.end()).unwrap();
    });
    assert!(assert_ready!(Task::new(t.complete_snapshot()).run()).is_complete());
    finish(t.end()).unwrap();
}

#[test]
fn a_tree_of_any_depth_is_shown_without_recursion_and_bounded() {
    const DEEP: usize = 100_000;
    fn nest(left: usize, gate: Gate) {
        add(async move {
            match left {
                0 => gate.pass().await,
                _ => nest(left - 1, gate),
            }
        });
    }
    let gate = Gate::new();
    let t = Transaction::builder().depth_limit(DEEP + 2).begin();
    t.enter(|| nest(DEEP, gate.clone()));
    let mut end = Task::new(t.end());
    for _ in 0..DEEP / 1_000 {
        assert_pending!(end.run());
    }
    let snapshot = t.snapshot();
    assert_eq!(snapshot.nodes().len(), DEEP + 2);
    assert_eq!(snapshot.nodes().last().unwrap().depth(), DEEP + 1);
    assert_eq!(snapshot.nodes().last().unwrap().stage(), Stage::Pending);
    let lines = lines(&snapshot);
    assert_eq!(lines.len(), 33);
    assert!(lines[32].contains(&format!("… {} more; pending for longest: {}", DEEP + 2 - 32, file!())));
    assert!(snapshot.to_mermaid().len() < 50_000, "what Mermaid takes");
    gate.open();
    while !end.run().is_ready() {}
}

#[test]
fn a_wide_tree_is_bounded_too() {
    let gate = Gate::new();
    let t = begin();
    for n in 0..1_000 {
        let gate = gate.clone();
        t.add(async move {
            for _ in 0..n % 40 {
                add(gate.pass());
            }
        })
        .unwrap();
    }
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    let snapshot = t.snapshot();
    assert_eq!(snapshot.nodes().len(), 1 + 975 + 25 * (0..40).sum::<usize>());
    let text = snapshot.to_string();
    let left_out: Vec<usize> = text
        .lines()
        .filter_map(|line| line.split_once("… ")?.1.split_once(" more;")?.0.parse().ok())
        .collect();
    let shown = text.lines().count() - left_out.len();
    assert_eq!(shown, 200);
    assert_eq!(left_out.iter().sum::<usize>() + shown, snapshot.nodes().len(), "what is left out is told");
    assert!(snapshot.to_mermaid().lines().count() < 500, "what Mermaid takes");
    gate.open();
    while !end.run().is_ready() {}
}

#[test]
fn the_tree_is_drawn_a_node_a_line_in_the_order_of_adding() {
    let gate = Gate::new();
    let t = Transaction::builder().name("a\n\"b\"").begin();
    let waits = gate.clone();
    t.add(async move {
        add(waits.pass());
        add(waits.pass());
        waits.pass().await;
    })
    .unwrap();
    t.add(gate.pass()).unwrap();
    let mut wait = Task::new(t.wait());
    assert_pending!(wait.run());
    let lines = lines(&t.snapshot());
    let starts = [
        format!("transaction {} \"a\\n\\\"b\\\"\"  open, 2 pending  {}", t.id(), file!()),
        format!("├─ future  pending, 2 pending  {}", file!()),
        format!("│  ├─ future  pending  {}", file!()),
        format!("│  └─ future  pending  {}", file!()),
        format!("└─ future  pending  {}", file!()),
    ];
    assert_eq!(lines.len(), starts.len());
    for (line, start) in lines.iter().zip(&starts) {
        assert!(line.starts_with(start.as_str()), "{line}\n{start}");
    }
    let diagram = t.snapshot().to_mermaid();
    assert!(diagram.contains("#34;a#92;n#92;#34;b#92;#34;#34;<br/>open, 2 pending<br/>"), "{diagram}");
    assert!(diagram.ends_with("    n0 --> n4\n"), "{diagram}");
    gate.open();
    assert_ready!(wait.run()).unwrap();
    finish(t.end()).unwrap();
}

#[test]
fn an_age_is_known_once_a_drive_has_come_to_rest_and_never_shrinks() {
    let gate = Gate::new();
    let t = begin();
    t.add(gate.pass()).unwrap();
    let mut wait = Task::new(t.wait());
    assert_pending!(wait.run());
    t.add(async {}).unwrap();
    let ages = |snapshot: Snapshot| -> Vec<_> { snapshot.nodes().map(SnapshotNode::age).collect() };
    let first = ages(t.snapshot());
    assert!(first[0].is_some() && first[1].is_some());
    assert_eq!(first[2], None, "added since");
    let second = ages(t.snapshot());
    assert!(second[0] >= first[0] && second[1] >= first[1]);
    assert!(second[2].is_some(), "seen by the first snapshot");
    gate.open();
    assert_ready!(wait.run()).unwrap();
    finish(t.end()).unwrap();
}

#[test]
fn it_can_be_taken_by_any_number_of_threads_while_work_goes_on() {
    let t = begin();
    thread::scope(|s| {
        let handle: &Transaction = &t;
        for _ in 0..2 {
            s.spawn(move || {
                for _ in 0..200 {
                    handle
                        .add(async {
                            yields(2).await;
                            add(yields(1));
                        })
                        .unwrap();
                    finish_or_leave(handle.wait());
                }
            });
        }
        s.spawn(move || {
            for _ in 0..300 {
                let snapshot = handle.snapshot();
                let nodes: Vec<_> = snapshot.nodes().collect();
                assert_eq!(nodes[0].id(), Some(handle.id()));
                for (index, node) in nodes.iter().enumerate().skip(1) {
                    let above = node.parent().unwrap();
                    assert!(above < index && nodes[above].depth() + 1 == node.depth());
                }
            }
        });
    });
    assert_eq!(t.state(), State::Open);
    settled::block_on(t.end()).unwrap();
}

/// Drives as far as it goes.
fn finish_or_leave(future: impl Future) {
    let _ = Task::new(future).run();
}

#[test]
fn what_is_held_back_or_waits_for_a_place_is_seen() {
    let gate = Gate::new();
    let waits = gate.clone();
    finish(settled::atomic(async move {
        add(waits.pass());
        scope(async {
            settled::add_cleanup(async {});
            let t = current().unwrap().parent().unwrap();
            let snapshot = t.snapshot();
            use NodeKind::{Atomic, Future, Scope};
            assert_eq!(kinds(&snapshot), [Atomic, Future, Scope, Future]);
            assert_eq!(stages(&snapshot), [Stage::Open, Stage::Held, Stage::Open, Stage::Held]);
        })
        .await
        .unwrap();
        waits.open();
        Ok::<_, ()>(())
    }))
    .unwrap();

    let gate = Gate::new();
    let t = Transaction::builder().limit(1).begin();
    for _ in 0..3 {
        t.add(gate.pass()).unwrap();
    }
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert_eq!(stages(&t.snapshot()), [Stage::Ending, Stage::Pending, Stage::InLine, Stage::InLine]);
    gate.open();
    assert_ready!(end.run()).unwrap();
}
