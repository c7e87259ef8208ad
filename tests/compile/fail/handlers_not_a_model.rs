//! Handlers of what is not a model.

use settled_signal::handlers;

struct Nobody;

#[handlers]
impl Nobody {
    #[handler(name)]
    fn on_name(&self) {}
}

fn main() {}
