//! Futures that end badly.

use std::error::Error;
use std::fmt;

use settled::{Failure, Failures};

/// An error that says what it is told to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oops(pub String);

impl fmt::Display for Oops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Oops {}

/// An error that panics when it is dropped.
#[derive(Debug)]
pub struct Bomb;

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bomb")
    }
}

impl Error for Bomb {}

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::panic_any("in the error's destructor");
    }
}

/// A future that fails at its first poll.
pub async fn failing(text: impl Into<String> + Send + 'static) -> Result<(), Oops> {
    Err(Oops(text.into()))
}

/// A future that panics at its first poll.
pub async fn panicking(text: &'static str) {
    std::panic::panic_any(text)
}

/// What each failure says, in order: its error, or its panic's message.
pub fn causes(failures: &Failures) -> Vec<String> {
    failures.iter().map(cause).collect()
}

/// What a failure says.
pub fn cause(failure: &Failure) -> String {
    match (failure.error(), failure.panic_message()) {
        (Some(error), _) => error.to_string(),
        (None, Some(message)) => message.to_owned(),
        (None, None) => format!("{failure}"),
    }
}
