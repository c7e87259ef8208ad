//! What signals and observables promise, each promise by its name; the `s..` tests prove the behaviours of that id.

#![forbid(unsafe_code)]

mod allocations;
mod atomic;
mod collections;
mod connecting;
mod dead;
mod delivery;
mod exchange;
mod failures;
#[path = "../../examples/external/exchange.rs"]
mod in_process;
mod kit;
mod model;
mod models;
mod notification;
mod observable;
mod outside;
mod panics;
mod promises;
mod prompt;
mod queue;
mod queue_trees;
mod reentrancy;
mod reference;
mod registry;
mod rules;
mod streams;
mod takeover;
mod threads;
mod traits;
mod undo;
mod undo_model;
mod update;
mod which;
mod wrapped;
