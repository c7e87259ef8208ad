//! `gather`: several futures, their results in order.

use futures::{FutureExt, poll};
use settled::{add, begin, current, scope};
use support::{Gate, Log, Task, assert_pending, assert_ready, cause, causes, finish, panicking};

#[test]
fn t11_add_gives_back_something_to_await_for_the_result() {
    let value = finish(scope(async {
        let one = add(async { Ok::<_, std::io::Error>(1) });
        let two = add(async { Ok::<_, std::io::Error>(2) });
        two.await.unwrap() * 10 + one.await.unwrap()
    }));
    assert_eq!(value.unwrap(), 21);
}

#[test]
fn t11_gather_gives_the_results_in_order_whichever_is_done_first() {
    let gates: Vec<Gate> = (0..3).map(|_| Gate::new()).collect();
    let t = begin();
    let futures = gates.iter().enumerate().map(|(i, gate)| gate.pass().map(move |()| i));
    let mut gather = Task::new(t.gather(futures));
    for i in [2, 0] {
        assert_pending!(gather.run());
        gates[i].open();
    }
    assert_pending!(gather.run());
    gates[1].open();
    assert_eq!(assert_ready!(gather.run()).unwrap(), [0, 1, 2]);
    finish(t.end()).unwrap();
}

#[test]
fn t11_gather_in_a_body() {
    let values = finish(scope(async {
        current().unwrap().gather((0..100).map(|i| async move { i * 2 })).await.unwrap()
    }));
    assert_eq!(values.unwrap(), (0..100).map(|i| i * 2).collect::<Vec<_>>());
}

#[test]
fn gathering_nothing_gives_nothing() {
    let t = begin();
    let none: Vec<std::future::Ready<u8>> = Vec::new();
    assert!(finish(t.gather(none)).unwrap().is_empty());
    finish(t.end()).unwrap();
}

#[test]
fn gather_takes_outputs_as_they_are() {
    let t = begin();
    let results = finish(t.gather([Ok(1), Err("as it is")].map(|r: Result<u8, &str>| async move { r })));
    assert_eq!(results.unwrap(), [Ok(1), Err("as it is")]);
    finish(t.end()).unwrap();
}

#[test]
fn gather_adds_at_the_call() {
    let log = Log::new();
    let t = begin();
    let gather = t.gather(["first", "second"].map(|name| log.step(name)));
    t.add(log.step("third")).unwrap();
    assert_eq!(t.pending(), 3);
    drop(gather);
    finish(t.end()).unwrap();
    assert_eq!(log.take(), ["first", "second", "third"], "dropping the gather drops no future");
}

#[test]
fn gather_returns_when_all_have_settled_with_the_first_failure() {
    let gate = Gate::new();
    let mut task = Task::new(scope(async {
        let futures =
            [gate.pass().then(|()| panicking("one")).boxed(), panicking("two").boxed(), async {}.boxed()];
        let mut gather = current().unwrap().gather(futures);
        support::yields(2).await;
        assert_pending!(poll!(&mut gather));
        // In the order of adding, like all failures, though the second one failed first.
        assert_eq!(cause(&gather.await.unwrap_err()), "one");
    }));
    assert_pending!(task.run());
    gate.open();
    let failures = assert_ready!(task.run()).unwrap_err();
    assert_eq!(causes(&failures), ["two"], "the others stay with the transaction");
}

#[test]
fn gather_waits_for_the_rest_though_the_first_has_failed() {
    let gate = Gate::new();
    let mut task = Task::new(scope(async {
        let mut gather = current().unwrap().gather([panicking("one").boxed(), gate.pass().boxed()]);
        support::yields(2).await;
        assert_pending!(poll!(&mut gather));
        assert_eq!(cause(&gather.await.unwrap_err()), "one");
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn what_a_dropped_gather_would_have_received_is_the_transactions() {
    let t = begin();
    let gather = t.gather([panicking("one"), panicking("two")]);
    drop(gather);
    assert_eq!(causes(&finish(t.end()).unwrap_err()), ["one", "two"]);
}

#[test]
fn what_a_gather_has_seen_and_not_yet_returned_is_the_transactions_when_it_is_dropped() {
    let gate = Gate::new();
    let t = begin();
    let mut gather = Task::new(t.gather([panicking("one").boxed(), gate.pass().boxed()]));
    assert_pending!(gather.run());
    assert_pending!(gather.poll());
    drop(gather);
    gate.open();
    assert_eq!(causes(&finish(t.end()).unwrap_err()), ["one"]);
}

#[test]
fn gather_can_be_awaited_after_the_end() {
    let t = begin();
    let gather = t.gather([1, 2].map(|i| async move { i }));
    finish(t.end()).unwrap();
    assert_eq!(finish(gather).unwrap(), [1, 2]);
}
