//! Runs the examples in learning order, shows what each prints, and compares that with what is recorded for it.
//!
//! Run it: `cargo run --example gallery [-- [--list] [--record] [--no-build] [NAME..]]`
//!
//! It prints a line about each example and what that printed, then how many passed and failed; what the examples say
//! on stderr goes to stderr. It fails when an example fails or prints something else than is recorded.

mod catalogue;
mod run;

use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use catalogue::Entry;

const USAGE: &str = "\
usage: cargo run --example gallery [-- [OPTIONS] [NAME..]]

  NAME..      run these examples only
  --list      list the examples, run none
  --record    record what the examples print instead of comparing it
  --no-build  run what has been built before, as it is";

#[derive(Default)]
struct Options {
    list: bool,
    record: bool,
    no_build: bool,
    names: Vec<String>,
}

fn options() -> Result<Options, String> {
    let mut options = Options::default();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--list" => options.list = true,
            "--record" => options.record = true,
            "--no-build" => options.no_build = true,
            option if option.starts_with('-') => return Err(USAGE.to_string()),
            _ => options.names.push(argument),
        }
    }
    Ok(options)
}

/// Builds the examples as this program itself was built: with the same profile, to the same place.
fn build(programs: &Path, chosen: &[&Entry]) -> Result<(), String> {
    // TARGET/PROFILE/examples
    let folder = programs.parent().ok_or("this program has been moved")?;
    let target = folder.parent().ok_or("this program has been moved")?;
    let profile = folder.file_name().filter(|name| *name != "debug").unwrap_or("dev".as_ref());
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
    cargo.arg("--target-dir").arg(target).arg("--profile").arg(profile);
    cargo.args(chosen.iter().flat_map(|entry| ["--example", &entry.name]));
    let status = cargo.status().map_err(|error| format!("cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err("the examples do not build".to_string()) }
}

fn indent(text: &[u8]) -> String {
    String::from_utf8_lossy(text).lines().map(|line| format!("    {line}\n")).collect()
}

/// Runs one example and shows it. Tells whether it passed.
fn show(programs: &Path, entry: &Entry, record: bool) -> bool {
    println!("{}: {}\n", entry.name, entry.about);
    let verdict = run::run(programs, entry).map_err(|error| error.to_string()).and_then(|output| {
        print!("{}", indent(&output.stdout));
        stdout().flush().ok();
        if record && output.status.success() {
            std::fs::write(run::recording(&entry.name), &output.stdout).map_err(|error| error.to_string())?;
        }
        run::judge(&entry.name, &output)?;
        stderr().write_all(indent(&output.stderr).as_bytes()).ok();
        Ok(())
    });
    match &verdict {
        Ok(()) => println!(),
        Err(why) => println!("\n  FAILED: {}\n", why.trim_end().replace('\n', "\n  ")),
    }
    verdict.is_ok()
}

fn gallery() -> Result<bool, String> {
    let options = options()?;
    let entries = catalogue::entries();
    let chosen: Vec<&Entry> = match options.names.as_slice() {
        [] => entries.iter().collect(),
        names => names.iter().map(|name| catalogue::find(&entries, name)).collect::<Result<_, _>>()?,
    };
    if options.list {
        let width = chosen.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
        chosen.iter().for_each(|entry| println!("{:width$}  {}", entry.name, entry.about));
        return Ok(true);
    }
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let programs: PathBuf = program.parent().ok_or("this program lies nowhere")?.to_path_buf();
    if !options.no_build {
        build(&programs, &chosen)?;
    }
    let passed = chosen.iter().filter(|entry| show(&programs, entry, options.record)).count();
    let done = if options.record { "recorded" } else { "passed" };
    println!("{passed} {done}, {} failed", chosen.len() - passed);
    Ok(passed == chosen.len())
}

fn main() -> ExitCode {
    match gallery() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}
