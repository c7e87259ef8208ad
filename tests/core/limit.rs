//! `limit(n)`: so many children whose own futures run.

use std::panic::catch_unwind;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use settled::{Stashed, Transaction, add, begin, scope};
use settled_signal::Signal;
use support::{
    Gate, Log, Task, assert_pending, assert_ready, causes, elsewhere, failing, finish, on_drop, panicking,
    yields,
};

/// Notes its first poll and its end, and waits for the gate in between.
fn work(log: &Log, name: &str, gate: &Gate) -> impl Future<Output = ()> + Send + use<> + 'static {
    let (log, name, pass) = (log.clone(), name.to_owned(), gate.pass());
    async move {
        log.note(format!("{name} begins"));
        pass.await;
        log.note(format!("{name} ends"));
    }
}

#[test]
fn children_begin_in_order_so_many_at_a_time() {
    let (log, gates) = (Log::new(), [Gate::new(), Gate::new(), Gate::new(), Gate::new()]);
    let t = Transaction::builder().limit(2).begin();
    for (gate, name) in gates.iter().zip(["a", "b", "c", "d"]) {
        t.add(work(&log, name, gate)).unwrap();
    }
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert_eq!(log.take(), ["a begins", "b begins"]);
    assert_eq!(t.pending(), 4, "who waits in line is pending");
    assert_eq!(t.snapshot().to_string().matches("in line").count(), 2);
    gates[1].open();
    assert_pending!(end.run());
    assert_eq!(log.take(), ["b ends", "c begins"]);
    gates[3].open();
    assert_pending!(end.run());
    assert!(log.take().is_empty(), "it has not begun");
    gates[0].open();
    assert_pending!(end.run());
    assert_eq!(log.take(), ["a ends", "d begins", "d ends"]);
    gates[2].open();
    assert_ready!(end.run()).unwrap();
}

#[test]
fn what_is_below_a_child_does_not_count() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(Transaction::builder().limit(1).scope(async {
        let (inner, pass) = (log.clone(), gate.clone());
        add(async move {
            add(work(&inner, "below", &pass));
            add(work(&inner, "below too", &pass));
        });
        add(work(&log, "the next", &gate));
    }));
    assert_pending!(task.run());
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["below begins", "below too begins", "the next begins"]);
    gate.open();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn the_body_scopes_in_it_and_what_they_add_do_not_count() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(Transaction::builder().limit(1).scope(async {
        add(work(&log, "child", &gate));
        scope(async {
            add(log.step("in the inner scope"));
            add(log.step("unlimited"));
        })
        .await
        .unwrap();
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["child begins", "in the inner scope", "unlimited"]);
    gate.open();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn a_limit_is_not_inherited() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = Transaction::builder().limit(1).begin();
    let inner = t.enter(begin);
    inner.add(work(&log, "one", &gate)).unwrap();
    inner.add(work(&log, "two", &gate)).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert_eq!(log.take(), ["one begins", "two begins"]);
    gate.open();
    assert_ready!(end.run()).unwrap();
}

#[test]
fn every_end_of_a_child_gives_its_place_back() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = Transaction::builder().limit(1).begin();
    t.add(failing("error")).unwrap();
    t.add(panicking("panic")).unwrap();
    t.add(yields(3)).unwrap();
    t.add(async {
        let _guard = on_drop(|| panic!("in the destructor"));
    })
    .unwrap();
    let running = t.add(gate.pass()).unwrap();
    t.add_value(async { 5 }).unwrap();
    t.add(log.step("the last")).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert!(log.take().is_empty());
    running.cancel();
    assert_eq!(assert_ready!(end.run()).unwrap_err().len(), 3);
    assert_eq!(log.take(), ["the last"]);
}

#[test]
fn a_child_that_is_cancelled_in_line_is_told_at_the_next_drive() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = Transaction::builder().limit(1).begin();
    t.add(work(&log, "first", &gate)).unwrap();
    let guard = log.at_drop("dropped");
    let second: Stashed<()> = t
        .add(async move {
            let _guard = guard;
        })
        .unwrap();
    t.add(work(&log, "third", &gate)).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert_eq!(log.take(), ["first begins"]);
    second.cancel();
    assert!(log.take().is_empty());
    assert!(end.is_woken());
    assert_pending!(end.run());
    assert!(second.is_settled());
    assert!(finish(second).unwrap_err().is_cancelled());
    assert_eq!(log.take(), ["dropped"]);
    gate.open();
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["first ends", "third begins", "third ends"]);
}

#[test]
fn cancelled_between_place_and_first_poll_it_gives_the_place_back() {
    let log = Log::new();
    let t = Transaction::builder().limit(1).begin();
    let first = t.add(log.step("never")).unwrap();
    t.add(log.step("second")).unwrap();
    first.cancel();
    finish(t.end()).unwrap();
    assert_eq!(log.take(), ["second"]);
}

#[test]
fn adds_from_other_threads_are_limited_too() {
    let (log, gate) = (Log::new(), Gate::new());
    let t = Transaction::builder().limit(1).begin();
    let handle = (*t).clone();
    let (noted, pass) = (log.clone(), gate.clone());
    t.add(async move {
        elsewhere(|| {
            handle.add(noted.step("added by another thread")).unwrap();
        });
        pass.pass().await;
        noted.note("first ends");
    })
    .unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    assert!(log.take().is_empty());
    gate.open();
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["first ends", "added by another thread"]);
}

#[test]
fn failures_of_limited_children_come_in_the_order_of_adding() {
    let t = Transaction::builder().limit(1).begin();
    t.add(yields(2).then(|()| failing("first"))).unwrap();
    t.add(async {
        add(failing("fourth"));
        Err::<(), _>(support::Oops("second".into()))
    })
    .unwrap();
    t.add(failing("third")).unwrap();
    assert_eq!(causes(&finish(t.end()).unwrap_err()), ["first", "second", "third", "fourth"]);
}

#[test]
fn an_await_of_a_child_in_line_gets_its_value() {
    let value = finish(Transaction::builder().limit(1).scope(async {
        add(yields(3));
        settled::add_value(async { 6 }).await.unwrap() * settled::add_value(async { 7 }).await.unwrap()
    }));
    assert_eq!(value.unwrap(), 42);
}

#[test]
fn what_waits_in_line_is_adopted_with_the_rest() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut outer = Task::new(scope(async {
        let inner = Transaction::builder().limit(1).begin();
        inner.add(work(&log, "one", &gate)).unwrap();
        inner.add(work(&log, "two", &gate)).unwrap();
    }));
    assert_pending!(outer.run());
    assert_eq!(log.take(), ["one begins"]);
    gate.open();
    assert_ready!(outer.run()).unwrap();
    assert_eq!(log.take(), ["one ends", "two begins", "two ends"]);
}

#[test]
fn tasks_on_a_spawner_are_limited_too() {
    let (log, gates) = (Log::new(), [Gate::new(), Gate::new(), Gate::new()]);
    let (sender, tasks) = std::sync::mpsc::channel();
    let t = Transaction::builder()
        .limit(2)
        .spawner(move |task: futures::future::BoxFuture<'static, ()>| sender.send(task).unwrap())
        .begin();
    for (gate, name) in gates.iter().zip(["a", "b", "c"]) {
        t.add(work(&log, name, gate)).unwrap();
    }
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    let mut running: Vec<_> = tasks.try_iter().map(Task::new).collect();
    assert_eq!(running.len(), 2);
    assert_pending!(running[0].run());
    assert_pending!(running[1].run());
    assert_eq!(log.take(), ["a begins", "b begins"]);
    gates[1].open();
    assert_ready!(running[1].run());
    assert_pending!(end.run());
    let mut third = Task::new(tasks.try_recv().unwrap());
    assert_pending!(third.run());
    assert_eq!(log.take(), ["b ends", "c begins"]);
    gates.iter().for_each(Gate::open);
    assert_ready!(running[0].run());
    assert_ready!(third.run());
    assert_ready!(end.run()).unwrap();
}

#[test]
fn what_was_held_back_is_limited_from_the_commit_on() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(Transaction::builder().limit(1).atomic(async {
        add(work(&log, "one", &gate));
        add(work(&log, "two", &gate));
        log.note("committed");
        Ok::<_, String>(())
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["committed", "one begins"]);
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["one ends", "two begins", "two ends"]);
}

#[test]
fn a_limit_of_0_panics() {
    let panicked = catch_unwind(|| Transaction::builder().limit(0)).is_err();
    assert!(panicked);
}

#[test]
fn a_delivery_that_waits_its_turn_takes_no_place() {
    let (log, gate) = (Log::new(), Gate::new());
    let busy = Signal::<u8>::new();
    let (noted, passed) = (log.clone(), gate.clone());
    busy.connect_async(move |event| {
        let (log, pass) = (noted.clone(), passed.pass());
        async move {
            log.note(format!("{event} begins"));
            pass.await;
            log.note(format!("{event} ends"));
        }
    });
    let other = Gate::new();
    let mut task = Task::new(Transaction::builder().limit(2).scope(async {
        (1..=3).for_each(|event| drop(busy.notify(event)));
        add(work(&log, "child", &other));
        add(work(&log, "another", &other));
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["1 begins", "child begins"], "2 and 3 wait behind 1, and take no place");
    gate.open();
    assert_pending!(task.run());
    assert_eq!(log.take(), ["1 ends", "another begins"], "2 comes for its place when its turn has");
    other.open();
    assert_ready!(task.run()).unwrap();
    let deliveries: Vec<_> = log.take().into_iter().filter(|line| !line.contains("child")).collect();
    assert_eq!(deliveries, ["another ends", "2 begins", "2 ends", "3 begins", "3 ends"]);
}

#[test]
fn who_gave_way_and_has_no_place_when_his_turn_comes_waits_for_one_before_the_others() {
    let (log, gate) = (Log::new(), Gate::new());
    let busy = Signal::<u8>::new();
    let (noted, passed) = (log.clone(), gate.clone());
    busy.connect_async(move |event| {
        let (log, pass) = (noted.clone(), passed.pass());
        async move {
            pass.await;
            log.note(format!("{event} delivered"));
        }
    });
    let mut elsewhere = Task::new(scope(async { drop(busy.notify(0)) }));
    assert_pending!(elsewhere.run());
    let (first, second) = (Gate::new(), Gate::new());
    let mut task = Task::new(Transaction::builder().limit(1).scope(async {
        drop(busy.notify(1));
        add(work(&log, "first", &first));
        add(work(&log, "second", &second));
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["first begins"]);
    gate.open();
    assert_ready!(elsewhere.run()).unwrap();
    assert_pending!(task.run());
    assert_eq!(log.take(), ["0 delivered"], "its turn has come, but the place is taken");
    first.open();
    assert_pending!(task.run());
    assert_eq!(log.take(), ["first ends", "1 delivered", "second begins"]);
    second.open();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn who_is_dropped_while_he_waits_to_come_back_takes_no_place_with_him() {
    let (log, gate) = (Log::new(), Gate::new());
    let busy = Signal::<u8>::new();
    let passed = gate.clone();
    busy.connect_async(move |_| passed.pass());
    let mut elsewhere = Task::new(scope(async { drop(busy.notify(0)) }));
    assert_pending!(elsewhere.run());
    let first = Gate::new();
    let t = Transaction::builder().limit(1).begin();
    let kept: Arc<Mutex<Option<settled_signal::Notification<()>>>> = Arc::default();
    *kept.lock().unwrap() = Some(t.enter(|| busy.notify(1)));
    t.add(work(&log, "first", &first)).unwrap();
    t.add(log.step("second")).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    gate.open();
    assert_ready!(elsewhere.run()).unwrap();
    assert_pending!(end.run());
    t.abort();
    assert_ready!(end.run()).unwrap();
    assert_eq!(log.take(), ["first begins"]);
}

#[test]
fn many_may_be_cancelled_in_line_one_by_one() {
    // It takes its time if each looks through the whole line.
    let t = Transaction::builder().limit(1).begin();
    t.add(yields(1)).unwrap();
    let handles: Vec<_> = (0..20_000).map(|_| t.add(async {}).unwrap()).collect();
    handles.iter().for_each(Stashed::cancel);
    finish(t.end()).unwrap();
    assert!(handles.into_iter().all(|handle| finish(handle).unwrap_err().is_cancelled()));
}

/// Once a place was lost like this: the handle of what is added last is looked at when the next is queued.
#[test]
fn a_place_that_is_given_on_leaves_the_handle_of_what_was_added_last_alone() {
    let log = Log::new();
    let note = |name: &str| {
        let (log, name) = (log.clone(), name.to_owned());
        async move { log.note(name) }
    };
    let (limited, work) = (["a", "b", "c"].map(note), note("added last"));
    finish(scope(async {
        let t = Transaction::builder().limit(1).begin();
        let told = log.clone();
        add(async move {
            // Its handle is kept by its callback alone; then `a` is done, and `b` is next.
            drop(add(work).on_settled(move |result| told.note(format!("told {}", result.is_ok()))));
        });
        for future in limited {
            t.add(future).unwrap();
        }
        t.end().await.unwrap();
    }))
    .unwrap();
    log.expect(["a", "added last", "told true", "b", "c"]);
}

#[test]
fn nor_does_what_is_cancelled_in_line_touch_it() {
    let (log, gate) = (Log::new(), Gate::new());
    let told = |name: &'static str| {
        let log = log.clone();
        move |result: &Result<(), settled::Failure>| log.note(format!("{name}: {}", result.is_ok()))
    };
    let (in_line, last, pass) = (told("in line"), told("added last"), gate.pass());
    finish(scope(async {
        let t = Transaction::builder().limit(1).begin();
        t.add(pass).unwrap();
        let waits = t.add(async {}).unwrap().on_settled(in_line);
        yields(1).await;
        waits.cancel();
        drop(add(async {}).on_settled(last));
        gate.open();
        t.end().await.unwrap();
    }))
    .unwrap();
    log.expect(["added last: true", "in line: false"]);
}
