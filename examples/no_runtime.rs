//! No runtime at all: `block_on`, and an executor of thirty lines. A transaction needs nothing but somebody who polls.
//!
//! 1. `settled::block_on` runs one future on this thread and parks it in between; another thread wakes it.
//! 2. A hand-written executor has a queue of tasks and a waker that puts them back. Two scopes run on it, and the one
//!    that waits for an answer does not keep the other from running.
//! 3. Within an added future `block_on` would wait for what this thread has to do itself. It panics rather than hang,
//!    and the panic is a failure like any other.
//!
//! Run it: `cargo run --example no_runtime`
//!
//! It prints what happens in each of the three.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;

use futures::channel::oneshot;

type Queue = Arc<Mutex<VecDeque<Arc<Task>>>>;

/// Something to run, which puts itself back into the queue when it is woken.
struct Task {
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    queue: Queue,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let queue = self.queue.clone();
        queue.lock().unwrap().push_back(self);
    }
}

fn spawn(queue: &Queue, future: impl Future<Output = ()> + Send + 'static) {
    Arc::new(Task { future: Mutex::new(Some(Box::pin(future))), queue: queue.clone() }).wake();
}

/// Polls what is woken until nothing is. Gives the number of polls.
fn run(queue: &Queue) -> usize {
    let mut polls = 0;
    while let Some(task) = { queue.lock().unwrap().pop_front() } {
        // Taken out, so that no lock is held in the poll.
        let Some(mut future) = task.future.lock().unwrap().take() else { continue };
        polls += 1;
        let waker = Waker::from(task.clone());
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            *task.future.lock().unwrap() = Some(future);
        }
    }
    polls
}

/// Synchronous code that owes something asynchronous.
fn order(what: &'static str, answer: oneshot::Receiver<u32>) {
    settled::add(async move {
        let euros = answer.await.expect("somebody answers");
        println!("  {what}: {euros} euros");
    });
}

fn blocking() {
    let (reply, answer) = oneshot::channel();
    let result = settled::block_on(settled::scope(async {
        order("tea", answer);
        thread::spawn(move || reply.send(3).expect("somebody waits")).join().expect("no panic");
    }));
    println!("1. block_on: {result:?}");
    assert!(result.is_ok());
}

fn by_hand() {
    let queue = Queue::default();
    let (reply, answer) = oneshot::channel();
    let returned = Arc::new(Mutex::new(Vec::new()));
    for (what, answer) in [("coffee", Some(answer)), ("water", None)] {
        let returned = returned.clone();
        spawn(&queue, async move {
            let body = async { answer.into_iter().for_each(|answer| order(what, answer)) };
            settled::scope(body).await.expect("nothing fails");
            returned.lock().unwrap().push(what);
        });
    }
    let polls = run(&queue);
    println!("2. at rest, returned: {:?}", returned.lock().unwrap());
    assert_eq!((polls, returned.lock().unwrap().clone()), (2, vec!["water"]));

    reply.send(4).expect("the order waits"); // wakes the task that polls the scope
    run(&queue);
    println!("2. answered, returned: {:?}", returned.lock().unwrap());
    assert_eq!(*returned.lock().unwrap(), ["water", "coffee"]);
}

fn inside() {
    // The panic is caught and becomes a failure; the hook would also print it, which is noise here.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = settled::block_on(settled::scope(async {
        settled::add(async { settled::block_on(async {}) });
    }));
    std::panic::set_hook(hook);
    let failures = result.expect_err("it panics");
    assert!(failures.len() == 1 && failures.iter().all(settled::Failure::is_panic));
    println!("3. block_on in an added future: a panic, no hang");
}

fn main() {
    blocking();
    by_hand();
    inside();
}
