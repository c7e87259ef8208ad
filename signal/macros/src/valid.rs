//! What a parser lets through and no program can mean, said where it stands.

pub(crate) mod handlers;
pub(crate) mod model;
