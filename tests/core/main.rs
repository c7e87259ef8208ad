//! What the transaction core promises, promise by promise, from outside.

mod adding;
mod adoption;
mod ambient;
mod cancel;
mod cascade;
mod closed;
mod deadlock;
mod deep;
mod destructors;
mod driving;
mod errors;
mod failures;
mod gather;
mod handles;
mod locks;
mod model;
mod panics;
mod parents;
mod properties;
mod scopes;
mod snapshots;
mod threads;
mod traits;
mod trees;
mod waiting;
mod wakes;
