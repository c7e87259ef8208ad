//! What computeds, effects and dependencies promise, each promise by its name; the `r..` tests prove the behaviours of that id.

#![forbid(unsafe_code)]

mod asynchronous;
mod atomic;
mod computed;
mod cycles;
mod deep;
mod effect;
mod kit;
mod model;
mod reference;
mod threads;
