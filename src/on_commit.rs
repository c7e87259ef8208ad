//! Asking for something to be done at the commit, at the rollback, or before either: [`on_commit`], [`on_rollback`].

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use crate::add;
use crate::error::Place;
use crate::hooks::{Check, Hook};
use crate::node::Node;
use crate::settles::Settles;
use crate::standing::{Standing, current_gated};

/// Has `hook` called when the atomic transaction around commits: in order, before what was added starts.
///
/// With no atomic transaction around it is called at once, here. In an inner one it is handed over to the outer one, and
/// called when that commits. If the transaction is rolled back, it is dropped uncalled. A panic in it is a failure of the
/// transaction; what it adds starts after what was added before.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// let log = Arc::new(Mutex::new(Vec::new()));
/// let note = |what| { let log = log.clone(); move || log.lock().unwrap().push(what) };
/// settled::block_on(settled::atomic(async {
///     settled::on_commit(note("committed"));
///     note("the body has returned")();
///     Ok::<_, String>(())
/// }))
/// .unwrap();
/// assert_eq!(*log.lock().unwrap(), ["the body has returned", "committed"]);
/// ```
#[track_caller]
pub fn on_commit(hook: impl FnOnce() + Send + 'static) {
    let node = current_gated();
    at_commit(|| here(node.as_ref()), hook, Location::caller());
}

/// Has `hook` called when the atomic transaction around is rolled back: the one given last is called first.
///
/// With no atomic transaction around it is dropped uncalled, as nothing can be rolled back; so it is when the transaction
/// commits. An inner one that commits hands it over to the outer one. A panic in it is a failure of the transaction. In what
/// outlives the rollback that it is part of (a scope that somebody else polls) it is called at once, here.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
///
/// let balance = Arc::new(AtomicU32::new(10));
/// let account = balance.clone();
/// let result = settled::block_on(settled::atomic(async move {
///     let old = account.swap(3, Ordering::Relaxed);
///     settled::on_rollback(move || account.store(old, Ordering::Relaxed));
///     Err::<(), _>("refused")
/// }));
/// assert!(result.is_err());
/// assert_eq!(balance.load(Ordering::Relaxed), 10);
/// ```
#[track_caller]
pub fn on_rollback(hook: impl FnOnce() + Send + 'static) {
    let node = current_gated();
    at_rollback(|| here(node.as_ref()), hook, Location::caller());
}

fn here(node: Option<&Arc<Node>>) -> Standing {
    node.map_or(Standing::Plain, |node| node.standing())
}

/// As `on_commit`, where `standing` says how it stands.
pub(crate) fn at_commit(
    standing: impl Fn() -> Standing,
    hook: impl FnOnce() + Send + 'static,
    location: Place,
) {
    let mut hook = Hook { call: Box::new(hook), location };
    loop {
        match standing() {
            Standing::Plain => break,
            Standing::Undone => return,
            Standing::Held(holder) => match holder.hooks().push_at_commit(hook) {
                Ok(()) => return,
                Err(again) => hook = again,
            },
        }
    }
    (hook.call)();
}

/// As `on_rollback`, where `standing` says how it stands.
pub(crate) fn at_rollback(
    standing: impl Fn() -> Standing,
    hook: impl FnOnce() + Send + 'static,
    location: Place,
) {
    let mut hook = Hook { call: Box::new(hook), location };
    loop {
        match standing() {
            Standing::Plain => return,
            // As it would have been called by now.
            Standing::Undone => break,
            Standing::Held(holder) => match holder.hooks().push_at_rollback(hook) {
                Ok(()) => return,
                Err(again) => hook = again,
            },
        }
    }
    (hook.call)();
}

/// Has the future polled before the commit; where nothing is to be committed, it is added.
pub(crate) fn before_commit<F>(node: &Arc<Node>, check: F, location: Place)
where
    F: Future + Send + 'static,
    F::Output: Settles,
{
    let future = Box::pin(async move { check.await.settle().map(drop) });
    let mut check = Check { future, location };
    loop {
        match node.standing_by_handle() {
            Standing::Plain => break,
            Standing::Undone => return,
            Standing::Held(holder) => match holder.hooks().push_check(check) {
                Ok(()) => return,
                Err(back) if holder.holds() => {
                    // Its checks are over: it is as good as committed.
                    check = back;
                    break;
                }
                Err(back) => check = back,
            },
        }
    }
    add::to_node_or_above(node, check.future, location);
}
