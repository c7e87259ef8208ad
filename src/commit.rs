//! What the owner of an atomic transaction does when its body is done: checks, then the commit or the rollback.
//!
//! The checks are polled in the place of the body, one after another, so that they hold the transaction open and may add
//! to it. Hooks are called here too, on the owner's thread, with the transaction current and nothing locked. What was held
//! back goes on by ops (see `hold`), in order with adds of others.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::current::{self, Ambient, Frame};
use crate::doom::drop_doomed;
use crate::error::{Failure, Failures, Kind as Why, Place, drop_quietly};
use crate::frames::Framed;
use crate::hooks::{Check, Hook, Hooks, Next};
use crate::node::Node;
use crate::standing::Standing;
use crate::transaction::Transaction;
use crate::tree::Op;
use crate::undo::Undo;
use crate::waker::{Wakers, wake_all};
use crate::watch;

/// How a body ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It returned, and does not want a rollback.
    Well,
    /// It returned an error, or panicked.
    Ill,
}

/// How far the owner has come.
#[derive(Default)]
pub(crate) struct Commit {
    /// How the body ended.
    verdict: Option<Verdict>,
    /// The check that is under way.
    check: Option<Check>,
    /// Why it did not commit, though its body returned well.
    refused: Option<Failure>,
    /// Committed, or rolled back.
    is_through: bool,
}

impl Commit {
    pub(crate) fn into_refused(self) -> Option<Failure> {
        self.refused
    }

    pub(crate) fn is_through(&self) -> bool {
        self.is_through
    }

    /// Polls the body, then the checks. True when there is nothing left to wait for. With the transaction current.
    pub(crate) fn advance(
        &mut self,
        hooks: &Hooks,
        location: Place,
        cx: &mut Context<'_>,
        body: &mut dyn FnMut(&mut Context<'_>) -> Option<Verdict>,
    ) -> bool {
        if self.verdict.is_none() {
            self.verdict = body(cx);
        }
        match self.verdict {
            None => false,
            Some(Verdict::Ill) => true,
            Some(Verdict::Well) => self.poll_checks(hooks, location, cx),
        }
    }

    fn poll_checks(&mut self, hooks: &Hooks, location: Place, cx: &mut Context<'_>) -> bool {
        loop {
            if hooks.is_aborted() {
                self.refused = Some(Failure::new(Why::Cancelled, location));
                self.drop_check();
                return true;
            }
            if self.check.is_none() {
                self.check = hooks.next_check();
            }
            let Some(check) = &mut self.check else { return true };
            let place = check.location;
            let refused = match catch_unwind(AssertUnwindSafe(|| check.future.as_mut().poll(cx))) {
                Ok(Poll::Pending) if hooks.arm(cx.waker().clone()) => continue,
                Ok(Poll::Pending) => return false,
                Ok(Poll::Ready(Ok(()))) => None,
                Ok(Poll::Ready(Err(error))) => Some(Failure::new(Why::Error(error), place)),
                Err(payload) => Some(Failure::from_panic(payload, place)),
            };
            let dropped = self.drop_check().map(|payload| Failure::from_panic(payload, place));
            self.refused = refused.or(dropped);
            if self.refused.is_some() {
                return true;
            }
        }
    }

    fn drop_check(&mut self) -> Option<Box<dyn std::any::Any + Send>> {
        let check = self.check.take();
        catch_unwind(AssertUnwindSafe(|| drop(check))).err()
    }

    /// Commits or rolls back, as it has come out.
    pub(crate) fn conclude(&mut self, ambient: &Ambient, node: &Arc<Node>) {
        self.is_through = true;
        node.hooks().disarm();
        let well = self.verdict == Some(Verdict::Well) && self.refused.is_none();
        let _frame = Framed::push(ambient, Frame::Body(node.clone()));
        current::enter(node, || {
            if well && commit(node) {
                return;
            }
            if well {
                // What was around it has been rolled back.
                self.refused = Some(Failure::new(Why::Cancelled, node.location));
            }
            roll_back(node, || ());
        });
    }

    /// Rolls back where the owner is gone. `drop_body` is called in its course.
    pub(crate) fn give_up(&mut self, node: &Arc<Node>, drop_body: impl FnOnce()) {
        self.is_through = true;
        node.hooks().disarm();
        let mut dropped = Ok(());
        roll_back(node, || {
            // All of the rollback is done, also where its destructor panics.
            dropped = catch_unwind(AssertUnwindSafe(drop_body));
            let check = self.check.take();
            drop_quietly(check);
        });
        if let Err(payload) = dropped {
            resume_unwind(payload);
        }
    }
}

/// False if the one around it has been rolled back.
fn commit(node: &Arc<Node>) -> bool {
    let hooks = node.hooks();
    let deferred = loop {
        match around(node) {
            Standing::Undone => return false,
            Standing::Held(outer) => {
                let mut watchers = Wakers::new();
                if hooks.hand_over(outer.hooks(), &mut watchers) {
                    wake_all(watchers);
                    break true;
                }
            }
            Standing::Plain => {
                let rollback = loop {
                    match hooks.next_at_commit() {
                        Ok(Next::Hook(hook)) => call(node, hook),
                        Ok(Next::Parts(parts)) => tell(node, parts, |part, by| part.commit(by)),
                        Err(rollback) => break rollback,
                    }
                };
                drop_hooks(rollback);
                break false;
            }
        }
    };
    node.tree.submit(Op::Commit(node.clone()));
    watch::committed(node, deferred);
    true
}

/// How it stands with regard to those around it, not to itself.
fn around(node: &Arc<Node>) -> Standing {
    match &node.parent {
        Some(parent) => parent.standing_below(node.kind),
        None => Standing::Plain,
    }
}

fn roll_back(node: &Arc<Node>, drop_body: impl FnOnce()) {
    let hooks = node.hooks();
    let (commit, checks) = hooks.begin_undoing();
    drop_body();
    drop_hooks(commit);
    checks.into_iter().for_each(drop_quietly);
    node.tree.submit(Op::Undo(node.clone()));
    drop_doomed(&node.tree);
    while let Some(next) = hooks.next_at_rollback() {
        match next {
            Next::Hook(hook) => call(node, hook),
            Next::Parts(parts) => tell(node, parts, |part, by| part.roll_back(by)),
        }
    }
    node.tree.submit(Op::Undone(node.clone()));
    watch::rolled_back(node);
}

fn call(node: &Arc<Node>, hook: Hook) {
    let Hook { call, location } = hook;
    guarded(node, location, call);
}

/// Tells those who keep what it has stored. They may be dropped with what they keep.
fn tell(node: &Arc<Node>, parts: Vec<Arc<dyn Undo>>, what: impl Fn(Arc<dyn Undo>, &Transaction)) {
    let by = Transaction::of(node);
    for part in parts {
        guarded(node, node.location, || what(part, &by));
    }
}

/// A panic in it is a failure of the transaction.
fn guarded(node: &Arc<Node>, location: Place, f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        node.fail(Failures::one(Failure::from_panic(payload, location)));
    }
}

fn drop_hooks(hooks: impl IntoIterator<Item = Hook>) {
    hooks.into_iter().for_each(drop_quietly);
}
