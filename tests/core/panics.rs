//! Panics: of a child, of its destructor, of a callback, of a body.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::task::Poll;

use futures::FutureExt;
use settled::{Failures, add, add_value, begin, block_on, current, scope, try_scope};
use support::{
    Gate, Log, Oops, Task, assert_pending, assert_ready, causes, failing, finish, on_drop, panicking, yields,
};

#[test]
fn a_child_that_panics_is_a_failure_like_any_other() {
    let log = Log::new();
    let t = begin();
    t.add(panicking("borrowed text")).unwrap();
    let number = 5;
    t.add(async move { panic!("owned text {number}") }.map(|(): ()| ())).unwrap();
    t.add(async { panic_any(7) }.map(|(): ()| ())).unwrap();
    t.add(log.step("runs on")).unwrap();
    let failures = finish(t.end()).unwrap_err();
    assert_eq!(log.take(), ["runs on"]);
    assert!(failures.iter().all(|f| f.is_panic() && !f.is_error() && f.error().is_none()));
    let messages: Vec<_> = failures.iter().map(|f| f.panic_message()).collect();
    assert_eq!(messages, [Some("borrowed text"), Some("owned text 5"), None]);
}

#[test]
fn a_panic_after_a_suspension_or_deep_below_is_caught_too() {
    let failures = finish(scope(async {
        add(yields(2).then(|()| panicking("later")));
        add(async {
            add(panicking("below"));
        });
    }))
    .unwrap_err();
    assert_eq!(causes(&failures), ["later", "below"]);
}

#[test]
fn nothing_is_poisoned_by_a_panic() {
    let log = Log::new();
    let t = begin();
    t.add(panicking("first")).unwrap();
    assert_eq!(causes(&finish(t.wait()).unwrap_err()), ["first"]);
    t.add(log.step("still works")).unwrap();
    finish(t.end()).unwrap();
    assert_eq!(log.take(), ["still works"]);
}

#[test]
fn who_awaits_a_child_that_panics_receives_the_panic() {
    finish(scope(async {
        let failure = add_value(async { panic!("received") }.map(|(): ()| 5)).await.unwrap_err();
        assert!(failure.is_panic());
        assert_eq!(failure.panic_message(), Some("received"));
    }))
    .unwrap();
}

#[test]
fn a_destructor_that_panics_is_a_failure() {
    let log = Log::new();
    let t = begin();
    let bomb = on_drop(|| panic!("in the destructor"));
    t.add(futures::future::poll_fn(move |_| {
        let _held = &bomb;
        Poll::Ready(())
    }))
    .unwrap();
    t.add(log.step("runs on")).unwrap();
    let failures = finish(t.end()).unwrap_err();
    assert_eq!(causes(&failures), ["in the destructor"]);
    assert!(failures.first().unwrap().is_panic());
    assert_eq!(log.take(), ["runs on"]);
}

#[test]
fn a_poll_and_a_destructor_that_both_panic_do_not_abort() {
    let log = Log::new();
    let t = begin();
    let bomb = on_drop(|| panic!("in the destructor"));
    t.add(futures::future::poll_fn(move |_| -> Poll<()> {
        let _held = &bomb;
        panic!("in the poll")
    }))
    .unwrap();
    t.add(log.step("runs on")).unwrap();
    let failures = finish(t.end()).unwrap_err();
    assert_eq!(causes(&failures)[0], "in the poll");
    assert_eq!(log.take(), ["runs on"]);
}

#[test]
fn a_destructor_that_panics_when_cancelled_does_not_abort() {
    let gate = Gate::new();
    let t = begin();
    let bomb = on_drop(|| panic!("in the destructor"));
    let stashed = t
        .add(gate.pass().map(move |()| {
            let _held = &bomb;
        }))
        .unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    stashed.cancel();
    let failures = assert_ready!(end.run()).unwrap_err();
    assert_eq!(causes(&failures), ["in the destructor"]);
}

#[test]
fn an_output_whose_destructor_panics_does_not_abort() {
    let log = Log::new();
    let t = begin();
    t.add_value(async { on_drop(|| panic!("in the output")) }).unwrap();
    t.add(log.step("runs on")).unwrap();
    let failures = finish(t.end()).unwrap_err();
    assert_eq!(causes(&failures), ["in the output"]);
    assert_eq!(log.take(), ["runs on"]);
}

#[test]
fn a_callback_that_panics_is_a_failure() {
    let log = Log::new();
    let t = begin();
    t.add(async {}).unwrap().on_settled(|_| panic!("in the callback"));
    t.add(failing("first")).unwrap().on_settled(|_| panic!("in the second callback"));
    t.add(log.step("runs on")).unwrap();
    let failures = finish(t.end()).unwrap_err();
    let texts = causes(&failures);
    assert!(texts.contains(&"in the callback".to_owned()), "{texts:?}");
    assert!(texts.contains(&"first".to_owned()), "{texts:?}");
    assert!(texts.contains(&"in the second callback".to_owned()), "{texts:?}");
    assert_eq!(log.take(), ["runs on"]);
}

#[test]
fn every_callback_is_told_though_one_panics() {
    let log = Log::new();
    let noted = log.clone();
    let t = begin();
    let stashed = t
        .add_value(async { 5 })
        .unwrap()
        .on_settled(|_| panic!("in the callback"))
        .on_settled(move |result| noted.note(format!("told {}", result.as_ref().unwrap())));
    assert!(finish(t.end()).is_err());
    assert_eq!(log.take(), ["told 5"]);
    assert_eq!(finish(stashed).unwrap(), 5, "the value is there all the same");
}

fn unwound<F: Future>(task: &mut Task<F>) -> Result<Poll<F::Output>, String> {
    catch_unwind(AssertUnwindSafe(|| task.run()))
        .map_err(|payload| payload.downcast_ref::<&str>().map_or_else(String::new, |text| (*text).to_owned()))
}

#[test]
fn t25_a_body_that_panics_goes_on_panicking_when_its_children_have_settled() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(scope(async {
        let _guard = log.at_drop("body dropped");
        add(gate.pass().map(|()| ()));
        add(log.step("child"));
        yields(1).await;
        panic_any("the body");
    }));
    let polled: Result<Poll<Result<(), Failures>>, _> = unwound(&mut task);
    assert_pending!(polled.expect("the children first"));
    assert_eq!(log.take(), ["child", "body dropped"], "the body itself is dropped at once");
    gate.open();
    assert_eq!(unwound(&mut task).map(|_| ()), Err("the body".to_owned()));
    assert!(current().is_none());
}

#[test]
fn a_body_that_panics_is_dropped_at_once_inside_its_transaction() {
    let (log, gate) = (Log::new(), Gate::new());
    let (noted, passed) = (log.clone(), gate.clone());
    let guard = on_drop(move || {
        noted.note(format!("inside: {}", current().is_some()));
        add(passed.pass());
    });
    let mut task = Task::new(scope(futures::future::poll_fn(move |_| -> Poll<()> {
        let _held = &guard;
        panic_any("the body")
    })));
    assert_pending!(unwound(&mut task).expect("what the destructor added comes first"));
    assert_eq!(log.take(), ["inside: true"]);
    gate.open();
    assert_eq!(unwound(&mut task).map(|_| ()), Err("the body".to_owned()));
}

#[test]
fn t25_a_try_scope_and_an_outcome_go_on_panicking_too() {
    let log = Log::new();
    let mut task = Task::new(try_scope(async {
        add(log.step("child"));
        panic_any("in try_scope");
        #[allow(unreachable_code)]
        Ok::<(), Oops>(())
    }));
    assert_eq!(unwound(&mut task).map(|_| ()), Err("in try_scope".to_owned()));
    let mut task = Task::new(
        scope(async {
            add(log.step("child"));
            panic_any("in outcome");
        })
        .outcome(),
    );
    let polled: Result<Poll<settled::Outcome<()>>, _> = unwound(&mut task);
    assert_eq!(polled.map(|_| ()), Err("in outcome".to_owned()));
    assert_eq!(log.take(), ["child", "child"]);
}

#[test]
fn an_inner_body_that_panics_can_be_caught_and_its_childrens_failures_go_up() {
    let outer = finish(scope(async {
        let inner = scope(async {
            add(failing("child of the panicked"));
            panic_any("inner body");
        });
        let caught: Result<Result<(), Failures>, _> = AssertUnwindSafe(inner).catch_unwind().await;
        assert!(caught.is_err());
        add(async {}).await.unwrap();
    }));
    // The panic told nobody of the child's failure; "never nowhere" leaves the parent.
    assert_eq!(causes(&outer.unwrap_err()), ["child of the panicked"]);
}

#[test]
fn a_body_that_panics_inside_an_added_future_is_a_failure_of_that() {
    let log = Log::new();
    let failures = finish(scope(async {
        let inner = log.clone();
        add(async move {
            let nested = scope(async {
                add(inner.step("inner child"));
                panic_any("inner body");
            });
            let result: Result<(), Failures> = nested.await;
            result
        });
    }))
    .unwrap_err();
    assert_eq!(causes(&failures), ["inner body"]);
    assert_eq!(log.take(), ["inner child"]);
}

#[test]
fn a_panic_while_unwinding_from_a_body_leaves_the_thread_usable() {
    for _ in 0..3 {
        let mut task = Task::new(scope(async {
            add(panicking("child"));
            resume_unwind(Box::new("body"));
            #[allow(unreachable_code)]
            ()
        }));
        assert_eq!(unwound(&mut task).map(|_| ()), Err("body".to_owned()));
        drop(task);
        finish(scope(async { add(yields(1)).await })).unwrap().unwrap();
    }
}

#[test]
fn a_body_and_its_value_that_both_panic_when_dropped_leave_the_thread_usable() {
    let body = || {
        let bomb = on_drop(|| panic_any("in the body's destructor"));
        scope(futures::future::poll_fn(move |_| {
            let _held = &bomb;
            Poll::Ready(on_drop(|| panic_any("in the value's destructor")))
        }))
    };
    assert_eq!(unwound(&mut Task::new(body())).map(|_| ()), Err("in the body's destructor".to_owned()));
    finish(scope(async {
        assert!(AssertUnwindSafe(body()).catch_unwind().await.is_err());
        add(yields(1)).await.unwrap();
    }))
    .unwrap();
    assert!(current().is_none());
    block_on(async {});
}
