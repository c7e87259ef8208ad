//! Two blocks of one number.

use settled_signal::{handlers, model};

#[model]
struct Person {
    name: String,
}

#[handlers]
impl Person {
    #[handler(name)]
    fn first(&self) {}
}

#[handlers]
impl Person {
    #[handler(name)]
    fn second(&self) {}
}

fn main() {}
