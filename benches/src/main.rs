//! Prints what adding, settling, notifying and setting cost, beside the same with peers. See `README.md`.

use std::process::ExitCode;

use settled_benches::subject::{Cell, Workload};
use settled_benches::workloads::WORKLOADS;
use settled_benches::{gate, measure, report};

const USAGE: &str = "\
usage: cargo run --release -- [OPTIONS] [WORKLOAD..]

  WORKLOAD..         w1, w2, w3, w4, w5; all if none is named
  --rounds NUMBER    processes for each figure in nanoseconds (default 9)
  --record           put the tables into README.md, and the counts of `check` into counts.txt

  check [--record]   hold instructions and allocations against counts.txt
  list               the subjects' names
  one ID N TIMES     run one subject, TIMES rounds of N units, and nothing else: for a profiler";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["list"] => {
            let ids =
                WORKLOADS.iter().flat_map(Workload::cells).map(|cell| format!("{:7} {}", cell.n, cell.id()));
            ids.for_each(|id| println!("{id}"));
            Some(true)
        }
        [how @ ("one" | "time"), id, n, times] => run(how, id, n, times),
        ["check"] => {
            measure::build_counter();
            Some(gate::check(WORKLOADS))
        }
        ["check", "--record"] => {
            measure::build_counter();
            gate::record(WORKLOADS);
            Some(true)
        }
        words => tables(words),
    };
    match done {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::FAILURE,
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// In a process that does this and ends.
fn run(how: &str, id: &str, n: &str, times: &str) -> Option<bool> {
    let cell = Cell::find(WORKLOADS, id, n.parse().ok()?)?;
    let times = times.parse().ok()?;
    match how {
        "time" => println!("{}", measure::time(&cell, times)),
        _ => measure::one(&cell, times),
    }
    Some(true)
}

fn tables(mut words: &[&str]) -> Option<bool> {
    let (mut record, mut rounds, mut chosen) = (false, 9, Vec::new());
    while let [word, rest @ ..] = words {
        words = rest;
        match *word {
            "--record" => record = true,
            "--rounds" => {
                let [number, rest @ ..] = rest else { return None };
                rounds = number.parse().ok().filter(|rounds| *rounds > 0)?;
                words = rest;
            }
            name => chosen.push(WORKLOADS.iter().find(|workload| workload.id == name)?),
        }
    }
    if chosen.is_empty() {
        chosen.extend(WORKLOADS);
    } else if record {
        eprintln!("what is recorded is all of it, in one run");
        return None;
    }
    report::prepare();
    let mut text = report::circumstances(rounds);
    print!("{text}");
    for workload in chosen {
        let tables = report::tables(workload, rounds);
        print!("\n{tables}");
        text.push('\n');
        text.push_str(&tables);
    }
    if record {
        report::record(text.trim_end());
        gate::record(WORKLOADS);
    }
    Some(true)
}
