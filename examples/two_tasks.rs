//! Two tasks on one thread, each in a transaction of its own, take turns: neither ever sees the other's.
//!
//! What is current belongs to the task that is being polled, not to the thread. Both tasks run the same synchronous code
//! below, which asks only for "the current transaction". After each step a task gives the turn to the other one, and is
//! suspended until it has it back: their polls interleave.
//!
//! Run it: `cargo run --example two_tasks`
//!
//! It prints the steps of both in the order in which they happen, each with the transaction that it found, and then
//! what each of them has waited for.

use std::sync::{Arc, Mutex};

use futures::StreamExt;
use futures::channel::mpsc::{Receiver, Sender, channel};
use futures::future::join;
use futures_lite::future::yield_now;
use settled::{Failures, Transaction, TransactionId};

#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<(String, TransactionId)>>>);

/// The name of the current transaction.
fn here() -> String {
    let current = settled::current().expect("this runs in a transaction");
    current.name().expect("it was given a name").to_string()
}

/// Synchronous code, which knows nothing of tasks: it owes an entry to whoever is current.
fn write(journal: &Journal, entry: String) {
    println!("{entry}: current is {}", here());
    assert!(entry.starts_with(&here()), "the other task has been polled meanwhile");
    let (owner, journal) = (settled::current().expect("as above").id(), journal.clone());
    settled::add(async move {
        yield_now().await;
        // A future that was added has a transaction of its own; that it was added to is the parent.
        let parent = settled::current().and_then(|own| own.parent()).expect("it was added to one");
        assert_eq!(parent.id(), owner);
        journal.0.lock().unwrap().push((entry, parent.id()));
    });
}

/// One task: three steps, each in its turn.
async fn task(
    name: &'static str,
    journal: &Journal,
    mut turn: Receiver<()>,
    mut other: Sender<()>,
) -> Result<TransactionId, Failures> {
    let body = async {
        let own = settled::current().expect("a scope's own").id();
        for step in 1..=3 {
            turn.next().await.expect("the other one gives it back");
            write(journal, format!("{name} {step}"));
            other.try_send(()).ok(); // the other one may be done already
        }
        own
    };
    Transaction::builder().name(name).scope(body).await
}

fn main() {
    let journal = Journal::default();
    let (mut to_bread, bread) = channel(1);
    let (to_soup, soup) = channel(1);
    to_bread.try_send(()).expect("there is room for one turn");
    let bread = task("bread", &journal, bread, to_soup);
    let soup = task("soup", &journal, soup, to_bread);
    let (bread, soup) = settled::block_on(join(bread, soup));
    let (bread, soup) = (bread.expect("nothing fails"), soup.expect("nothing fails"));
    assert_ne!(bread, soup);
    assert!(settled::current().is_none(), "and outside there is none");

    let entries = journal.0.lock().unwrap();
    for (name, id) in [("bread", bread), ("soup", soup)] {
        let own: Vec<&str> =
            entries.iter().filter(|(_, of)| *of == id).map(|(entry, _)| entry.as_str()).collect();
        println!("{name} has waited for: {}", own.join(", "));
        assert_eq!(own, [1, 2, 3].map(|step| format!("{name} {step}")));
    }
    assert_eq!(entries.len(), 6);
}
