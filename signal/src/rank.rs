//! Where a handler stands among the others: first or last, by priority, by the level of its model, by the order of
//! connection.

/// How handlers that a model and its bases have declared are ordered. Those that are connected without a
/// [level](crate::ConnectBuilder::level), as most are, come after them, in the order of connection.
///
/// ```
/// # use std::sync::{Arc, Mutex};
/// # use settled_signal::{Order, Signal};
/// for (order, expected) in [(Order::BottomUp, ["base", "derived", "later"]), (Order::TopDown, ["derived", "base", "later"])] {
///     let (signal, log) = (Signal::<()>::builder().order(order).build(), Arc::new(Mutex::new(vec![])));
///     let note = |name| { let log = log.clone(); move |_: &()| log.lock().unwrap().push(name) };
///     signal.connect(note("later"));
///     signal.connect_with().level(1).sync(note("derived"));
///     signal.connect_with().level(0).sync(note("base"));
///     signal.notify(());
///     assert_eq!(*log.lock().unwrap(), expected);
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// Those of the base run first.
    #[default]
    BottomUp,
    /// Those of the base run last.
    TopDown,
}

/// At which end a handler was asked to stand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum End {
    First,
    #[default]
    Middle,
    Last,
}

/// What was asked for of a handler's place.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) end: End,
    pub(crate) priority: i32,
    pub(crate) level: Option<u32>,
}

/// A handler's place in its list, which is its own for ever. Ordered as the handlers are called.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Key {
    end: End,
    /// The higher priority is called earlier.
    priority: std::cmp::Reverse<i32>,
    level: i64,
    serial: u64,
}

impl Key {
    pub(crate) fn new(place: Place, order: Order, serial: u64) -> Self {
        let level = place.level.map_or(i64::MAX, |level| match order {
            Order::BottomUp => i64::from(level),
            Order::TopDown => -i64::from(level),
        });
        Key { end: place.end, priority: std::cmp::Reverse(place.priority), level, serial }
    }
}
