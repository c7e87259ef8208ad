//! What the root adopts stays its own, with all that is to be told of it.

use settled::{Stashed, State, Transaction, begin};
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, failing, finish};

use crate::turn;

#[test]
fn a_tree_that_drives_the_root_from_inside_stays_adopted() {
    let _turn = turn();
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    let (noted, passed) = (log.clone(), gate.clone());
    let stashed = t
        .add(async move {
            let failures = Transaction::root().wait().await.unwrap_err();
            assert!(failures.first().unwrap().is_would_deadlock());
            passed.pass().await;
            noted.note("done");
        })
        .unwrap();
    drop(t);
    let mut stashed = Task::new(stashed);
    assert_pending!(stashed.run());
    drop(stashed);
    gate.open();
    finish(Transaction::root().wait()).unwrap();
    assert_eq!(log.take(), ["done"]);
}

#[test]
fn what_nobody_was_told_when_it_closed_is_handed_up_by_its_owner() {
    let _turn = turn();
    let (gate, t) = (Gate::new(), begin());
    let mut stashed: Task<Stashed<()>> = Task::new(t.add(gate.pass()).unwrap());
    t.add(failing("nobody was told")).unwrap();
    assert_pending!(Task::new(t.end()).run());
    assert_pending!(stashed.run());
    gate.open();
    assert_ready!(stashed.run()).unwrap();
    assert!(matches!(t.state(), State::Closed));
    drop(t);
    assert_eq!(causes(&finish(Transaction::root().wait()).unwrap_err()), ["nobody was told"]);
}

#[test]
fn what_was_left_out_is_counted_in_what_is_adopted_too() {
    let _turn = turn();
    let t = begin();
    (0..100).for_each(|_| drop(t.add(failing("adopted")).unwrap()));
    drop(t);
    let failures = finish(Transaction::root().wait()).unwrap_err();
    assert_eq!((failures.len(), failures.omitted()), (64, 36));
}
