//! Collections that tell of their changes, as diffs; and views that stay in step with them.
//!
//! # The way of the data
//!
//! A change is made step by step (`vec_edit`, `map_edit`) under the lock (`core`; what is common goes by `quick`), which gives one diff (`log`, `diff`,
//! `map_diff`). Streams are fed at once (`feeds`); handlers and views are told in line (`told`). A view (`worker`) makes its own
//! change of it (`operators`), and tells that on.
//!
//! What computeds and effects have read is noted (`tracked`), so that they depend on that alone.
//!
//! What is uncommitted is kept apart (`apart`, `vec_pile`, `map_pile`): see there, and in `told` for who hears of what.
//! Positions are translated by a sequence that knows ranks (`ranked`).

mod apart;
mod board;
mod contents;
mod core;
mod diff;
mod edit;
mod feeds;
mod items;
mod log;
mod map;
mod map_diff;
mod map_edit;
mod map_pile;
mod map_view;
mod operators;
mod quick;
mod ranked;
mod sequence;
#[cfg(feature = "serde")]
mod serde;
mod set;
mod told;
mod tracked;
mod vec;
mod vec_edit;
mod vec_pile;
mod vec_view;
mod vec_views;
mod worker;

pub use diff::VecDiff;
pub use items::Items;
pub use map::ObservableMap;
pub use map_diff::{MapDiff, SetDiff};
pub use map_edit::MapEdit;
pub use map_view::MapView;
pub use set::ObservableSet;
pub use vec::ObservableVec;
pub use vec_edit::VecEdit;
pub use vec_view::VecView;
