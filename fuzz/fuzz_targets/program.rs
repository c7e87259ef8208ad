//! Bytes as a program, for libFuzzer. See `README.md`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use settled_fuzz::{check, quiet_children};

fuzz_target!(init: quiet_children(), |bytes: &[u8]| check(bytes));
