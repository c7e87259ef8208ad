//! What cannot be a model.

use settled_signal::model;

#[model]
enum Either {
    Left,
}

#[model]
struct Pair(u32, u32);

#[model]
struct Unit;

#[model]
fn function() {}

#[model]
struct Borrowing<'a> {
    name: &'a str,
}

#[model]
#[derive(Clone, Debug, Default)]
struct Derived {
    name: String,
}

fn main() {}
