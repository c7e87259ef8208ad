//! The first poll of a scope that has nothing around it: the straight way, as long as nothing comes in between.
//!
//! Most scopes are of this kind: nothing is current or driven on the thread, the body returns at its first poll, and what it
//! has added is done at its own. Then there is no suspension, and what [`Run`] keeps for one is not made: the body is
//! polled, what was added is polled in rounds, the transaction is closed, and the engine is pooled. Whatever else there is
//! to do (a body that is pending, a future that needs a slot, an op of another thread, mail, a handle that somebody
//! asked for, a budget that is spent) is left where it is, and the general way (see `run`) goes on from there.

use std::sync::Arc;
use std::task::Context;

use crate::current::{Ambient, Current, Goal, Polled};
use crate::driver::{Drive, held};
use crate::engine::Engine;
use crate::error::Place;
use crate::pool;
use crate::ready::Key;
use crate::run::{PollBody, Run};
use crate::slot::Kind;
use crate::tree::Tree;
use crate::waker::{BodyWakers, SlotWakers};

/// What became of a first poll.
pub(crate) enum First<'a> {
    /// The body is done and all has settled, without a failure.
    Settled,
    /// It is to go on: the body has had its turn.
    GoesOn(Run, Drive<'a>),
}

/// What comes next on the straight way.
enum Step {
    /// A future that needs no more than to be polled.
    Plain,
    /// All has settled, and the transaction is closed.
    Settled,
    /// Something that the general way is for.
    Other,
}

/// Opens a transaction, and polls its body and what that has added. Only where the ambient is at rest and nothing is asked
/// for. `body` is polled once.
pub(crate) fn poll<'a>(ambient: &'a Ambient, location: Place, body: PollBody<'_>) -> First<'a> {
    let (tree, mut engine) = pool::take();
    let wakers = engine.pooled_body().unwrap_or_else(BodyWakers::new);
    let key = engine.open(Kind::Body, location, None);
    tree.set_open(true);
    let mut drive = Drive::start(ambient, engine, Goal::Node { key, strictly: false });
    drive.spend();
    wakers.take_woken();
    // Restored by hand: `body` catches what panics in it.
    ambient.polled.set(Polled::Slot(key));
    let polled = ambient.set_current(Current::Slot(key));
    let done = body(&mut Context::from_waker(&wakers.waker)).is_some();
    ambient.restore(polled);
    ambient.polled.set(Polled::Nothing);
    if done && runs_out(&drive, &tree, key) {
        if let Some(mut engine) = drive.stop() {
            engine.recycle_body(wakers);
            // This one and the engine's.
            pool::put(tree, engine, 2);
        }
        return First::Settled;
    }
    First::GoesOn(Run::begun(tree, key, wakers, !done), drive)
}

/// Polls what there is, as long as there is nothing else to do. True if everything has settled, and the transaction is
/// closed.
fn runs_out(drive: &Drive<'_>, tree: &Arc<Tree>, key: Key) -> bool {
    let mut wakers = drive.engine(|engine| {
        engine.slot(key).live = false;
        engine.last_wakers.take()
    });
    loop {
        let may_poll = drive.may_spend();
        let step = drive.engine(|engine| {
            let step = engine.step(tree, key, may_poll, &mut wakers);
            if !matches!(step, Step::Plain) {
                engine.keep_wakers(wakers.take());
            }
            step
        });
        match step {
            Step::Plain => drive.run_plain(held(&wakers)),
            Step::Settled => return true,
            Step::Other => return false,
        }
    }
}

impl Engine {
    #[inline]
    fn step(&mut self, tree: &Tree, key: Key, may_poll: bool, wakers: &mut Option<SlotWakers>) -> Step {
        if tree.has_ops() {
            return Step::Other;
        }
        if self.stirred {
            if !self.is_quiet() || !self.stale_lines.is_empty() {
                return Step::Other;
            }
            self.stirred = false;
        }
        let slot = self.slot(key);
        if slot.pending == 0 {
            if slot.extra.is_some() || !tree.try_close() {
                return Step::Other;
            }
            self.close_body(key);
            return Step::Settled;
        }
        if !may_poll {
            return Step::Other;
        }
        // Who looks for that has just looked.
        self.stop = false;
        self.settle_last();
        if self.begins_plain(wakers) { Step::Plain } else { Step::Other }
    }
}
