//! `on_settled` and `cancel`.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use settled::{Stashed, add, begin, current, scope};
use support::{
    Gate, Log, Task, assert_pending, assert_ready, causes, elsewhere, failing, finish, on_drop, yields,
};

fn told<T: Send + 'static>(stashed: Stashed<T>, log: &Log) -> Stashed<T> {
    let log = log.clone();
    stashed.on_settled(move |result| {
        log.note(match result {
            Ok(_) => "told: ok",
            Err(failure) if failure.is_cancelled() => "told: cancelled",
            Err(failure) if failure.is_panic() => "told: panic",
            Err(_) => "told: failed",
        });
    })
}

/// Pending until the gate opens; notes when it is dropped.
fn guarded(gate: &Gate, log: &Log) -> impl Future<Output = ()> + Send + use<> + 'static {
    let guard = log.at_drop("dropped");
    gate.pass().map(move |()| drop(guard))
}

#[test]
fn t09_a_callback_gets_the_outcome_whatever_it_is() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    told(t.add(async {}).unwrap(), &log);
    told(t.add(failing("error")).unwrap(), &log);
    told(t.add(support::panicking("panic")).unwrap(), &log);
    let stashed = told(t.add(gate.pass()).unwrap(), &log);
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert_eq!(log.take(), ["told: ok", "told: failed", "told: panic"]);
    stashed.cancel();
    let failures = assert_ready!(end.run()).unwrap_err();
    assert_eq!(causes(&failures), ["error", "panic"]);
    assert_eq!(log.take(), ["told: cancelled"]);
}

#[test]
fn t09_a_callback_gets_the_value_and_leaves_it_to_who_awaits() {
    let log = Log::new();
    let noted = log.clone();
    let value = finish(scope(async {
        add(async { Ok::<_, std::io::Error>(String::from("value")) })
            .on_settled(move |result| noted.note(result.as_deref().unwrap()))
            .await
            .unwrap()
    }));
    assert_eq!(value.unwrap(), "value");
    assert_eq!(log.take(), ["value"]);
}

#[test]
fn t09_a_callback_given_after_the_future_is_done_is_called_too() {
    let log = Log::new();
    let t = begin();
    let stashed = t.add(async {}).unwrap();
    finish(t.wait()).unwrap();
    assert!(stashed.is_settled());
    told(stashed, &log);
    finish(t.end()).unwrap();
    assert_eq!(log.take(), ["told: ok"]);
}

#[test]
fn t09_callbacks_are_called_in_their_order() {
    let log = Log::new();
    let (one, two) = (log.clone(), log.clone());
    let t = begin();
    t.add(async {}).unwrap().on_settled(move |_| one.note("one")).on_settled(move |_| two.note("two"));
    assert!(log.take().is_empty());
    finish(t.end()).unwrap();
    assert_eq!(log.take(), ["one", "two"]);
}

#[test]
fn cancel_marks_and_the_next_drive_drops_and_tells() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    let stashed = told(t.add(guarded(&gate, &log)).unwrap(), &log);
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    stashed.cancel();
    stashed.cancel();
    assert!(log.take().is_empty(), "nothing is dropped inside the call");
    assert!(end.is_woken());
    assert_ready!(end.run()).expect("a cancelled one is no failure of the transaction");
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["dropped", "told: cancelled"]);
    assert!(stashed.is_settled());
    let failure = finish(stashed).unwrap_err();
    assert!(failure.is_cancelled() && !failure.is_error() && !failure.is_panic());
}

#[test]
fn cancelled_before_its_first_poll_it_is_never_polled() {
    let log = Log::new();
    let t = begin();
    let guard = log.at_drop("dropped");
    let noted = log.clone();
    let stashed = t
        .add(async move {
            noted.note("polled");
            drop(guard);
        })
        .unwrap();
    stashed.cancel();
    t.add(log.step("the next")).unwrap();
    finish(t.end()).unwrap();
    assert!(finish(stashed).unwrap_err().is_cancelled());
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["dropped", "the next"]);
}

#[test]
fn cancelled_when_it_is_done_it_keeps_its_value() {
    let t = begin();
    let stashed = t.add_value(async { 5 }).unwrap();
    finish(t.wait()).unwrap();
    stashed.cancel();
    finish(t.end()).unwrap();
    assert_eq!(finish(stashed).unwrap(), 5);
}

#[test]
fn a_cancelled_one_is_cancelled_though_nobody_keeps_the_handle() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    let stashed = t.add(guarded(&gate, &log)).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    stashed.cancel();
    drop(stashed);
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn cancel_from_another_thread_wakes_who_drives() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    let stashed = t.add(guarded(&gate, &log)).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    elsewhere(|| stashed.cancel());
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn a_future_can_cancel_itself() {
    let slot: Arc<Mutex<Option<Stashed<()>>>> = Arc::default();
    let (own, log) = (slot.clone(), Log::new());
    let guard = log.at_drop("dropped");
    let noted = log.clone();
    let t = begin();
    let stashed = t
        .add(async move {
            own.lock().unwrap().as_ref().unwrap().cancel();
            noted.note("runs on to its suspension");
            yields(1).await;
            noted.note("never");
            drop(guard);
        })
        .unwrap();
    *slot.lock().unwrap() = Some(stashed);
    finish(t.end()).unwrap();
    assert_eq!(log.take(), ["runs on to its suspension", "dropped"]);
}

#[test]
fn a_sibling_can_be_cancelled_from_inside() {
    let (log, gate) = (Log::new(), Gate::new());
    finish(scope(async {
        let stashed = told(add(guarded(&gate, &log)), &log);
        yields(2).await;
        add(async move {
            stashed.cancel();
            assert!(stashed.await.unwrap_err().is_cancelled());
        });
    }))
    .unwrap();
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["dropped", "told: cancelled"]);
}

#[test]
fn who_awaits_a_cancelled_one_is_told() {
    let gate = Gate::new();
    let t = begin();
    let (canceller, awaited) = (Arc::new(Mutex::new(None)), t.add(gate.pass()).unwrap());
    *canceller.lock().unwrap() = Some(awaited);
    let slot = canceller.clone();
    let mut waiting =
        Task::new(futures::future::poll_fn(move |cx| slot.lock().unwrap().as_mut().unwrap().poll_unpin(cx)));
    assert_pending!(waiting.run());
    canceller.lock().unwrap().as_ref().unwrap().cancel();
    assert!(assert_ready!(waiting.run()).unwrap_err().is_cancelled());
    finish(t.end()).unwrap();
}

#[test]
fn what_the_destructor_of_a_cancelled_one_adds_is_waited_for() {
    let (gate, goodbye) = (Gate::new(), Gate::new());
    let t = begin();
    let passed = goodbye.clone();
    let guard = on_drop(move || {
        add(passed.pass());
    });
    let stashed = t.add(gate.pass().map(move |()| drop(guard))).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    stashed.cancel();
    assert_pending!(end.run());
    goodbye.open();
    assert_ready!(end.run()).unwrap();
}

#[test]
fn what_the_callback_of_a_cancelled_one_adds_is_waited_for() {
    let (gate, more) = (Gate::new(), Gate::new());
    let t = begin();
    let passed = more.clone();
    let stashed = t.add(gate.pass()).unwrap().on_settled(move |_| {
        add(passed.pass());
    });
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    stashed.cancel();
    assert_pending!(end.run());
    more.open();
    assert_ready!(end.run()).unwrap();
}

#[test]
fn a_cancellation_that_comes_too_late_hits_nobody_else() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(scope(async {
        // Has had a slot; the cancellation is a wake for whoever has that next.
        let early = add(async {
            current().unwrap();
            yields(1).await;
        });
        gate.pass().await;
        early.cancel();
        let noted = log.clone();
        let kept = add(async move {
            noted.note("polled");
            current().unwrap().add(noted.step("cancelled")).unwrap().cancel();
        });
        yields(1).await;
        add(log.step("polled too"));
        drop(kept);
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["polled", "polled too"]);
}

#[test]
fn dropping_a_stashed_does_nothing() {
    let log = Log::new();
    let t = begin();
    drop(t.add(log.step("ran")).unwrap());
    let mut polled = Task::new(t.add(yields(3).map(|()| ())).unwrap());
    let _ = polled.poll();
    drop(polled);
    t.add(log.step("ran too")).unwrap();
    finish(t.end()).unwrap();
    assert_eq!(log.take(), ["ran", "ran too"]);
}

#[test]
fn a_scope_inside_a_cancelled_one_is_adopted() {
    let (log, gate) = (Log::new(), Gate::new());
    let (noted, passed) = (log.clone(), gate.clone());
    let t = begin();
    let stashed = t
        .add(async move {
            let body = async {
                add(passed.pass().map(move |()| noted.note("finished all the same")));
                std::future::pending::<()>().await;
            };
            scope(body).await
        })
        .unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    stashed.cancel();
    assert_pending!(end.run());
    assert!(stashed.is_settled());
    gate.open();
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["finished all the same"]);
}
