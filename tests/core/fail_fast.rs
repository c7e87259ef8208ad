//! `fail_fast`: the first failure cancels the rest.

use futures::FutureExt;
use settled::{Stashed, Transaction, add, begin, current, scope};
use support::{
    Gate, Log, Oops, Task, assert_pending, assert_ready, cause, causes, failing, finish, on_drop, panicking,
    yields,
};

fn never(log: &Log, name: &str) -> impl Future<Output = ()> + Send + use<> + 'static {
    let guard = log.at_drop(name);
    std::future::pending::<()>().map(move |()| drop(guard))
}

#[test]
fn a_failure_cancels_the_rest_and_is_reported_once() {
    for fail in [failing("it").boxed(), panicking("it").map(|()| Ok(())).boxed()] {
        let log = Log::new();
        let told = log.clone();
        let t = Transaction::builder().fail_fast().begin();
        t.add(never(&log, "pending")).unwrap().on_settled(move |result| {
            assert!(result.as_ref().unwrap_err().is_cancelled());
            told.note("told");
        });
        t.add(fail).unwrap();
        let queued: Stashed<()> = t.add(log.step("never polled")).unwrap();
        assert_eq!(causes(&finish(t.end()).unwrap_err()), ["it"]);
        let mut lines = log.take();
        lines.sort();
        assert_eq!(lines, ["pending", "told"]);
        assert!(finish(queued).unwrap_err().is_cancelled());
    }
}

#[test]
fn without_it_the_rest_runs_on() {
    let log = Log::new();
    let t = begin();
    t.add(failing("it")).unwrap();
    t.add(log.step("runs")).unwrap();
    assert!(finish(t.end()).is_err());
    assert_eq!(log.take(), ["runs"]);
}

#[test]
fn what_is_added_after_the_failure_is_cancelled_too() {
    let log = Log::new();
    let result = finish(Transaction::builder().fail_fast().scope(async {
        add(failing("it"));
        yields(2).await;
        let late = add(log.step("late"));
        assert!(!late.is_settled());
        assert!(late.await.unwrap_err().is_cancelled());
        scope(async {
            assert!(add(log.step("late and below")).await.unwrap_err().is_cancelled());
        })
        .await
        .unwrap();
        let inner = begin();
        assert!(inner.add(log.step("late in a begun one")).unwrap().await.unwrap_err().is_cancelled());
        inner.end().await.unwrap();
        log.note("the body runs on to its end");
    }));
    assert_eq!(causes(&result.unwrap_err()), ["it"]);
    assert_eq!(log.take(), ["the body runs on to its end"]);
}

#[test]
fn a_failure_from_deep_below_counts_when_the_futures_between_are_done() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = Transaction::builder().fail_fast().begin();
    let passed = gate.clone();
    let inner = log.clone();
    t.add(async move {
        add(failing("deep"));
        add(never(&inner, "beside it"));
        passed.pass().await;
    })
    .unwrap();
    t.add(never(&log, "far from it")).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert!(log.take().is_empty(), "its parent may still receive it");
    gate.open();
    assert_eq!(causes(&assert_ready!(end.run()).unwrap_err()), ["deep"]);
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["beside it", "far from it"]);
}

#[test]
fn a_failure_below_what_is_done_counts_at_once() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = Transaction::builder().fail_fast().begin();
    let passed = gate.clone();
    let inner = log.clone();
    t.add(async move {
        add(async move {
            add(never(&inner, "beside it"));
            add(passed.pass().then(|()| failing("deep")));
        });
    })
    .unwrap();
    t.add(never(&log, "far from it")).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    gate.open();
    assert_eq!(causes(&assert_ready!(end.run()).unwrap_err()), ["deep"]);
    assert_eq!(log.take().len(), 2);
}

#[test]
fn a_failure_that_a_child_received_cancels_nothing() {
    let log = Log::new();
    let noted = log.clone();
    finish(Transaction::builder().fail_fast().scope(async {
        add(async move {
            assert_eq!(cause(&add(failing("received")).await.unwrap_err()), "received");
            let failed = scope(async {
                add(failing("in a scope"));
            });
            assert!(failed.await.is_err());
            add(failing("drained by a wait"));
            assert!(current().unwrap().wait().await.is_err());
            noted.note("goes on");
        });
        add(log.step("sibling"));
    }))
    .unwrap();
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["goes on", "sibling"]);
}

#[test]
fn a_failure_of_a_begun_one_counts_when_that_closes() {
    let log = Log::new();
    let t = Transaction::builder().fail_fast().begin();
    let inner = t.enter(begin);
    inner.add(failing("inner")).unwrap();
    t.add(never(&log, "cancelled")).unwrap();
    let mut wait = Task::new(t.wait());
    assert_pending!(wait.run());
    assert!(log.take().is_empty());
    drop(inner);
    assert_eq!(causes(&assert_ready!(wait.run()).unwrap_err()), ["inner"]);
    assert_eq!(log.take(), ["cancelled"]);
    finish(t.end()).unwrap();
}

#[test]
fn bodies_below_run_on() {
    let log = Log::new();
    let result = finish(Transaction::builder().fail_fast().scope(async {
        let inner = scope(async {
            add(never(&log, "child of the inner body"));
            yields(5).await;
            log.note("inner body");
        });
        add(async {
            yields(1).await;
            Err::<(), _>(Oops("it".into()))
        });
        inner.await.unwrap();
        log.note("body");
    }));
    assert_eq!(causes(&result.unwrap_err()), ["it"]);
    assert_eq!(log.take(), ["child of the inner body", "inner body", "body"]);
}

#[test]
fn it_is_its_own_and_the_one_above_runs_on() {
    let log = Log::new();
    let outer = begin();
    outer
        .add(yields(9).then({
            let log = log.clone();
            move |()| log.step("outer")
        }))
        .unwrap();
    let inner = outer.enter(|| Transaction::builder().fail_fast().begin());
    inner.add(failing("inner")).unwrap();
    inner.add(log.step("never")).unwrap();
    assert_eq!(causes(&finish(outer.end()).unwrap_err()), ["inner"]);
    assert_eq!(log.take(), ["outer"]);
}

#[test]
fn a_goodbye_of_what_is_cancelled_goes_above_and_runs() {
    let log = Log::new();
    let noted = log.clone();
    let failures = finish(scope(async {
        let result = Transaction::builder().fail_fast().scope(async {
            let guard = on_drop(move || {
                add(noted.step("goodbye"));
            });
            add(async move {
                let _guard = guard;
                futures::pending!();
            });
            add(failing("it"));
        });
        assert_eq!(causes(&result.await.unwrap_err()), ["it"]);
    }));
    failures.unwrap();
    assert_eq!(log.take(), ["goodbye"]);
}

#[test]
fn what_is_handed_up_to_it_counts() {
    let log = Log::new();
    let result = finish(Transaction::builder().fail_fast().scope(async {
        let handed_up = settled::try_scope(async {
            add(failing("handed up"));
            Err::<(), _>("its error is told instead")
        });
        assert!(handed_up.await.is_err());
        assert!(add(log.step("never")).await.unwrap_err().is_cancelled());
    }));
    assert_eq!(causes(&result.unwrap_err()), ["handed up"]);
}

#[test]
fn it_goes_with_a_limit() {
    let log = Log::new();
    let t = Transaction::builder().limit(1).fail_fast().begin();
    t.add(failing("it")).unwrap();
    let in_line: Vec<Stashed<()>> = (0..3).map(|_| t.add(log.step("never")).unwrap()).collect();
    assert_eq!(causes(&finish(t.end()).unwrap_err()), ["it"]);
    for stashed in in_line {
        assert!(finish(stashed).unwrap_err().is_cancelled());
    }
    assert!(log.take().is_empty());
}
