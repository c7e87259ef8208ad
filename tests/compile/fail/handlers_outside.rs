//! A handler of something beyond its model names it by a pattern, and takes its event.

use settled_signal::{handlers, model};

#[model]
struct Tank {
    level: u32,
}

#[handlers]
impl Tank {
    #[handler("weather..rain")]
    fn a(&self, _: &u32) {}

    #[handler("weather.r*in")]
    fn b(&self, _: &u32) {}

    #[handler("weather.rain")]
    fn c(&self) {}
}

fn main() {}
