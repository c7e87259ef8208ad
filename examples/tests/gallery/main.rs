//! The gallery is whole, and every example prints what is recorded for it.
//!
//! Needs the examples themselves, which `cargo test` builds first unless it is told which tests to build.

#[path = "../../gallery/catalogue.rs"]
mod catalogue;
#[path = "../../gallery/run.rs"]
mod run;

mod command;
mod metadata;
mod todo_app;
mod weather_station;

use std::path::{Path, PathBuf};

/// Where cargo has put the examples of the profile that this test was built with.
fn programs() -> PathBuf {
    let this = std::env::current_exe().expect("a test knows where it lies");
    let programs = this.parent().and_then(Path::parent).expect("PROFILE/deps/this").join("examples");
    assert!(programs.is_dir(), "first: cargo build -p settled-examples --examples");
    programs
}

#[test]
fn every_example_prints_what_is_recorded() {
    let mut wrong = Vec::new();
    for entry in catalogue::entries() {
        let output = run::run(&programs(), &entry).expect("the example has been built");
        if let Err(why) = run::judge(&entry.name, &output) {
            wrong.push(format!("{}: {why}", entry.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn an_example_that_prints_something_else_or_fails_does_not_pass() {
    let mut entry = catalogue::entries().swap_remove(0);
    assert_eq!(entry.name, "setter");
    let mut output = run::run(&programs(), &entry).expect("the example has been built");
    let more = [output.stdout.as_slice(), b"one line more\n"].concat();
    let printed = std::mem::replace(&mut output.stdout, more);
    let why = run::judge("setter", &output).expect_err("a line more");
    assert!(why.contains("recorded: (nothing)\nprinted:  one line more"), "{why}");

    output.stdout = printed.splitn(2, |byte| *byte == b'\n').nth(1).expect("more than one line").to_vec();
    let why = run::judge("setter", &output).expect_err("a line less");
    assert!(why.starts_with("line 1 differs"), "{why}");

    entry.name = "nothing".to_string();
    assert!(run::run(&programs(), &entry).is_err(), "a program that is not there");
    output.stdout = printed;
    output.status = command::gallery(&["--nonsense"]).status;
    assert!(run::judge("setter", &output).is_err(), "it has failed, whatever it printed");
}
