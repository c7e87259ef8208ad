//! Options of `#[model]`.

use settled_signal::model;

#[model(name = "x")]
struct Unknown {}

#[model(handlers = 9)]
struct TooMany<T> {
    value: T,
}

#[model(handlers, handlers)]
struct Twice<T> {
    value: T,
}

#[model(handlers)]
struct NotGeneric {}

#[model(new = 7)]
struct NoName {}

fn main() {}
