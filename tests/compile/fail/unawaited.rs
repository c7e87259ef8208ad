//! Scopes, ends, waits and the like that are not awaited are warned of.

#![deny(unused_must_use)]

async fn work() {
    settled::scope(async {});
    settled::scope(async {}).outcome();
    settled::try_scope(async { Ok::<_, std::io::Error>(()) });
    settled::atomic(async { Ok::<_, std::io::Error>(()) });
    let transaction = settled::begin();
    transaction.gather([async {}]);
    transaction.wait();
    transaction.end();
    transaction.end_within(async {});
    settled::Transaction::builder().name("forgotten");
}

async fn local() {
    settled::scope_local(async {});
    settled::begin_local().end();
}

fn main() {
    let _ = (work, local);
}
