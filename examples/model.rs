//! A model's setters and handlers are written by a macro; what its handlers owe has settled when the caller goes on.
//!
//! `Account` says what it has, and what is to happen when that changes. `#[model]` makes a getter and a setter of each
//! field and a constructor; `#[handlers]` has the constructor connect the methods that are marked. One of them is
//! asynchronous: it saves the balance, and is waited for by the scope, though the setter does not know of it.
//!
//! Run it: `cargo run --example model`
//!
//! It prints what each handler does, and at which point the setters have returned.

use std::sync::{Arc, Mutex};

use futures_lite::future::yield_now;
use settled_signal::transaction::{Handled, block_on, scope};
use settled_signal::{Signal, handlers, model};

/// An account at a bank.
#[model]
struct Account {
    /// Whose it is.
    owner: String,
    /// In cents. Below zero it is overdrawn.
    #[default]
    balance: i64,
    /// Told when the account becomes overdrawn, with the balance.
    overdrawn: Signal<i64>,
    #[plain]
    saved: Arc<Mutex<Vec<i64>>>,
}

#[handlers]
impl Account {
    #[handler(balance)]
    fn warn(&self, balance: &i64) {
        println!("{} has {balance}", self.owner());
        if *balance < 0 {
            self.overdrawn().notify(*balance);
        }
    }

    #[handler(balance)]
    async fn save(self: Arc<Self>, balance: i64) -> Handled {
        yield_now().await;
        println!("{balance} is saved");
        self.saved.lock().unwrap().push(balance);
        Ok(())
    }
}

fn main() {
    let saved = Arc::new(Mutex::new(Vec::new()));
    let account = Account::new("Ada".into(), saved.clone());
    let connection = account.overdrawn().connect(|balance| println!("overdrawn: {balance}"));

    block_on(scope(async {
        account.set_balance(100);
        account.update_balance(|balance| *balance -= 300);
        println!("the setters have returned, {} balances saved", saved.lock().unwrap().len());
    }))
    .expect("saving cannot fail here");

    println!("the scope is over: {account:?}");
    assert_eq!(*saved.lock().unwrap(), [100, -200]);
    // Its handlers do not keep a model.
    drop(account);
    assert!(!connection.is_connected(), "its signal is gone with it");
}
