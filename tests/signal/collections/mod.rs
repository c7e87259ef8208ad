//! What collections and their views promise.

mod ending;
mod kit;
mod map_model;
mod serialized;
mod telling;
mod threads;
mod tracked;
mod undo;
mod vec_model;
mod views;
