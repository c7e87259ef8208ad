//! Driving a tree until something of one's own has happened: what everybody does who awaits something from outside.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::current::{self, Goal};
use crate::driver::{Drive, Left};
use crate::tree::{Access, Op, Tree};
use crate::waker::Seat;

/// How many drives may be nested on one stack; beyond it one only listens.
const NESTED: usize = 64;

/// Drives the tree until `goal` has something, or only waits for that where somebody drives already. `goal` is asked to
/// wait with the waker that it is given, if any, and to look again then. `waits_for` says what it is, for those who are
/// polled meanwhile and would wait for who drives.
pub(crate) fn drive_until<R>(
    tree: &Arc<Tree>,
    seat: &mut Seat,
    cx: &mut Context<'_>,
    waits_for: Goal,
    goal: impl FnMut(Option<Waker>) -> Option<R>,
) -> Poll<R> {
    drive_with(tree, None, seat, cx, waits_for, goal)
}

/// As `drive_until`, with something that is to be done first.
pub(crate) fn drive_with<R>(
    tree: &Arc<Tree>,
    op: Option<Op>,
    seat: &mut Seat,
    cx: &mut Context<'_>,
    waits_for: Goal,
    mut goal: impl FnMut(Option<Waker>) -> Option<R>,
) -> Poll<R> {
    let mut found = goal(None);
    if found.is_none() {
        found = match only_listens(tree) {
            true => {
                op.into_iter().for_each(|op| tree.submit(op));
                tree.sit_below(seat, cx);
                goal(Some(cx.waker().clone()))
            }
            false => match tree.access(seat, || cx.waker().clone()) {
                Access::Busy => {
                    op.into_iter().for_each(|op| tree.submit(op));
                    goal(Some(cx.waker().clone()))
                }
                Access::Drive(mut engine) => {
                    op.into_iter().for_each(|op| engine.apply(tree, op));
                    current::with(|ambient| drive(Drive::start(ambient, engine, waits_for), seat, cx, goal))
                }
            },
        };
    }
    match found {
        Some(found) => {
            tree.leave(seat);
            Poll::Ready(found)
        }
        None => Poll::Pending,
    }
}

fn drive<R>(
    mut drive: Drive<'_>,
    seat: &mut Seat,
    cx: &mut Context<'_>,
    mut goal: impl FnMut(Option<Waker>) -> Option<R>,
) -> Option<R> {
    loop {
        let left = drive.run(None);
        if let Some(found) = goal(None) {
            return Some(found);
        }
        match left {
            Left::Event | Left::Body => {}
            Left::Budget => {
                drop(drive);
                cx.waker().wake_by_ref();
                return goal(Some(cx.waker().clone()));
            }
            Left::Idle => {
                if let Some(found) = goal(Some(cx.waker().clone())) {
                    return Some(found);
                }
                match drive.rest(seat, cx.waker().clone()) {
                    Ok(()) => return None,
                    Err(again) => drive = again,
                }
            }
        }
    }
}

/// The tree is driven on this stack, or this stack is too deep to drive it (then the outermost drive does).
pub(crate) fn only_listens(tree: &Arc<Tree>) -> bool {
    current::with(|ambient| {
        if tree.is_driven_by(ambient.thread()) {
            return true;
        }
        let too_deep = ambient.drives.get() >= NESTED;
        if too_deep {
            ambient.postponed.borrow_mut().push(tree.clone());
        }
        too_deep
    })
}
