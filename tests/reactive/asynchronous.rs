//! Effects that give futures.

use std::sync::{Arc, Mutex};

use settled::{Transaction, scope};
use settled_signal::{Effect, Observable, batch};
use support::{Gate, Log, OnDrop, Oops, Task, assert_pending, assert_ready, causes, finish, on_drop};

/// Notes where a run begins, waits at the gate of its value, and notes where it ends or is dropped.
struct Gated {
    level: Observable<usize>,
    log: Log,
    gates: Arc<Mutex<Vec<Gate>>>,
}

impl Gated {
    fn new() -> Self {
        let gates = (0..10).map(|_| Gate::new()).collect();
        Gated { level: Observable::new(1), log: Log::new(), gates: Arc::new(Mutex::new(gates)) }
    }

    fn open(&self, value: usize) {
        let gate = self.gates.lock().unwrap()[value].clone();
        gate.open();
    }

    fn make(
        &self,
    ) -> impl Fn() -> futures::future::BoxFuture<'static, Result<(), Oops>> + Send + Sync + use<> {
        let (level, log, gates) = (self.level.clone(), self.log.clone(), self.gates.clone());
        move || {
            let (level, log, gates) = (level.clone(), log.clone(), gates.clone());
            Box::pin(async move {
                let value = level.get();
                log.note(format!("begin {value}"));
                let end = dropped(&log, value);
                let gate = gates.lock().unwrap()[value].clone();
                gate.pass().await;
                log.note(format!("end {value}"));
                end.disarm();
                if value == 9 { Err(Oops("nine".into())) } else { Ok(()) }
            })
        }
    }

    /// One whose first run is over.
    fn effect(&self) -> Effect {
        self.open(1);
        let effect = finish(scope(async { Effect::new_async(self.make()) })).unwrap();
        assert_eq!(self.log.take(), ["begin 1", "end 1"]);
        effect
    }

    /// A transaction that sets it, and waits.
    fn sets(&self, value: usize) -> Task<futures::future::BoxFuture<'static, Result<(), settled::Failures>>> {
        let level = self.level.clone();
        Task::new(Box::pin(async move { scope(async { drop(level.set(value)) }).await }))
    }
}

/// Notes that it is dropped, unless it is disarmed.
struct End(Option<OnDrop<Box<dyn FnOnce() + Send>>>);

fn dropped(log: &Log, value: usize) -> End {
    let log = log.clone();
    End(Some(on_drop(Box::new(move || log.note(format!("drop {value}"))))))
}

impl End {
    fn disarm(mut self) {
        std::mem::forget(self.0.take());
    }
}

#[test]
fn it_is_a_future_of_the_setters_transaction() {
    let gated = Gated::new();
    let _effect = gated.effect();
    let mut task = gated.sets(2);
    assert_pending!(task.run());
    assert_eq!(gated.log.take(), ["begin 2"]);
    gated.open(2);
    assert_ready!(task.run()).unwrap();
    assert_eq!(gated.log.take(), ["end 2"]);
}

#[test]
fn its_failure_is_that_transactions() {
    let gated = Gated::new();
    let _effect = gated.effect();
    gated.open(9);
    assert_eq!(causes(&assert_ready!(gated.sets(9).run()).unwrap_err()), ["nine"]);
}

#[test]
fn invalidated_while_it_runs_it_is_dropped_and_run_again_and_the_older_transaction_waits() {
    let gated = Gated::new();
    let _effect = gated.effect();
    let (mut older, mut newer) = (gated.sets(2), gated.sets(9));
    assert_pending!(older.run());
    assert_eq!(gated.log.take(), ["begin 2"]);
    assert_pending!(newer.run());
    assert_eq!(gated.log.take(), ["drop 2", "begin 9"]);
    gated.open(2);
    assert_pending!(older.run());
    gated.open(9);
    // The newest has the failure.
    assert_eq!(causes(&assert_ready!(newer.run()).unwrap_err()), ["nine"]);
    assert_ready!(older.run()).unwrap();
    assert_eq!(gated.log.take(), ["end 9"]);
}

#[test]
fn if_its_owner_is_cancelled_another_one_that_waits_runs_it() {
    let gated = Gated::new();
    let _effect = gated.effect();
    let mut older = gated.sets(2);
    assert_pending!(older.run());
    let newer = settled::begin();
    newer.enter(|| drop(gated.level.set(3)));
    let mut ending = Task::new(newer.end());
    assert_pending!(ending.run());
    assert_eq!(gated.log.take(), ["begin 2", "drop 2", "begin 3"]);
    newer.abort();
    let _ = assert_ready!(ending.run());
    gated.open(3);
    assert_ready!(older.run()).unwrap();
    assert_eq!(gated.log.take(), ["drop 3", "begin 3", "end 3"]);
}

#[test]
fn a_finishing_one_is_finished_first() {
    let gated = Gated::new();
    gated.open(1);
    let _effect = finish(scope(async { Effect::new_async_finishing(gated.make()) })).unwrap();
    gated.log.take();
    let (mut older, mut newer) = (gated.sets(2), gated.sets(3));
    assert_pending!(older.run());
    assert_pending!(newer.run());
    assert_eq!(gated.log.take(), ["begin 2"]);
    gated.open(2);
    gated.open(3);
    assert_ready!(older.run()).unwrap();
    assert_ready!(newer.run()).unwrap();
    assert_eq!(gated.log.take(), ["end 2", "begin 3", "end 3"]);
}

#[test]
fn reads_after_an_await_are_tracked() {
    let (a, b, gate, log) = (Observable::new(1), Observable::new(1), Gate::new(), Log::new());
    let mut task = Task::new(scope(async {
        Effect::new_async({
            let (a, b, gate, log) = (a.clone(), b.clone(), gate.clone(), log.clone());
            move || {
                let (a, b, gate, log) = (a.clone(), b.clone(), gate.clone(), log.clone());
                async move {
                    let a = a.get();
                    gate.pass().await;
                    // In the body of a scope that it awaits, too.
                    let b = scope(async { b.get() }).await.unwrap();
                    log.note(format!("{a} {b}"));
                }
            }
        })
        .detach();
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
    finish(scope(async { drop(b.set(2)) })).unwrap();
    finish(scope(async { drop(a.set(2)) })).unwrap();
    assert_eq!(log.take(), ["1 1", "1 2", "2 2"]);
}

#[test]
fn what_it_drives_is_not_tracked() {
    let (a, b, log) = (Observable::new(1), Observable::new(1), Log::new());
    finish(scope(async {
        Effect::new_async({
            let (a, b, log) = (a.clone(), b.clone(), log.clone());
            move || {
                let (a, b, log) = (a.clone(), b.clone(), log.clone());
                async move {
                    log.note(a.get().to_string());
                    let child = b.clone();
                    // Its own scope, and another tree: both driven while it is polled.
                    scope(async {
                        drop(settled::add(async move {
                            {
                                child.get();
                            }
                        }))
                    })
                    .await
                    .unwrap();
                    let other = settled::Registry::new();
                    let owned = Transaction::builder().registry(&other).begin();
                    let child = b.clone();
                    owned.enter(|| {
                        drop(settled::add(async move {
                            {
                                child.get();
                            }
                        }))
                    });
                    owned.end().await.unwrap();
                }
            }
        })
        .detach();
    }))
    .unwrap();
    finish(scope(async { drop(b.set(2)) })).unwrap();
    assert_eq!(log.take(), ["1"]);
    finish(scope(async { drop(a.set(2)) })).unwrap();
    assert_eq!(log.take(), ["2"]);
}

#[test]
fn stopped_while_it_runs_it_is_dropped() {
    let gated = Gated::new();
    let effect = gated.effect();
    let mut task = gated.sets(2);
    assert_pending!(task.run());
    effect.stop();
    assert_eq!(gated.log.take(), ["begin 2", "drop 2"]);
    assert_ready!(task.run()).unwrap();
}

#[test]
fn without_a_transaction_it_belongs_to_the_notification() {
    let gated = Gated::new();
    let _effect = gated.effect();
    let mut told = Task::new(gated.level.set(2));
    assert_pending!(told.run());
    assert_eq!(gated.log.take(), ["begin 2"]);
    gated.open(2);
    assert_ready!(told.run()).unwrap();
    assert_eq!(gated.log.take(), ["end 2"]);
    gated.open(9);
    assert_eq!(causes(&finish(gated.level.set(9)).unwrap_err()), ["nine"]);
}

#[test]
fn in_a_batch_it_is_begun_once() {
    let gated = Gated::new();
    let _effect = gated.effect();
    gated.open(3);
    batch(|| {
        gated.level.set(2);
        gated.level.set(3);
    });
    finish(Transaction::root().wait()).unwrap();
    assert_eq!(gated.log.take(), ["begin 3", "end 3"]);
}

#[test]
fn what_was_made_in_it_after_an_await_is_its_own() {
    let (a, b, log) = (Observable::new(1), Observable::new(1), Log::new());
    let effect = Arc::new(Mutex::new(None));
    finish(scope(async {
        let made = Effect::new_async({
            let (a, b, log) = (a.clone(), b.clone(), log.clone());
            move || {
                let (a, b, log) = (a.clone(), b.clone(), log.clone());
                async move {
                    let at = a.get();
                    support::yields(1).await;
                    Effect::new(move || log.note(format!("{at} {}", b.get()))).detach();
                }
            }
        });
        *effect.lock().unwrap() = Some(made);
    }))
    .unwrap();
    finish(scope(async { drop(b.set(2)) })).unwrap();
    assert_eq!(log.take(), ["1 1", "1 2"]);
    finish(scope(async { drop(a.set(2)) })).unwrap();
    assert_eq!(log.take(), ["2 2"]);
    drop(effect.lock().unwrap().take());
    finish(scope(async { drop(b.set(3)) })).unwrap();
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn a_panic_in_it_is_a_failure_and_it_runs_again() {
    let (level, log) = (Observable::new(1), Log::new());
    let _effect = Effect::new_async({
        let (level, log) = (level.clone(), log.clone());
        move || {
            let (level, log) = (level.clone(), log.clone());
            async move {
                assert!(level.get() != 2, "two");
                log.note(level.get().to_string());
            }
        }
    });
    finish(Transaction::root().wait()).unwrap();
    assert_eq!(causes(&finish(scope(async { drop(level.set(2)) })).unwrap_err()), ["two"]);
    finish(scope(async { drop(level.set(3)) })).unwrap();
    assert_eq!(log.take(), ["1", "3"]);
}
