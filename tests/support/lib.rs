//! Small deterministic tools for the tests: futures that are polled by hand, wakers that count, gates that are opened by
//! hand. Nothing here sleeps or looks at a clock.

#![forbid(unsafe_code)]

mod errors;
mod gate;
pub mod model;
mod on_drop;
pub mod pages;
mod pauses;
mod plan;
pub mod program;
mod runtime;
mod task;

pub use errors::{Bomb, Oops, cause, causes, failing, panicking};
pub use gate::{Gate, Pass, Yields, yields};
pub use on_drop::{OnDrop, on_drop};
pub use pauses::Pauses;
pub use runtime::Runtime;
pub use settled::testing::Log;
pub use task::{Task, Wakes, elsewhere, finish, on_wake};

/// The value of a `Poll::Ready`; panics for a `Poll::Pending`.
#[macro_export]
macro_rules! assert_ready {
    ($poll:expr) => {
        match $poll {
            ::std::task::Poll::Ready(value) => value,
            ::std::task::Poll::Pending => panic!("pending, expected ready: {}", stringify!($poll)),
        }
    };
}

/// Panics for a `Poll::Ready`.
#[macro_export]
macro_rules! assert_pending {
    ($poll:expr) => {
        match $poll {
            ::std::task::Poll::Pending => {}
            ::std::task::Poll::Ready(_) => panic!("ready, expected pending: {}", stringify!($poll)),
        }
    };
}
