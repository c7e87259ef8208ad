//! Who adds where there is no transaction is told: at the first time, the second, the fourth, the eighth..

use std::sync::{Arc, Mutex};

use settled::{Report, Transaction, add, begin, scope, set_reporter};
use support::finish;

#[test]
fn ambient_adds_to_the_root_are_reported_at_powers_of_two() {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let hear = heard.clone();
    set_reporter(move |report: &Report| {
        assert!(!format!("{report:?}").is_empty());
        // No lock is held while it runs.
        let _ = (Transaction::root().pending(), settled::current());
        hear.lock().unwrap().push(report.to_string());
    });
    let mut counts = Vec::new();
    let line = line!() + 2;
    for _ in 0..20 {
        add(async {});
        counts.push(heard.lock().unwrap().len());
    }
    assert_eq!(counts[..8], [1, 2, 2, 3, 3, 3, 3, 4]);
    assert_eq!(counts[8..], [4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5]);
    for text in heard.lock().unwrap().iter() {
        assert!(text.contains(&format!("{}:{line}", file!())), "the place of the add: {text}");
        assert!(!text.contains('\n'), "one line: {text}");
    }

    // What has a transaction, or asks for the root, is nothing to report.
    heard.lock().unwrap().clear();
    finish(Transaction::root().wait()).unwrap();
    for _ in 0..100 {
        Transaction::root().add(async {}).unwrap();
        finish(scope(async {
            add(async {});
        }))
        .unwrap();
        let t = begin();
        t.enter(|| add(async {}));
        finish(t.end()).unwrap();
    }
    finish(Transaction::root().wait()).unwrap();
    assert_eq!(*heard.lock().unwrap(), [""; 0]);

    // A reporter that panics takes nothing with it.
    set_reporter(|_| panic!("in the reporter"));
    for _ in 0..20 {
        add(async {});
    }
    finish(Transaction::root().wait()).unwrap();
}
