//! The page `docs/promises-signal.md` names tests that there are.

use std::collections::BTreeSet;

use support::pages::{assert_names_tests, assert_numbered, tests_in};

fn all() -> BTreeSet<String> {
    let mut all = tests_in("signal");
    all.extend(tests_in("../signal").into_iter().map(|name| format!("signal/{name}")));
    all
}

#[test]
fn each_test_that_the_page_names_is_there() {
    assert_names_tests(include_str!("../../docs/promises-signal.md"), &all(), 60);
}

#[test]
fn each_behaviour_of_the_original_has_a_test_that_carries_its_number() {
    assert_numbered(&all(), 's', 20);
}
