//! A handler of something that the model does not have.

use std::sync::Arc;

use settled_signal::{Signal, handlers, model};

#[model]
struct Animal {
    fed: Signal<u32>,
    weight: u32,
}

#[model]
struct Dog {
    #[base]
    animal: Arc<Animal>,
    breed: String,
    #[plain]
    number: u32,
}

#[handlers]
impl Animal {
    #[handler(wieght)]
    fn similar(&self) {}

    #[handler(colour)]
    fn unlike(&self) {}
}

#[handlers]
impl Dog {
    #[handler(number)]
    fn plain(&self) {}
}

fn main() {}
