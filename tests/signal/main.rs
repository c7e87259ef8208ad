//! What signals and observables promise, each promise by its name; the `s..` tests prove the behaviours of that id.

#![forbid(unsafe_code)]

mod allocations;
mod atomic;
mod connecting;
mod dead;
mod delivery;
mod failures;
mod kit;
mod model;
mod models;
mod notification;
mod observable;
mod outside;
mod panics;
mod queue;
mod queue_trees;
mod reentrancy;
mod reference;
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
