//! What is fuzzed: any bytes are a program (`tests/support/program.rs`), which is run and held against the model
//! (`tests/support/model.rs`).

#![forbid(unsafe_code)]

use support::program::Program;

/// Runs the program that these bytes are.
///
/// # Panics
///
/// If a promise is broken.
pub fn check(bytes: &[u8]) {
    Program::from_bytes(bytes).check();
}

/// What programs panic with is a number, which the transaction catches. It is no news, and no end of the process
/// either, as libFuzzer's own hook would have it. Nor is it that programs leave transactions open.
pub fn quiet_children() {
    settled::set_reporter(|_| {});
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let is_number = |text: &String| text.parse::<usize>().is_ok();
        if !info.payload().downcast_ref().is_some_and(is_number) {
            hook(info);
        }
    }));
}
