//! `enter` takes a closure: its transaction cannot be kept current across an await.

async fn later() {}

async fn work(transaction: &settled::Transaction) {
    transaction.enter(|| later().await);
}

fn main() {
    let _ = work;
}
