//! Processes that do one thing and end.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use crate::subject::Cell;

/// Where this program and the one that counts allocations lie: `TARGET/PROFILE`.
pub fn folder() -> PathBuf {
    let program = std::env::current_exe().expect("this program lies somewhere");
    program.parent().expect("in a folder").to_path_buf()
}

/// A program of this package.
pub(super) fn program(name: &str) -> PathBuf {
    folder().join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

/// Is there such a program on this machine?
pub(super) fn is_installed(name: &str) -> bool {
    let quiet = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

/// What a program is told to run.
pub(super) fn with_cell<'a>(command: &'a mut Command, cell: &Cell, times: usize) -> &'a mut Command {
    command.arg(cell.id()).arg(cell.n.to_string()).arg(times.to_string())
}

/// Runs it and gives what it printed on stdout, and on stderr.
pub(super) fn output(command: &mut Command) -> (String, String) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{command:?}: {}\n{err}", output.status);
    (out, err)
}

/// The command that runs one subject that many times and does nothing else: for a profiler.
pub fn one(cell: &Cell, times: usize) {
    cell.subject.prepared(cell.n)(times);
}

/// Calls `f` for each, on all processors: only for what does not depend on the time it takes.
pub fn all_at_once<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let (next, results) = (Mutex::new(0..items.len()), Mutex::new(Vec::with_capacity(items.len())));
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                while let Some(index) = { next.lock().unwrap().next() } {
                    let result = f(&items[index]);
                    results.lock().unwrap().push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The folder of this package.
pub(super) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
