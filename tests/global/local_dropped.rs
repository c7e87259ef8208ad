//! Local futures that are dropped with their owner are reported, with where that was made.

use std::sync::{Arc, Mutex};

use settled::{Transaction, add_local, set_reporter};
use support::{Log, Task, assert_pending, finish};

#[test]
fn local_futures_that_nobody_can_adopt_are_reported_and_told() {
    let heard: Arc<Mutex<Vec<_>>> = Arc::default();
    let reports = heard.clone();
    set_reporter(move |report| {
        reports.lock().unwrap().push((report.is_dropped_local(), report.count(), report.to_string()));
    });
    let log = Log::new();
    let noted = log.clone();
    let mut task = Task::new(Transaction::builder().name("window").scope_local(async move {
        for _ in 0..2 {
            let noted = noted.clone();
            add_local(std::future::pending::<()>())
                .on_settled(move |result| noted.note(result.as_ref().unwrap_err().to_string()));
        }
    }));
    assert_pending!(task.run());
    drop(task);
    assert!(log.take().iter().all(|line| line.ends_with("cancelled")));
    {
        let heard = heard.lock().unwrap();
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert_eq!((heard[0].0, heard[0].1), (true, 2));
        assert!(heard[0].2.contains(file!()) && heard[0].2.contains("`window`"));
    }
    finish(settled::wait_all());
    assert!(finish(Transaction::root().wait()).is_ok(), "told, not a failure of anybody's");
}
