//! A member leaves while subscribed: it is told no more, and forgotten; what it is owed by then it still gets.
//!
//! A room does not keep its members. Each connects itself weakly when it is made, and never disconnects: to leave is to be
//! dropped. Three ways to connect are held against each other: weak, with an owner (`scoped`), and the one that
//! is a mistake here, a closure that keeps the member.
//!
//! Run it: `cargo run --example weak_handlers`
//!
//! It prints what is said, who hears it, who leaves, and how many handlers the room has.

use std::sync::{Arc, Mutex};

use futures_lite::future::yield_now;
use settled_signal::transaction::{Handled, block_on, scope};
use settled_signal::{ScopedConnection, Signal};

#[derive(Default)]
struct Room {
    said: Signal<&'static str>,
    left: Arc<Mutex<Vec<&'static str>>>,
}

impl Room {
    fn tell(&self, what: &str) -> usize {
        println!("{what}: {} handlers", self.said.len());
        self.said.len()
    }
}

/// Hears at once what is said, and writes it down in its own time.
struct Member {
    name: &'static str,
    notes: Arc<Mutex<Vec<&'static str>>>,
    left: Arc<Mutex<Vec<&'static str>>>,
}

impl Member {
    fn join(room: &Room, name: &'static str, notes: &Arc<Mutex<Vec<&'static str>>>) -> Arc<Member> {
        let member = Arc::new(Member { name, notes: notes.clone(), left: room.left.clone() });
        // Methods: they get the member when they are called, and do not keep it in between.
        room.said.connect_weak(&member, Member::hear);
        room.said.connect_async_weak(&member, Member::write_down);
        member
    }

    fn hear(&self, what: &&'static str) {
        println!("  {} hears \"{what}\"", self.name);
    }

    async fn write_down(self: Arc<Self>, what: &'static str) -> Handled {
        yield_now().await;
        println!("  {} has written down \"{what}\"", self.name);
        self.notes.lock().unwrap().push(what);
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        println!("  {} has left", self.name);
        self.left.lock().unwrap().push(self.name);
    }
}

/// What a view shows is a closure's business. The connection ends with the view that owns it.
struct View {
    _connection: ScopedConnection,
}

fn main() {
    let (room, notes) = (Room::default(), Arc::new(Mutex::new(Vec::new())));
    block_on(async {
        let ada = Member::join(&room, "Ada", &notes);
        let bob = Member::join(&room, "Bob", &Arc::default());
        let view = View { _connection: room.said.connect(|what| println!("  view: {what}")).scoped() };
        assert_eq!(room.tell("two members and a view"), 5);

        let hello = scope(async {
            room.said.notify("hello");
            // Ada leaves with her note unwritten. That is owed to her: it keeps her until it is done.
            drop(ada);
            println!("  (Ada is dropped)");
            assert!(room.left.lock().unwrap().is_empty());
        });
        hello.await.expect("notes are written without fail");
        assert_eq!(*room.left.lock().unwrap(), ["Ada"]);

        println!("without Ada:");
        let question = scope(async {
            room.said.notify("where is Ada?");
        });
        question.await.expect("notes are written without fail");
        assert_eq!(*notes.lock().unwrap(), ["hello"], "the note that was owed, and no other");
        // Nobody has disconnected Ada's handlers: they have been forgotten.
        assert_eq!(room.tell("one member and a view"), 3);

        drop(view);
        drop(bob);
        assert_eq!(room.tell("nobody"), 0);

        // The mistake: this closure keeps the member, and the room keeps the closure.
        let carl = Member::join(&room, "Carl", &Arc::default());
        let kept = room.said.connect({
            let carl = carl.clone();
            move |what| carl.hear(what)
        });
        drop(carl);
        assert_eq!(room.tell("Carl cannot leave"), 3);
        assert_eq!(*room.left.lock().unwrap(), ["Ada", "Bob"]);
        // Such a one has to be disconnected by hand.
        kept.disconnect();
        assert_eq!(room.tell("disconnected"), 0);
        assert_eq!(room.left.lock().unwrap().last(), Some(&"Carl"));
    });
}
