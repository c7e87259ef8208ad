//! When an added future starts, and in which order.

use std::task::Poll;
use std::thread;

use futures::FutureExt;
use futures::channel::oneshot;
use settled::{add, add_value, begin, current, scope};
use support::{Gate, Log, Task, assert_pending, assert_ready, elsewhere, finish, yields};

#[test]
fn t01_adding_polls_nothing() {
    let log = Log::new();
    finish(scope(async {
        add(log.step("added"));
        log.note("after add");
        current().unwrap().add(log.step("added by handle")).unwrap();
        log.note("after add by handle");
    }))
    .unwrap();
    assert_eq!(log.take(), ["after add", "after add by handle", "added", "added by handle"]);
}

#[test]
fn t01_adding_from_an_added_future_polls_nothing() {
    let log = Log::new();
    finish(scope(async {
        let inner = log.clone();
        add(async move {
            add(inner.step("inner"));
            inner.note("after add");
            yields(1).await;
        });
    }))
    .unwrap();
    assert_eq!(log.take(), ["after add", "inner"]);
}

#[test]
fn t01_adding_in_enter_and_by_handle_polls_nothing() {
    let log = Log::new();
    let t = begin();
    t.enter(|| {
        add(log.step("ambient"));
    });
    t.add(log.step("by handle")).unwrap();
    drop(t.gather([log.step("gathered")]));
    assert!(log.take().is_empty());
    finish(t.end()).unwrap();
    assert_eq!(log.take(), ["ambient", "by handle", "gathered"]);
}

#[test]
fn t02_end_returns_when_all_that_was_added_has_run() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    t.add(gate.pass()).unwrap();
    t.add(log.step("second")).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert_eq!(log.take(), ["second"]);
    gate.open();
    assert_ready!(end.run()).unwrap();
}

#[test]
fn t03_a_scope_opens_settles_and_closes() {
    let log = Log::new();
    let mut handle = None;
    let value = finish(scope(async {
        handle = current();
        add(log.step("added"));
        7
    }));
    assert_eq!(value.unwrap(), 7);
    assert_eq!(log.take(), ["added"]);
    assert!(handle.unwrap().add(async {}).is_err());
}

#[test]
fn t04_first_polls_come_in_the_order_of_adding() {
    let log = Log::new();
    finish(scope(async {
        let t = current().unwrap();
        let helper = |name: &str| {
            add(log.step(&format!("{name} ambient")));
            t.add(log.step(&format!("{name} by handle"))).unwrap();
            t.enter(|| {
                add(log.step(&format!("{name} entered")));
            });
        };
        helper("one");
        helper("two");
    }))
    .unwrap();
    assert_eq!(
        log.take(),
        ["one ambient", "one by handle", "one entered", "two ambient", "two by handle", "two entered"]
    );
}

#[test]
fn t04_first_polls_are_one_queue_across_the_tree() {
    let log = Log::new();
    finish(scope(async {
        for name in ["a", "b"] {
            let inner = log.clone();
            add(async move {
                inner.note(name);
                for child in [1, 2] {
                    let below = inner.clone();
                    add(async move {
                        below.note(format!("{name}{child}"));
                        add(below.step(&format!("{name}{child} child")));
                    });
                }
            });
        }
        add(log.step("c"));
    }))
    .unwrap();
    assert_eq!(
        log.take(),
        ["a", "b", "c", "a1", "a2", "b1", "b2", "a1 child", "a2 child", "b1 child", "b2 child"]
    );
}

#[test]
fn t04_transactions_begun_below_share_the_queue() {
    let log = Log::new();
    finish(scope(async {
        let inner = begin();
        add(log.step("1"));
        inner.add(log.step("2")).unwrap();
        add(log.step("3"));
        inner.enter(|| {
            add(log.step("4"));
        });
        add(log.step("5"));
        finish_inside(inner.end()).await;
    }))
    .unwrap();
    assert_eq!(log.take(), ["1", "2", "3", "4", "5"]);
}

async fn finish_inside(end: settled::End) {
    end.await.unwrap();
}

#[test]
fn t04_the_order_does_not_depend_on_the_thread_that_adds() {
    let log = Log::new();
    finish(scope(async {
        let t = current().unwrap();
        add(log.step("1"));
        elsewhere(|| t.add(log.step("2")).map(drop).unwrap());
        add(log.step("3"));
        elsewhere(|| {
            t.enter(|| {
                add(log.step("4"));
            });
        });
        t.add(log.step("5")).unwrap();
    }))
    .unwrap();
    assert_eq!(log.take(), ["1", "2", "3", "4", "5"]);
}

#[test]
fn t04_an_add_from_another_thread_keeps_its_place_while_the_tree_is_driven() {
    let log = Log::new();
    finish(scope(async {
        let (t, inner) = (current().unwrap(), log.clone());
        add(async move {
            add(inner.step("1"));
            elsewhere(|| t.add(inner.step("2")).map(drop).unwrap());
            add(inner.step("3"));
            elsewhere(|| t.add(inner.step("4")).map(drop).unwrap());
            t.add(inner.step("5")).unwrap();
        });
    }))
    .unwrap();
    assert_eq!(log.take(), ["1", "2", "3", "4", "5"]);
}

#[test]
fn what_another_thread_adds_while_one_drives_is_pending_at_once() {
    let t = begin();
    let handle = (*t).clone();
    t.add(async move {
        elsewhere(|| drop(handle.add(async {}).unwrap()));
        assert_eq!(handle.pending(), 2, "this one and that");
    })
    .unwrap();
    finish(t.end()).unwrap();
}

#[test]
fn what_is_woken_is_polled_in_the_order_of_waking() {
    let log = Log::new();
    let gates: Vec<Gate> = (0..4).map(|_| Gate::new()).collect();
    let t = begin();
    for (i, gate) in gates.iter().enumerate() {
        let (gate, inner) = (gate.clone(), log.clone());
        t.add(async move {
            gate.pass().await;
            inner.note(i.to_string());
        })
        .unwrap();
    }
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    gates[2].open();
    elsewhere(|| gates[0].open());
    gates[3].open();
    gates[1].open();
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["2", "0", "3", "1"]);
}

#[test]
fn what_a_child_wakes_is_polled_in_the_order_of_waking() {
    let log = Log::new();
    let gates: Vec<Gate> = (0..3).map(|_| Gate::new()).collect();
    finish(scope(async {
        for (i, gate) in gates.iter().enumerate() {
            let (gate, inner) = (gate.clone(), log.clone());
            add(async move {
                gate.pass().await;
                inner.note(i.to_string());
            });
        }
        let openers = gates.clone();
        add(async move {
            openers[1].open();
            openers[2].open();
            openers[0].open();
        });
    }))
    .unwrap();
    assert_eq!(log.take(), ["1", "2", "0"]);
}

#[test]
fn t08_what_was_added_runs_while_the_body_is_suspended() {
    let gate = Gate::new();
    finish(scope(async {
        let opener = gate.clone();
        add(async move { opener.open() });
        gate.pass().await;
    }))
    .unwrap();
}

#[test]
fn t08_what_was_added_starts_in_the_poll_in_which_the_body_suspends() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(scope(async {
        add(log.step("added"));
        gate.pass().await;
    }));
    assert_pending!(task.poll());
    assert_eq!(log.take(), ["added"]);
    gate.open();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn t08_a_body_that_wakes_itself_lets_what_was_added_run_first() {
    let log = Log::new();
    finish(scope(async {
        add(log.step("added"));
        yields(1).await;
        log.note("body");
    }))
    .unwrap();
    assert_eq!(log.take(), ["added", "body"]);
}

#[test]
fn t08_a_body_that_spins_starves_nobody() {
    let gate = Gate::new();
    let mut task = Task::new(scope(async {
        let opener = gate.clone();
        add(yields(10).then(move |()| async move { opener.open() }));
        while !gate.is_open() {
            yields(1).await;
        }
    }));
    // Few polls: the test is to fail, not to spin, where it does starve.
    let polled = (0..10).find_map(|_| match task.poll() {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    });
    polled.expect("the body kept all turns for itself").unwrap();
}

#[test]
fn t12_a_future_that_someone_completes_later_can_be_added() {
    let (sender, receiver) = oneshot::channel();
    let t = begin();
    let stashed = t.add_value(receiver).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    thread::spawn(move || sender.send(5).unwrap()).join().unwrap();
    assert_ready!(end.run()).unwrap();
    assert_eq!(finish(stashed).unwrap(), Ok(5));
}

#[test]
fn a_future_that_never_returns_can_be_added() {
    async fn forever() -> ! {
        loop {
            yields(1).await
        }
    }
    let t = begin();
    let stashed = t.add(forever()).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.poll());
    stashed.cancel();
    assert_ready!(end.run()).unwrap();
}

#[test]
fn outputs_come_back_as_values() {
    finish(scope(async {
        assert_eq!(add(async { Ok::<_, std::io::Error>(1) }).await.unwrap(), 1);
        assert_eq!(add_value(async { Err::<i32, _>("as it is") }).await.unwrap(), Err("as it is"));
        add(async {}).await.unwrap();
    }))
    .unwrap();
}
