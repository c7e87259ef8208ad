//! Prints what a unit allocates, in the steady state: `counting ID N TIMES`. Started by `settled-benches`.

use std::alloc::System;

use settled_benches::subject::Cell;
use settled_benches::workloads::WORKLOADS;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Rounds before it is counted.
const WARM: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [id, n, times] = arguments.as_slice() else { panic!("counting ID N TIMES") };
    let (n, times) = (n.parse().expect("a number"), times.parse().expect("a number"));
    let cell = Cell::find(WORKLOADS, id, n).expect("a known subject");
    let mut run = cell.subject.prepared(n);
    run(WARM);
    let region = Region::new(ALLOCATOR);
    run(times);
    let change = region.change();
    println!("{}", (change.allocations + change.reallocations) as f64 / (n * times) as f64);
}
