//! A scope, an `end`, a `wait` and a `gather` that are not awaited are warned of.

#![deny(unused_must_use)]

async fn work() {
    settled::scope(async {});
    settled::scope(async {}).outcome();
    settled::try_scope(async { Ok::<_, std::io::Error>(()) });
    let transaction = settled::begin();
    transaction.gather([async {}]);
    transaction.wait();
    transaction.end();
    settled::Transaction::builder().name("forgotten");
}

fn main() {
    let _ = work;
}
