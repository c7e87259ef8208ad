//! Four ways to deliver events to a handler that is busy: all in turn, all at once, only the latest, or the newest next.
//!
//! Somebody types into a search field, and each letter is an event. A search takes three ticks, so that letters come while
//! one is under way. What becomes of them then is said where the handler is connected: four handlers that are otherwise
//! the same get the same events from the same signal.
//!
//! Run it: `cargo run --example delivery`
//!
//! It prints a table: for each tick, which letter was typed, and which searches each handler has under way (none in the
//! tick in which it passes from one to the next). A tick is a poll, not a time: the table is the same each time. Then what
//! each has found.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_lite::future::yield_now;
use settled_signal::transaction::{block_on, scope};
use settled_signal::{Delivery, Signal};

const MODES: [Delivery; 4] = [Delivery::Queued, Delivery::Every, Delivery::Latest, Delivery::Coalesced];
/// What is typed, a tick each.
const TYPED: &str = "a b cd    e";
const TICKS: usize = 20;

/// What each handler is doing in each tick.
#[derive(Default)]
struct Chart {
    now: AtomicUsize,
    searches: Mutex<[[String; TICKS]; 4]>,
}

impl Chart {
    fn note(&self, mode: usize, letter: char) {
        let mut searches = self.searches.lock().unwrap();
        let cell = &mut searches[mode][self.now.load(Ordering::Relaxed)];
        let place = cell.find(|other| other > letter).unwrap_or(cell.len());
        cell.insert(place, letter);
    }

    fn print(&self) {
        let row = |name: &str, cells: &[String]| {
            let cells: String = cells.iter().map(|cell| format!("{cell:<4}")).collect();
            println!("{name:<10} {}", cells.trim_end());
        };
        let typed: Vec<String> = TYPED.chars().map(String::from).collect();
        row("typed", &typed);
        for (mode, cells) in MODES.iter().zip(&*self.searches.lock().unwrap()) {
            row(&format!("{mode:?}"), cells);
        }
    }
}

/// Takes three ticks, the one in which it begins included. Where it is superseded it is dropped at an `await`.
async fn search(chart: Arc<Chart>, mode: usize, letter: char) -> char {
    for _ in 0..3 {
        chart.note(mode, letter);
        yield_now().await;
    }
    letter
}

fn main() {
    let chart = Arc::new(Chart::default());
    let typed = Signal::<char, (Delivery, char)>::new();
    for (mode, delivery) in MODES.into_iter().enumerate() {
        let chart = chart.clone();
        typed.connect_with().delivery(delivery).run(move |letter| {
            let search = search(chart.clone(), mode, letter);
            async move { (delivery, search.await) }
        });
    }

    // Whatever the mode, the scope waits for all that is under way. To be superseded is no failure.
    let typing = block_on(scope(async {
        let mut typing = Vec::new();
        for letter in TYPED.chars() {
            if letter != ' ' {
                typing.push(typed.notify(letter));
            }
            // The others have their turn, all of them: that is a tick.
            yield_now().await;
            chart.now.fetch_add(1, Ordering::Relaxed);
        }
        while typing.iter().any(|notification| !notification.is_done()) {
            yield_now().await;
            chart.now.fetch_add(1, Ordering::Relaxed);
        }
        typing
    }))
    .expect("a search cannot fail here");
    chart.print();

    // What was superseded has resolved without a result.
    let found: Vec<_> = typing.iter().flat_map(|one| one.results().expect("all has settled")).collect();
    let found = MODES.map(|mode| -> String {
        found.iter().filter(|(of, _)| *of == mode).map(|(_, letter)| *letter).collect()
    });
    for (mode, found) in MODES.iter().zip(&found) {
        println!("{mode:?} has found: {found}");
    }
    assert_eq!(found, ["abcde", "abcde", "de", "acde"]);
}
