//! Signals and observables: synchronous code says what has happened, its asynchronous consequences go into the current
//! transaction, and the asynchronous caller goes on when they have settled.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! use settled_signal::{Observable, Signal, transaction};
//!
//! transaction::block_on(async {
//!     let saved = Arc::new(Mutex::new(Vec::new()));
//!     let name = Observable::new(String::new());
//!     let renamed = Signal::<String>::new();
//!     name.connect(move |name| renamed.notify(name.clone()));
//!     name.connect_async({
//!         let saved = saved.clone();
//!         move |name| {
//!             let saved = saved.clone();
//!             async move { saved.lock().unwrap().push(name) }
//!         }
//!     });
//!
//!     transaction::scope(async {
//!         name.set("Ada".into());
//!         name.set("Grace".into());
//!     })
//!     .await
//!     .unwrap();
//!     assert_eq!(*saved.lock().unwrap(), ["Ada", "Grace"]);
//! });
//! ```
//!
//! # The way of the data
//!
//! `observable.set` stores and delivers the change (`change`), [`Signal::notify`] takes a snapshot of the handlers
//! (`handlers`) and calls them (`notify`). A synchronous one is called there and then; an asynchronous one gets a
//! delivery, a future in the current transaction, which waits for its turn (`delivery`, `queue`). What they gave is
//! collected in the [`Notification`] (`parts`).
//!
//! # What it costs
//!
//! To notify synchronous handlers: a lock, a reference count, and a call through a pointer each; no allocation. To notify an
//! asynchronous handler: one allocation, and one more for each `notify` that has several. To set an observable that nobody
//! listens to: a store under a lock.

#![forbid(unsafe_code)]

mod change;
mod connection;
mod crowd;
mod delivery;
mod handler;
mod handlers;
mod lock;
#[cfg(feature = "macros")]
mod model;
mod notification;
mod notify;
mod observable;
mod outcome;
mod parts;
mod queue;
mod round;
mod signal;
mod slot;
mod source;
mod store;
mod this_thread;
mod tree;

pub use connection::Connection;
pub use handler::Handler;
pub use notification::Notification;
pub use observable::Observable;
pub use outcome::{HandlerOutcome, IntoOutcome};
pub use signal::Signal;
pub use source::Source;

#[cfg(feature = "macros")]
pub use settled_macros::{handlers, model};

/// For the macros.
#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod __private {
    pub use crate::model::{
        ExpectsBlock, HandlersBlock, Hidden, MaybeBlock, Model, NoBlock, Shown, Value, called_on,
    };
}

/// The core: scopes, transactions, failures.
pub use settled as transaction;
