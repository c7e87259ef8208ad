//! Allocations: another program of this package counts them, whose allocator costs time.

use std::process::Command;

use super::process::{folder, output, package, program, with_cell};
use crate::subject::Cell;

/// Builds the program that counts, as this program was built: with the same profile, to the same place.
pub fn build_counter() {
    let folder = folder();
    let profile = folder.file_name().filter(|name| *name != "debug").unwrap_or("dev".as_ref());
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--quiet", "--bin", "counting"]).arg("--profile").arg(profile);
    cargo.arg("--manifest-path").arg(package().join("Cargo.toml"));
    cargo.arg("--target-dir").arg(folder.parent().expect("TARGET/PROFILE"));
    output(&mut cargo);
}

/// Allocations a unit, in the steady state.
pub fn allocations(cell: &Cell) -> f64 {
    let times = (2_000 / cell.n).max(1);
    let (printed, _) = output(with_cell(&mut Command::new(program("counting")), cell, times));
    printed.trim().parse().expect("a number of allocations")
}
