//! All or nothing: what an order sets going starts when the order stands, and not at all otherwise.
//!
//! Four orders. One goes through; one fails by its own error; one is refused by a check at the commit, which looks at
//! something that the body does not know; one is part of a larger one that fails in the end, and goes with it.
//! The letters, which cannot be taken back, are only ever written for what stands.
//!
//! Run it: `cargo run --example atomic`
//!
//! It prints for each order what it came to, the hooks and the letters as they happen, and what is left in stock.

use std::sync::{Arc, Mutex};

use futures_lite::future::yield_now;
use settled::{ScopeError, atomic};

#[derive(Clone)]
struct Shop {
    stock: Arc<Mutex<i32>>,
    letters: Arc<Mutex<Vec<String>>>,
}

impl Shop {
    /// Synchronous, and knows nothing of who calls it: takes from the stock, and owes a letter.
    fn take(&self, customer: &'static str, pieces: i32) {
        *self.stock.lock().unwrap() -= pieces;
        let stock = self.stock.clone();
        settled::on_rollback(move || {
            *stock.lock().unwrap() += pieces;
            println!("  rolled back: {pieces} for {customer}");
        });
        settled::on_commit(move || println!("  committed: {pieces} for {customer}"));
        let letters = self.letters.clone();
        settled::add(async move {
            yield_now().await;
            println!("  letter: {pieces} are on their way, {customer}");
            letters.lock().unwrap().push(customer.to_string());
        });
    }

    /// What must be so when the order stands.
    fn check(&self) {
        let stock = self.stock.clone();
        settled::current().expect("an order is a transaction").before_commit(async move {
            let left = *stock.lock().unwrap();
            if left < 0 { Err(format!("stock would be {left}")) } else { Ok(()) }
        });
    }

    async fn order(&self, customer: &'static str, pieces: i32) -> Result<(), ScopeError<&'static str>> {
        atomic(async {
            self.check();
            self.take(customer, pieces);
            if customer == "Bob" { Err("Bob has not paid") } else { Ok(()) }
        })
        .await
    }
}

fn tell(what: &str, result: &Result<(), ScopeError<&str>>) {
    match result {
        Ok(()) => println!("{what}: stands"),
        Err(ScopeError::Body(error)) => println!("{what}: {error}"),
        Err(ScopeError::Refused(check)) => println!("{what}: {}", check.cause()),
        Err(ScopeError::Failed(failures)) => println!("{what}: stands, but {failures}"),
    }
}

fn main() {
    let shop = Shop { stock: Arc::new(Mutex::new(5)), letters: Arc::default() };
    settled::block_on(async {
        let ada = shop.order("Ada", 3).await;
        tell("Ada", &ada);
        let bob = shop.order("Bob", 1).await;
        tell("Bob", &bob);
        let cleo = shop.order("Cleo", 4).await;
        tell("Cleo", &cleo);
        assert!(
            ada.is_ok()
                && matches!(bob, Err(ScopeError::Body(_)))
                && matches!(cleo, Err(ScopeError::Refused(_)))
        );

        let both = atomic(async {
            // By itself this would stand; as a part it waits for the whole.
            shop.order("Dora", 1).await.expect("there is one left");
            Err("the second half is missing")
        })
        .await;
        tell("Dora and another", &both);
        assert!(matches!(both, Err(ScopeError::Body(_))));
    });
    println!(
        "in stock: {}, letters to: {}",
        shop.stock.lock().unwrap(),
        shop.letters.lock().unwrap().join(", ")
    );
    assert_eq!(*shop.stock.lock().unwrap(), 2);
    assert_eq!(*shop.letters.lock().unwrap(), ["Ada"], "nobody else has got one");
}
