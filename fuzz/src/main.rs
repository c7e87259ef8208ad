//! The fuzz target over random bytes. See `README.md`.

use std::panic::catch_unwind;
use std::path::Path;
use std::process::ExitCode;

use fastrand::Rng;
use settled_fuzz::{check, quiet_children};
use support::program::Program;

const USAGE: &str = "\
usage: random PROGRAMS [SEED]    so many programs; the same ones for the same seed (default 1)
       random FILE..             the programs that these files are, as libFuzzer and this leave them";

/// Longer ones find no more, and take longer.
const LONGEST: usize = 160;

/// Bytes of one program. Short ones are as likely as long ones.
fn bytes(random: &mut Rng) -> Vec<u8> {
    let length = random.usize(4..=LONGEST);
    (0..length).map(|_| random.u8(..)).collect()
}

/// Takes out what is not needed for it to fail.
fn shortened(mut bytes: Vec<u8>) -> Vec<u8> {
    let fails = |bytes: &[u8]| catch_unwind(|| check(bytes)).is_err();
    let mut length = bytes.len() / 2;
    while length > 0 {
        let mut start = 0;
        while start + length <= bytes.len() {
            let shorter = [&bytes[..start], &bytes[start + length..]].concat();
            if fails(&shorter) {
                bytes = shorter;
            } else {
                start += length;
            }
        }
        length /= 2;
    }
    bytes
}

fn many(programs: u64, seed: u64) -> ExitCode {
    for number in 0..programs {
        // A seed for each, so that one can be had without those before it.
        let bytes = bytes(&mut Rng::with_seed(seed.wrapping_add(number)));
        if catch_unwind(|| check(&bytes)).is_err() {
            // That has told what is wrong; the shorter ones would tell it many times.
            std::panic::set_hook(Box::new(|_| {}));
            let bytes = shortened(bytes);
            let file = format!("crash-{}", seed.wrapping_add(number));
            std::fs::write(&file, &bytes).expect("this folder can be written to");
            eprintln!("program {number} is kept in {file}, shortened:\n{:#?}", Program::from_bytes(&bytes));
            return ExitCode::FAILURE;
        }
    }
    println!("{programs} programs kept all promises, seed {seed}");
    ExitCode::SUCCESS
}

fn main() -> ExitCode {
    quiet_children();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Option<Vec<u64>> = arguments.iter().map(|text| text.parse().ok()).collect();
    match (numbers.as_deref(), arguments.is_empty()) {
        (Some([programs]), _) => many(*programs, 1),
        (Some([programs, seed]), _) => many(*programs, *seed),
        (None, false) if arguments.iter().all(|file| Path::new(file).is_file()) => {
            arguments.iter().for_each(|file| check(&std::fs::read(file).expect("a file that can be read")));
            println!("{} programs kept all promises", arguments.len());
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
