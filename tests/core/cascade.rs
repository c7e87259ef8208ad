//! Endless cascades and endless work: the depth limit and the poll budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::{BoxFuture, poll_fn};
use settled::{Transaction, add, begin, current, scope};
use support::{Gate, Log, Task, assert_pending, assert_ready, finish, yields};

/// Counts its run and adds itself again, one deeper.
fn cascade(ran: Arc<AtomicUsize>) -> BoxFuture<'static, ()> {
    async move {
        ran.fetch_add(1, Ordering::SeqCst);
        add(cascade(ran));
    }
    .boxed()
}

#[test]
fn an_endless_cascade_is_a_failure_that_names_the_chain() {
    let ran = Arc::new(AtomicUsize::new(0));
    let failures = finish(scope(async {
        add(cascade(ran.clone()));
    }))
    .unwrap_err();
    assert_eq!(failures.len(), 1);
    let failure = failures.first().unwrap();
    assert!(failure.is_too_deep() && !failure.is_panic() && !failure.is_cancelled());
    assert_eq!(ran.load(Ordering::SeqCst), 1024);
    let text = failure.to_string();
    assert!(text.contains(file!()), "{text}");
    assert_eq!(failure.location().file(), file!());
}

#[test]
fn the_chain_names_every_place_it_went_through() {
    fn ping() -> BoxFuture<'static, ()> {
        async move {
            add(pong());
        }
        .boxed()
    }
    fn pong() -> BoxFuture<'static, ()> {
        async move {
            add(ping());
        }
        .boxed()
    }
    const LINES: [u32; 3] = [line!() - 10, line!() - 4, line!() + 1];
    let failures = finish(Transaction::builder().depth_limit(8).scope(async {
        add(ping());
    }))
    .unwrap_err();
    let text = failures.first().unwrap().to_string();
    for line in LINES {
        assert!(text.contains(&format!("{}:{line}", file!())), "no line {line} in {text}");
    }
    assert_eq!(text.matches(", from ").count(), 9, "eight futures and the scope: {text}");
}

#[test]
fn the_depth_limit_is_the_deepest_that_still_runs() {
    let ran = Arc::new(AtomicUsize::new(0));
    let failures = finish(Transaction::builder().depth_limit(10).scope(async {
        add(cascade(ran.clone()));
    }))
    .unwrap_err();
    assert_eq!(ran.load(Ordering::SeqCst), 10);
    assert!(failures.first().unwrap().is_too_deep());

    let t = Transaction::builder().depth_limit(10).begin();
    t.add(cascade(ran.clone())).unwrap();
    assert!(finish(t.end()).unwrap_err().first().unwrap().is_too_deep());
    assert_eq!(ran.load(Ordering::SeqCst), 20);
}

#[test]
fn who_awaits_what_is_too_deep_receives_it() {
    let log = Log::new();
    let (noted, guard) = (log.clone(), log.at_drop("dropped"));
    finish(Transaction::builder().depth_limit(1).scope(async {
        add(async move {
            let stashed = add(async move {
                let _guard = guard;
                unreachable!("it is too deep");
            })
            .on_settled(move |result| {
                noted.note(format!("told: {}", result.as_ref().unwrap_err().is_too_deep()));
            });
            assert!(stashed.await.unwrap_err().is_too_deep());
        });
    }))
    .unwrap();
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["dropped", "told: true"]);
}

#[test]
fn the_transaction_is_usable_after_a_cascade() {
    let log = Log::new();
    let t = Transaction::builder().depth_limit(5).begin();
    t.add(cascade(Arc::default())).unwrap();
    assert!(finish(t.wait()).is_err());
    t.add(log.step("ran")).unwrap();
    finish(t.end()).unwrap();
    assert_eq!(log.take(), ["ran"]);
}

#[test]
fn breadth_is_not_depth() {
    finish(Transaction::builder().depth_limit(2).scope(async {
        for _ in 0..5_000 {
            add(async {
                add(async {});
            });
        }
    }))
    .unwrap();
}

#[test]
fn a_deep_chain_that_is_allowed_needs_no_stack() {
    fn nest(depth: usize, gate: Gate) -> BoxFuture<'static, ()> {
        async move {
            if depth > 0 {
                add(nest(depth - 1, gate.clone()));
            } else {
                gate.pass().await;
            }
        }
        .boxed()
    }
    let gate = Gate::new();
    let t = Transaction::builder().depth_limit(100_000).begin();
    t.add(nest(50_000, gate.clone())).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    gate.open();
    assert_ready!(end.run()).unwrap();

    // The same, given up half-way: adopted by the scope around it.
    let (gate, half_way) = (Gate::new(), Gate::new());
    let mut task = Task::new(scope(async {
        let t = Transaction::builder().depth_limit(100_000).begin();
        t.add(nest(50_000, gate.clone())).unwrap();
        half_way.pass().await;
        drop(t);
    }));
    assert_pending!(task.run());
    half_way.open();
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
}

/// Counts its polls, and wakes itself `times` times.
fn counted(polls: &Arc<AtomicUsize>, times: usize) -> impl Future<Output = ()> + Send + use<> + 'static {
    let (polls, mut rest) = (polls.clone(), yields(times));
    poll_fn(move |cx| {
        polls.fetch_add(1, Ordering::SeqCst);
        rest.poll_unpin(cx)
    })
}

#[test]
fn one_poll_of_a_scope_is_at_most_1024_polls_and_then_it_wakes_itself() {
    let polls = Arc::new(AtomicUsize::new(0));
    let mut task = Task::new(scope(async {
        for _ in 0..5_000 {
            add(counted(&polls, 0));
        }
    }));
    let mut before = 0;
    while task.poll().is_pending() {
        let now = polls.load(Ordering::SeqCst);
        assert!((1..=1024).contains(&(now - before)), "{} polls in one", now - before);
        assert!(task.is_woken());
        before = now;
    }
    assert_eq!(polls.load(Ordering::SeqCst), 5_000);
}

#[test]
fn a_child_that_wakes_itself_for_ever_does_not_starve_the_executor() {
    let polls = Arc::new(AtomicUsize::new(0));
    let (gate, counter) = (Gate::new(), polls.clone());
    let mut task = Task::new(scope(async {
        let stashed = add(counted(&counter, usize::MAX));
        gate.pass().await;
        stashed.cancel();
    }));
    assert_pending!(task.poll());
    assert!(polls.load(Ordering::SeqCst) <= 1024);
    assert!(task.is_woken());
    assert_pending!(task.poll());
    gate.open();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn who_drives_from_outside_has_a_budget_too() {
    let polls = Arc::new(AtomicUsize::new(0));
    let t = begin();
    for _ in 0..3_000 {
        t.add(counted(&polls, 0)).unwrap();
    }
    let mut end = Task::new(t.end());
    assert_pending!(end.poll());
    assert!(polls.load(Ordering::SeqCst) <= 1024);
    assert!(end.is_woken());
    assert_ready!(end.run()).unwrap();
}

#[test]
fn nested_drives_share_the_budget() {
    let polls = Arc::new(AtomicUsize::new(0));
    let others: Vec<_> = (0..5)
        .map(|_| {
            let other = begin();
            for _ in 0..1_000 {
                other.add(counted(&polls, 0)).unwrap();
            }
            other
        })
        .collect();
    let mut task = Task::new(scope(async {
        for other in &others {
            add(other.end());
        }
    }));
    assert_pending!(task.poll());
    assert!(polls.load(Ordering::SeqCst) <= 1024);
    assert!(task.is_woken());
    assert_ready!(task.run()).unwrap();
    assert_eq!(polls.load(Ordering::SeqCst), 5_000);
}

#[test]
fn a_body_gets_its_turn_while_a_child_is_busy() {
    let turns = Arc::new(AtomicUsize::new(0));
    let counted_turns = turns.clone();
    let mut task = Task::new(scope(async {
        let busy = add(counted(&Arc::default(), usize::MAX));
        for _ in 0..10 {
            yields(1).await;
            counted_turns.fetch_add(1, Ordering::SeqCst);
        }
        assert!(current().is_some());
        busy.cancel();
    }));
    assert_ready!(task.run()).unwrap();
    assert_eq!(turns.load(Ordering::SeqCst), 10);
}

#[test]
fn a_chain_of_callbacks_that_add_is_a_cascade_too() {
    fn chain(left: usize, log: Log) {
        if left == 0 {
            return log.note("the last");
        }
        add(async {}).on_settled(move |_| chain(left - 1, log));
    }
    let log = Log::new();
    finish(scope(async { chain(500, log.clone()) })).unwrap();
    assert_eq!(log.take(), ["the last"]);
    let failures = finish(scope(async { chain(2_000, log.clone()) })).unwrap_err();
    assert!(failures.first().unwrap().is_too_deep());
}
