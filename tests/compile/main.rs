//! What must not compile, and what the compiler then says; and what must compile without a warning.
//!
//! The messages are recorded: what they say is a promise too. Where one has changed and is still a good one:
//! `TRYBUILD=overwrite cargo test -p settled-tests --test compile`.

mod dropped;

use std::process::Command;

/// The compiler that the messages were recorded with. Others word them otherwise.
const RECORDED: &str = "rustc 1.95.";

fn is_recorded_compiler() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let version = Command::new(rustc).arg("--version").output().expect("there is a compiler");
    version.stdout.starts_with(RECORDED.as_bytes())
}

#[test]
fn what_must_not_compile_says_why_and_what_to_do() {
    if is_recorded_compiler() {
        trybuild::TestCases::new().compile_fail("compile/fail/*.rs");
    } else {
        println!("the messages are recorded with {RECORDED}x");
    }
}
