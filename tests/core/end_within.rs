//! `end_within`: an end, but not longer than a timer takes.

use std::error::Error;

use settled::{EndError, EndWithin, Failures, State, begin, current, scope};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use support::{Gate, Task, assert_pending, assert_ready, causes, failing, finish};

assert_impl_all!(EndWithin<std::future::Pending<()>>: Future<Output = Result<(), EndError>>, Send, std::fmt::Debug);
assert_not_impl_any!(EndWithin<NotSend>: Send);

/// A timer that is not `Send`.
struct NotSend(std::marker::PhantomData<*const ()>);

assert_impl_all!(EndError: Error, Clone, Send, Sync);

#[test]
fn all_that_settles_in_time_is_as_with_end() {
    let t = begin();
    t.add(async {}).unwrap();
    finish(t.end_within(std::future::pending())).unwrap();
    assert_eq!(t.state(), State::Closed);
    let t = begin();
    t.add(failing("it")).unwrap();
    let ended = finish(t.end_within(std::future::pending()));
    let Err(EndError::Failed(failures)) = ended else { panic!("{ended:?}") };
    let _: &Failures = &failures;
    assert_eq!(causes(&failures), ["it"]);
}

#[test]
fn after_the_time_it_is_left_ending_and_end_can_be_called_again() {
    let (work, time) = (Gate::new(), Gate::new());
    let t = begin();
    t.add(failing("it")).unwrap();
    t.add(work.pass()).unwrap();
    let mut end = Task::new(t.end_within(time.pass()));
    assert_pending!(end.run());
    time.open();
    let ended = assert_ready!(end.run());
    assert!(matches!(ended, Err(EndError::Timeout)), "{ended:?}");
    assert_eq!(t.state(), State::Ending);
    let mut again = Task::new(t.end());
    assert_pending!(again.run());
    work.open();
    assert_eq!(causes(&assert_ready!(again.run()).unwrap_err()), ["it"]);
}

#[test]
fn settled_when_the_time_is_over_it_is_in_time() {
    let t = begin();
    t.add(async {}).unwrap();
    finish(t.end_within(std::future::ready(()))).unwrap();
}

#[test]
fn it_does_not_wait_for_itself() {
    let ended = finish(scope(async { current().unwrap().end_within(std::future::pending()).await }));
    let Err(EndError::Failed(failures)) = ended.unwrap() else { panic!("expected a failure") };
    assert!(failures.first().unwrap().is_would_deadlock());
}

#[test]
fn its_error_says_what_happened() {
    assert!(EndError::Timeout.to_string().contains("in time"));
    assert_eq!(format!("{:?}", EndError::Timeout), "Timeout");
    let t = begin();
    t.add(failing("the cause")).unwrap();
    let error = finish(t.end_within(std::future::pending())).unwrap_err();
    assert!(error.to_string().ends_with("the cause"));
    assert!(error.source().is_some());
}
