//! What is not `Send`, `Rc` and `RefCell` and all that hangs on one thread, goes into a local scope.
//!
//! A window's widgets share their state by `Rc`, as those of most GUI libraries do. Their synchronous callbacks add
//! asynchronous work to the current transaction: with `add_local` what stays on this thread, with `add` what may go
//! anywhere. The scope drives both, the local ones when the others rest, and waits for all. Without a local scope
//! around, `add_local` refuses rather than hang.
//!
//! Run it: `cargo run --example local`
//!
//! It prints what the window shows as it changes, and what becomes of a local future that has no local scope.

use std::cell::RefCell;
use std::rc::Rc;

use futures::channel::oneshot;
use futures_lite::future::yield_now;

/// Belongs to its thread.
#[derive(Clone, Default)]
struct Window(Rc<RefCell<Vec<String>>>);

impl Window {
    fn show(&self, line: String) {
        println!("shown: {line}");
        self.0.borrow_mut().push(line);
    }

    /// A callback of the button: synchronous, as callbacks are.
    fn clicked(&self, title: &'static str) {
        let (reply, pages) = oneshot::channel();
        // This could be driven by any thread, as far as the transaction is concerned.
        settled::add(async move {
            yield_now().await;
            reply.send(title.len() * 100).expect("the window waits");
        });
        let window = self.clone();
        settled::add_local(async move {
            window.show(format!("{title}: looking it up"));
            let pages = pages.await.expect("somebody counts");
            window.show(format!("{title}: {pages} pages"));
        });
    }
}

fn main() {
    let window = Window::default();
    let shown = window.clone();
    settled::block_on(settled::scope_local(async move {
        window.clicked("Emma");
        window.clicked("Persuasion");
        assert!(window.0.borrow().is_empty(), "nothing starts in a callback");
    }))
    .expect("nothing fails");
    let expected =
        ["Emma: looking it up", "Emma: 400 pages", "Persuasion: looking it up", "Persuasion: 1000 pages"];
    assert_eq!(*shown.0.borrow(), expected);

    // A plain scope may be polled by any thread: it has no place for what cannot be sent.
    let window = shown.clone();
    let refused = settled::block_on(settled::scope(async move {
        settled::add_local(async move { window.show("never".to_string()) }).await
    }));
    let failure = refused.expect("the scope itself is well").expect_err("there is no local scope around");
    println!("without a local scope, refused: {}", failure.is_closed());
    assert!(failure.is_closed() && shown.0.borrow().len() == expected.len());
}
