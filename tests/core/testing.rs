//! The tools for users' tests keep their promises.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use settled::testing::{Executor, Log, Sequencer};
use settled::{add, block_on, scope};
use support::{Gate, Task, assert_pending, assert_ready, elsewhere, finish, yields};

const SECOND: Duration = Duration::from_secs(1);

fn message(payload: &(dyn std::any::Any + Send)) -> &str {
    payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref().copied()).unwrap()
}

fn panics(f: impl FnOnce()) -> String {
    message(&*catch_unwind(AssertUnwindSafe(f)).unwrap_err()).to_owned()
}

#[test]
fn a_sequencer_lets_its_numbers_pass_in_order_one_at_a_time() {
    let (sequencer, log) = (Sequencer::new(), Log::new());
    finish(scope(async {
        for number in [3, 0, 2, 1] {
            let (sequencer, log) = (sequencer.clone(), log.clone());
            add(async move {
                let _turn = sequencer.at(number).await;
                log.note(format!("{number} begins"));
                yields(2).await;
                log.note(format!("{number} ends"));
            });
        }
    }))
    .unwrap();
    log.expect(["0 begins", "0 ends", "1 begins", "1 ends", "2 begins", "2 ends", "3 begins", "3 ends"]);
}

#[test]
fn a_sequencer_orders_threads_too() {
    let (sequencer, log) = (Sequencer::new(), Log::new());
    let step = |number| block_on(sequencer.at(number)).with(|| log.note(format!("{number}")));
    std::thread::scope(|s| {
        s.spawn(|| [1, 2, 5].map(step));
        s.spawn(|| [0, 3, 4].map(step));
    });
    log.expect(["0", "1", "2", "3", "4", "5"]);
}

#[test]
fn a_number_that_is_used_twice_or_given_up_is_told() {
    let sequencer = Sequencer::new();
    let mut waits = Task::new(sequencer.at(1));
    let mut first = Task::new(sequencer.at(0));
    assert!(panics(|| drop(sequencer.at(1))).contains("number 1 of a sequencer was used twice"));
    assert_pending!(waits.run());
    drop(first);
    assert!(waits.is_woken());
    assert!(panics(|| drop(waits.poll())).contains("number 0 was dropped before its turn, 1 waits in vain"));
    first = Task::new(Sequencer::new().at(0));
    drop(assert_ready!(first.run()));
}

#[test]
fn an_executor_polls_only_what_was_woken_in_the_order_of_waking() {
    let (executor, gate, log) = (Executor::new(), Gate::new(), Log::new());
    let tasks = [1, 2, 3].map(|n| {
        let (gate, log) = (gate.clone(), log.clone());
        executor.spawn(async move {
            log.note(format!("{n} starts"));
            if n != 2 {
                gate.pass().await;
            }
            log.note(format!("{n} is done"));
            n
        })
    });
    assert!(log.take().is_empty(), "nothing is polled in `spawn`");
    assert!(executor.step());
    log.expect(["1 starts"]);
    assert_eq!(executor.run_until_stalled(), 2);
    log.expect(["2 starts", "2 is done", "3 starts"]);
    assert!(!executor.step());
    gate.rattle();
    assert_eq!(executor.run_until_stalled(), 2, "for nothing");
    elsewhere(|| gate.open());
    assert_eq!(executor.run_until_stalled(), 2);
    log.expect(["1 is done", "3 is done"]);
    assert_eq!([0, 1, 2].map(|n| tasks[n].polls()), [3, 1, 3]);
    assert_eq!([0, 1, 2].map(|n| tasks[n].wakes()), [2, 0, 2]);
    assert_eq!(tasks.each_ref().map(|task| task.take()), [Some(1), Some(2), Some(3)]);
    assert_eq!(tasks[0].take(), None);
}

#[test]
fn virtual_time_passes_when_it_is_moved_and_stops_at_each_timer() {
    let (executor, log) = (Executor::new(), Log::new());
    for (name, seconds) in [("late", 3), ("soon", 1), ("soon too", 1)] {
        let (timer, log) = (executor.clone(), log.clone());
        drop(executor.spawn(async move {
            timer.sleep(SECOND * seconds).await;
            log.note(format!("{name} at {:?}", timer.now()));
            timer.sleep(SECOND).await;
            log.note(format!("{name} again at {:?}", timer.now()));
        }));
    }
    executor.advance(SECOND / 2);
    assert!(log.take().is_empty());
    executor.advance(SECOND * 2);
    log.expect(["soon at 1s", "soon too at 1s", "soon again at 2s", "soon too again at 2s"]);
    assert_eq!(executor.now(), SECOND * 5 / 2);
    executor.advance(SECOND * 10);
    log.expect(["late at 3s", "late again at 4s"]);
    // Who gave up is not waited for.
    drop(executor.sleep(SECOND));
    assert!(panics(|| executor.block_on(std::future::pending())).starts_with("stalled"));
}

#[test]
fn a_task_that_panics_keeps_it_for_who_takes_the_output() {
    let executor = Executor::new();
    let task = executor.spawn(async { std::panic::panic_any("oh") });
    executor.run_until_stalled();
    assert!(task.is_done());
    assert_eq!(panics(|| _ = task.take()), "oh");
}

#[test]
fn a_task_can_be_awaited_by_another_and_by_block_on() {
    let executor = Executor::new();
    let timer = executor.clone();
    let inner = executor.spawn(async move {
        timer.sleep(SECOND).await;
        20
    });
    let outer = executor.spawn(async move { 1 + inner.await });
    let local = std::rc::Rc::new(2); // the future itself need not be `Send`
    assert_eq!(executor.block_on(async { *local * outer.await }), 42);
    assert_eq!(executor.now(), SECOND, "moved on by itself");
}

#[test]
fn a_transaction_settles_on_it() {
    let executor = Executor::new();
    let timer = executor.clone();
    let task = executor.spawn(scope(async move {
        for n in 0..5 {
            let sleep = timer.sleep(SECOND * n);
            add(async move {
                sleep.await;
                add(yields(3));
            });
        }
    }));
    executor.advance(SECOND * 3);
    assert!(!task.is_done());
    executor.advance(SECOND);
    task.take().unwrap().unwrap();
    assert!(task.polls() <= 6, "{} polls for five wakes", task.polls());
}

#[test]
fn a_log_compares_and_forgets() {
    let log = Log::new();
    drop(log.at_drop("gone"));
    finish(log.step("stepped"));
    assert!(panics(|| log.expect(["other"])).contains("what was noted"));
    log.expect([]);
}
