//! `enter` takes a closure: there is no guard that could be held across an await.

async fn later() {}

async fn work(transaction: &settled::Transaction) {
    let _guard = transaction.enter();
    later().await;
}

fn main() {
    let _ = work;
}
