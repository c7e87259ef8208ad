//! The models, by the hand-over that they are about. The README of this package says how they are run.
#![cfg(loom)]

mod add;
mod atomic;
mod begin;
mod body;
mod cancel;
mod drivers;
mod listeners;
mod orphan;
mod outside;
mod pool;
mod root;
mod wake;
