//! Events leave the program and come in from others: an external signaller, hung on a registry, carries them.
//!
//! Two shops sell from one stock, each a program of its own: here both are in one, joined by an exchange, and each has its
//! registry. What happens to a name in one of them happens to the same name in the other, once, and who has set it going
//! waits for that too: the way out joins his transaction. A handler for what comes in alone is taken by the port.
//!
//! Run it: `cargo run --example external`
//!
//! It prints what each shop hears of, and at which point the one who has sold something goes on.

mod exchange;

use std::sync::Arc;

use exchange::Exchange;
use settled_signal::transaction::{Failures, Handled, ScopeError, atomic, block_on, scope};
use settled_signal::{Signal, SignalRegistry, handlers, model};

/// A shop with its idea of the common stock.
#[model]
struct Shop {
    #[plain]
    name: &'static str,
    #[default(10)]
    stock: u32,
    /// Told when something is sold here, with what.
    #[plain]
    #[default]
    sold: Signal<String>,
}

#[handlers]
impl Shop {
    #[handler(stock)]
    fn on_stock(&self, left: &u32) {
        println!("  {}: {left} left", self.name);
    }

    /// Of another program's `sold`: nothing has the name `wire.sold` but what comes in by the port, which takes this handler.
    #[handler("wire.sold")]
    async fn on_sold_elsewhere(self: Arc<Self>, what: String) -> Handled {
        println!("  {}: {what} was sold", self.name);
        if what == "the last one" { Err("somebody else has sold it".into()) } else { Ok(()) }
    }
}

/// A shop, and the registry that its program has.
struct Program {
    shop: Arc<Shop>,
    _registry: SignalRegistry,
}

fn open(name: &'static str, exchange: &Arc<Exchange>) -> Program {
    let (shop, registry, port) = (Shop::new(name), SignalRegistry::new(), exchange.port());
    registry.add_signaller(port.clone());
    registry.register("shop", &shop).expect("the name is free");
    if name == "north" {
        // Only what one shop sells is told: the other one takes it as what was sold elsewhere.
        registry.register("sold", &shop.sold).expect("the name is free");
    }
    println!("  {name}: the port knows of {}", port.models().join(", "));
    Program { shop, _registry: registry }
}

fn main() {
    println!("two programs begin:");
    let exchange = Arc::new(Exchange::default());
    let [south, north] = ["south", "north"].map(|name| open(name, &exchange));

    println!("one is sold:");
    block_on(scope(async {
        north.shop.update_stock(|left| *left -= 1);
        println!("  the stock is set here, {} there", south.shop.stock());
    }))
    .expect("nobody fails");
    println!("  and there: {}", south.shop.stock());
    assert_eq!([north.shop.stock(), south.shop.stock()], [9, 9]);

    println!("an order that is rolled back is nobody's business:");
    let order: Result<(), _> = block_on(atomic(async {
        south.shop.set_stock(0);
        Err(ScopeError::Body("no money"))
    }));
    assert!(order.is_err());
    assert_eq!([north.shop.stock(), south.shop.stock()], [9, 9]);

    println!("what fails elsewhere fails here:");
    let failures = block_on(north.shop.sold.notify("the last one".into())).unwrap_err();
    // The failures of the other program, as the error of the way out.
    let theirs =
        failures.first().and_then(|failure| failure.downcast_ref::<Failures>()).expect("one has failed");
    println!("  north is told: {}", theirs.first().expect("there is one").cause());

    println!("what is not published stays here:");
    block_on(north.shop.sold.notify_unpublished("the shop itself".into())).expect("nobody hears of it");
    println!("  nobody has heard of it");
}
