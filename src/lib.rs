#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod above;
mod add;
mod block_on;
mod body;
mod builder;
mod current;
mod done;
mod driver;
mod end;
mod engine;
mod error;
mod failures;
mod frames;
mod gate;
mod gather;
mod node;
mod open;
mod ops;
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
mod stash;
mod sync;
mod task;
mod ticket;
mod transaction;
mod tree;
mod turn;
mod until;
mod wait;
mod wait_all;
mod waker;

pub use add::{add, add_value};
pub use block_on::block_on;
pub use builder::TransactionBuilder;
pub use end::{End, Wait};
pub use error::{BoxError, Closed, Failure, Failures, Handled, ScopeError};
pub use gather::Gather;
pub use node::State;
pub use report::{Report, set_reporter};
pub use root::set_root_spawner;
pub use scope::{Outcome, Scope, ScopeOutcome, TryScope, TryScopeOutcome, scope, try_scope};
pub use settles::Settles;
pub use stash::Stashed;
pub use transaction::{OwnedTransaction, Transaction, TransactionId, begin, current};
pub use wait_all::{Settlement, wait_all, wait_all_within};
