//! Hooks around notify, connect and disconnect: who subscribes late gets the past click, a bounced one reaches nobody.
//!
//! A page is shown before its scripts are loaded, and visitors are impatient. So the button remembers its last click, and
//! gives it to each handler that is connected later; says goodbye to those that leave; and keeps to itself what is no
//! click but a bounce of the switch. Those who click and those who listen know nothing of this: it is said once, where
//! the signal is made.
//!
//! Run it: `cargo run --example wrappers`
//!
//! It prints what each of three handlers hears, two of which come late: one of these is asynchronous, and has caught up
//! when the scope in which it was connected is over.

use std::sync::{Arc, Mutex};

use futures_lite::future::yield_now;
use settled_signal::transaction::{block_on, scope};
use settled_signal::{Notification, Signal};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    /// At this time, in milliseconds.
    Click(u32),
    /// There will be nothing more for you.
    Goodbye,
}

/// A shorter time is none in which a finger clicks twice.
const BOUNCE: u32 = 20;

/// The button's signal. What its handlers give back is who they are.
fn button() -> Signal<Event, &'static str> {
    let last = Arc::new(Mutex::new(None));
    // The hooks share what they remember, not the signal: that would be kept by itself.
    let remembered = last.clone();
    Signal::builder()
        .on_notify(move |inner, event| {
            if let Event::Click(now) = event {
                let mut last = remembered.lock().unwrap();
                if last.is_some_and(|last| now - last < BOUNCE) {
                    println!("{now} ms: a bounce");
                    // Done, with no results. The inner operation is not called.
                    return Notification::default();
                }
                *last = Some(now);
            }
            println!("{event:?}, to {} handlers", inner.source().len());
            inner.notify(event)
        })
        .on_connect(move |inner, subscriber| {
            // Notified by way of the signal, all the others would hear of it again.
            let past = *last.lock().unwrap();
            if let Some(past) = past {
                println!("{} is late:", subscriber.name().unwrap_or("somebody"));
                inner.notify_one(&subscriber, Event::Click(past));
            }
            inner.connect(subscriber)
        })
        .on_disconnect(|inner| {
            inner.notify_one(Event::Goodbye);
            inner.disconnect()
        })
        .build()
}

fn main() {
    let (button, heard) = (button(), Arc::new(Mutex::new(Vec::new())));
    // What a handler of this name does: it tells what it has heard, and who it is.
    let hear = |name: &'static str| {
        let heard = heard.clone();
        move |event: Event| {
            println!("  {name}: {event:?}");
            heard.lock().unwrap().push((name, event));
            name
        }
    };
    let [menu, cart, chat] = ["menu", "cart", "chat"].map(hear);

    let menu = button.connect_with().name("menu").sync(move |event| menu(*event));
    button.notify(Event::Click(100));
    let bounced = button.notify(Event::Click(104));
    assert_eq!(bounced.results(), Some(&[][..]));

    // Synchronous: has heard of the click when it is connected.
    button.connect_with().name("cart").sync(move |event| cart(*event));
    assert!(heard.lock().unwrap().contains(&("cart", Event::Click(100))));

    // Asynchronous: what it is owed belongs to the transaction in which it was connected.
    let caught_up = block_on(scope(async {
        button.connect_with().name("chat").run(move |event| {
            let chat = chat.clone();
            async move {
                yield_now().await;
                chat(event)
            }
        });
        println!("  (connected)");
    }));
    caught_up.expect("a handler that only prints");
    assert!(heard.lock().unwrap().contains(&("chat", Event::Click(100))));

    // Its goodbye comes before it is disconnected. After that it hears no more.
    println!("menu leaves:");
    assert!(menu.disconnect());
    let names = block_on(button.notify(Event::Click(900))).expect("handlers that only print");
    assert_eq!(names, ["cart", "chat"]);
    let last = heard.lock().unwrap().iter().rfind(|(name, _)| *name == "menu").copied();
    assert_eq!(last, Some(("menu", Event::Goodbye)));
}
