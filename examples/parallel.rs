//! A spawner: what is added runs as tasks of a runtime, on all its threads, and is waited for as ever.
//!
//! Without one, all that was added is driven by who awaits the scope: concurrent, but one thing at a time. Sums that
//! keep a processor busy want more. Here four of them meet at a barrier, which opens only when all four are there at once:
//! on one thread that would hang. A future that its runtime drops is no loss unseen; it has failed, as cancelled.
//!
//! Run it: `cargo run --example parallel`
//!
//! It prints the sums in the order of adding, on how many threads they were made, and what became of a dropped task.

use std::collections::HashSet;
use std::sync::{Arc, Barrier, Mutex};
use std::thread::{self, ThreadId};

use futures::future::BoxFuture;
use settled::Transaction;
use tokio::runtime::Builder;

const PARTS: u64 = 4;

type Threads = Arc<Mutex<HashSet<ThreadId>>>;

/// Keeps a thread busy, and waits until the other parts do so, too.
fn sum(part: u64, together: &Barrier, threads: &Threads) -> u64 {
    together.wait();
    threads.lock().unwrap().insert(thread::current().id());
    (part * 1_000..(part + 1) * 1_000).sum()
}

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(PARTS as usize).build().expect("threads");
    let handle = runtime.handle().clone();
    let on_tokio = move |task: BoxFuture<'static, ()>| drop(handle.spawn(task));
    let threads = Threads::default();
    let together = Arc::new(Barrier::new(PARTS as usize));

    let body = async {
        let parts = (0..PARTS).map(|part| {
            let (together, threads) = (together.clone(), threads.clone());
            async move { sum(part, &together, &threads) }
        });
        settled::current().expect("a scope's own").gather(parts).await
    };
    let scope = Transaction::builder().spawner(on_tokio).scope(body);
    let sums = settled::block_on(scope).expect("nothing fails").expect("nor panics");
    println!("sums: {sums:?}");
    println!("on {} threads: {}", PARTS, threads.lock().unwrap().len() == PARTS as usize);
    assert_eq!(sums, [499_500, 1_499_500, 2_499_500, 3_499_500]);
    assert_eq!(sums.iter().sum::<u64>(), (0..PARTS * 1_000).sum());
    assert_eq!(threads.lock().unwrap().len(), PARTS as usize);
    assert!(!threads.lock().unwrap().contains(&thread::current().id()), "this thread has only waited");

    // A runtime that shuts down drops its tasks. This spawner does nothing else.
    let scope = Transaction::builder()
        .spawner(drop::<BoxFuture<'static, ()>>)
        .scope(async { settled::add_value(async { "never" }).await });
    let failure = settled::block_on(scope).expect("the handle has received it").expect_err("it was dropped");
    println!("a dropped task was cancelled: {}", failure.is_cancelled());
    assert!(failure.is_cancelled());
}
