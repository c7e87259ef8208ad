//! A transaction that nobody ended is reported and adopted; a scope cannot be forgotten.
//!
//! `broken` begins a transaction, adds to it and never ends it. Its work is not lost: the root adopts it, a reporter is
//! told where the transaction was begun, and `wait_all` settles it. But the function's caller went on too early.
//! `mended` does the same in a `scope`, which ends by itself.
//!
//! Run it: `cargo run --example left_open`
//!
//! It prints for both what has been saved when the function has returned, and for the broken one the report and what
//! has been saved in the end.

use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_lite::future::yield_now;

#[derive(Clone, Default)]
struct Disk(Arc<Mutex<Vec<&'static str>>>);

impl Disk {
    /// Synchronous: the saving itself is added to the current transaction.
    fn save(&self, file: &'static str) {
        let disk = self.clone();
        settled::add(async move {
            yield_now().await;
            disk.0.lock().unwrap().push(file);
        });
    }

    fn saved(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

async fn broken(disk: &Disk) {
    let transaction = settled::begin();
    transaction.enter(|| disk.save("letter"));
    // Here `transaction.end().await` is missing.
}

async fn mended(disk: &Disk) -> Result<(), settled::Failures> {
    settled::scope(async { disk.save("letter") }).await
}

fn main() {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let heard = reports.clone();
    settled::set_reporter(move |report| {
        assert!(report.is_left_open());
        // `Display` has the whole location, and what to do about it.
        let file = Path::new(report.location().file()).file_name().expect("a file has a name");
        heard.lock().unwrap().push(format!("begun in {}, {} pending", file.display(), report.count()));
    });

    let disk = Disk::default();
    settled::block_on(async {
        broken(&disk).await;
        println!("broken: on return, saved: {:?}", disk.saved());
        assert!(disk.saved().is_empty());
        let reports = std::mem::take(&mut *reports.lock().unwrap());
        println!("  reported: {}", reports.join("; "));
        assert_eq!(reports, ["begun in left_open.rs, 1 pending"]);
        let settlement = settled::wait_all().await;
        println!("  after wait_all, saved: {:?}", disk.saved());
        assert!(settlement.failures.is_empty() && settlement.pending.is_empty());
        assert_eq!(disk.saved(), ["letter"]);
    });

    let disk = Disk::default();
    settled::block_on(async {
        mended(&disk).await.expect("saving cannot fail here");
        println!("mended: on return, saved: {:?}", disk.saved());
        assert_eq!(disk.saved(), ["letter"]);
    });
    assert!(reports.lock().unwrap().is_empty(), "a scope leaves nothing to report");
}
