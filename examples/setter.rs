//! A setter publishes, and its asynchronous caller goes on when that is done.
//!
//! `User::set_name` is an ordinary setter: it cannot await. It adds the publication to the current transaction and
//! returns. The caller has the setters inside of a `scope`; when that is over, everything has been published.
//!
//! Run it: `cargo run --example setter`
//!
//! It prints what stands when the setters have returned (no news yet), then the news as they are published, in the
//! order of the setters, then what stands when the scope is over.

use std::sync::{Arc, Mutex};

use futures_lite::future::yield_now;

/// Where news are published. That takes a while, as it would over a network.
#[derive(Clone, Default)]
struct Feed(Arc<Mutex<Vec<String>>>);

impl Feed {
    async fn publish(self, news: String) {
        yield_now().await;
        println!("published: {news}");
        self.0.lock().unwrap().push(news);
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

struct User {
    name: String,
    feed: Feed,
}

impl User {
    /// Changes the name now, and has it published by the time that the transaction around the call has settled.
    fn set_name(&mut self, name: &str) {
        let news = format!("{} is now called {name}", self.name);
        self.name = name.to_string();
        settled::add(self.feed.clone().publish(news));
    }
}

fn main() {
    let feed = Feed::default();
    let mut user = User { name: "Augusta".to_string(), feed: feed.clone() };

    settled::block_on(settled::scope(async {
        user.set_name("Ada");
        user.set_name("Countess Lovelace");
        println!("the setters have returned: \"{}\", {} news published", user.name, feed.len());
        assert_eq!(feed.len(), 0, "nothing runs inside of a setter");
    }))
    .expect("publishing cannot fail here");

    println!("the scope is over: {} news published", feed.len());
    let published = feed.0.lock().unwrap();
    assert_eq!(*published, ["Augusta is now called Ada", "Ada is now called Countess Lovelace"]);
}
