//! The call of all handlers, in the order of connection.
//!
//! The synchronous ones are called here and now; the asynchronous ones get a [delivery](crate::delivery) each. A panic in
//! one is caught and the round goes on behind it: one `catch_unwind` serves all that do not panic. Nothing is locked, and
//! nothing is left half-done, whatever unwinds.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};

use settled::plumbing;

use crate::handlers::{Handlers, Slot, Snapshot};
use crate::notification::Notification;
use crate::round::Round;

/// Calls those in the snapshot that are still connected.
pub(crate) fn notify<E, R>(
    handlers: &Handlers<E, R>,
    snapshot: Snapshot<E, R>,
    event: E,
    location: &'static Location<'static>,
) -> Notification<R> {
    let mut round = Round::new(location, snapshot.len());
    let ((), own) = plumbing::lazily(location, || {
        let mut event = Some(event);
        while let Err(payload) = catch_unwind(AssertUnwindSafe(|| go_on(&snapshot, &mut event, &mut round))) {
            round.panicked(payload);
        }
        // The snapshot may hold the last reference to a closure: its destructor is the user's.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(snapshot))) {
            round.panicked(payload);
        }
        if round.met_gone
            && let Err(payload) = catch_unwind(AssertUnwindSafe(|| handlers.forget_gone()))
        {
            round.panicked(payload);
        }
    });
    round.finish(own)
}

/// Calls the handlers from the next one on. The last may keep the event.
#[inline]
fn go_on<E, R>(slots: &[Slot<E, R>], event: &mut Option<E>, round: &mut Round<R>) {
    let last = slots.len().saturating_sub(1);
    if let Some(event) = event {
        let mut index = round.called;
        while index < last {
            let slot = &slots[index];
            index += 1;
            // Before the call: whatever unwinds, the next one is behind it.
            round.called = index;
            if let Some(entry) = &slot.entry {
                entry.call(event, round);
            }
        }
    }
    if let (Some(event), Some(slot)) = (event.take(), slots.get(round.called)) {
        round.called += 1;
        if let Some(entry) = &slot.entry {
            entry.call_last(event, round);
        }
    }
}
