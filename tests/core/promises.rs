//! The page `docs/promises.md` names tests that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const PAGE: &str = include_str!("../../docs/promises.md");

/// The tests of a folder of this package, as the page names them: `file::name`.
fn tests_in(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut tests = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
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
    let mut all = tests_in("core");
    all.extend(tests_in("global").into_iter().map(|name| format!("global/{name}")));
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
    assert!(named.len() > 150, "the page has its tables: {}", named.len());
    let missing: Vec<_> = named.into_iter().filter(|name| !all.contains(*name)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
}

#[test]
fn each_behaviour_of_the_original_has_a_test_that_carries_its_number() {
    let all = all();
    for number in 1..=27 {
        let id = format!("::t{number:02}_");
        assert!(all.iter().any(|name| name.contains(&id)), "none for t{number:02}");
    }
}
