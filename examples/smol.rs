//! Under smol: scopes on its executor, what a detached task inherits, and a runtime for the root.
//!
//! 1. Two tasks on one executor, each with its scope: futures of `smol` are added like any others.
//! 2. A spawned task is not part of the scope around it. Its handle is a future, and can be added.
//! 3. What is added where there is no transaction goes to the root, and `set_root_spawner` has the executor run it.
//!
//! The same program as `tokio`, but for one thing: smol's timers and sockets work on every thread, so that it does not
//! matter who drives.
//!
//! Run it: `cargo run --example smol`
//!
//! It prints a line or two for each of the three, and how the root's work came to run.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use smol::channel;
use smol::future::yield_now;
use smol::{Executor, Timer};

static EXECUTOR: Executor<'static> = Executor::new();

/// Synchronous code deep in a request handler: writes to the audit log, which is slow.
fn audit(log: &Arc<Mutex<Vec<String>>>, entry: String) {
    let log = log.clone();
    settled::add(async move {
        Timer::after(Duration::ZERO).await;
        log.lock().unwrap().push(entry);
    });
}

async fn serve(request: u32) -> String {
    let log = Arc::default();
    settled::scope(async {
        audit(&log, format!("request {request} allowed"));
        yield_now().await;
        audit(&log, format!("request {request} answered"));
    })
    .await
    .expect("the log takes everything");
    let mut entries = log.lock().unwrap().clone();
    entries.sort(); // two timers may ring in any order
    entries.join(", ")
}

async fn requests() {
    let tasks: Vec<_> = (1..=2).map(|request| EXECUTOR.spawn(serve(request))).collect();
    for (task, request) in tasks.into_iter().zip(1..) {
        let log = task.await;
        println!("1. {log}");
        assert_eq!(log, format!("request {request} allowed, request {request} answered"));
    }
}

async fn spawned() {
    let (go, gate) = channel::bounded(1);
    let done = Arc::new(Mutex::new(false));
    let set_done = done.clone();
    settled::scope(async {
        let inherited = EXECUTOR.spawn(async { settled::current().is_some() }).await;
        println!("2. current in the scope: {}, in a spawned task: {inherited}", settled::current().is_some());
        assert!(!inherited && settled::current().is_some());

        // `detach` would forget it; added, it is waited for.
        settled::add(EXECUTOR.spawn(async move {
            gate.recv().await.expect("the gate opens");
            *set_done.lock().unwrap() = true;
        }));
        go.send(()).await.expect("the task waits");
    })
    .await
    .expect("both tasks go well");
    println!("2. a spawned task whose handle was added is done when the scope is: {}", done.lock().unwrap());
    assert!(*done.lock().unwrap());
}

async fn no_transaction() {
    let (reply, answer) = channel::bounded(1);
    settled::add(async move { reply.send("run by the executor").await.expect("somebody waits") });
    // No scope and no `wait_all`: without the spawner this would wait for ever.
    let answer = answer.recv().await.expect("what was added has run");
    println!("3. added to the root: {answer}");
    assert_eq!(answer, "run by the executor");
}

fn main() {
    settled::set_root_spawner(|work| EXECUTOR.spawn(work).detach());
    smol::block_on(EXECUTOR.run(async {
        requests().await;
        spawned().await;
        no_transaction().await;
    }));
}
