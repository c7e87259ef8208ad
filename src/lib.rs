#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod above;
mod add;
mod atomic;
mod block_on;
mod body;
mod builder;
mod cancel;
mod clock;
mod commit;
mod current;
mod done;
mod doom;
mod driver;
mod end;
mod end_within;
mod engine;
mod error;
#[cfg(any(feature = "testing", feature = "tracing"))]
mod event;
mod fail_fast;
mod failures;
mod frames;
mod gate;
mod gather;
mod hold;
mod hooks;
mod in_transaction;
mod lend;
mod limit;
mod local;
mod local_hold;
mod local_scope;
mod local_stash;
mod local_transaction;
mod look;
mod node;
mod note;
mod on_drop;
mod open;
mod ops;
mod outside;
mod own_registry;
mod picture;
mod plain;
#[doc(hidden)]
pub mod plumbing;
mod pool;
mod ready;
mod registry;
mod report;
mod root;
mod run;
mod scope;
mod settle;
mod settles;
mod slot;
mod snapshot;
#[cfg(feature = "tracing")]
mod spans;
mod spawn;
mod stash;
mod sync;
mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod ticket;
mod transaction;
mod tree;
mod turn;
mod until;
mod wait;
mod wait_all;
mod waker;
#[cfg_attr(not(any(feature = "testing", feature = "tracing")), path = "unwatched.rs")]
mod watch;

pub use add::{add, add_cleanup, add_value};
pub use atomic::{Atomic, AtomicOutcome, atomic};
pub use block_on::block_on;
pub use builder::TransactionBuilder;
pub use end::{End, Wait};
pub use end_within::{EndError, EndWithin};
pub use error::{BoxError, Closed, Failure, Failures, Handled, ScopeError};
#[cfg(any(feature = "testing", feature = "tracing"))]
pub use event::{Event, EventKind};
pub use gather::Gather;
pub use hooks::{on_commit, on_rollback};
pub use in_transaction::{InTransaction, InTransactionExt};
pub use local_scope::{LocalScope, LocalScopeOutcome, scope_local};
pub use local_stash::{LocalStashed, add_local, add_local_value};
pub use local_transaction::{LocalEnd, LocalTransaction, LocalWait, begin_local};
pub use node::State;
pub use on_drop::OnDrop;
pub use own_registry::Registry;
pub use report::{Report, set_reporter};
pub use root::set_root_spawner;
pub use scope::{Outcome, Scope, ScopeOutcome, TryScope, TryScopeOutcome, scope, try_scope};
pub use settles::Settles;
pub use snapshot::{CompleteSnapshot, NodeKind, Snapshot, SnapshotNode, Stage};
pub use spawn::{SpawnOn, Spawner};
pub use stash::Stashed;
pub use transaction::{OwnedTransaction, Transaction, TransactionId, begin, current};
pub use wait_all::{Settlement, wait_all, wait_all_within};
