//! How it is measured: always in processes that do one thing and end.

mod allocations;
mod instructions;
mod nanoseconds;
mod process;

pub use allocations::{allocations, build_counter};
pub use instructions::{has_valgrind, instructions};
pub use nanoseconds::{is_pinned, nanoseconds, time};
pub use process::{all_at_once, folder, one};

/// What one unit of a cell costs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    pub nanoseconds: f64,
    /// `None` without valgrind.
    pub instructions: Option<f64>,
    pub allocations: f64,
}
