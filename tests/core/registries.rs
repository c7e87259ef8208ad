//! A `Registry` has a root and a `wait_all` of its own. (With the process's: `tests/global/registries.rs`.)

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use settled::{OwnedTransaction, Registry, State, Transaction, add, begin, current, scope};
use static_assertions::assert_impl_all;
use support::{
    Gate, Log, Task, assert_pending, assert_ready, causes, elsewhere, failing, finish, on_drop, yields,
};

assert_impl_all!(Registry: Clone, Send, Sync, std::fmt::Debug, Default);

fn begun(registry: &Registry) -> OwnedTransaction {
    Transaction::builder().registry(registry).begin()
}

#[test]
fn t19_each_waits_for_its_own_alone() {
    let (log, gate) = (Log::new(), Gate::new());
    let (one, other) = (Registry::new(), Registry::new());
    let (a, b) = (begun(&one), begun(&other));
    a.add(log.step("a")).unwrap();
    b.add(gate.pass().then({
        let log = log.clone();
        move |()| log.step("b")
    }))
    .unwrap();
    let settlement = finish(one.wait_all());
    assert_eq!((settlement.ended, settlement.pending.len()), (1, 0));
    assert_eq!(log.take(), ["a"]);
    assert_eq!((a.state(), b.state()), (State::Closed, State::Open));
    let mut all = Task::new(other.wait_all());
    assert_pending!(all.run());
    gate.open();
    assert_eq!(assert_ready!(all.run()).ended, 1);
    assert_eq!(log.take(), ["b"]);
}

#[test]
fn t19_an_empty_one_waits_for_nothing() {
    let gate = Gate::new();
    let (registry, of_process) = (Registry::new(), begin());
    of_process.add(gate.pass()).unwrap();
    let settlement = finish(registry.wait_all());
    assert_eq!((settlement.ended, settlement.pending.len()), (0, 0));
    assert_eq!(of_process.state(), State::Open);
    gate.open();
    finish(of_process.end()).unwrap();
}

#[test]
fn t19_what_is_below_belongs_to_it_too() {
    let registry = Registry::new();
    let outer = begun(&registry);
    let (inner, gate) = (outer.enter(begin), Gate::new());
    inner.add(gate.pass()).unwrap();
    let mut body = Task::new(scope(async { drop(add(gate.pass())) }));
    outer.enter(|| assert_pending!(body.run()));
    let mut all = Task::new(registry.wait_all());
    assert_pending!(all.run());
    gate.open();
    drop(assert_ready!(body.run()));
    assert_ready!(all.run());
    assert_eq!((outer.state(), inner.state()), (State::Closed, State::Closed));
}

#[test]
fn t19_what_is_opened_where_all_above_is_closed_belongs_to_it_too() {
    let registry = Registry::new();
    let closed = begun(&registry);
    finish(closed.end()).unwrap();
    let gate = Gate::new();
    let late = closed.enter(begin);
    late.add(gate.pass()).unwrap();
    let mut all = Task::new(registry.wait_all());
    assert_pending!(all.run());
    gate.open();
    assert_eq!(assert_ready!(all.run()).ended, 1);
    assert_eq!(late.state(), State::Closed);
}

#[test]
fn t19_what_is_added_where_all_above_is_closed_goes_to_its_root() {
    let (log, registry) = (Log::new(), Registry::new());
    let closed = begun(&registry);
    finish(closed.end()).unwrap();
    closed.enter(|| {
        add(log.step("late"));
        add(failing("late, too"));
    });
    assert_eq!(registry.root().pending(), 2);
    assert!(log.take().is_empty());
    assert_eq!(causes(&finish(registry.wait_all()).failures), ["late, too"]);
    assert_eq!(log.take(), ["late"]);
}

#[test]
fn t19_its_root_adopts_what_is_dropped_half_way() {
    let (log, gate, registry) = (Log::new(), Gate::new(), Registry::new());
    let orphan = begun(&registry);
    let handle = (*orphan).clone();
    orphan
        .add(gate.pass().then({
            let log = log.clone();
            move |()| log.step("finished all the same")
        }))
        .unwrap();
    orphan.add(failing("reported")).unwrap();
    drop(orphan);
    let mut task = Task::new(Transaction::builder().registry(&registry).scope(async {
        add(gate.pass());
        futures::pending!();
        futures::pending!();
    }));
    assert_pending!(task.run());
    drop(task);
    assert_eq!(registry.root().pending(), 2);
    let mut all = Task::new(registry.wait_all());
    assert_pending!(all.run());
    gate.open();
    assert_eq!(causes(&assert_ready!(all.run()).failures), ["reported"]);
    assert_eq!(log.take(), ["finished all the same"]);
    assert_eq!(handle.state(), State::Closed);
}

#[test]
fn t19_within_a_transaction_of_the_process_it_has_no_parent() {
    let registry = Registry::new();
    let outer = begin();
    let own = outer.enter(|| begun(&registry));
    assert!(own.parent().is_none());
    let below = own.enter(|| begun(&registry));
    assert_eq!(below.parent().unwrap().id(), own.id());
    let seen: Arc<Mutex<Option<Transaction>>> = Arc::default();
    let (in_future, place) = (registry.clone(), seen.clone());
    outer
        .add(async move {
            Transaction::builder()
                .registry(&in_future)
                .scope(async { *place.lock().unwrap() = current().unwrap().parent() })
                .await
                .unwrap();
        })
        .unwrap();
    finish(outer.end()).unwrap();
    assert!(seen.lock().unwrap().is_none());
    assert_eq!(own.state(), State::Open);
    assert_eq!(finish(registry.wait_all()).ended, 1);
}

#[test]
fn t19_the_root_of_the_process_is_that_everywhere() {
    let registry = Registry::new();
    let own = begun(&registry);
    own.enter(|| assert_eq!(Transaction::root().id(), Transaction::root().id()));
    assert_ne!(own.enter(Transaction::root).id(), registry.root().id());
    finish(registry.wait_all());
}

#[test]
fn wait_all_leaves_out_what_it_is_part_of() {
    let registry = Registry::new();
    let own = registry.clone();
    let ended = finish(Transaction::builder().registry(&registry).scope(async move {
        let other = begun(&own);
        other.add(yields(2)).unwrap();
        let below = own.root().add_value(async { 1 }).unwrap();
        let settlement = own.wait_all().await;
        assert!(below.is_settled());
        settlement.ended
    }));
    assert_eq!(ended.unwrap(), 1);
}

#[test]
fn wait_all_within_names_what_is_pending() {
    let registry = Registry::new();
    let named = Transaction::builder().name("named").registry(&registry).begin();
    named.add(std::future::pending::<()>()).unwrap();
    registry.root().add(std::future::pending::<()>()).unwrap();
    let settlement = finish(registry.wait_all_within(async {}));
    assert_eq!(settlement.pending, [named.id(), registry.root().id()]);
    assert_eq!(settlement.pending_names().collect::<Vec<_>>(), [Some("named"), None]);
    named.abort();
    finish(named.end()).unwrap();
    settled_quietly(registry);
}

/// Without a report of what is dropped with it.
fn settled_quietly(registry: Registry) {
    let root = registry.root();
    assert_eq!(root.pending(), 1);
    drop(registry);
    assert_eq!(root.state(), State::Closed);
}

#[test]
fn dropped_it_cancels_what_is_left_in_its_root_and_in_what_that_has_adopted() {
    let (log, registry) = (Log::new(), Registry::new());
    let pending = |name: &str| {
        let guard = log.at_drop(name);
        std::future::pending::<()>().map(move |()| drop(guard))
    };
    let stashed = registry.root().add(pending("in the root")).unwrap();
    let orphan = begun(&registry);
    let handle = (*orphan).clone();
    orphan.add(pending("adopted")).unwrap();
    drop(orphan);
    let root = registry.root();
    let another = registry.clone();
    drop(registry);
    assert!(log.take().is_empty(), "there is another handle");
    drop(another);
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["adopted", "in the root"]);
    assert!(finish(stashed).unwrap_err().is_cancelled());
    assert_eq!((root.state(), handle.state()), (State::Closed, State::Closed));
    assert!(root.add(async {}).is_err());
}

#[test]
fn what_somebody_owns_outlives_it() {
    let (log, registry) = (Log::new(), Registry::new());
    let own = begun(&registry);
    own.add(log.step("goes on")).unwrap();
    drop(registry);
    assert!(log.take().is_empty());
    finish(own.end()).unwrap();
    assert_eq!(log.take(), ["goes on"]);
}

#[test]
fn dropped_it_leaks_nothing() {
    let alive = Arc::new(());
    let registry = Registry::new();
    let (held, kept) = (alive.clone(), alive.clone());
    registry.root().add(async move { drop((held, std::future::pending::<()>().await)) }).unwrap();
    let own = begun(&registry);
    own.add(async move { drop((kept, std::future::pending::<()>().await)) }).unwrap();
    let in_error = alive.clone();
    begun(&registry).add(async move { Err::<(), _>(Holds(in_error)) }).unwrap();
    drop(finish(registry.wait_all_within(async {})));
    drop(own);
    drop(registry);
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[derive(Debug)]
struct Holds(#[allow(dead_code)] Arc<()>);

impl std::fmt::Display for Holds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("holds")
    }
}

impl std::error::Error for Holds {}

#[test]
fn dropped_while_its_root_is_driven_elsewhere_it_is_emptied_by_who_drives() {
    let (log, registry) = (Log::new(), Registry::new());
    let slot = Arc::new(Mutex::new(None));
    let (own, noted) = (slot.clone(), log.clone());
    let root = registry.root();
    root.add(async move {
        elsewhere(|| drop(own.lock().unwrap().take()));
        noted.note("runs on to its suspension");
        futures::pending!();
        noted.note("never");
    })
    .unwrap();
    let guard = on_drop({
        let log = log.clone();
        move || log.note("dropped")
    });
    root.add(std::future::pending::<()>().map(move |()| drop(guard))).unwrap();
    *slot.lock().unwrap() = Some(registry);
    finish(root.wait()).unwrap();
    assert_eq!(log.take(), ["runs on to its suspension", "dropped"]);
    assert_eq!(root.state(), State::Closed);
}
