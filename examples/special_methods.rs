//! Methods that nobody can make asynchronous, `+=`, `extend` and a trait of another crate, have asynchronous consequences.
//!
//! What is put into a basket is to be reserved in a warehouse far away, and what is logged goes to a server. But an
//! operator is a synchronous method, so is `Extend::extend`, and so is `log` of the crate `log`, which any code may call.
//! Each notifies a signal; what follows from that settles in the transaction around the call.
//!
//! Run it: `cargo run --example special_methods`
//!
//! It prints how things stand when the operators have returned (nothing has been reserved or sent), then what the
//! warehouse and the log server get, each in order, and what the warehouse did not have: with the line of the `+=`.

use std::ops::AddAssign;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use futures_lite::future::yield_now;
use log::{Level, LevelFilter, Log, Metadata, Record, info};
use settled_signal::Signal;
use settled_signal::transaction::{block_on, scope};

/// The logger of this program. Whatever is logged, by whatever crate, comes through here.
struct Shipping {
    line: Signal<String>,
    sent: Arc<AtomicUsize>,
}

impl Log for Shipping {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Info
    }

    /// Must not block, and cannot await.
    fn log(&self, record: &Record<'_>) {
        self.line.notify(record.args().to_string());
    }

    /// Has nothing to do: the transaction waits anyway.
    fn flush(&self) {}
}

static LOGGER: LazyLock<Shipping> = LazyLock::new(|| {
    let (line, sent) = (Signal::<String>::new(), Arc::<AtomicUsize>::default());
    let counter = sent.clone();
    // A handler never overlaps itself: the lines arrive in the order in which they were logged.
    line.connect_async(move |line| {
        let counter = counter.clone();
        async move {
            yield_now().await;
            println!("  log server: {line}");
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    Shipping { line, sent }
});

#[derive(Default)]
struct Basket {
    items: Vec<&'static str>,
    added: Signal<&'static str>,
}

impl AddAssign<&'static str> for Basket {
    /// Tracks its caller, so that a failure names the place where somebody wrote `+=`.
    #[track_caller]
    fn add_assign(&mut self, item: &'static str) {
        info!("{item} goes into the basket");
        self.items.push(item);
        self.added.notify(item);
    }
}

impl Extend<&'static str> for Basket {
    fn extend<I: IntoIterator<Item = &'static str>>(&mut self, items: I) {
        items.into_iter().for_each(|item| *self += item);
    }
}

async fn reserve(item: &'static str) -> Result<(), String> {
    yield_now().await;
    if item == "samovar" {
        return Err(format!("the warehouse has no {item}"));
    }
    println!("  warehouse: {item} is reserved");
    Ok(())
}

fn main() {
    log::set_logger(&*LOGGER).expect("there is no other one");
    log::set_max_level(LevelFilter::Info);
    let mut basket = Basket::default();
    basket.added.connect_async(reserve);

    block_on(scope(async {
        basket += "teapot";
        basket.extend(["cup", "saucer"]);
        let sent = LOGGER.sent.load(Ordering::Relaxed);
        println!("in the basket: {}; {sent} lines are logged", basket.items.join(", "));
        assert_eq!(sent, 0, "nothing runs inside of a synchronous method");
    }))
    .expect("there are enough of these");
    assert_eq!(LOGGER.sent.load(Ordering::Relaxed), 3, "all has been sent when the scope is over");

    println!("one more:");
    let place = line!() + 1;
    let failures = block_on(scope(async { basket += "samovar" })).expect_err("there is none");
    let failure = failures.first().expect("one has failed");
    println!("  {}", failure.cause());
    assert_eq!(failure.location().line(), place, "not where the signal was notified, but where it says `+=`");
    assert_eq!((failures.len(), LOGGER.sent.load(Ordering::Relaxed)), (1, 4));
}
