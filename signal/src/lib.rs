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
//! `observable.set` stores the change (`change`) and has it told in its turn (`line`), [`Signal::notify`] takes a snapshot of the handlers
//! (`handlers`, in the order of their `rank`) and calls them (`notify`). A synchronous one is called there and then; an
//! asynchronous one gets a delivery, a future in the current transaction (`delivery`). To a handler at rest, as most are,
//! it goes the short way (`prompt`): it takes the turn, and tells in the end what came of it to the one record that its
//! notification has (`tally`). Otherwise it waits for its turn (`delivering`, `queue`; in an atomic transaction it takes its
//! place at the commit: `held`), and has a handle of the core's. What they gave is collected in the [`Notification`]
//! (`parts`). What a builder can put around that is in `options` and `hooks`, what listens without being a handler in
//! `stream` and `external`. Who finds things by their names does so in a [`SignalRegistry`] (`registry`).
//!
//! # Values that follow from others
//!
//! A [`Computed`] is computed from what its closure reads, an [`Effect`] is run again when what it has read has changed
//! (`derived`, `reaction`, `running`). When that is, is decided in `flush`; what depends on what is known to `graph`, which
//! knows neither values nor futures.
//!
//! # What it costs
//!
//! To notify synchronous handlers: a lock, a reference count, and a call through a pointer each; no allocation. To notify an
//! asynchronous handler that is at rest: what an add costs, two locks and two reference counts; no allocation in the steady
//! state, where the event, the handler's future and four words beside it fit into a cell of the core's. One that has to
//! wait, is held back, or is one after another: two or three allocations. To set an observable that nobody listens to: a
//! store under a lock.

#![forbid(unsafe_code)]

mod behind;
mod builder;
mod careful;
mod carrier;
mod change;
mod collections;
mod computed;
mod connect_with;
mod connection;
mod crowd;
mod delivering;
mod delivery;
mod dependency;
mod derived;
mod describe;
mod effect;
mod external;
mod external_model;
mod flush;
mod flush_hooks;
mod front;
mod graph;
mod handler;
mod handlers;
mod held;
mod hooks;
mod late;
mod layers;
mod line;
mod lock;
mod model;
mod news;
mod notification;
mod notify;
mod observable;
mod observable_builder;
mod options;
mod outcome;
mod parts;
mod payload;
mod prompt;
mod published;
mod queue;
mod rank;
mod reaction;
mod refused;
mod registry;
mod relay;
mod ring;
mod round;
mod rules;
mod running;
mod scalar;
mod scoped;
mod signal;
mod slot;
mod source;
mod state;
mod store;
mod stream;
mod tally;
mod this_thread;
mod tree;
mod undo;
mod untracked;
mod values;

pub use builder::SignalBuilder;
pub use collections::{
    Items, MapDiff, MapEdit, MapView, ObservableMap, ObservableSet, ObservableVec, SetDiff, VecDiff, VecEdit,
    VecView,
};
pub use computed::Computed;
pub use connect_with::ConnectBuilder;
pub use connection::Connection;
pub use delivery::Delivery;
pub use dependency::Dependency;
pub use effect::Effect;
pub use external::{AnyEvent, ExternalSignal, ExternalSignaller};
pub use external_model::{ExternalHandler, ExternalModel};
pub use flush::batch;
pub use flush_hooks::{FlushHooks, on_flush};
pub use handler::Handler;
pub use hooks::{Connecting, Disconnecting, Notifying, Subscriber};
pub use notification::Notification;
pub use observable::Observable;
pub use observable_builder::ObservableBuilder;
pub use outcome::{HandlerOutcome, IntoOutcome};
pub use rank::Order;
pub use refused::Rejected;
pub use registry::{Registered, Registrable, RegistryError, SignalRegistry, Told};
pub use scoped::{BlockGuard, ScopedConnection};
pub use signal::Signal;
pub use source::Source;
pub use stream::{EventStream, Lagged};
pub use untracked::{Untracked, UntrackedExt, untracked};

#[cfg(feature = "macros")]
pub use settled_macros::{handlers, model};

/// For the macros.
#[doc(hidden)]
pub mod __private {
    pub use crate::describe::Description;
    pub use crate::model::{
        ExpectsBlock, HandlersBlock, Hidden, MaybeBlock, Model, Name, NoBlock, Shown, Value, called_on,
    };
}

/// The core: scopes, transactions, failures.
pub use settled as transaction;

/// Its programs are run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide.md")]
mod guide {}
