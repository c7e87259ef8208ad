//! Nanoseconds: medians of fresh processes, pinned to one processor, one subject after another.

use std::process::Command;
use std::time::Instant;

use super::process::{is_installed, output, program, with_cell};
use crate::subject::Cell;

/// Units that a process does.
const UNITS: usize = 200_000;

/// Are processes pinned to a processor here?
pub fn is_pinned() -> bool {
    is_installed("taskset")
}

/// In the process: nanoseconds a unit, once warm.
pub fn time(cell: &Cell, times: usize) -> f64 {
    let mut run = cell.subject.prepared(cell.n);
    run(times.div_ceil(4));
    let start = Instant::now();
    run(times);
    start.elapsed().as_nanos() as f64 / (cell.n * times) as f64
}

/// Of each cell the median over as many processes as there are rounds. Cells that are to be compared stand beside each
/// other, so that what else the machine does meets all of them.
pub fn nanoseconds(cells: &[Cell], rounds: usize) -> Vec<f64> {
    let pinned = is_pinned();
    let mut samples = vec![Vec::with_capacity(rounds); cells.len()];
    for _ in 0..rounds {
        for (cell, samples) in cells.iter().zip(&mut samples) {
            let mut command =
                if pinned { Command::new("taskset") } else { Command::new(program("settled-benches")) };
            if pinned {
                // Not the first processor, which has the interrupts.
                let last = std::thread::available_parallelism().map_or(1, usize::from) - 1;
                command.arg("-c").arg(last.to_string()).arg(program("settled-benches"));
            }
            let times = (UNITS / cell.n).max(2);
            let (printed, _) = output(with_cell(command.arg("time"), cell, times));
            samples.push(printed.trim().parse::<f64>().expect("a number of nanoseconds"));
        }
    }
    samples.into_iter().map(median).collect()
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
