//! Several handlers fail or panic, and all their errors are in hand, in order.
//!
//! Five handlers hear of an order; three go wrong, one of them by a panic. The other two do their work all the same,
//! and the scope returns every error with its own type and the place where its work was set going.
//!
//! Run it: `cargo run --example errors`
//!
//! It prints what the two sound handlers do, then a line for each failure in the order of the handlers, then a value
//! that is not lost although handlers failed.

use std::io;
use std::num::ParseIntError;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_lite::future::yield_now;
use settled::{Failure, Handled};
use settled_signal::Signal;

/// One line about a failure. Programs that log use `Display`, which has the whole location.
fn describe(failure: &Failure) -> String {
    let file = Path::new(failure.location().file()).file_name().expect("a file has a name");
    let what = if let Some(error) = failure.downcast_ref::<io::Error>() {
        format!("io error, {:?}: {error}", error.kind())
    } else if let Some(error) = failure.downcast_ref::<ParseIntError>() {
        format!("not a number: {error}")
    } else if let Some(message) = failure.panic_message() {
        format!("panic: {message}")
    } else {
        format!("other: {failure}")
    };
    format!("{what} (set going in {})", file.display())
}

/// The signal of new orders, with everyone who wants to know of them. Counts the handlers that went through.
fn orders(sound: &Arc<AtomicUsize>) -> Signal<&'static str> {
    let orders = Signal::new();
    orders.connect_async(|_| async {
        yield_now().await;
        Err::<(), _>(io::Error::new(io::ErrorKind::StorageFull, "no room left for orders"))
    });
    let stock = sound.clone();
    orders.connect_async(move |order| {
        let stock = stock.clone();
        async move {
            yield_now().await;
            println!("stock: set aside {order}");
            stock.fetch_add(1, Ordering::Relaxed);
        }
    });
    orders.connect_async(|order: &'static str| async move {
        assert!(order.contains("postcode"), "an order without a postcode");
    });
    orders.connect_async(|order: &'static str| async move {
        let pieces: u32 = order.split(' ').next_back().unwrap_or_default().parse()?;
        println!("statistics: {pieces} pieces");
        Handled::Ok(())
    });
    let mail = sound.clone();
    orders.connect(move |order| {
        println!("mail: thank you for ordering {order}");
        mail.fetch_add(1, Ordering::Relaxed);
    });
    orders
}

fn main() {
    let sound = Arc::new(AtomicUsize::new(0));
    let orders = orders(&sound);

    // A panic in a handler is caught and becomes a failure; the hook would also print it, which is noise here.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = settled::block_on(
        settled::scope(async {
            orders.notify("teapots, many");
            "order 17"
        })
        .outcome(),
    );
    std::panic::set_hook(hook);

    println!("{} failures:", outcome.failures.len());
    for failure in outcome.failures.iter() {
        println!("  {}", describe(failure));
    }
    println!("the body's value: {}", outcome.value);

    let kinds: Vec<bool> = outcome.failures.iter().map(Failure::is_panic).collect();
    assert_eq!(kinds, [false, true, false], "the handlers' order, not that of their failing");
    assert_eq!(sound.load(Ordering::Relaxed), 2, "those that are sound have run");
    assert_eq!(outcome.value, "order 17");
}
