//! Tools for deterministic tests of asynchronous code, in transactions or not. With the feature `testing`.
//!
//! | tool | for |
//! | --- | --- |
//! | [`Executor`] | tasks that are polled when the test says, and time that passes when the test says |
//! | [`Sequencer`] | an interleaving, told by numbers |
//! | [`Log`] | what happened in user code, in order |
//! | [`Events`] | what happened in a transaction, in order |
//!
//! Nothing here sleeps or looks at a clock, and what would hang a test is a panic that says so.
//!
//! ```
//! use settled::testing::{Executor, Log};
//! use std::time::Duration;
//!
//! let (executor, log) = (Executor::new(), Log::new());
//! let (timer, note) = (executor.clone(), log.clone());
//! executor.block_on(async move {
//!     settled::scope(async {
//!         for seconds in [3, 1, 2] {
//!             let (timer, note) = (timer.clone(), note.clone());
//!             settled::add(async move {
//!                 timer.sleep(Duration::from_secs(seconds)).await;
//!                 note.note(format!("{seconds} s"));
//!             });
//!         }
//!     })
//!     .await
//! })
//! .unwrap();
//! log.expect(["1 s", "2 s", "3 s"]);
//! assert_eq!(executor.now(), Duration::from_secs(3)); // and no time at all
//! ```

mod events;
mod executor;
mod log;
mod sequencer;
mod task;
mod time;

pub use events::Events;
pub use executor::Executor;
pub use log::{AtDrop, Log};
pub use sequencer::{Point, Sequencer, Turn};
pub use task::Task;
pub use time::Sleep;
