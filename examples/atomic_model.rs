//! A transfer that fails leaves no trace in any field of any model, and no asynchronous handler ever hears of it.
//!
//! A transfer changes four fields of two accounts, and may turn out to be impossible when three of them have been set.
//! It is nothing but setters in an `atomic`: what is to be undone then is written nowhere. A screen (synchronous) shows
//! what stands at any moment, also what is taken back; ledger and mail (asynchronous) get what was committed.
//!
//! Run it: `cargo run --example atomic_model`
//!
//! It prints for three transfers, of which one stands, what the screen shows, what ledger and mail get, and both accounts.

use std::sync::{Arc, Mutex};

use futures_lite::future::yield_now;
use settled_signal::transaction::{BoxError, Handled, ScopeError, atomic, block_on};
use settled_signal::{handlers, model};

#[model]
struct Account {
    #[plain]
    owner: &'static str,
    #[validate(|balance: &i64| if *balance >= 0 { Ok(()) } else { Err("that is more than there is") })]
    balance: i64,
    /// What the owner can read of it.
    #[default]
    statement: Vec<String>,
    #[plain]
    ledger: Arc<Mutex<Vec<(&'static str, i64)>>>,
}

#[handlers]
impl Account {
    /// Hears of every change at once, and of the one back.
    #[handler(balance)]
    fn show(&self, balance: i64) {
        println!("  screen: {} has {balance}", self.owner);
    }

    #[handler(balance)]
    async fn enter(self: Arc<Self>, balance: i64) {
        yield_now().await;
        println!("  ledger: {} has {balance}", self.owner);
        self.ledger.lock().unwrap().push((self.owner, balance));
    }

    #[handler(statement)]
    async fn mail(self: Arc<Self>, statement: Vec<String>) -> Handled {
        yield_now().await;
        println!("  mail to {}: {}", self.owner, statement.last().ok_or("an empty statement")?);
        Ok(())
    }
}

/// What the other bank says, after a while.
async fn accepts(owner: &str, amount: i64) -> Result<(), BoxError> {
    yield_now().await;
    if amount == 13 { Err(format!("{owner}'s bank is superstitious").into()) } else { Ok(()) }
}

async fn transfer(from: &Account, to: &Account, amount: i64) -> Result<(), ScopeError<BoxError>> {
    atomic(async {
        to.update_balance(|balance| *balance += amount);
        to.update_statement(|lines| lines.push(format!("{amount} from {}", from.owner)));
        from.update_statement(|lines| lines.push(format!("{amount} to {}", to.owner)));
        // The validator knows whether there is enough, and knows it only now.
        from.try_update_balance(|balance| *balance -= amount)?;
        accepts(to.owner, amount).await
    })
    .await
}

fn main() {
    let ledger = Arc::new(Mutex::new(Vec::new()));
    let [ada, bob] =
        [("Ada", 100), ("Bob", 5)].map(|(owner, balance)| Account::new(owner, balance, ledger.clone()));
    let tell = || {
        for account in [&ada, &bob] {
            println!("  {}: {}, {:?}", account.owner, account.balance(), account.statement());
        }
        [ada.balance(), bob.balance()]
    };

    block_on(async {
        println!("30 from Ada to Bob:");
        transfer(&ada, &bob, 30).await.expect("there is enough");
        assert_eq!(tell(), [70, 35]);

        println!("100 from Ada to Bob:");
        let error = transfer(&ada, &bob, 100).await.expect_err("that is too much");
        println!("  {error}");
        assert!(matches!(error, ScopeError::Body(_)));
        // Three fields had been set by then.
        assert_eq!(tell(), [70, 35]);

        println!("13 from Ada to Bob:");
        let error = transfer(&ada, &bob, 13).await.expect_err("it is refused");
        println!("  {error}");
        assert_eq!(tell(), [70, 35]);
    });
    assert_eq!([ada.statement(), bob.statement()], [["30 to Bob"], ["30 from Ada"]]);
    assert_eq!(
        *ledger.lock().unwrap(),
        [("Bob", 35), ("Ada", 70)],
        "what was rolled back is not in the ledger"
    );
}
