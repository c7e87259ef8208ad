//! What adding allocates, and that a transaction does not grow with what it has settled.

use allocation_counter::{AllocationInfo, measure};
use futures::FutureExt;
use settled::{Transaction, add, add_value, atomic, begin, current, scope, set_reporter};
use support::{Gate, Task, assert_pending, assert_ready, finish, yields};

const MANY: u64 = 10_000;

/// A future that is not of size zero: boxing it allocates.
async fn work(n: u64) {
    yields((n % 2) as usize).await;
    std::hint::black_box(n);
}

fn in_a_scope(each: impl Fn(u64)) {
    finish(scope(async { (0..MANY).for_each(each) })).unwrap();
}

/// In the steady state: what was allocated once and is used again is there already.
fn steady(run: impl Fn()) -> AllocationInfo {
    for _ in 0..3 {
        run();
    }
    measure(run)
}

/// Works as `work`, but keeps more than any cell takes.
async fn large_work(n: u64) {
    let large = [n; 50];
    work(n).await;
    std::hint::black_box(large);
}

#[test]
fn an_add_allocates_nothing() {
    let ready = steady(|| in_a_scope(|n| drop(add(work(2 * n)))));
    assert!(ready.count_total < 10, "{} for the scope, which is suspended", ready.count_total);
    let yielding = steady(|| in_a_scope(|n| drop(add(work(n)))));
    assert!(yielding.count_total <= MANY / 100, "{} for {MANY} adds", yielding.count_total);
    assert_eq!(yielding.count_current, 0, "all is given back");
}

#[test]
fn an_add_by_handle_allocates_nothing() {
    let by_handle = |factor: u64| {
        steady(|| {
            let t = begin();
            for n in 0..MANY {
                t.add(work(factor * n)).unwrap();
            }
            finish(t.end()).unwrap();
        })
    };
    let ready = by_handle(2);
    assert!(ready.count_total < 10, "{} for the transaction and its end", ready.count_total);
    let yielding = by_handle(1);
    assert!(yielding.count_total <= MANY / 100, "{} for {MANY} adds", yielding.count_total);
}

#[test]
fn what_stays_pending_gives_its_cell_back_as_well() {
    let each_in_a_slot = steady(|| {
        let t = begin();
        for _ in 0..100 {
            let gate = Gate::new();
            for _ in 0..100 {
                t.add(gate.pass()).unwrap();
            }
            let mut wait = Task::new(t.wait());
            assert_pending!(wait.run());
            gate.open();
            assert_ready!(wait.run()).unwrap();
        }
        finish(t.end()).unwrap();
    });
    // Those of the waits, and of the lists of the gates.
    assert!(each_in_a_slot.count_total < MANY / 5, "{} for {MANY} adds", each_in_a_slot.count_total);
}

#[test]
fn a_large_future_is_boxed() {
    let large = steady(|| in_a_scope(|n| drop(add(large_work(n)))));
    assert!(large.count_total >= MANY && large.count_total <= MANY + MANY / 100, "{}", large.count_total);
    assert_eq!(large.count_current, 0, "all is given back");
}

#[test]
fn what_a_burst_needed_is_given_back() {
    let small = || finish(scope(async { drop(add(work(1))) })).unwrap();
    let burst = || finish(scope(async { (0..10 * MANY).for_each(|n| drop(add(work(n)))) })).unwrap();
    small();
    let during = measure(burst);
    let after = measure(|| (0..3).for_each(|_| small()));
    let left = during.bytes_current + after.bytes_current;
    assert!(left < 32_768, "{left} bytes are left of {}", during.bytes_max);
}

#[test]
fn a_future_that_is_boxed_already_is_not_boxed_again() {
    let boxed = steady(|| in_a_scope(|n| drop(add(work(n).boxed()))));
    assert!(boxed.count_total <= MANY + MANY / 100, "{} for {MANY} adds", boxed.count_total);
}

#[test]
fn a_scope_that_is_not_suspended_allocates_nothing_of_its_own() {
    let scopes = steady(|| {
        for n in 0..MANY {
            scope(async { drop(add(work(2 * n))) }).now_or_never().unwrap().unwrap();
        }
    });
    assert_eq!(scopes.count_total, 0);
}

#[test]
fn a_transaction_that_is_begun_and_ended_allocates_nothing_whichever_is_dropped_last() {
    for end_is_last in [false, true] {
        let begun = steady(|| {
            for n in 0..MANY {
                let t = begin();
                drop(t.add(work(2 * n)).unwrap());
                let mut end = t.end();
                (&mut end).now_or_never().unwrap().unwrap();
                if end_is_last {
                    drop(t);
                    drop(end);
                }
            }
        });
        assert_eq!(begun.count_total, 0, "the futures have cells, and what handles hold serves again");
        assert_eq!(begun.count_current, 0, "all is given back");
    }
}

#[test]
fn a_handle_that_is_dropped_at_once_allocates_nothing() {
    let handles = steady(|| {
        let all = scope(async { (0..500).for_each(|n| drop(add(work(2 * n)))) });
        all.now_or_never().unwrap().unwrap();
    });
    assert_eq!(handles.count_total, 0);
}

#[test]
fn a_transaction_does_not_grow_with_what_it_has_settled() {
    let t = begin();
    let fill = |rounds: u64| {
        for _ in 0..rounds {
            for n in 0..1_000 {
                t.add(work(n)).unwrap();
            }
            finish(t.wait()).unwrap();
        }
    };
    fill(10);
    let million = measure(|| fill(1_000));
    assert!(million.bytes_current.abs() < 4_096, "{} bytes more after a million adds", million.bytes_current);
    assert!(million.bytes_max < 1_000_000, "{} bytes at most", million.bytes_max);
    finish(t.end()).unwrap();
}

#[test]
fn a_scope_that_lives_long_does_not_grow_either() {
    let rounds = |rounds: u64| {
        finish(scope(async move {
            for n in 0..rounds {
                add(async move {
                    add(work(n));
                });
                yields(3).await;
            }
        }))
        .unwrap();
    };
    rounds(1_000);
    let few = measure(|| rounds(1_000)).bytes_max;
    let many = measure(|| rounds(100_000)).bytes_max;
    assert!(many <= few + 4_096, "{few} bytes at most for a thousand, {many} for a hundred times that");
}

#[test]
fn failures_that_are_not_kept_are_given_back() {
    let t = begin();
    let fill = |rounds: usize| {
        for _ in 0..rounds {
            t.add(support::failing("again")).unwrap();
            for _ in 0..99 {
                t.add(support::failing("again")).unwrap();
            }
            finish(t.wait()).unwrap_err();
        }
    };
    fill(10);
    let grown = measure(|| fill(1_000)).bytes_current;
    assert!(grown.abs() < 4_096, "{grown} bytes more");
    finish(t.end()).unwrap();
}

/// Bytes that a thousand more of these leave behind, after the first hundred.
fn left_behind(mut each: impl FnMut()) -> i64 {
    (0..100).for_each(|_| each());
    measure(|| (0..1_000).for_each(|_| each())).bytes_current
}

#[test]
fn nothing_grows_with_what_came_and_went() {
    set_reporter(|_| {});
    let gate = Gate::new();
    let t = begin();
    t.add(gate.pass()).unwrap();

    let ends = left_behind(|| drop(Task::new(t.end()).poll()));
    assert!(ends.abs() < 1_024, "ends that were polled once and dropped: {ends}");

    let handles = left_behind(|| {
        let handle = t.enter(begin);
        let below = handle.enter(begin);
        below.add(work(1)).unwrap();
        let stashed = below.add(std::future::pending::<()>()).unwrap().on_settled(|_| {});
        stashed.cancel();
        drop(Task::new(handle.end()).poll());
    });
    assert!(handles.abs() < 1_024, "transactions below: {handles}");

    let scopes = left_behind(|| {
        let mut task = Task::new(scope(async {
            add(work(1));
            add(yields(3));
            std::future::pending::<()>().await;
        }));
        drop(task.poll());
        drop(task);
        finish(Transaction::root().wait()).unwrap();
    });
    assert!(scopes.abs() < 1_024, "scopes that were given up, and adopted by the root: {scopes}");

    gate.open();
    finish(t.end()).unwrap();
}

#[test]
fn nothing_is_kept_of_a_wait_that_was_given_up() {
    let gate = Gate::new();
    let t = begin();
    t.add(gate.pass()).unwrap();
    let waits = left_behind(|| {
        t.add(work(1)).unwrap();
        drop(t.wait());
        drop(Task::new(t.wait()).poll());
    });
    assert!(waits.abs() < 1_024, "waits that were given up: {waits}");
    gate.open();
    finish(t.end()).unwrap();
}

#[test]
fn cancelling_again_and_again_costs_nothing() {
    let t = begin();
    let stashed = t.add(std::future::pending::<()>()).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    let marks = left_behind(|| stashed.cancel());
    assert!(marks.abs() < 1_024, "cancelled before: {marks}");
    assert_ready!(end.run()).unwrap();
}

#[test]
fn an_atomic_transaction_does_not_grow_with_what_was_cancelled_in_it() {
    let gate = Gate::new();
    let (g, (sender, receiver)) = (gate.clone(), std::sync::mpsc::channel());
    let mut task = Task::new(atomic(async move {
        sender.send(current().unwrap()).unwrap();
        g.pass().await;
        Ok::<_, &str>(())
    }));
    assert_pending!(task.run());
    let t = receiver.recv().unwrap();
    let held = left_behind(|| {
        t.add(work(1)).unwrap().cancel();
        assert_pending!(task.run());
    });
    assert!(held.abs() < 16_384, "cancelled while they were held: {held}");
    gate.open();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn a_kept_handle_allocates_nothing_whenever_it_is_dropped() {
    const KEPT: u64 = 1_000;
    let mut room = Vec::with_capacity(KEPT as usize);
    let mut keep = |run: &mut dyn FnMut(&mut Vec<settled::Stashed<()>>)| {
        for _ in 0..3 {
            run(&mut room);
            room.clear();
        }
        let kept = measure(|| {
            run(&mut room);
            room.clear();
        });
        // Where so many are kept, their notes are given back with the transaction: a handful of larger pieces.
        assert!(kept.count_total <= 20, "{} for {KEPT} handles", kept.count_total);
    };
    // Before the first poll.
    keep(&mut |kept| {
        let all = scope(async {
            kept.extend((0..KEPT).map(|n| add(work(2 * n))));
            kept.clear();
        });
        all.now_or_never().unwrap().unwrap();
    });
    // After the last one.
    keep(&mut |kept| {
        let all = scope(async { kept.extend((0..KEPT).map(|n| add(work(2 * n)))) });
        all.now_or_never().unwrap().unwrap();
    });
    // When it has been awaited, there or elsewhere.
    keep(&mut |kept| {
        finish(scope(async {
            kept.extend((0..KEPT).map(|n| add(work(n))));
            for stashed in kept.drain(..) {
                stashed.await.unwrap();
            }
        }))
        .unwrap();
    });
    keep(&mut |kept| {
        let t = begin();
        kept.extend((0..KEPT).map(|n| t.add(work(n)).unwrap()));
        finish(t.end()).unwrap();
        kept.drain(..).for_each(|stashed| stashed.now_or_never().unwrap().unwrap());
    });
}

#[test]
fn a_value_that_is_handed_over_allocates_nothing() {
    let mixed = steady(|| {
        for n in 0..1_000_u64 {
            let all = scope(async {
                let (number, large) = (add_value(async move { n }), add_value(async move { [n; 8] }));
                let (text, nothing) = (add_value(async { "text" }), add_value(async {}));
                let callback = add_value(async move { (n, n) });
                assert_eq!(number.await.unwrap(), n);
                assert_eq!(large.await.unwrap(), [n; 8]);
                assert_eq!(text.await.unwrap(), "text");
                nothing.await.unwrap();
                assert_eq!(callback.await.unwrap(), (n, n));
            });
            finish(all).unwrap();
        }
    });
    // What a scope needs that is suspended.
    assert!(mixed.count_total <= 2_000, "{} for a thousand transactions", mixed.count_total);
    assert_eq!(mixed.count_current, 0);
}
