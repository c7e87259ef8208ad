//! Blocks of a generic model that nobody would connect.

use settled_signal::{handlers, model};

#[model]
struct Silent<T: Clone + Send + Sync + 'static> {
    value: T,
}

#[handlers]
impl<T: Clone + Send + Sync + 'static> Silent<T> {
    #[handler(value)]
    fn on_value(&self) {}
}

#[model(handlers)]
struct Strict<T: Clone + Send + Sync + 'static> {
    value: T,
}

#[handlers]
impl<T: Copy + Send + Sync + 'static> Strict<T> {
    #[handler(value)]
    fn on_value(&self) {}
}

#[model(handlers)]
struct Promised<T: Clone + Send + Sync + 'static> {
    value: T,
}

fn main() {}
