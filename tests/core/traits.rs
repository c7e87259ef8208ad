//! What is `Send`, `Sync`, `Clone`, `Debug`, an error: and what is not.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::{Pending, Ready};
use std::rc::Rc;

use settled::{
    Closed, End, Failure, Failures, Gather, Outcome, OwnedTransaction, Scope, ScopeError, Settlement,
    Stashed, State, Transaction, TransactionBuilder, TransactionId, TryScope, Wait,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use support::Oops;

// Handles.
assert_impl_all!(Transaction: Clone, Send, Sync, Debug, Unpin);
assert_impl_all!(OwnedTransaction: Send, Sync, Debug, Unpin, std::ops::Deref<Target = Transaction>);
assert_not_impl_any!(OwnedTransaction: Clone);
assert_impl_all!(TransactionBuilder: Send, Debug);
assert_impl_all!(TransactionId: Copy, Clone, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash, Debug, Send, Sync);
assert_impl_all!(State: Copy, Clone, PartialEq, Eq, Debug, Send, Sync);

// Futures.
assert_impl_all!(End: Future<Output = Result<(), Failures>>, Send, Debug);
assert_impl_all!(Wait: Future<Output = Result<(), Failures>>, Send, Debug);
assert_impl_all!(Stashed<u8>: Future<Output = Result<u8, Failure>>, Send, Debug, Unpin);
assert_impl_all!(Gather<u8>: Future<Output = Result<Vec<u8>, Failure>>, Send, Debug, Unpin);
assert_impl_all!(Scope<Pending<u8>>: Future<Output = Result<u8, Failures>>, Send, Debug);
assert_impl_all!(
    TryScope<Pending<Result<u8, Oops>>>: Future<Output = Result<u8, ScopeError<Oops>>>, Send, Debug
);
// A scope is as `Send` as its body.
assert_impl_all!(Scope<Ready<Rc<u8>>>: Future<Output = Result<Rc<u8>, Failures>>);
assert_not_impl_any!(Scope<Ready<Rc<u8>>>: Send);
assert_not_impl_any!(TryScope<Ready<Result<Rc<u8>, Oops>>>: Send);
assert_not_impl_any!(Stashed<u8>: Clone);

// Outputs need not be `Sync`.
assert_impl_all!(Stashed<std::cell::Cell<u8>>: Send);

// Errors.
assert_impl_all!(Failure: Error, Clone, Send, Sync, Debug, Display);
assert_impl_all!(Failures: Error, Clone, Send, Sync, Debug, Display);
assert_impl_all!(ScopeError<Oops>: Error, Send, Sync, Debug, Display);
assert_impl_all!(Closed<Pending<()>>: Error, Send, Sync, Debug, Display);
assert_not_impl_any!(Closed<Rc<u8>>: Send);

// Seeing inside.
assert_impl_all!(settled::Snapshot: Clone, Send, Sync, Debug, Display);
assert_impl_all!(settled::SnapshotNode: Clone, Send, Sync, Debug, Display);
assert_impl_all!(settled::NodeKind: Copy, Eq, std::hash::Hash, Send, Sync, Debug, Display);
assert_impl_all!(settled::Stage: Copy, Eq, std::hash::Hash, Send, Sync, Debug, Display);
assert_impl_all!(settled::CompleteSnapshot: Future<Output = settled::Snapshot>, Send, Sync, Debug);
assert_impl_all!(settled::Report: Clone, Send, Sync, Debug, Display);
assert_impl_all!(settled::Event: Clone, Eq, std::hash::Hash, Send, Sync, Debug, Display);
assert_impl_all!(settled::EventKind: Copy, Eq, std::hash::Hash, Send, Sync, Debug, Display);

// The tools for tests.
assert_impl_all!(settled::testing::Events: Clone, Send, Sync, Debug);
assert_impl_all!(settled::testing::Log: Clone, Send, Sync, Debug);
assert_impl_all!(settled::testing::AtDrop: Send, Sync, Debug);
assert_impl_all!(settled::testing::Executor: Clone, Send, Sync, Debug);
assert_impl_all!(settled::testing::Task<u8>: Future<Output = u8>, Send, Sync, Debug);
assert_impl_all!(settled::testing::Sleep: Future<Output = ()>, Send, Sync, Debug);
assert_impl_all!(settled::testing::Sequencer: Clone, Send, Sync, Debug);
assert_impl_all!(settled::testing::Point: Future<Output = settled::testing::Turn>, Send, Sync, Debug);
assert_impl_all!(settled::testing::Turn: Send, Sync, Debug);

// The rest of what can be printed.
assert_impl_all!(settled::Atomic<Pending<Result<u8, Oops>>>: Debug);
assert_impl_all!(settled::AtomicOutcome<Pending<Result<u8, Oops>>>: Debug);
assert_impl_all!(settled::ScopeOutcome<Pending<u8>>: Debug);
assert_impl_all!(settled::TryScopeOutcome<Pending<Result<u8, Oops>>>: Debug);
assert_impl_all!(settled::EndWithin<Pending<()>>: Debug);
assert_impl_all!(settled::EndError: Error, Debug, Display);
assert_impl_all!(settled::InTransaction<Pending<u8>>: Debug);
assert_impl_all!(settled::OnDrop: Copy, Debug);
assert_impl_all!(settled::SpawnOn<u8>: Debug);

// Reports.
assert_impl_all!(Outcome<u8>: Send, Sync, Debug);
assert_impl_all!(Settlement: Send, Sync, Debug);

#[test]
fn the_futures_of_the_functions_are_send_where_their_bodies_are() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&settled::scope(async {}));
    is_send(&settled::scope(async {}).outcome());
    is_send(&settled::try_scope(async { Ok::<_, Oops>(()) }));
    is_send(&settled::try_scope(async { Ok::<_, Oops>(()) }).outcome());
    is_send(&settled::wait_all());
    is_send(&settled::wait_all_within(async {}));
}

#[test]
fn every_future_can_be_printed() {
    let t = settled::begin();
    let texts = [
        format!("{:?}", t.end()),
        format!("{:?}", t.wait()),
        format!("{:?}", t.add(async {}).unwrap()),
        format!("{:?}", t.gather([async {}])),
        format!("{:?}", settled::scope(async {})),
        format!("{:?}", settled::try_scope(async { Ok::<_, Oops>(()) })),
        format!("{:?}", Transaction::builder().name("printed")),
        format!("{t:?}"),
    ];
    assert!(texts.iter().all(|text| !text.is_empty()));
    support::finish(t.end()).unwrap();
}

#[test]
fn an_added_future_need_not_be_sync_nor_unpin() {
    let t = settled::begin();
    let cell = std::cell::Cell::new(1);
    let stashed = t
        .add_value(async move {
            support::yields(1).await;
            cell.set(cell.get() + 1);
            cell
        })
        .unwrap();
    assert_eq!(support::finish(stashed).unwrap().get(), 2);
    support::finish(t.end()).unwrap();
}
