//! Runs the examples' programs, and compares what they print with what is recorded.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};

use crate::catalogue::Entry;

/// Where the output of an example is recorded.
pub(crate) fn recording(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("expected").join(name).with_extension("txt")
}

/// Runs an example that has been built into `programs`: all of its runs, up to the first that fails, as if they were one.
pub(crate) fn run(programs: &Path, entry: &Entry) -> io::Result<Output> {
    let program = programs.join(&entry.name).with_extension(std::env::consts::EXE_EXTENSION);
    let folder = tempfile::tempdir()?;
    let place = |argument: &String| {
        let folder = folder.path().to_string_lossy();
        argument.replace("{folder}", &folder).replace("{here}", env!("CARGO_MANIFEST_DIR"))
    };
    let mut all = Output { status: ExitStatus::default(), stdout: Vec::new(), stderr: Vec::new() };
    for arguments in &entry.runs {
        let run = Command::new(&program).args(arguments.iter().map(place)).stdin(Stdio::null()).output();
        let output =
            run.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", program.display())))?;
        all.status = output.status;
        all.stdout.extend(output.stdout);
        all.stderr.extend(output.stderr);
        if !all.status.success() {
            break;
        }
    }
    Ok(all)
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
