//! Holds our own counts against those that are recorded in `counts.txt`. Instructions and allocations are the same at each
//! run, on a busy machine too, so that a change of a few percent is a change of the code.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::measure::{all_at_once, allocations, has_valgrind, instructions};
use crate::report::{processor, toolchain};
use crate::subject::{Cell, Kind, Workload};

/// What a count may grow by before it is a regression.
const TOLERANCE: f64 = 0.03;

/// Larger ones tell nothing more, and take long under callgrind.
const LARGEST: usize = 1_000;

struct Counts {
    line: String,
    instructions: Option<f64>,
    allocations: f64,
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.txt")
}

fn count(workloads: &'static [Workload]) -> Vec<Counts> {
    let ours = |cell: &Cell| cell.subject.kind == Kind::Ours && cell.n <= LARGEST;
    let cells: Vec<Cell> = workloads.iter().flat_map(Workload::cells).filter(ours).collect();
    let valgrind = has_valgrind();
    all_at_once(&cells, |cell| Counts {
        line: format!("{}, N = {}", cell.id(), cell.n),
        instructions: valgrind.then(|| instructions(cell)),
        allocations: allocations(cell),
    })
}

/// Where counts can be compared.
fn place() -> String {
    format!("{}, {}", toolchain(), processor())
}

/// Records the counts of today.
pub fn record(workloads: &'static [Workload]) {
    assert!(has_valgrind(), "counts are recorded with valgrind");
    let mut text = format!(
        "# instructions and allocations a unit; `cargo run --release -- check --record`\n{}\n",
        place()
    );
    for counts in count(workloads) {
        let instructions = counts.instructions.expect("there is valgrind");
        writeln!(text, "{:>8.1} | {:>6.3} | {}", instructions, counts.allocations, counts.line).unwrap();
    }
    std::fs::write(file(), text).expect("counts.txt can be written");
    eprintln!("recorded in {}", file().display());
}

/// The recorded counts of a line: instructions and allocations.
fn recorded(text: &str, line: &str) -> Option<(f64, f64)> {
    text.lines().find_map(|one| {
        let mut parts = one.split(" | ").map(str::trim);
        let (instructions, allocations) = (parts.next()?, parts.next()?);
        (parts.next() == Some(line)).then(|| Some((instructions.parse().ok()?, allocations.parse().ok()?)))?
    })
}

/// Prints what has changed. False if something has become worse.
pub fn check(workloads: &'static [Workload]) -> bool {
    let text = std::fs::read_to_string(file()).expect("counts.txt, see `check --record`");
    // Another compiler makes other instructions, and the C library chooses its own by the processor: allocations are
    // compared all the same.
    let comparable = text.lines().nth(1) == Some(&place());
    if !comparable {
        println!("recorded with another compiler or on another processor: instructions are not compared");
    }
    let counts = count(workloads);
    let (mut worse, mut better) = (0, 0);
    for Counts { line, instructions, allocations } in &counts {
        let Some((of_instructions, of_allocations)) = recorded(&text, line) else {
            println!("nothing is recorded for {line}");
            worse += 1;
            continue;
        };
        let pairs = [
            ("instructions", instructions.filter(|_| comparable), of_instructions, 1.0),
            ("allocations", Some(*allocations), of_allocations, 0.01),
        ];
        for (what, now, then, slack) in pairs {
            let Some(now) = now else { continue };
            let verdict = if now > then * (1.0 + TOLERANCE) + slack {
                worse += 1;
                "worse"
            } else if now < then * (1.0 - TOLERANCE) - slack {
                better += 1;
                "better"
            } else {
                continue;
            };
            println!("{verdict}: {now:.2} {what}, {then:.2} recorded: {line}");
        }
    }
    println!("{} cells, {worse} counts worse, {better} better", counts.len());
    if worse > 0 || better > 0 {
        println!("if that is meant: `cargo run --release -- check --record`");
    }
    worse == 0
}
