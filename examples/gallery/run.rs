//! Runs the examples' programs, and compares what they print with what is recorded.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Where the output of an example is recorded.
pub(crate) fn recording(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("expected").join(name).with_extension("txt")
}

/// Runs an example that has been built into `programs`.
pub(crate) fn run(programs: &Path, name: &str) -> io::Result<Output> {
    let program = programs.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    let run = Command::new(&program).stdin(Stdio::null()).output();
    run.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", program.display())))
}

/// Whether an example has ended well and printed what is recorded for it.
///
/// # Errors
///
/// If not: a message that tells what is wrong.
pub(crate) fn judge(name: &str, output: &Output) -> Result<(), String> {
    if !output.status.success() {
        return Err(format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    let recorded = std::fs::read_to_string(recording(name)).map_err(|_| "nothing is recorded for it")?;
    first_difference(&recorded, &String::from_utf8_lossy(&output.stdout)).map_or(Ok(()), Err)
}

/// Compares line by line, as git may have changed how lines end.
fn first_difference(recorded: &str, printed: &str) -> Option<String> {
    let (mut recorded, mut printed) = (recorded.lines(), printed.lines());
    let mut number = 1;
    loop {
        match (recorded.next(), printed.next()) {
            (None, None) => return None,
            (expected, found) if expected == found => number += 1,
            (expected, found) => {
                let [expected, found] = [expected, found].map(|line| line.unwrap_or("(nothing)"));
                return Some(format!("line {number} differs\nrecorded: {expected}\nprinted:  {found}"));
            }
        }
    }
}
