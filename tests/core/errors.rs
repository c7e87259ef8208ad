//! What errors print: one line a failure, with its location and its cause.

use std::error::Error;

use settled::{Failures, ScopeError, add, begin, current, scope, try_scope};
use support::{Oops, failing, finish, panicking, yields};

/// Each of `wanted` (a line of this file, a cause) is on exactly one line, and no line is without.
fn one_line_each(text: &str, wanted: &[(u32, &str)]) {
    for (line, cause) in wanted {
        let place = format!("{}:{line}", file!());
        let lines: Vec<_> = text.lines().filter(|l| l.contains(&place) && l.contains(cause)).collect();
        assert_eq!(lines.len(), 1, "{place} {cause} in:\n{text}");
    }
    let failures = text.lines().filter(|line| line.contains(file!())).count();
    assert_eq!(failures, wanted.len(), "{text}");
    assert!(text.lines().count() <= wanted.len() + 1, "at most a heading besides:\n{text}");
}

fn three() -> (Failures, [u32; 3]) {
    let first = line!() + 2;
    let failures = finish(scope(async {
        add(failing("disk full"));
        add(panicking("out of range"));
        add(async {
            yields(1).await;
            Err::<(), _>("just text")
        });
    }))
    .unwrap_err();
    (failures, [first, first + 1, first + 2])
}

#[test]
fn failures_print_one_line_each() {
    let (failures, [a, b, c]) = three();
    let wanted = [(a, "disk full"), (b, "out of range"), (c, "just text")];
    one_line_each(&failures.to_string(), &wanted);
    one_line_each(&format!("{failures:?}"), &wanted);
}

#[test]
fn a_failure_prints_its_line() {
    let (failures, [a, b, c]) = three();
    for (failure, wanted) in failures.iter().zip([(a, "disk full"), (b, "out of range"), (c, "just text")]) {
        one_line_each(&failure.to_string(), &[wanted]);
        one_line_each(&format!("{failure:?}"), &[wanted]);
    }
}

#[test]
fn what_was_left_out_is_counted_in_print() {
    let failures = finish(scope(async {
        for _ in 0..71 {
            add(failing("again"));
        }
    }))
    .unwrap_err();
    for text in [failures.to_string(), format!("{failures:?}")] {
        assert_eq!(text.lines().filter(|line| line.contains("again")).count(), 64, "{text}");
        assert!(text.lines().any(|line| line.contains('7') && !line.contains("again")), "7 omitted: {text}");
    }
}

#[test]
fn a_scope_error_prints_its_failures_or_its_cause() {
    let line = line!() + 2;
    let error = finish(try_scope(async {
        add(failing("disk full"));
        add(failing("no paper"));
        Ok::<_, Oops>(())
    }))
    .unwrap_err();
    let wanted = [(line, "disk full"), (line + 1, "no paper")];
    one_line_each(&error.to_string(), &wanted);
    one_line_each(&format!("{error:?}"), &wanted);

    let error = finish(try_scope(async { Err::<(), _>(Oops("the body".into())) })).unwrap_err();
    assert!(error.to_string().contains("the body"));
    assert!(format!("{error:?}").contains("the body"));
}

#[test]
fn errors_can_be_handed_on_with_a_question_mark() {
    fn main() -> Result<(), Box<dyn Error>> {
        let t = begin();
        t.add(failing("handed on"))?;
        finish(t.end())?;
        Ok(())
    }
    let error = main().unwrap_err();
    assert!(error.to_string().contains("handed on"));
    assert!(error.downcast_ref::<Failures>().is_some());

    fn in_try_scope() -> Result<(), Box<dyn Error + Send + Sync>> {
        finish(try_scope(async {
            add(failing("handed on"));
            Ok::<_, Oops>(())
        }))?;
        Ok(())
    }
    let error = in_try_scope().unwrap_err();
    assert!(matches!(error.downcast_ref::<ScopeError<Oops>>(), Some(ScopeError::Failed(_))));
}

#[test]
fn other_failures_print_what_they_are() {
    let t = begin();
    let cancelled = t.add(std::future::pending::<()>()).unwrap();
    cancelled.cancel();
    finish(t.end()).unwrap();
    let line = line!() - 3;
    let failure = finish(cancelled).unwrap_err();
    let text = failure.to_string();
    assert!(text.contains(&format!("{}:{line}", file!())), "{text}");
    assert!(text.contains("cancel"), "{text}");

    finish(scope(async {
        let text = current().unwrap().end().await.unwrap_err().to_string();
        assert!(text.contains("wait") || text.contains("deadlock"), "{text}");
    }))
    .unwrap();

    let closed = begin();
    finish(closed.end()).unwrap();
    let failure = finish(closed.gather([async {}])).unwrap_err();
    assert!(failure.to_string().contains("closed"), "{failure}");
}

#[test]
fn failures_are_cloned_cheaply_and_tell_the_same() {
    let (failures, _) = three();
    let again = failures.clone();
    assert_eq!(again.to_string(), failures.to_string());
    let first = failures.first().unwrap().clone();
    drop(failures);
    assert_eq!(first.to_string(), again.first().unwrap().to_string());
    assert!(first.downcast_ref::<Oops>().is_some());
}

#[test]
fn no_failures_are_none() {
    let outcome = finish(scope(async {}).outcome());
    assert!(outcome.failures.is_empty());
    assert_eq!((outcome.failures.len(), outcome.failures.omitted()), (0, 0));
    assert!(outcome.failures.first().is_none());
    assert!(outcome.failures.iter().next().is_none());
}

#[test]
fn a_cause_is_the_failure_without_its_place() {
    let failures = finish(scope(async {
        add(failing("disk full"));
        add(panicking("oops"));
    }))
    .unwrap_err();
    let causes: Vec<String> = failures.iter().map(|failure| failure.cause().to_string()).collect();
    assert_eq!(causes, ["disk full", "panicked: oops"]);
    for failure in &failures {
        assert_eq!(failure.to_string(), format!("{}: {}", failure.location(), failure.cause()));
    }
}

#[test]
fn a_scope_error_gives_its_failures() {
    let failed = finish(settled::try_scope(async {
        add(failing("it"));
        Ok::<_, support::Oops>(())
    }));
    assert_eq!(failed.unwrap_err().failures().unwrap().len(), 1);
    let body = finish(settled::try_scope(async { Err::<(), _>("its own") }));
    assert!(body.unwrap_err().failures().is_none());
}
