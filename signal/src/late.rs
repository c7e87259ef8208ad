//! What an observable, or a collection, is to be told that is being updated on this very thread: a transaction has come to its end within the
//! closure of the `update`, which has the value to itself. It is told when that has returned, or has unwound.

use std::cell::RefCell;

/// Observables by address, each in the order of what it is to be told.
type List = Vec<(usize, Box<dyn FnOnce()>)>;

thread_local! {
    static LATE: RefCell<List> = const { RefCell::new(Vec::new()) };
}

/// Tells it later.
pub(crate) fn tell<T>(observable: *const T, f: impl FnOnce() + 'static) {
    LATE.with_borrow_mut(|list| list.push((observable.addr(), Box::new(f))));
}

/// An `update` is under way. Nothing of the observable may be locked by this thread when this is dropped.
pub(crate) struct Updating(usize);

impl Updating {
    #[inline]
    pub(crate) fn new<T>(observable: *const T) -> Self {
        Updating(observable.addr())
    }

    fn next(&self) -> Option<Box<dyn FnOnce()>> {
        LATE.with_borrow_mut(|list| {
            let index = list.iter().position(|(observable, _)| *observable == self.0)?;
            Some(list.remove(index).1)
        })
    }
}

impl Drop for Updating {
    #[inline]
    fn drop(&mut self) {
        // While a thread exits there may be no list; then nobody has put anything there either.
        let waiting =
            LATE.try_with(|list| list.borrow().iter().filter(|late| late.0 == self.0).count()).unwrap_or(0);
        // Each once: where this is within another `update` of the same, which was refused, it is that one's again.
        for _ in 0..waiting {
            if let Some(late) = self.next() {
                late();
            }
        }
    }
}
