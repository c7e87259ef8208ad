//! The page `docs/promises.md` names tests that there are.

use std::collections::BTreeSet;

use support::pages::{assert_names_tests, assert_numbered, tests_in};

fn all() -> BTreeSet<String> {
    let mut all = tests_in("core");
    all.extend(tests_in("global").into_iter().map(|name| format!("global/{name}")));
    all
}

#[test]
fn each_test_that_the_page_names_is_there() {
    assert_names_tests(include_str!("../../docs/promises.md"), &all(), 150);
}

#[test]
fn each_behaviour_of_the_original_has_a_test_that_carries_its_number() {
    assert_numbered(&all(), 't', 27);
}
