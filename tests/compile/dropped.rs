//! What synchronous code calls for its effect is dropped without a warning: handles and notifications.

#![deny(unused_must_use)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use settled_signal::{Observable, Signal};

#[test]
fn handles_and_notifications_are_dropped_without_a_warning() {
    let count = Arc::new(AtomicU32::new(0));
    let one_more = || {
        let count = count.clone();
        async move { _ = count.fetch_add(1, Ordering::Relaxed) }
    };
    let (signal, observable) = (Signal::<u32>::new(), Observable::new(0));
    let counted = count.clone();
    signal.connect(move |_| _ = counted.fetch_add(1, Ordering::Relaxed));
    let counted = count.clone();
    observable.connect(move |_| _ = counted.fetch_add(1, Ordering::Relaxed));
    settled::block_on(settled::scope(async {
        settled::add(one_more());
        settled::add_value(one_more()).on_settled(|_| {});
        signal.notify(1);
        observable.set(1);
    }))
    .unwrap();
    settled::block_on(settled::scope_local(async {
        settled::add_local(one_more());
        settled::add_cleanup(one_more());
        settled::add(one_more()).cancel();
    }))
    .unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 6);
}
