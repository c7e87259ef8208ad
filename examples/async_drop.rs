//! A connection says an asynchronous goodbye when it is dropped.
//!
//! `Drop::drop` cannot await. Here it adds the goodbye to the current transaction, and the scope around the
//! connection's use does not end before the server has heard it: also where an error leaves the function half-way.
//!
//! Run it: `cargo run --example async_drop`
//!
//! It prints what the server hears. Each scope's line comes after the goodbye of the connection that was used in it.

use std::sync::{Arc, Mutex};

use futures_lite::future::yield_now;
use settled::ScopeError;

/// The other side. It hears slowly.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<Vec<String>>>);

impl Server {
    async fn hear(self, words: String) {
        yield_now().await;
        println!("  server hears: {words}");
        self.0.lock().unwrap().push(words);
    }

    fn last(&self) -> Option<String> {
        self.0.lock().unwrap().last().cloned()
    }
}

struct Connection {
    user: &'static str,
    server: Server,
}

impl Connection {
    async fn open(user: &'static str, server: &Server) -> Connection {
        server.clone().hear(format!("hello from {user}")).await;
        Connection { user, server: server.clone() }
    }

    async fn send(&self, words: &str) -> Result<(), String> {
        if words.is_empty() {
            return Err("there is nothing to send".to_string());
        }
        self.server.clone().hear(format!("{}: {words}", self.user)).await;
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        settled::add(self.server.clone().hear(format!("goodbye from {}", self.user)));
    }
}

/// Sends all that is given; an empty message is an error, which drops the connection half-way.
async fn talk(user: &'static str, messages: [&str; 2], server: &Server) -> Result<(), String> {
    let connection = Connection::open(user, server).await;
    for words in messages {
        connection.send(words).await?;
    }
    Ok(())
}

fn main() {
    let server = Server::default();
    settled::block_on(async {
        let went = settled::try_scope(talk("Ada", ["the engine weaves", "as the loom does"], &server)).await;
        went.expect("both messages can be sent");
        println!("Ada's scope is over");
        assert_eq!(server.last().as_deref(), Some("goodbye from Ada"));

        let went = settled::try_scope(talk("Charles", ["", "never sent"], &server)).await;
        let Err(ScopeError::Body(error)) = went else { panic!("an empty message is an error") };
        println!("Charles's scope is over: {error}");
        assert_eq!(server.last().as_deref(), Some("goodbye from Charles"));
    });
}
