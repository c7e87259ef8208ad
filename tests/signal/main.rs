//! What signals and observables promise, each promise by its name; the `s..` tests prove the behaviours of that id.

#![forbid(unsafe_code)]

mod allocations;
mod dead;
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
mod takeover;
mod threads;
mod traits;
mod update;
mod which;
