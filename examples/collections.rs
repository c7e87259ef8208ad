//! A playlist and its views: what changes is told as a diff, views stay in step, and what is rolled back leaves no trace.
//!
//! A radio has a list of songs, of which a window shows the best three, and another one all that are short. A replica on
//! another machine is made of nothing but the diffs that it is sent, which takes a while; it is compared with the list
//! whenever a transaction is over.
//!
//! Run it: `cargo run --example collections`
//!
//! It prints what the windows show, what is sent, and that the replica is the same: of changes one by one, of a batch, of an
//! atomic transaction that fails while somebody else changes the list, and of one that does not.

use std::sync::{Arc, Mutex};

use futures::{FutureExt, StreamExt};
use futures_lite::future::yield_now;
use settled_signal::transaction::{atomic, block_on, scope};
use settled_signal::{ObservableVec, VecDiff, VecView};

#[derive(Clone, Debug, PartialEq)]
struct Song {
    title: &'static str,
    votes: u32,
    seconds: u32,
}

fn song(title: &'static str, votes: u32, seconds: u32) -> Song {
    Song { title, votes, seconds }
}

struct Radio {
    songs: ObservableVec<Song>,
    best: VecView<&'static str>,
    short: VecView<&'static str>,
    replica: Arc<Mutex<Vec<Song>>>,
}

impl Radio {
    fn new() -> Radio {
        let songs = ObservableVec::new();
        // Views are made of views. Each hears of what has changed, and changes as little.
        let best = songs.sort_by(|a: &Song, b| b.votes.cmp(&a.votes)).limit(3).map(|song| song.title);
        let short = songs.filter(|song| song.seconds < 180).map(|song| song.title);
        let replica = Arc::new(Mutex::new(Vec::new()));
        let sent_to = replica.clone();
        songs.changed().connect_async(move |diff: VecDiff<Song>| {
            let replica = sent_to.clone();
            async move {
                yield_now().await;
                let mut replica = replica.lock().unwrap();
                diff.apply(&mut replica);
                println!("  sent, {} in one: {} songs there", diff.steps().len(), replica.len());
            }
        });
        Radio { songs, best, short, replica }
    }

    fn show(&self) {
        println!("  best: {:?}, short: {:?}", self.best.to_vec(), self.short.to_vec());
    }

    fn settled(&self) {
        self.show();
        assert_eq!(*self.replica.lock().unwrap(), self.songs.to_vec(), "the replica is the same");
    }
}

fn main() {
    let radio = Radio::new();
    let songs = &radio.songs;
    block_on(async {
        println!("one by one:");
        let added = scope(async {
            songs.push(song("Blue", 5, 200));
            songs.push(song("Red", 9, 150));
            songs.insert(0, song("Green", 7, 170));
            // The windows show it at once; what is sent has settled when the scope is over.
            radio.show();
        });
        added.await.expect("all is sent");
        radio.settled();

        println!("in a batch:");
        let batch = scope(async {
            songs.batch(|songs| {
                songs.extend([song("White", 6, 120), song("Black", 1, 300)]);
                let blue = songs.iter().position(|song| song.title == "Blue").unwrap();
                songs.update(blue, |song| song.votes += 5);
            });
        });
        batch.await.expect("all is sent");
        radio.settled();

        println!("in a transaction that fails, beside somebody else:");
        let failed = atomic(async {
            songs.retain(|song| song.votes > 5);
            songs.push(song("Gold", 20, 90));
            radio.show();
            // Meanwhile.
            yield_now().await;
            Err::<(), _>("the licence is too dear")
        });
        let other = scope(async {
            songs.insert(0, song("Grey", 2, 100));
        });
        let (failed, other) = futures_lite::future::zip(failed, other).await;
        println!("  {}", failed.expect_err("it is too dear"));
        other.expect("all is sent");
        radio.settled();

        println!("in one that does not:");
        let done = atomic(async {
            songs.retain(|song| song.votes > 5);
            songs.push(song("Gold", 20, 90));
            radio.show();
            Ok::<_, &str>(())
        });
        done.await.expect("there is a licence");
        radio.settled();

        println!("as a stream:");
        let mut titles = radio.best.stream();
        let mut shown = Vec::new();
        // It begins with what there is, and has each change as soon as that is made.
        let first = titles.next().await.expect("the radio is on");
        first.apply(&mut shown);
        println!("  {first:?}");
        let sent = scope(async {
            assert_eq!(songs.remove(1).title, "Blue");
        });
        sent.await.expect("all is sent");
        while let Some(Some(diff)) = titles.next().now_or_never() {
            println!("  {diff:?}");
            diff.apply(&mut shown);
        }
        assert_eq!(shown, radio.best.to_vec());
    });
}
