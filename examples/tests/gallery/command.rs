//! The gallery's command line. Nothing is built here: cargo may hold its lock while it runs tests.

use std::process::{Command, Output};

use crate::{catalogue, programs};

pub(crate) fn gallery(arguments: &[&str]) -> Output {
    Command::new(programs().join("gallery")).args(arguments).output().expect("the gallery has been built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn list_names_every_example_in_learning_order() {
    let output = gallery(&["--list"]);
    assert!(output.status.success());
    let printed = text(&output.stdout);
    let names: Vec<_> = printed.lines().filter_map(|line| line.split(' ').next()).collect();
    let entries = catalogue::entries();
    assert_eq!(names, entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>());
    assert!(printed.contains(&entries[0].about));
}

#[test]
fn a_name_runs_that_example_alone() {
    let output = gallery(&["--no-build", "setter"]);
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("    the scope is over: 2 news published\n"), "{printed}");
    assert_eq!(printed.lines().last(), Some("1 passed, 0 failed"));
}

#[test]
fn an_unknown_name_is_an_error_that_names_what_is_there() {
    let entries = catalogue::entries();
    let expected = catalogue::find(&entries, "seter").expect_err("there is none of that name");
    assert!(expected.contains("no example is called `seter`; did you mean `setter`?"), "{expected}");
    assert!(entries.iter().all(|entry| expected.contains(&entry.name)), "{expected}");

    let output = gallery(&["--no-build", "seter"]);
    assert!(!output.status.success());
    assert_eq!(text(&output.stderr).trim_end(), expected);
    assert!(output.stdout.is_empty());
}

#[test]
fn an_unknown_option_is_an_error() {
    let output = gallery(&["--nonsense"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).starts_with("usage:"));
}
