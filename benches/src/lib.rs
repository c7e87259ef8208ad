//! What adding, settling, notifying and setting cost, beside the same with peers, in one run. See `README.md`.
//!
//! `workloads` has what is measured, a file for each workload; `measure` how, a file for each unit; `report` makes
//! tables of it; `gate` holds our own counts against those recorded. `work` is what every subject is given to do.

#![forbid(unsafe_code)]
// The programs of W4 are written once, and are a module of each library.
#![allow(clippy::duplicate_mod)]

pub mod gate;
pub mod measure;
pub mod report;
pub mod subject;
pub mod work;
pub mod workloads;
