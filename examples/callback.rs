//! The result of what was added comes by a callback, which adds more.
//!
//! `order` is synchronous: it asks for a price and leaves a callback for the answer. The callback runs inside of the
//! transaction, so the invoice that it adds is waited for as well. It hears of an error and of a cancellation too.
//!
//! Run it: `cargo run --example callback`
//!
//! It prints a line when the orders are placed, one from each callback, one for the invoice that a callback added, and
//! the error that the scope returned.

use std::fmt;
use std::sync::{Arc, Mutex};

use futures_lite::future::yield_now;
use settled::Stashed;

#[derive(Debug)]
struct OutOfPrint(&'static str);

impl fmt::Display for OutOfPrint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is out of print", self.0)
    }
}

impl std::error::Error for OutOfPrint {}

/// What the bookseller knows; takes a while to look up.
async fn price(title: &'static str) -> Result<u32, OutOfPrint> {
    yield_now().await;
    match title {
        "Middlemarch" => Ok(12),
        "Emma" => Ok(9),
        _ => Err(OutOfPrint(title)),
    }
}

type Invoices = Arc<Mutex<Vec<(&'static str, u32)>>>;

async fn send_invoice(title: &'static str, euros: u32, sent: Invoices) {
    yield_now().await;
    println!("invoice sent: {title}, {euros} euros");
    sent.lock().unwrap().push((title, euros));
}

/// Orders a book: synchronous, and done when the transaction around the call has settled.
fn order(title: &'static str, invoices: &Invoices) -> Stashed<u32> {
    let invoices = invoices.clone();
    settled::add(price(title)).on_settled(move |price| match price {
        Ok(euros) => {
            println!("callback: {title} costs {euros} euros");
            settled::add(send_invoice(title, *euros, invoices));
        }
        Err(failure) if failure.is_cancelled() => println!("callback: {title} was cancelled"),
        Err(failure) => println!("callback: {}", failure.cause()),
    })
}

fn main() {
    let invoices = Invoices::default();

    let failures = settled::block_on(settled::scope(async {
        order("Middlemarch", &invoices);
        order("Clelia", &invoices);
        order("Emma", &invoices).cancel();
        println!("three orders placed");
    }))
    .expect_err("one title is out of print");

    // The invoice was added by a callback, while the scope was settling already.
    assert_eq!(*invoices.lock().unwrap(), [("Middlemarch", 12)]);

    // A callback hears of an error but does not take it away, and a cancellation is no error of the scope.
    assert_eq!(failures.len(), 1);
    let error: &OutOfPrint = failures.first().and_then(|one| one.downcast_ref()).expect("our own error");
    println!("the scope returned: {error}");
}
