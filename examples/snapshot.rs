//! What is everybody waiting for? A snapshot shows a transaction and all that is below it, with places, ages and states.
//!
//! A shutdown hangs. `end_within` gives up after a while; the snapshot then tells which future it was, how it came
//! to be added, and where in the source. Taking one neither waits nor disturbs.
//!
//! Run it: `cargo run --example snapshot`
//!
//! It prints the tree below the transaction, a line for each node, twice: when nothing has been polled, and when the
//! shutdown hangs. (`Display` prints such a tree, with numbers, line numbers and ages, which differ from run to run.)

use std::future::{pending, ready};
use std::path::Path;

use futures_lite::future::yield_now;
use settled::{EndError, Snapshot, Stage, Transaction};

async fn upload(file: &'static str) {
    yield_now().await;
    if file == "photo" {
        // The server has gone; nobody will ever wake this.
        settled::add(pending::<()>());
    }
}

fn print(when: &str, snapshot: &Snapshot) {
    println!("{when}:");
    for node in snapshot.nodes() {
        let file = Path::new(node.location().file()).file_name().expect("a file has a name").display();
        let indent = "  ".repeat(node.depth() + 1);
        let name = node.name().map(|name| format!(" `{name}`")).unwrap_or_default();
        println!("{indent}{}{name}: {}, {} pending below, {file}", node.kind(), node.stage(), node.pending());
    }
}

fn main() {
    let sync = Transaction::builder().name("sync").begin();
    sync.enter(|| ["letter", "photo"].map(|file| settled::add(upload(file))));
    let before = sync.snapshot();
    print("nothing polled yet", &before);
    let stages: Vec<Stage> = before.nodes().map(|node| node.stage()).collect();
    assert_eq!(stages, [Stage::Open, Stage::Queued, Stage::Queued]);

    // A program has a timer of its runtime here. This one rings as soon as all that can go on has gone on.
    let end = settled::block_on(sync.end_within(ready(())));
    assert!(matches!(end, Err(EndError::Timeout)));
    let hangs = sync.snapshot();
    print("the timer has rung", &hangs);

    let culprit = hangs.nodes().find(|node| node.stage() == Stage::Pending).expect("something hangs");
    let above = culprit.parent().expect("it is below the transaction");
    let above = hangs.nodes().nth(above).expect("a place among the nodes");
    println!("it hangs {} deep, below what is {}", culprit.depth(), above.stage());
    assert_eq!((culprit.depth(), above.stage()), (2, Stage::Done));
    assert!(hangs.to_string().contains(&culprit.location().to_string()), "the printed tree names the line");
    assert!(hangs.to_mermaid().starts_with("flowchart"), "there is a diagram, too");

    sync.abort(); // cancels it
    settled::block_on(sync.end()).expect("a cancellation is no failure");
    println!("aborted, pending: {}", sync.pending());
    assert_eq!(sync.pending(), 0);
}
