//! A transaction that was begun has one owner, which ends it. Its handles are many.

fn two<T: Clone>(one: T) -> (T, T) {
    (one.clone(), one)
}

fn main() {
    let _handles = two(settled::Transaction::clone(&settled::begin()));
    let _owners = two(settled::begin());
}
