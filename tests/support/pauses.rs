//! Pauses that somebody else ends.

use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// Who waits to be polled again. A clone is the same.
///
/// One that [yields](crate::yields) wakes itself, and so goes on within the same drive; one that pauses does not go on before
/// all are resumed, so that others change things meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Pauses(Arc<Mutex<Vec<Waker>>>);

impl Pauses {
    /// Pending once.
    pub async fn pause(&self) {
        let mut has_paused = false;
        poll_fn(|cx| {
            if mem::replace(&mut has_paused, true) {
                return Poll::Ready(());
            }
            self.0.lock().unwrap().push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Wakes all that pause.
    pub fn resume(&self) {
        let pauses = mem::take(&mut *self.0.lock().unwrap());
        pauses.into_iter().for_each(Waker::wake);
    }
}
