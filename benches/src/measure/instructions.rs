//! Instructions: a process runs under callgrind twice, the second time longer; the difference is what is counted. Start and
//! end of the process, and what is made once, fall away.

use std::process::Command;

use super::process::{is_installed, output, program, with_cell};
use crate::subject::Cell;

/// Without it there are no instruction counts.
pub fn has_valgrind() -> bool {
    is_installed("valgrind")
}

/// Instructions a unit.
pub fn instructions(cell: &Cell) -> f64 {
    let warm = (200 / cell.n).max(2);
    let more = (2_000 / cell.n).max(1);
    let [short, long] = [warm, warm + more].map(|times| collected(cell, times));
    (long - short) as f64 / (more * cell.n) as f64
}

fn collected(cell: &Cell, times: usize) -> i64 {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program("settled-benches"));
    let (_, log) = output(with_cell(command.arg("one"), cell, times));
    let number = log.lines().find_map(|line| line.split_once("Collected :")).map(|(_, number)| number.trim());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("callgrind tells no count:\n{log}"))
}
