//! Time that passes when the test says.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::sync::lock;

/// A clock that stands still until it is moved, and who waits for it.
#[derive(Default)]
pub(super) struct Clock(Mutex<State>);

#[derive(Default)]
struct State {
    /// Since the beginning.
    now: Duration,
    /// By when, and in the order of asking.
    timers: BTreeMap<(Duration, u64), Option<Waker>>,
    /// Timers so far.
    asked: u64,
}

impl Clock {
    pub(super) fn now(&self) -> Duration {
        lock(&self.0).now
    }

    /// When the next timer is due.
    pub(super) fn next(&self) -> Option<Duration> {
        lock(&self.0).timers.first_key_value().map(|((due, _), _)| *due)
    }

    /// Moves on to `to`, if that is later, and wakes whose time has come, in order.
    pub(super) fn move_to(&self, to: Duration) {
        let due = {
            let mut state = lock(&self.0);
            state.now = state.now.max(to);
            let later = state.timers.split_off(&(to.saturating_add(Duration::from_nanos(1)), 0));
            std::mem::replace(&mut state.timers, later)
        };
        due.into_values().flatten().for_each(Waker::wake);
    }

    pub(super) fn sleep(self: &Arc<Self>, length: Duration) -> Sleep {
        let mut state = lock(&self.0);
        state.asked += 1;
        let key = (state.now.saturating_add(length), state.asked);
        state.timers.insert(key, None);
        Sleep { clock: self.clone(), key }
    }
}

/// Is ready when so much virtual time has passed. Made by [`Executor::sleep`](super::Executor::sleep).
///
/// ```
/// use std::time::Duration;
///
/// let executor = settled::testing::Executor::new();
/// let sleep: settled::testing::Sleep = executor.sleep(Duration::from_secs(1));
/// let task = executor.spawn(sleep);
/// executor.advance(Duration::from_millis(999));
/// assert!(!task.is_done());
/// executor.advance(Duration::from_millis(1));
/// assert!(task.is_done());
/// ```
#[must_use = "it waits when it is awaited"]
pub struct Sleep {
    clock: Arc<Clock>,
    key: (Duration, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut state = lock(&self.clock.0);
        if state.now >= self.key.0 {
            let old = state.timers.remove(&self.key);
            drop(state);
            drop((old, waker));
            return Poll::Ready(());
        }
        let old = state.timers.insert(self.key, Some(waker));
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let old = lock(&self.clock.0).timers.remove(&self.key);
        drop(old);
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("until", &self.key.0).finish()
    }
}
