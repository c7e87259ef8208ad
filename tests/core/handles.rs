//! What a handle tells, and ending by handle.

use settled::{State, Transaction, add, add_value, begin, block_on, current, scope};
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, failing, finish, yields};

#[test]
fn t15_entered_synchronously_and_ended_by_running_the_loop() {
    let log = Log::new();
    let t = begin();
    t.enter(|| {
        add(log.step("added in enter"));
        log.note("entered");
    });
    log.note("left");
    block_on(t.end()).unwrap();
    assert_eq!(log.take(), ["entered", "left", "added in enter"]);
}

#[test]
fn t02_a_transaction_is_open_then_ending_then_closed() {
    let gate = Gate::new();
    let t = begin();
    assert!(matches!(t.state(), State::Open));
    t.add(gate.pass()).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert!(matches!(t.state(), State::Ending));
    gate.open();
    assert_ready!(end.run()).unwrap();
    assert!(matches!(t.state(), State::Closed));
}

#[test]
fn t21_a_second_end_waits_for_the_same_outcome() {
    let gate = Gate::new();
    let t = begin();
    t.add(failing("first")).unwrap();
    t.add(gate.pass()).unwrap();
    t.add(failing("last")).unwrap();
    let (mut one, mut two) = (Task::new(t.end()), Task::new(t.end()));
    assert_pending!(one.run());
    assert_pending!(two.run());
    gate.open();
    assert_eq!(causes(&assert_ready!(two.run()).unwrap_err()), ["first", "last"]);
    assert_eq!(causes(&assert_ready!(one.run()).unwrap_err()), ["first", "last"]);
    assert_eq!(causes(&finish(t.end()).unwrap_err()), ["first", "last"], "also after the end");
}

#[test]
fn t21_an_end_that_was_made_before_and_polled_after_gets_the_same() {
    let t = begin();
    t.add(failing("only")).unwrap();
    let late = t.end();
    assert!(finish(t.end()).is_err());
    assert_eq!(causes(&finish(late).unwrap_err()), ["only"]);
}

#[test]
fn t26_an_end_dropped_in_the_middle_loses_nothing() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = begin();
    t.add(gate.pass()).unwrap();
    t.add(failing("kept")).unwrap();
    t.add(yields(2)).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    drop(end);
    assert!(matches!(t.state(), State::Ending));
    assert_eq!(t.pending(), 1);
    t.add(log.step("added while ending")).unwrap();
    gate.open();
    assert_eq!(causes(&finish(t.end()).unwrap_err()), ["kept"]);
    assert_eq!(log.take(), ["added while ending"]);
}

#[test]
fn t26_an_end_dropped_unpolled_changes_nothing() {
    let log = Log::new();
    let t = begin();
    t.add(log.step("ran")).unwrap();
    drop(t.end());
    drop(t.wait());
    t.add(log.step("ran too")).unwrap();
    finish(t.end()).unwrap();
    assert_eq!(log.take(), ["ran", "ran too"]);
}

#[test]
fn t18_debug_tells_id_pending_and_state() {
    let gate = Gate::new();
    let t = Transaction::builder().name("import").begin();
    for _ in 0..3 {
        t.add(gate.pass()).unwrap();
    }
    let id = format!("{:?}", t.id()).chars().filter(char::is_ascii_digit).collect::<String>();
    let text = format!("{:?}", *t);
    for part in [id.as_str(), "import", "3", "Open"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert!(format!("{:?}", *t).contains("Ending"));
    gate.open();
    assert_ready!(end.run()).unwrap();
    assert!(format!("{:?}", *t).contains("Closed"));
}

#[test]
fn a_name_is_kept() {
    let t = Transaction::builder().name(String::from("import")).begin();
    assert_eq!(t.name(), Some("import"));
    finish(t.end()).unwrap();
    let unnamed = begin();
    assert_eq!(unnamed.name(), None);
    finish(unnamed.end()).unwrap();
    let name = finish(
        Transaction::builder().name("job").scope(async { current().unwrap().name().map(str::to_owned) }),
    );
    assert_eq!(name.unwrap().as_deref(), Some("job"));
    let name = finish(
        Transaction::builder()
            .name("job")
            .try_scope(async { Ok::<_, ()>(current().unwrap().name().map(str::to_owned)) }),
    );
    assert_eq!(name.unwrap().as_deref(), Some("job"));
}

#[test]
fn pending_counts_what_has_not_settled() {
    let gates = [Gate::new(), Gate::new()];
    let t = begin();
    assert_eq!(t.pending(), 0);
    for gate in &gates {
        t.add(gate.pass()).unwrap();
    }
    assert_eq!(t.pending(), 2);
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert_eq!(t.pending(), 2);
    gates[0].open();
    assert_pending!(end.run());
    assert_eq!(t.pending(), 1);
    gates[1].open();
    assert_ready!(end.run()).unwrap();
    assert_eq!(t.pending(), 0);
}

#[test]
fn a_handle_outlives_its_scope() {
    let handle = finish(scope(async { current().unwrap() })).unwrap();
    assert!(matches!(handle.state(), State::Closed));
    assert_eq!(handle.pending(), 0);
    finish(handle.end()).unwrap();
    finish(handle.wait()).unwrap();
}

#[test]
fn ending_from_a_handle_lets_the_body_run_on() {
    let gate = Gate::new();
    let mut handle = None;
    let mut body = Task::new(scope(async {
        handle = current();
        add(failing("a child"));
        gate.pass().await;
        7
    }));
    assert_pending!(body.run());
    gate.open();
    let failures = assert_ready!(body.run()).unwrap_err();
    assert_eq!(causes(&failures), ["a child"]);
    drop(body);
    assert_eq!(causes(&finish(handle.unwrap().end()).unwrap_err()), ["a child"], "every end gets the same");
}

#[test]
fn block_on_runs_a_future_that_other_threads_wake() {
    let gate = Gate::new();
    let opener = gate.clone();
    let thread = std::thread::spawn(move || opener.open());
    let (text, borrowed) = (String::from("borrowed"), gate.pass());
    let length = block_on(async {
        borrowed.await;
        text.len()
    });
    assert_eq!(length, 8);
    thread.join().unwrap();
    assert_eq!(block_on(scope(async { 3 })).unwrap(), 3);
}

#[test]
fn block_on_in_enter_is_not_inside_a_drive() {
    let t = begin();
    let value = t.enter(|| block_on(add(async { Ok::<_, std::io::Error>(4) })));
    assert_eq!(value.unwrap(), 4);
    t.enter(|| block_on(t.end())).unwrap();
}

#[test]
fn a_ticket_serves_one_future_at_a_time_also_where_a_drive_above_looks_at_its_tree() {
    let other = begin();
    finish(scope(async move {
        let here = current().unwrap();
        add(async move {
            add(yields(2)); // its handle is gone: the ticket is there for the next one
            let look = here.clone();
            other
                .add(async move {
                    drop(look.add(async {}));
                    assert!(look.snapshot().is_complete());
                })
                .unwrap();
            assert_ready!(Task::new(other.end()).poll()).unwrap();
            let five = here.enter(|| add_value(async { 5 }));
            let text = here.enter(|| add_value(async { "text" }));
            assert_eq!((five.await.unwrap(), text.await.unwrap()), (5, "text"));
        });
    }))
    .unwrap();
}

#[test]
fn a_handle_that_is_kept_over_such_a_look_keeps_its_ticket() {
    let other = begin();
    finish(scope(async move {
        let here = current().unwrap();
        add(async move {
            let five = add_value(async { 5 });
            let look = here.clone();
            other
                .add(async move {
                    drop(look.add(async {}));
                    assert!(look.snapshot().is_complete());
                })
                .unwrap();
            assert_ready!(Task::new(other.end()).poll()).unwrap();
            let told = Log::new();
            let tell = told.clone();
            drop(five.on_settled(move |five| tell.note(format!("{five:?}"))));
            assert_eq!(add_value(async { "text" }).await.unwrap(), "text");
            assert_eq!(told.take(), ["Ok(5)"]);
        });
    }))
    .unwrap();
}

#[test]
fn what_is_begun_later_on_the_same_thread_is_another_transaction() {
    let mut last = None;
    for round in 0..4 {
        let failed = begin();
        failed.add(failing("no")).unwrap();
        let (end, again) = (failed.end(), failed.end());
        assert_eq!(causes(&finish(end).unwrap_err()), ["no"]);
        assert_eq!(causes(&finish(again).unwrap_err()), ["no"]);
        drop(failed);

        let (t, line) = (begin(), line!());
        assert!(last.replace(t.id()) < Some(t.id()), "numbers go up");
        assert_eq!((t.state(), t.pending(), t.location().line()), (State::Open, 0, line));
        assert!(t.name().is_none() && t.parent().is_none());
        if round % 2 == 1 {
            // One that was polled and given up has left its waker.
            let gate = Gate::new();
            t.add(gate.pass()).unwrap();
            let mut end = Task::new(t.end());
            assert_pending!(end.run());
            drop(end);
            assert_eq!(t.state(), State::Ending);
            gate.open();
        }
        let (kept, end) = ((*t).clone(), t.end());
        finish(end).unwrap();
        drop(t);
        let next = begin();
        assert_eq!((kept.id(), kept.state(), next.state()), (last.unwrap(), State::Closed, State::Open));
        assert!(kept.add(async {}).is_err() && next.add(async {}).is_ok());
        finish(kept.end()).unwrap();
        finish(next.end()).unwrap();
    }
}
