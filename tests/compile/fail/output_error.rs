//! The error of a future that is added has to be one.

struct NoError;

fn main() {
    settled::add(async { Err::<(), NoError>(NoError) });
}
