//! An output that cannot say whether its future has failed is for `add_value`.

fn main() {
    settled::add(async { 42 });
}
