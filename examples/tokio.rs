//! Under tokio: a scope in each task, what a spawned task inherits, and who has the reactor.
//!
//! 1. Requests are served in tasks of their own, on two threads; each has its scope, and none sees another's.
//! 2. A task spawned within a scope is not part of it. To have it waited for, add its `JoinHandle`.
//! 3. What is added where there is no transaction goes to the root, and `set_root_spawner` has tokio run it.
//! 4. An added future is polled by whoever drives, on whatever thread. Outside of the runtime's threads there is no
//!    reactor, and tokio's timers and sockets panic. The cure is to hand such work to the runtime and add its handle.
//!
//! Run it: `cargo run --example tokio`
//!
//! It prints a line or two for each of the four.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::yield_now;

/// Synchronous code deep in a request handler: writes to the audit log, which is slow.
fn audit(log: &Arc<Mutex<Vec<String>>>, entry: String) {
    let log = log.clone();
    settled::add(async move {
        yield_now().await;
        log.lock().unwrap().push(entry);
    });
}

/// The answer goes out when everything that the request has set going has settled.
async fn serve(request: u32) -> String {
    let log = Arc::default();
    settled::scope(async {
        audit(&log, format!("request {request} allowed"));
        yield_now().await;
        audit(&log, format!("request {request} answered"));
    })
    .await
    .expect("the log takes everything");
    log.lock().unwrap().join(", ")
}

async fn requests() {
    let tasks: Vec<_> = (1..=3).map(|request| tokio::spawn(serve(request))).collect();
    for (task, request) in tasks.into_iter().zip(1..) {
        let log = task.await.expect("serving does not panic");
        println!("1. {log}");
        assert_eq!(log, format!("request {request} allowed, request {request} answered"));
    }
}

async fn spawned() {
    let (go, gate) = oneshot::channel();
    let done = Arc::new(Mutex::new(false));
    let set_done = done.clone();
    settled::scope(async {
        let inherited = tokio::spawn(async { settled::current().is_some() }).await.expect("no panic");
        println!("2. current in the scope: {}, in a spawned task: {inherited}", settled::current().is_some());
        assert!(!inherited && settled::current().is_some());

        settled::add(tokio::spawn(async move {
            gate.await.expect("the gate opens");
            *set_done.lock().unwrap() = true;
        }));
        go.send(()).expect("the task waits");
    })
    .await
    .expect("both tasks go well");
    println!("2. a spawned task whose handle was added is done when the scope is: {}", done.lock().unwrap());
    assert!(*done.lock().unwrap());
}

async fn no_transaction() {
    let (reply, answer) = oneshot::channel();
    settled::add(async move { reply.send("run by the runtime").expect("somebody waits") });
    // No scope and no `wait_all`: without the spawner this would wait for ever.
    let answer = answer.await.expect("what was added has run");
    println!("3. added to the root: {answer}");
}

async fn needs_reactor() {
    tokio::time::sleep(Duration::ZERO).await;
}

/// Called on a thread that is not the runtime's.
fn reactor(runtime: &Handle) {
    // The panic is caught and becomes a failure; the hook would also print it, which is noise here.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let broken = settled::block_on(settled::scope(async {
        settled::add(needs_reactor());
    }));
    std::panic::set_hook(hook);
    let failures = broken.expect_err("there is no reactor on this thread");
    let message = failures.first().and_then(|one| one.panic_message()).expect("a panic");
    println!("4. broken: {message}");
    assert!(message.contains("no reactor running"), "{message}");

    let mended = settled::block_on(settled::scope(async {
        settled::add(runtime.spawn(needs_reactor()));
    }));
    mended.expect("the runtime's own threads have a reactor");
    println!("4. mended: spawned on the runtime, and waited for");
}

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("two threads");
    let handle = runtime.handle().clone();
    settled::set_root_spawner(move |work| {
        handle.spawn(work);
    });
    runtime.block_on(async {
        requests().await;
        spawned().await;
        no_transaction().await;
    });
    reactor(runtime.handle());
}
