//! What is added may add more, and scopes may stand in scopes: each waits for all that is below it, to any depth.
//!
//! A build has targets that need others. `build` is synchronous: it adds the making of a target, and that adds the
//! making of what the target needs. Whoever awaits the scope waits for the whole tree without knowing it. In the middle a
//! scope of its own waits for one part, while the rest goes on.
//!
//! Run it: `cargo run --example nested`
//!
//! It prints each target as it is begun and made, indented by how deep it was added, and what has been made when the
//! inner and the outer scope have returned.

use std::sync::{Arc, Mutex};

use futures_lite::future::yield_now;
use settled::{Failures, Transaction};

/// What a target needs.
fn needs(target: &str) -> &'static [&'static str] {
    match target {
        "release" => &["program", "manual"],
        "program" => &["parser", "printer"],
        "parser" => &["grammar"],
        "manual" => &["pictures"],
        _ => &[],
    }
}

#[derive(Clone, Default)]
struct Builder {
    made: Arc<Mutex<Vec<&'static str>>>,
}

impl Builder {
    /// Synchronous: adds the making to what is current.
    fn build(&self, target: &'static str) {
        let builder = self.clone();
        settled::add(async move { builder.make(target).await });
    }

    async fn make(self, target: &'static str) {
        let indent = "  ".repeat(depth());
        println!("{indent}{target}: begun");
        for need in needs(target) {
            self.build(need); // below this future's own transaction
        }
        yield_now().await;
        println!("{indent}{target}: made");
        self.made.lock().unwrap().push(target);
    }

    fn made(&self) -> usize {
        self.made.lock().unwrap().len()
    }
}

/// How many transactions stand above the current one.
fn depth() -> usize {
    std::iter::successors(settled::current(), Transaction::parent).count() - 1
}

async fn all(builder: &Builder) -> Result<(), Failures> {
    settled::scope(async {
        builder.build("release"); // with everything below it
        assert_eq!(builder.made(), 0, "nothing starts in `add`");

        let notes = settled::scope(async {
            println!("notes: a scope in the scope, {} above it", depth());
            builder.build("changelog");
        });
        notes.await?;
        let made = builder.made.lock().unwrap().clone();
        println!("the inner scope has returned, made so far: {}", made.join(", "));
        assert!(made.contains(&"changelog"), "that is what it has waited for");
        assert!(!made.contains(&"pictures"), "the rest is under way meanwhile");
        Ok(())
    })
    .await?
}

fn main() {
    let builder = Builder::default();
    settled::block_on(all(&builder)).expect("nothing fails");
    println!("the outer scope has returned, made: {}", builder.made());
    assert_eq!(builder.made(), 8, "the release, six that it needs to any depth, and the changelog");
}
