//! How the changes of a view come out of those of its source: an operator, a file.

pub(crate) mod filter;
pub(crate) mod filter_map;
pub(crate) mod limit;
pub(crate) mod listed;
pub(crate) mod map;
pub(crate) mod map_values;
pub(crate) mod sort;
