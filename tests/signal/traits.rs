//! What the types can do.

use std::fmt::Debug;
use std::rc::Rc;

use settled_signal::{Connection, HandlerOutcome, Notification, Observable, Signal, Source};
use static_assertions::{assert_impl_all, assert_not_impl_any};

assert_impl_all!(Signal<u32>: Clone, Send, Sync, Debug, Default, Unpin);
assert_impl_all!(Signal<u32, String>: Clone, Send, Sync, Debug, Default);
assert_impl_all!(Source<u32>: Clone, Send, Sync, Debug);
assert_impl_all!(Observable<String>: Clone, Send, Sync, Debug);
assert_impl_all!(Connection: Clone, Send, Sync, Debug);
assert_impl_all!(Notification<u32>: Send, Sync, Debug, Unpin, Future);
assert_impl_all!(HandlerOutcome<u32>: Send, Debug);
assert_not_impl_any!(Notification<Rc<u32>>: Send);

/// Neither is debugging required of events, nor comparing of values.
#[derive(Clone)]
struct Plain;

#[test]
fn events_and_values_need_only_clone() {
    let signal = Signal::<Plain>::new();
    signal.connect(|_: &Plain| {});
    signal.notify(Plain);
    let value = Observable::new(Plain);
    value.connect_async(|_| async {});
    support::finish(value.set(Plain)).unwrap();
    assert_eq!(format!("{signal:?}"), "Signal { handlers: 1 }");
}

#[test]
fn handlers_are_functions_methods_and_closures() {
    fn sync(_: &u32) {}
    async fn later(_: u32) -> std::io::Result<()> {
        Ok(())
    }
    let signal = Signal::<u32>::new();
    signal.connect(sync);
    signal.connect_async(later);
    signal.connect(|_| Ok::<_, std::fmt::Error>(()));
    signal.connect(|_| None::<()>);
    signal.connect_async(async |x: u32| assert_eq!(x, 1));
    signal.connect_weak(&std::sync::Arc::<str>::from("a str"), |_: &str, _| {});
    assert_eq!(support::finish(signal.notify(1)).unwrap().len(), 4);
}
