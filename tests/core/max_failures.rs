//! `max_failures`: how many are kept, here and below.

use settled::{Transaction, add, begin};
use support::{Gate, Task, assert_pending, assert_ready, causes, failing, finish, yields};

fn texts(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

#[test]
fn t20_so_many_are_kept_and_the_rest_is_counted() {
    for (max, kept) in [(0, 0), (3, 3), (100, 90)] {
        let t = Transaction::builder().max_failures(max).begin();
        (0..90).for_each(|n| drop(t.add(failing(n.to_string())).unwrap()));
        let failures = finish(t.end()).unwrap_err();
        assert_eq!((failures.len(), failures.omitted()), (kept, 90 - kept));
        assert_eq!(causes(&failures), texts(0..kept));
    }
}

#[test]
fn t20_more_than_64_also_from_below() {
    let t = Transaction::builder().max_failures(200).begin();
    t.add(async {
        (0..100).for_each(|n| drop(add(failing(n.to_string()))));
    })
    .unwrap();
    let inner = t.enter(begin);
    (100..190).for_each(|n| drop(inner.add(failing(n.to_string())).unwrap()));
    let failures = finish(t.end()).unwrap_err();
    assert_eq!((failures.len(), failures.omitted()), (190, 0));
}

#[test]
fn t20_the_first_in_the_order_of_adding_are_kept_whoever_fails_first() {
    let gate = Gate::new();
    let t = Transaction::builder().max_failures(2).begin();
    let passed = gate.clone();
    t.add(async move {
        passed.pass().await;
        Err::<(), _>(support::Oops("0".into()))
    })
    .unwrap();
    t.add(async {
        yields(1).await;
        Err::<(), _>(support::Oops("1".into()))
    })
    .unwrap();
    t.add(failing("2")).unwrap();
    t.add(failing("3")).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    gate.open();
    let failures = assert_ready!(end.run()).unwrap_err();
    assert_eq!((causes(&failures), failures.omitted()), (texts(0..2), 2));
}

#[test]
fn t20_an_inner_one_that_says_less_counts_the_rest_for_the_outer_one() {
    let outer = begin();
    let inner = outer.enter(|| Transaction::builder().max_failures(1).begin());
    (0..5).for_each(|n| drop(inner.add(failing(n.to_string())).unwrap()));
    let failures = finish(outer.end()).unwrap_err();
    assert_eq!((causes(&failures), failures.omitted()), (texts(0..1), 4));
}

#[test]
fn t20_a_trees_bound_does_not_outlive_it() {
    let t = Transaction::builder().max_failures(1).begin();
    finish(t.end()).unwrap();
    drop(t);
    let t = begin();
    (0..70).for_each(|n| drop(t.add(failing(n.to_string())).unwrap()));
    let failures = finish(t.end()).unwrap_err();
    assert_eq!((failures.len(), failures.omitted()), (64, 6));
}
