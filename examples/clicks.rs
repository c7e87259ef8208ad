//! A click asks everybody who listens, some of whom take a while: their answers come in the order of connection.
//!
//! A ticket machine has a button, and knows nothing of who listens to it. The tariff answers at once; the printer and the
//! card reader are asynchronous, and the slow one comes first; the display has nothing to say; and the partners are a
//! signal themselves. What they answer makes the lines of the receipt.
//!
//! Run it: `cargo run --example clicks`
//!
//! It prints for each click what the listeners do, as it happens, and the receipt, whose lines are in the order in which
//! the listeners were connected, whoever was done first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_lite::future::yield_now;
use settled_signal::Signal;
use settled_signal::transaction::{block_on, scope};

/// The event is the ticket that was asked for, a result is a line of the receipt.
type Button = Signal<&'static str, String>;

/// Connects what is slow to a button. There is paper for two tickets.
fn plug_in_machinery(button: &Button) {
    let paper = Arc::new(AtomicUsize::new(2));
    button.connect_async(move |ticket| {
        let paper = paper.clone();
        async move {
            // The slowest of all.
            for _ in 0..3 {
                yield_now().await;
            }
            let left = paper.load(Ordering::Relaxed).checked_sub(1).ok_or("the printer is out of paper")?;
            paper.store(left, Ordering::Relaxed);
            println!("  printer: done");
            // A handler may return a result, or a `Result` with one.
            Ok::<_, &str>(format!("printed: {ticket}"))
        }
    });
    button.connect_async(|_| async {
        yield_now().await;
        println!("  card reader: done");
        "paid by card".to_string()
    });
}

fn receipt(lines: &[String]) {
    println!("  receipt: {}", lines.join(" | "));
}

fn main() {
    let button = Button::builder().name("buy").build();
    button.connect(|ticket| format!("one {ticket} ticket"));
    button.connect(|ticket| {
        println!("  display: {ticket}");
        // Not a line of the receipt: this handler is left out of the results.
        None::<String>
    });

    println!("all listeners are synchronous:");
    let click = button.notify("single");
    // Nothing to wait for: no transaction, no executor, and the results are there.
    assert!(click.is_done() && !click.has_async());
    receipt(click.results().expect("it is done"));

    // Here a listener is a signal again. What its own listeners answer stands in its place.
    let partners = Button::new();
    partners.connect(|_| "museum: 10% off".to_string());
    partners.connect(|ticket| (*ticket == "day").then(|| "zoo: 5% off".to_string()));
    plug_in_machinery(&button);
    button.connect(move |ticket| partners.notify(ticket));

    println!("two more are asynchronous, and the click is awaited:");
    let click = button.notify("return");
    assert!(click.has_async() && click.results().is_none());
    println!("  the click has returned, done: {}", click.is_done());
    let lines = block_on(click).expect("there is paper");
    receipt(&lines);
    assert_eq!(lines, ["one return ticket", "printed: return", "paid by card", "museum: 10% off"]);

    println!("two clicks are awaited by nobody, but happen in a scope; one listener fails:");
    let both = scope(async { ["day", "single"].map(|ticket| button.notify(ticket)) });
    let outcome = block_on(both.outcome());
    for click in &outcome.value {
        receipt(click.results().expect("all has settled with the scope"));
    }
    let [day, single] = outcome.value.map(|click| click.results().map(<[_]>::len));
    assert_eq!([day, single], [Some(5), Some(3)], "both partners for the day; nothing printed for the other");
    // Not lost with the receipt: it is in the transaction, and whoever started that has it in hand.
    let failure = outcome.failures.first().expect("there was paper for two");
    println!("  and: {}", failure.cause());
    assert_eq!(outcome.failures.len(), 1);
}
