//! The metadata against the files.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::catalogue;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names of those in a folder of the package that `name` finds to be one.
fn names(folder: &Path, name: impl Fn(&Path) -> Option<&OsStr>) -> BTreeSet<String> {
    let entries =
        std::fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    entries.filter_map(|path| name(&path).map(|name| name.to_string_lossy().into_owned())).collect()
}

/// The source of an example, wherever cargo lets it lie.
fn source(name: &str) -> PathBuf {
    let file = folder().join(name).with_extension("rs");
    if file.exists() { file } else { folder().join(name).join("main.rs") }
}

fn listed() -> BTreeSet<String> {
    catalogue::entries().into_iter().map(|entry| entry.name).collect()
}

#[test]
fn every_example_file_is_in_the_metadata_and_the_other_way_round() {
    let mut files = names(folder(), |path| match path.extension() {
        Some(extension) => (extension == "rs").then(|| path.file_stem()).flatten(),
        None => path.join("main.rs").exists().then(|| path.file_name()).flatten(),
    });
    assert!(files.remove("gallery"), "the gallery itself is the one that is not listed");
    assert_eq!(files, listed());
    assert_eq!(catalogue::entries().len(), listed().len(), "a name is listed twice");
}

#[test]
fn every_recording_belongs_to_an_example() {
    let recorded = names(&folder().join("expected"), Path::file_stem);
    assert_eq!(recorded, listed());
}

#[test]
fn every_header_says_what_the_example_shows_and_how_to_run_it() {
    for entry in catalogue::entries() {
        let text = std::fs::read_to_string(source(&entry.name)).expect("the source is there");
        let header: Vec<&str> =
            text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
        assert_eq!(header.first(), Some(&entry.about.as_str()), "first line of {}", entry.name);
        let run = |line: &str| {
            line.starts_with("Run it: `cargo run") && line.contains(&format!("--example {}", entry.name))
        };
        assert!(header.iter().any(|line| run(line)), "{} says how to run it", entry.name);
        assert!(
            header.iter().any(|line| line.starts_with("It prints ")),
            "{} says what it prints",
            entry.name
        );
    }
}

#[test]
fn the_table_of_the_readme_has_every_example_in_learning_order() {
    let text = std::fs::read_to_string(folder().join("README.md")).expect("the gallery has one");
    let found: Vec<&str> = text.lines().filter(|line| line.starts_with("| [`")).collect();
    let row = |entry: catalogue::Entry| {
        let is_file = folder().join(&entry.name).with_extension("rs").exists();
        let end = if is_file { ".rs" } else { "" };
        format!("| [`{0}`]({0}{end}) | {1} |", entry.name, entry.about)
    };
    let rows: Vec<String> = catalogue::entries().into_iter().map(row).collect();
    assert!(found == rows, "the table of examples/README.md is to be:\n{}\n", rows.join("\n"));
}
