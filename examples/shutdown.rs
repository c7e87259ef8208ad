//! A shutdown waits for everything that is still under way, but not for ever.
//!
//! Three transactions are open when the program is asked to stop. `wait_all_within` ends them all, wherever they were
//! begun, until its timer rings, and tells which are not done. Those go on: here the last one is waited for after all.
//!
//! Run it: `cargo run --example shutdown`
//!
//! It prints what becomes done, and after the timer and at the end how many transactions have ended and which have not.

use std::future::{Future, poll_fn};
use std::task::Poll;

use futures::channel::oneshot;
use futures_lite::future::yield_now;
use settled::{OwnedTransaction, Settlement, Transaction};

/// Begins a transaction with one piece of work in it, as parts of a program do that run beside each other.
fn under_way(name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> OwnedTransaction {
    let transaction = Transaction::builder().name(name).begin();
    transaction.enter(|| {
        settled::add(async move {
            work.await;
            println!("done: {name}");
        });
    });
    transaction
}

/// Rings after so many polls. A program takes its runtime's `sleep`; an example has to print the same each time.
fn timer(mut polls: u32) -> impl Future<Output = ()> {
    poll_fn(move |context| {
        if polls == 0 {
            return Poll::Ready(());
        }
        polls -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

fn tell(when: &str, settlement: &Settlement, all: &[OwnedTransaction]) {
    let pending = all.iter().filter(|one| settlement.pending.contains(&one.id()));
    let names: Vec<_> = pending.filter_map(|one| one.name()).collect();
    println!("{when}: {} ended, pending: {names:?}", settlement.ended);
}

fn main() {
    settled::block_on(async {
        let (reply, answer) = oneshot::channel::<()>();
        let all = [
            under_way("cache", yield_now()),
            under_way("upload", async { answer.await.expect("the server answers in the end") }),
            under_way("log", async {
                yield_now().await;
                yield_now().await;
            }),
        ];

        let settlement = settled::wait_all_within(timer(100)).await;
        tell("the timer has rung", &settlement, &all);
        assert_eq!((settlement.ended, settlement.pending.as_slice()), (2, &[all[1].id()][..]));
        assert!(settlement.failures.is_empty());

        // A program would log and leave now. This one gets its answer, and waits again: nothing was lost.
        reply.send(()).expect("the upload still waits");
        let settlement = settled::wait_all().await;
        tell("at last", &settlement, &all);
        assert_eq!(settlement.ended, 1);
        assert!(settlement.pending.is_empty() && settlement.failures.is_empty());
    });
}
