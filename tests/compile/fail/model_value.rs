//! A field that cannot be an observable.

use std::sync::Mutex;

use settled_signal::model;

#[model]
struct Shared {
    count: Mutex<u32>,
}

fn main() {}
