//! A transaction that has an owner: [`begin`], [`OwnedTransaction`], and what becomes of one whose owner is gone.

use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use crate::cancel::{self, Lasting};
use crate::current;
use crate::end::End;
use crate::error::Place;
use crate::node::Node;
use crate::on_drop::OnDrop;
use crate::open::Options;
use crate::transaction::Transaction;
use crate::tree::Op;
use crate::{pool, report, root, watch};

/// Begins a transaction, below the one that is current, to be ended with [`end`](Transaction::end).
///
/// Prefer [`scope`](crate::scope) wherever there is a body to await: it cannot be left open. One that is dropped before
/// it was ended is reported, and what is pending in it is adopted by the nearest open transaction above, else the root.
///
/// ```
/// let transaction = settled::begin();
/// transaction.enter(|| {
///     settled::add(async { Err::<(), _>("no") });
/// });
/// assert_eq!(settled::block_on(transaction.end()).unwrap_err().len(), 1);
/// ```
#[track_caller]
pub fn begin() -> OwnedTransaction {
    OwnedTransaction::open(Options::default(), Location::caller())
}

/// A transaction that was begun here: whoever has this is to [end](Transaction::end) it.
///
/// ```
/// let import: settled::OwnedTransaction = settled::begin();
/// let handle: settled::Transaction = (*import).clone(); // as many of these as one likes
/// settled::block_on(import.end()).unwrap();
/// assert_eq!(handle.state(), settled::State::Closed);
/// ```
#[derive(Debug)]
pub struct OwnedTransaction {
    transaction: Transaction,
    /// It was begun by itself, for something that was set going outside any transaction.
    lazy: bool,
}

impl OwnedTransaction {
    pub(crate) fn open(options: Options, location: Place) -> Self {
        let node = current::with(|ambient| ambient.begin(options, location));
        watch::begun(Some(&node));
        OwnedTransaction { transaction: Transaction::new(node), lazy: false }
    }

    /// Takes over what was begun because it was needed.
    pub(crate) fn lazy(node: Arc<Node>) -> Self {
        OwnedTransaction { transaction: Transaction::of(&node), lazy: true }
    }
}

impl Deref for OwnedTransaction {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        &self.transaction
    }
}

impl Drop for OwnedTransaction {
    fn drop(&mut self) {
        let node = self.transaction.node();
        if node.is_closed() {
            // Where nobody was told when it closed, the failures are not to go with it.
            if node.has_failed() {
                node.claim();
                node.unclaim(&mut None);
            }
            pool::put_with(node);
            return;
        }
        let pending = self.pending();
        let on_drop = node.limits.on_drop;
        if on_drop == OnDrop::Cancel {
            node.tree.submit(Op::CancelBelow(node.clone(), Lasting::Once));
        }
        if !self.lazy && on_drop == OnDrop::Adopt {
            watch::left_open(node);
        }
        let heard = abandon(node, on_drop);
        if on_drop == OnDrop::Cancel {
            return;
        }
        match (self.lazy, heard) {
            (true, Heard::Driven) => {}
            (true, Heard::Waits) => report::outside(node.location),
            (true, Heard::Settled) => {}
            (false, _) => report::left_open(node.location, self.name(), pending),
        }
    }
}

/// What becomes of a transaction whose owner is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    /// Nothing was pending, or somebody above has it.
    Settled,
    /// The root has it, and a spawner runs that.
    Driven,
    /// The root has it, and waits to be driven.
    Waits,
}

/// Has what is pending adopted by the nearest open transaction above, else by the root. What is to be cancelled has been
/// marked before.
pub(crate) fn abandon(node: &Arc<Node>, on_drop: OnDrop) -> Heard {
    if node.parent.is_some() {
        if on_drop == OnDrop::Adopt {
            watch::adopted(node);
        }
        node.tree.submit(Op::Orphan(node.clone()));
        return Heard::Settled;
    }
    // Claimed before it may close, so that the failures reach the root.
    let end = End::new(node.clone(), node.location);
    node.tree.submit(Op::Orphan(node.clone()));
    if on_drop == OnDrop::Cancel {
        cancel::drop_now(&node.tree);
    }
    if node.is_closed() {
        return Heard::Settled;
    }
    if on_drop == OnDrop::Adopt {
        watch::adopted(node);
    }
    if root::adopt(end, node.location) { Heard::Driven } else { Heard::Waits }
}
