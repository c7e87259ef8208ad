//! What happens at a drop.

/// Calls its closure when it is dropped.
#[derive(Debug)]
#[must_use]
pub struct OnDrop<F: FnOnce()>(Option<F>);

/// A value that calls `f` when it is dropped.
pub fn on_drop<F: FnOnce()>(f: F) -> OnDrop<F> {
    OnDrop(Some(f))
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}
