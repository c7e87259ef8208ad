//! Beginning below a transaction that another thread drives and ends.

use std::future::poll_fn;

use settled::{begin, scope};
use settled_models::{block_on, check, check_within, failing, spawn, told, yield_now};

/// It is below the parent, or on its own if that has closed. Its failure is told once.
#[test]
fn a_transaction_begun_against_the_end_of_the_parent_is_ended_once() {
    let met = check(|| {
        let outer = begin();
        outer.add(yield_now()).unwrap();
        let handle = outer.clone();
        let other = spawn(move || {
            let inner = handle.enter(begin);
            let added = inner.add(failing()).is_ok();
            (added, inner.parent().is_some(), told(&block_on(inner.end())))
        });
        let ended = told(&block_on(outer.end()));
        let (added, is_below, inner) = other.join().unwrap();
        assert_eq!(inner + ended, usize::from(added));
        (added, is_below)
    });
    assert!(met.len() == 3, "{met:?}");
}

/// Its body is polled by its owner, while another thread drives the tree.
#[test]
fn a_scope_below_a_transaction_that_another_thread_drives() {
    let met = check_within(2, || {
        let outer = begin();
        outer.add(yield_now()).unwrap();
        let handle = outer.clone();
        let other = spawn(move || {
            let mut scope = Box::pin(
                scope(async {
                    settled::add(failing());
                    yield_now().await;
                    settled::current().unwrap().parent().is_some()
                })
                .outcome(),
            );
            let outcome = block_on(poll_fn(|cx| handle.enter(|| scope.as_mut().poll(cx))));
            assert_eq!(outcome.failures.len(), 1);
            outcome.value
        });
        let ended = block_on(outer.end());
        assert!(ended.is_ok());
        other.join().unwrap()
    });
    assert!(met.len() == 2);
}
