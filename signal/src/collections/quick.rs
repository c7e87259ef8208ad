//! The common case of a change: one step, where nobody is told in line, and nothing is to be undone. All that is left is to
//! make it, and to feed the streams.

use std::panic::Location;
use std::sync::MutexGuard;

use settled::plumbing;

use crate::collections::core::{Base, Core, State};
use crate::collections::feeds::Wakers;
use crate::collections::log::Trash;
use crate::notification::Notification;

/// Holds the lock.
pub(crate) struct Quick<'a, C: Base>(MutexGuard<'a, State<C>>);

impl<C: Base> Core<C> {
    /// Where it is the common case.
    #[inline]
    pub(crate) fn quick(&self, location: &'static Location<'static>) -> Option<Quick<'_, C>> {
        if plumbing::may_be_atomic() || self.changed.handlers().is_any() {
            return None;
        }
        let state = self.lock(location);
        let is_alone = state.board.views.is_none() && !state.board.is_read();
        let is_quick = is_alone && !state.is_apart() && !self.changed.handlers().is_any();
        is_quick.then_some(Quick(state))
    }
}

impl<C: Base> Quick<'_, C> {
    #[inline]
    pub(crate) fn contents(&mut self) -> &mut C {
        &mut self.0.board.contents
    }

    /// Does anybody want the diff?
    #[inline]
    pub(crate) fn is_heard(&self) -> bool {
        !self.0.board.feeds.is_empty()
    }

    /// It has been made. The diff is one step, and there if it is heard.
    #[inline]
    pub(crate) fn made(mut self, diff: Option<C::Diff>) -> Notification<()> {
        let board = &mut self.0.board;
        if let Some(diff) = diff {
            board.version += 1;
            match board.feeds.push_to_one(diff, board.contents.len()) {
                Ok(waker) => {
                    drop(self);
                    if let Some(waker) = waker {
                        waker.wake();
                    }
                }
                Err(diff) => self.feed(diff),
            }
        }
        Notification::done(Vec::new())
    }

    #[cold]
    fn feed(mut self, diff: C::Diff) {
        let (mut trash, mut wakers) = (Trash::new(), Wakers::new());
        let board = &mut self.0.board;
        board.feeds.push(diff, board.contents.len(), &mut trash, &mut wakers);
        drop(self);
        wakers.into_iter().for_each(|waker| waker.wake());
    }
}
