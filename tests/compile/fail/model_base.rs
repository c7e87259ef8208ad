//! What cannot be a base.

use std::sync::Arc;

use settled_signal::model;

struct Animal;

#[model]
struct Dog {
    #[base]
    animal: Arc<Animal>,
}

#[model]
struct Being {
    name: String,
}

#[model]
struct Chimera {
    #[base]
    head: Arc<Being>,
    #[base]
    tail: Arc<Being>,
}

fn main() {}
