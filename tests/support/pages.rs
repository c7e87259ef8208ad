//! What the pages in `docs/` name, and the tests that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The tests in a folder and in those within it, as the pages name them: `file::name`. The folder is seen from this package.
pub fn tests_in(folder: &str) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut tests);
    tests
}

fn collect(folder: &Path, tests: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, tests);
            continue;
        }
        let file = path.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for after in text.split("#[test]").skip(1) {
            let name = after.split_once("fn ").unwrap().1.split('(').next().unwrap();
            tests.insert(format!("{file}::{name}"));
        }
    }
}

/// Looks that each test is there that a page has between backticks in the last column of its tables: so many at least.
pub fn assert_names_tests(page: &str, tests: &BTreeSet<String>, at_least: usize) {
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.contains("| ---"));
    let named = rows
        .filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|name| name.contains("::"));
    let named: Vec<_> = named.collect();
    assert!(named.len() > at_least, "the page has its tables: {}", named.len());
    let missing: Vec<_> = named.into_iter().filter(|name| !tests.contains(*name)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
}

/// Looks that each behaviour of the original up to this number has a test that carries it: `t05_..`, `s05_..`.
pub fn assert_numbered(tests: &BTreeSet<String>, letter: char, last: usize) {
    for number in 1..=last {
        let id = format!("::{letter}{number:02}_");
        assert!(tests.iter().any(|name| name.contains(&id)), "none for {letter}{number:02}");
    }
}
