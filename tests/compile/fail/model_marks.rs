//! Marks where they mean nothing.

use settled_signal::{Signal, model};

#[model]
struct Kinds {
    #[plain]
    #[signal]
    both: Signal<u32>,
    #[plain]
    #[plain]
    twice: u32,
    #[plain(really)]
    with_something: u32,
}

#[model]
struct Values {
    #[default = 7]
    default: u32,
    #[validate]
    validate: u32,
    #[plain]
    #[validate(|_| true)]
    #[gated]
    plain: u32,
    #[gated]
    signal: Signal<u32>,
}

#[model]
struct Signals {
    #[signal(loud)]
    unknown: Signal<u32>,
    #[signal(order = Sideways)]
    order: Signal<u32>,
    #[signal(sequential, concurrent)]
    both: Signal<u32>,
    #[signal(sequential)]
    #[default(Signal::new())]
    given: Signal<u32>,
    #[validate(|_| Ok(()))]
    #[default(Signal::new())]
    validated: Signal<u32>,
}

fn main() {}
