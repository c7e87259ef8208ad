//! The page `docs/promises-signal.md` names tests that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const PAGE: &str = include_str!("../../docs/promises-signal.md");

/// The tests of a folder and of those in it, as the page names them: `file::name`.
fn tests_in(folder: &Path) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests.extend(tests_in(&path));
            continue;
        }
        let file = path.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for after in text.split("#[test]").skip(1) {
            let name = after.split_once("fn ").unwrap().1.split('(').next().unwrap();
            tests.insert(format!("{file}::{name}"));
        }
    }
    tests
}

fn all() -> BTreeSet<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = tests_in(&here.join("signal"));
    let units = tests_in(&here.join("../signal"));
    all.extend(units.into_iter().map(|name| format!("signal/{name}")));
    all
}

/// What the page has between backticks in the last column of its tables.
fn named() -> Vec<&'static str> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| ") && !line.contains("| ---"));
    rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|name| name.contains("::"))
        .collect()
}

#[test]
fn each_test_that_the_page_names_is_there() {
    let (all, named) = (all(), named());
    assert!(named.len() > 60, "the page has its tables: {}", named.len());
    let missing: Vec<_> = named.into_iter().filter(|name| !all.contains(*name)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
}

#[test]
fn each_behaviour_of_the_original_has_a_test_that_carries_its_number() {
    let all = all();
    for number in 1..=20 {
        let id = format!("::s{number:02}_");
        assert!(all.iter().any(|name| name.contains(&id)), "none for s{number:02}");
    }
}
