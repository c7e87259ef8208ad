//! What is measured.

mod collections;
mod graph;
mod notify;
mod set;
mod settle;

use crate::subject::Workload;

/// All of it, in the order of the report.
pub static WORKLOADS: &[Workload] = &[settle::W1, notify::W2, set::W3, graph::W4, collections::W5];
