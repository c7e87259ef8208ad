//! The call of all handlers, in their order.
//!
//! The synchronous ones are called here and now; the asynchronous ones get a [delivery](crate::delivery) each. A panic in
//! one is caught and the round goes on behind it: one `catch_unwind` serves all that do not panic. Nothing is locked, and
//! nothing is left half-done, whatever unwinds.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::slice;
use std::sync::Arc;

use settled::plumbing;

use crate::graph::Untracked;
use crate::handlers::{AnyEntry, Handlers, Slot, Snapshot};
use crate::notification::Notification;
use crate::parts::Yield;
use crate::refused::Reason;
use crate::round::Round;
use crate::tally::Tallies;

/// Calls those in the snapshot that are still connected.
pub(crate) fn notify<E, R>(
    handlers: &Handlers<E, R>,
    snapshot: Snapshot<E, R>,
    event: E,
    location: &'static Location<'static>,
) -> Notification<R> {
    tell(handlers, snapshot, event, location, 0, false)
}

/// The same of a change of an observable, which this is the number of. `is_sync`: asynchronous handlers do not hear of it.
#[inline]
pub(crate) fn tell<E, R>(
    handlers: &Handlers<E, R>,
    snapshot: Snapshot<E, R>,
    event: E,
    location: &'static Location<'static>,
    stamp: u64,
    is_sync: bool,
) -> Notification<R> {
    let mut round = Round::new(location, handlers.options.sequential, &handlers.tallies);
    (round.stamp, round.is_sync) = (stamp, is_sync);
    let ((), own) = plumbing::lazily(location, || call_all(handlers, snapshot, event, &mut round));
    round.finish(own)
}

#[inline(always)]
fn call_all<E, R>(handlers: &Handlers<E, R>, snapshot: Snapshot<E, R>, event: E, round: &mut Round<'_, R>) {
    // Who runs here depends on what it reads itself, not on what handlers read.
    let _untracked = Untracked::begin();
    let (mut event, (mut rest, last)) = (Some(event), apart(&snapshot));
    while let Err(payload) = catch_unwind(AssertUnwindSafe(|| go_on(&mut rest, last, &mut event, round))) {
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
}

/// All but the last, and the last.
#[inline(always)]
fn apart<T>(slots: &[T]) -> (slice::Iter<'_, T>, Option<&T>) {
    slots.split_last().map_or_else(Default::default, |(last, others)| (others.iter(), Some(last)))
}

/// Calls those that are left. The last may keep the event.
#[expect(
    clippy::manual_flatten,
    reason = "what is taken is behind, whatever unwinds, and nothing else is kept of it"
)]
#[inline(always)]
fn go_on<E, R>(
    rest: &mut slice::Iter<'_, Slot<E, R>>,
    last: Option<&Slot<E, R>>,
    event: &mut Option<E>,
    round: &mut Round<'_, R>,
) {
    if let Some(event) = event {
        // Each is taken before its call: whatever unwinds, the next one is behind it.
        for slot in rest {
            if let Some(entry) = slot {
                entry.call(event, round);
            }
        }
    }
    if let (Some(event), Some(Some(entry))) = (event.take(), last) {
        entry.call_last(event, round);
    }
}

/// Calls those who are connected now, and tells the external signaller, if that is wanted and there is one.
#[cold]
pub(crate) fn to_all<E: Clone + Send + Sync + 'static, R: Send + 'static>(
    handlers: &Handlers<E, R>,
    event: E,
    publishes: bool,
    location: &'static Location<'static>,
) -> Notification<R> {
    let snapshot = handlers.snapshot();
    let publishers = if publishes { handlers.options.publishers.now() } else { None };
    let Some(publishers) = publishers else {
        return match snapshot {
            Some(snapshot) => notify(handlers, snapshot, event, location),
            None => Notification::done(Vec::new()),
        };
    };
    let mut round = Round::new(location, handlers.options.sequential, &handlers.tallies);
    let ((), own) = plumbing::lazily(location, || {
        // Made from the event before that is given away, and added behind the handlers.
        let published = catch_unwind(AssertUnwindSafe(|| Arc::new(event.clone())));
        if let Some(snapshot) = snapshot {
            call_all(handlers, snapshot, event, &mut round);
        }
        match published {
            Ok(event) => {
                for publish in &*publishers {
                    let publishing = publish.begin(event.clone());
                    let publishing = async move { publishing.await.map(|()| Yield::Nothing) };
                    let stashed = plumbing::add_at(publishing, location);
                    round.push_delivery(stashed, None);
                }
            }
            Err(payload) => round.panicked(payload),
        }
    });
    round.finish(own)
}

/// Calls just this one.
#[cold]
pub(crate) fn to_one<E, R>(
    handlers: &Handlers<E, R>,
    entry: &AnyEntry<E, R>,
    event: E,
    location: &'static Location<'static>,
) -> Notification<R> {
    notify(handlers, Arc::new(vec![Some(entry.clone())]), event, location)
}

/// No handler is called: this is what the caller gets, and the transaction.
#[cold]
pub(crate) fn to_nobody<R>(reason: Reason, location: &'static Location<'static>) -> Notification<R> {
    let tallies = Tallies::new();
    let mut round = Round::new(location, false, &tallies);
    let ((), own) = plumbing::lazily(location, || match reason {
        Reason::Error(error) => round.push(Err(error)),
        Reason::Panic(payload) => round.panicked(payload),
    });
    round.finish(own)
}
