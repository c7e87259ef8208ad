//! Events and results of other types.

use std::sync::Arc;

use settled_signal::{Signal, handlers, model};

#[model]
struct Person {
    name: String,
    asked: Signal<u32, u32>,
}

#[handlers]
impl Person {
    #[handler(name)]
    fn reference(&self, name: &u32) {}

    #[handler(name)]
    fn value(&self, name: u32) {}

    #[handler(name)]
    async fn later(self: Arc<Self>, name: u32) {}

    #[handler(asked)]
    fn result(&self) -> String {
        String::new()
    }
}

fn main() {}
