//! A child fails: who is told, in which order, how often.

use futures::{FutureExt, poll};
use settled::{Failure, Stashed, add, begin, current, scope, try_scope};
use support::{Gate, Log, Oops, Task, assert_pending, assert_ready, cause, causes, failing, finish, yields};

#[test]
fn t20_every_way_to_the_end_tells_of_the_failures() {
    let t = begin();
    t.add(failing("wait")).unwrap();
    assert_eq!(causes(&finish(t.wait()).unwrap_err()), ["wait"]);
    t.add(failing("end")).unwrap();
    assert_eq!(causes(&finish(t.end()).unwrap_err()), ["end"]);
    let failures = finish(scope(async {
        add(failing("scope"));
    }))
    .unwrap_err();
    assert_eq!(causes(&failures), ["scope"]);
}

#[test]
fn t20_failures_come_in_the_order_of_adding_not_of_failing() {
    let gates: Vec<Gate> = (0..4).map(|_| Gate::new()).collect();
    let t = begin();
    for (i, gate) in gates.iter().enumerate() {
        t.add(gate.pass().then(move |()| failing(i.to_string()))).unwrap();
    }
    let mut end = Task::new(t.end());
    for i in [2, 3, 0] {
        gates[i].open();
        assert_pending!(end.run());
    }
    gates[1].open();
    assert_eq!(causes(&assert_ready!(end.run()).unwrap_err()), ["0", "1", "2", "3"]);
}

#[test]
fn t20_failures_are_collected_however_deep() {
    let failures = finish(scope(async {
        add(async {
            add(async {
                add(failing("3: below below"));
            });
        });
        add(failing("1: child"));
        add(async {
            add(failing("2: below"));
        });
    }))
    .unwrap_err();
    let mut texts = causes(&failures);
    texts.sort();
    assert_eq!(texts, ["1: child", "2: below", "3: below below"]);
    assert_eq!(causes(&failures), texts, "the order of adding is one across the tree");
}

#[test]
fn t20_the_order_is_one_across_the_tree_also_where_a_wait_was_given_up() {
    let gate = Gate::new();
    let t = begin();
    t.add(gate.pass().then(|()| failing("first"))).unwrap();
    let passed = gate.clone();
    let stashed = t
        .add(async move {
            add(failing("second"));
            add(passed.pass());
            drop(current().unwrap().wait().await);
        })
        .unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    stashed.cancel();
    assert_pending!(end.run());
    gate.open();
    assert_eq!(causes(&assert_ready!(end.run()).unwrap_err()), ["first", "second"]);
}

#[test]
fn a_child_that_fails_stops_nothing() {
    let log = Log::new();
    let failures = finish(scope(async {
        add(failing("first"));
        add(log.step("second"));
        let inner = log.clone();
        add(async move {
            add(inner.step("below the failed one"));
            Err::<(), _>(Oops("third".into()))
        });
        yields(2).await;
        log.note("body");
    }))
    .unwrap_err();
    assert_eq!(causes(&failures), ["first", "third"]);
    assert_eq!(log.take(), ["second", "below the failed one", "body"]);
}

#[test]
fn sixty_four_are_kept_and_the_rest_is_counted() {
    let failures = finish(scope(async {
        for i in 0..100 {
            add(failing(i.to_string()));
        }
    }))
    .unwrap_err();
    assert_eq!((failures.len(), failures.omitted()), (64, 36));
    assert_eq!(failures.iter().count(), 64);
    assert_eq!(causes(&failures), (0..64).map(|i| i.to_string()).collect::<Vec<_>>());
    assert!(!failures.is_empty());

    let exactly = finish(scope(async {
        for i in 0..64 {
            add(failing(i.to_string()));
        }
    }))
    .unwrap_err();
    assert_eq!((exactly.len(), exactly.omitted()), (64, 0));
}

#[test]
fn what_was_left_out_is_counted_in_what_is_handed_up_too() {
    let failures = finish(scope(async {
        let failed = try_scope(async {
            (0..100).for_each(|_| drop(add(failing("handed up"))));
            Err::<(), _>("its error is told instead")
        });
        assert!(failed.await.is_err());
    }))
    .unwrap_err();
    assert_eq!((failures.len(), failures.omitted()), (64, 36));
}

#[test]
fn a_failure_that_its_awaiter_received_is_told_nobody_else() {
    finish(scope(async {
        let failure = add(failing("received")).await.unwrap_err();
        assert_eq!(cause(&failure), "received");
    }))
    .unwrap();
    let t = begin();
    let stashed = t.add(failing("received outside")).unwrap();
    assert!(finish(stashed).is_err());
    finish(t.end()).unwrap();
}

#[test]
fn a_failure_received_deep_below_is_told_nobody_else() {
    let failures = finish(scope(async {
        add(async {
            add(failing("received")).await.unwrap_err();
            add(failing("not received"));
        });
    }))
    .unwrap_err();
    assert_eq!(causes(&failures), ["not received"]);
}

#[test]
fn failures_that_were_received_are_not_counted_either() {
    finish(scope(async {
        let all: Vec<_> = (0..100).map(|i| add(failing(i.to_string()))).collect();
        for stashed in all {
            assert!(stashed.await.is_err());
        }
    }))
    .unwrap();
}

#[test]
fn a_failure_handed_on_by_its_receiver_is_one_failure() {
    let failures = finish(scope(async {
        add(async { add(failing("handed on")).await });
    }))
    .unwrap_err();
    assert_eq!(failures.len(), 1);
    assert!(failures.first().unwrap().to_string().contains("handed on"));
}

#[test]
fn a_failure_that_nobody_received_is_the_transactions() {
    let gate = Gate::new();
    let mut task = Task::new(scope(async {
        drop(add(failing("dropped")));
        let mut polled = add(gate.pass().then(|()| failing("polled, then dropped")));
        assert_pending!(poll!(&mut polled));
        drop(polled);
        add(failing("told to a callback only")).on_settled(|result| assert!(result.is_err()));
        gate.open();
    }));
    let failures = assert_ready!(task.run()).unwrap_err();
    assert_eq!(causes(&failures), ["dropped", "polled, then dropped", "told to a callback only"]);
}

#[test]
fn a_failure_settled_but_not_awaited_is_the_transactions() {
    let failures = finish(scope(async {
        let stashed = add(failing("known, not received"));
        yields(3).await;
        assert!(stashed.is_settled());
    }))
    .unwrap_err();
    assert_eq!(causes(&failures), ["known, not received"]);
}

#[test]
fn who_awaits_a_handle_after_the_end_gets_the_failure_too() {
    let t = begin();
    let stashed = t.add(failing("late")).unwrap();
    assert_eq!(causes(&finish(t.end()).unwrap_err()), ["late"]);
    assert_eq!(cause(&finish(stashed).unwrap_err()), "late");
    assert_eq!(causes(&finish(t.end()).unwrap_err()), ["late"], "every end gets the same");
}

#[test]
fn who_awaits_a_handle_after_a_wait_gets_the_failure_too() {
    let t = begin();
    let stashed: Stashed<()> = t.add(failing("late")).unwrap();
    assert_eq!(causes(&finish(t.wait()).unwrap_err()), ["late"]);
    assert_eq!(cause(&finish(stashed).unwrap_err()), "late");
    finish(t.end()).unwrap();
}

#[test]
fn a_value_can_be_awaited_after_the_end() {
    let t = begin();
    let stashed = t.add_value(async { String::from("kept") }).unwrap();
    finish(t.end()).unwrap();
    assert!(stashed.is_settled());
    assert_eq!(finish(stashed).unwrap(), "kept");
}

#[test]
fn a_wait_drains() {
    let t = begin();
    t.add(failing("once")).unwrap();
    assert_eq!(causes(&finish(t.wait()).unwrap_err()), ["once"]);
    finish(t.wait()).unwrap();
    t.add(failing("twice")).unwrap();
    assert_eq!(causes(&finish(t.wait()).unwrap_err()), ["twice"]);
    finish(t.end()).unwrap();
}

#[test]
fn a_body_that_waits_receives() {
    finish(scope(async {
        add(failing("received by wait"));
        let failures = current().unwrap().wait().await.unwrap_err();
        assert_eq!(causes(&failures), ["received by wait"]);
    }))
    .unwrap();
}

#[test]
fn a_wait_that_is_dropped_receives_nothing() {
    let gate = Gate::new();
    let t = begin();
    t.add(failing("kept")).unwrap();
    t.add(gate.pass()).unwrap();
    let mut wait = Task::new(t.wait());
    assert_pending!(wait.run());
    gate.open();
    drop(wait);
    assert_eq!(causes(&finish(t.end()).unwrap_err()), ["kept"]);
}

#[test]
fn an_inner_end_receives_for_the_outer_one() {
    finish(scope(async {
        let inner = begin();
        inner.add(failing("inner")).unwrap();
        assert_eq!(causes(&inner.end().await.unwrap_err()), ["inner"]);
        assert!(
            scope(async {
                add(failing("scope"));
            })
            .await
            .is_err()
        );
    }))
    .unwrap();
}

#[test]
fn an_error_keeps_its_type_and_its_place() {
    let failures = finish(scope(async {
        add(failing("typed"));
    }))
    .unwrap_err();
    let line = line!() - 3;
    let failure: &Failure = failures.first().unwrap();
    assert!(failure.is_error() && !failure.is_panic() && !failure.is_cancelled());
    assert!(!failure.is_would_deadlock() && !failure.is_too_deep() && !failure.is_closed());
    assert_eq!(failure.downcast_ref::<Oops>(), Some(&Oops("typed".into())));
    assert!(failure.downcast_ref::<std::io::Error>().is_none());
    assert_eq!(failure.error().unwrap().to_string(), "typed");
    assert_eq!(failure.panic_message(), None);
    assert_eq!((failure.location().file(), failure.location().line()), (file!(), line));
}

#[test]
fn t27_the_place_of_every_way_to_add_is_recorded() {
    let t = begin();
    let first = line!() + 1;
    t.add(failing("by handle")).unwrap();
    t.enter(|| add(failing("ambient")));
    t.add_value(support::panicking("value")).unwrap();
    t.enter(|| settled::add_value(support::panicking("ambient value")));
    drop(t.gather([support::panicking("gathered")]));
    let failures = finish(t.end()).unwrap_err();
    assert_eq!(failures.len(), 5);
    for (failure, line) in failures.iter().zip(first..) {
        assert_eq!((failure.location().file(), failure.location().line()), (file!(), line), "{failure}");
    }
}
