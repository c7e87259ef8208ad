//! Tables, and the block of `README.md` that is made of them.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measure::{
    self, Cost, all_at_once, allocations, has_valgrind, instructions, is_pinned, nanoseconds,
};
use crate::subject::{Case, Cell, Kind, Workload};

const BEGIN: &str = "<!-- recorded by `cargo run --release -- --record`: begin -->\n";
const END: &str = "<!-- recorded: end -->";

/// Measures a workload, case by case, and gives its tables.
pub fn tables(workload: &'static Workload, rounds: usize) -> String {
    let mut text = format!("### {}\n", workload.title);
    for case in workload.cases {
        let cells: Vec<Cell> = workload.cells().filter(|cell| cell.case.id == case.id).collect();
        let costs = costs(&cells, rounds);
        write!(text, "\n{}:\n\n{}", case.title, table(case, &costs)).unwrap();
    }
    text
}

/// What is measured alone comes first, then what may run on all processors.
fn costs(cells: &[Cell], rounds: usize) -> Vec<Cost> {
    let nanoseconds = nanoseconds(cells, rounds);
    let instructions = if has_valgrind() { Some(all_at_once(cells, instructions)) } else { None };
    let allocations = all_at_once(cells, allocations);
    (0..cells.len())
        .map(|index| Cost {
            nanoseconds: nanoseconds[index],
            instructions: instructions.as_ref().map(|counts| counts[index]),
            allocations: allocations[index],
        })
        .collect()
}

/// Costs come by size, then by subject, as cells do; lines are subjects.
fn table(case: &Case, costs: &[Cost]) -> String {
    let columns: Vec<&[Cost]> = costs.chunks(case.subjects.len()).collect();
    let mut text = String::from("| ns / instructions / allocations |");
    case.sizes.iter().for_each(|n| write!(text, " N = {} |", grouped(*n)).unwrap());
    text.push_str("\n| --- |");
    case.sizes.iter().for_each(|_| text.push_str(" --- |"));
    for (index, subject) in case.subjects.iter().enumerate() {
        let name = match subject.kind {
            Kind::Ours => format!("**{}**", subject.name),
            Kind::Peer => subject.name.to_string(),
            Kind::Yardstick => format!("_{}_", subject.name),
        };
        write!(text, "\n| {name} |").unwrap();
        for column in &columns {
            let cost = column[index];
            let ratio = cost.nanoseconds / best_peer(case, column);
            let told = if subject.kind == Kind::Ours { format!(" ({ratio:.2}x)") } else { String::new() };
            let count = cost.instructions.map_or("-".to_string(), |count| format!("{count:.0}"));
            write!(text, " {:.1}{told} / {count} / {:.2} |", cost.nanoseconds, cost.allocations).unwrap();
        }
    }
    text.push('\n');
    text
}

fn best_peer(case: &Case, column: &[Cost]) -> f64 {
    let peers = case.subjects.iter().zip(column).filter(|(subject, _)| subject.kind == Kind::Peer);
    peers.map(|(_, cost)| cost.nanoseconds).fold(f64::INFINITY, f64::min)
}

fn grouped(n: usize) -> String {
    if n < 1_000 { n.to_string() } else { format!("{},{:03}", n / 1_000, n % 1_000) }
}

/// Under which circumstances.
pub fn circumstances(rounds: usize) -> String {
    let model = processor();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let pinned = if is_pinned() { "pinned" } else { "not pinned, for want of taskset" };
    let (rustc, target) = (toolchain(), std::env::consts::ARCH);
    format!("{rustc}, {target}, {processors} of {model}; medians of {rounds} processes, {pinned}.\n")
}

/// What runs this, as it calls itself.
pub fn processor() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("an unknown processor", |(_, name)| name).to_string()
}

/// What builds this, as it calls itself.
pub fn toolchain() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    output.map_or("an unknown rustc".to_string(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_string()
    })
}

/// Puts the report where `README.md` has the last one.
pub fn record(report: &str) {
    let readme: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&readme).expect("there is a README.md");
    let (before, rest) = text.split_once(BEGIN).expect("README.md has the mark of the beginning");
    let (_, after) = rest.split_once(END).expect("README.md has the mark of the end");
    std::fs::write(&readme, format!("{before}{BEGIN}\n{report}\n{END}{after}"))
        .expect("README.md can be written");
    eprintln!("recorded in {}", readme.display());
}

/// Before anything is counted.
pub fn prepare() {
    measure::build_counter();
    if !has_valgrind() {
        eprintln!("without valgrind there are no instruction counts");
    }
}
