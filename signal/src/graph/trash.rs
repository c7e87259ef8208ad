//! Bodies that are not needed any more. What a body holds may be the last handle of another node, whose body is then not
//! needed either, and so on: on each thread one call drops them all, one after another, however long the chain.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::Body;

thread_local! {
    static TRASH: RefCell<Vec<Arc<dyn Body>>> = const { RefCell::new(Vec::new()) };
    static DROPPING: Cell<bool> = const { Cell::new(false) };
}

/// To be dropped: at once, or by the call further down this stack that drops already. To be called with nothing locked.
#[inline]
pub(crate) fn put(trash: Vec<Arc<dyn Body>>) {
    if !trash.is_empty() {
        put_all(trash);
    }
}

#[cold]
fn put_all(trash: Vec<Arc<dyn Body>>) {
    struct Done;
    impl Drop for Done {
        /// On unwind, too: what is left then is dropped with what comes next.
        fn drop(&mut self) {
            DROPPING.set(false);
        }
    }
    let mut trash = Some(trash);
    let is_kept = TRASH.try_with(|kept| kept.borrow_mut().extend(trash.take().into_iter().flatten())).is_ok();
    if !is_kept || DROPPING.replace(true) {
        return;
    }
    let _done = Done;
    while let Ok(Some(body)) = TRASH.try_with(|kept| kept.borrow_mut().pop()) {
        drop(body);
    }
}
