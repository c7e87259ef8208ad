//! An observable is set by whoever likes, and what follows from that settles in the transaction around the call.
//!
//! A heating has a target temperature; a handler sends each to the valve by radio, and when the valve has confirmed, sets
//! where that stands, which is observable too, with a handler that writes it into a logbook. Nobody who sets the target
//! knows of valve and logbook. (`setter` does by hand what `set` does here.)
//!
//! Run it: `cargo run --example observable_set`
//!
//! It prints what has happened when `set` has returned, and when the caller goes on: of a set in a scope, of one that is
//! awaited, of one that changes nothing, of one that nobody waits for, and of one whose handler fails.

use std::sync::{Arc, Mutex};

use futures_lite::future::yield_now;
use settled_signal::Observable;
use settled_signal::transaction::{Handled, block_on, scope, set_reporter, wait_all};

struct Heating {
    target: Observable<u8>,
    /// In percent: how far it is open.
    valve: Observable<u8>,
    logbook: Arc<Mutex<Vec<String>>>,
}

impl Heating {
    fn new() -> Heating {
        let heating =
            Heating { target: Observable::new(18), valve: Observable::new(0), logbook: Arc::default() };
        // The handlers keep what they need, and not the heating: what keeps its own handlers is never dropped.
        let (valve, logbook) = (heating.valve.clone(), heating.logbook.clone());
        heating.target.connect_async(move |target| Heating::move_valve(valve.clone(), target));
        heating.valve.connect_async(move |percent| Heating::write(logbook.clone(), percent));
        heating
    }

    async fn move_valve(valve: Observable<u8>, target: u8) -> Handled {
        yield_now().await;
        let percent =
            target.checked_sub(15).filter(|above| *above <= 10).ok_or("the valve does not answer")?;
        println!("  valve: turned for {target} degrees");
        // This is a setter's call like any other. Its transaction is that of this handler, which belongs to the one in
        // which the target was set: who waits for that waits for what follows from this.
        valve.set(percent * 10);
        Ok(())
    }

    async fn write(logbook: Arc<Mutex<Vec<String>>>, percent: u8) {
        yield_now().await;
        println!("  logbook: {percent}%");
        logbook.lock().unwrap().push(format!("{percent}%"));
    }

    fn tell(&self, when: &str) -> usize {
        let written = self.logbook.lock().unwrap().len();
        println!(
            "  {when}: target {}, valve {}%, {written} in the logbook",
            self.target.get(),
            self.valve.get()
        );
        written
    }
}

fn main() {
    let heating = Heating::new();
    block_on(async {
        println!("in a scope:");
        let done = scope(async {
            heating.target.set(20);
            heating.target.set(21);
            assert_eq!(heating.tell("both sets have returned"), 0);
        });
        done.await.expect("the valve answers");
        assert_eq!(heating.tell("the scope is over"), 2);

        println!("without a scope, awaited:");
        // Then the notification is a transaction of its own, and awaiting it settles the whole of it.
        heating.target.set(19).await.expect("the valve answers");
        assert_eq!(heating.tell("it is done"), 3);

        println!("to what it is already:");
        scope(async { assert!(!heating.target.set_if_changed(19)) }).await.expect("nobody has heard of it");
        assert_eq!(heating.tell("the scope is over"), 3);

        println!("without a scope, not awaited:");
        set_reporter(|report| println!("  reported: outside of any transaction: {}", report.is_outside()));
        heating.target.set(22);
        assert_eq!(heating.tell("it has returned"), 3);
        // Not lost: the root transaction has it, which a program may have run by its runtime, or settle at its end.
        assert!(wait_all().await.failures.is_empty());
        assert_eq!(heating.tell("all is done"), 4);

        println!("with a handler that fails:");
        let done = scope(async {
            heating.target.set(40);
        });
        let failures = done.await.expect_err("so far the valve does not open");
        println!("  the caller hears: {}", failures.first().unwrap().cause());
        // The value stands: it has been set. Where it is not to stand then, see `atomic_model` and `validation`.
        assert_eq!(heating.tell("the scope is over"), 4);
    });
}
