//! Futures that are not `Send`: `scope_local`, `begin_local`, `add_local`.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use settled::{
    LocalEnd, LocalScope, LocalStashed, LocalTransaction, LocalWait, State, Transaction, add, add_local,
    add_local_value, begin, begin_local, block_on, current, scope, scope_local,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use support::{
    Bomb, Gate, Log, Runtime, Task, assert_pending, assert_ready, cause, causes, elsewhere, failing, finish,
    on_drop, panicking, yields,
};

assert_not_impl_any!(LocalScope<std::future::Ready<()>>: Send, Sync);
assert_not_impl_any!(LocalTransaction: Send, Sync);
assert_not_impl_any!(LocalStashed<()>: Send, Sync);
assert_not_impl_any!(LocalEnd: Send, Sync);
assert_not_impl_any!(LocalWait: Send, Sync);
assert_impl_all!(LocalStashed<Rc<()>>: Unpin, std::fmt::Debug);

#[test]
fn what_is_not_send_can_be_added_and_is_waited_for() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let value = finish(scope_local({
        let log = log.clone();
        async move {
            let of_child = log.clone();
            add_local(async move {
                yields(2).await;
                of_child.borrow_mut().push("local");
            });
            add(async {});
            log.borrow_mut().push("body");
            *Rc::new(1)
        }
    }));
    assert_eq!(value.unwrap(), 1);
    assert_eq!(*log.borrow(), ["body", "local"]);
}

#[test]
fn it_is_never_polled_within_add_local() {
    let log = Log::new();
    finish(scope_local({
        let log = log.clone();
        async move {
            add_local(log.step("local"));
            log.note("after");
        }
    }))
    .unwrap();
    assert_eq!(log.take(), ["after", "local"]);
}

#[test]
fn t08_local_futures_go_on_while_the_body_is_suspended() {
    let (gate, log) = (Gate::new(), Log::new());
    let mut task = Task::new(scope_local({
        let (gate, log) = (gate.clone(), log.clone());
        async move {
            add_local(log.step("local"));
            gate.pass().await;
            log.note("body");
        }
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["local"]);
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["body"]);
}

#[test]
fn t04_first_polls_of_local_futures_are_in_the_order_of_adding() {
    let log = Log::new();
    finish(scope_local({
        let log = log.clone();
        async move {
            for n in 0..5 {
                let of_child = log.clone();
                add_local(async move {
                    of_child.note(format!("{n}"));
                    add_local(of_child.step(&format!("child of {n}")));
                });
            }
        }
    }))
    .unwrap();
    let children = (0..5).map(|n| format!("child of {n}"));
    assert_eq!(log.take(), (0..5).map(|n| n.to_string()).chain(children).collect::<Vec<_>>());
}

#[test]
fn t05_each_has_a_transaction_of_its_own_and_what_it_adds_goes_there() {
    let ids = Rc::new(RefCell::new(Vec::new()));
    let log = Log::new();
    finish(scope_local({
        let (ids, log) = (ids.clone(), log.clone());
        async move {
            let body = current().unwrap();
            add_local(async move {
                let own = current().unwrap();
                ids.borrow_mut().push(own.parent().unwrap().id() == body.id());
                let callback = (ids.clone(), own.id());
                add(log.step("ordinary"));
                assert_eq!(own.pending(), 1);
                let _guard = on_drop(move || assert_eq!(current().unwrap().id(), own.id()));
                add_local(async {}).on_settled(move |_| {
                    let parent = current().unwrap().parent().unwrap();
                    callback.0.borrow_mut().push(parent.id() == callback.1);
                });
                yields(1).await;
            });
        }
    }))
    .unwrap();
    assert_eq!(*ids.borrow(), [true, true]);
    assert_eq!(log.take(), ["ordinary"]);
    assert!(current().is_none());
}

#[test]
fn t11_its_output_need_not_be_send_either() {
    let rc = Rc::new(Cell::new(5));
    let of_child = rc.clone();
    let got = finish(scope_local(async move {
        add_local_value(async move {
            yields(1).await;
            of_child
        })
        .await
        .unwrap()
    }))
    .unwrap();
    assert!(Rc::ptr_eq(&rc, &got));
}

#[test]
fn t20_errors_and_panics_are_failures_with_their_places() {
    let failures = finish(scope_local(async {
        add_local(failing("first"));
        add(failing("second"));
        add_local(panicking("third"));
        add_local(async {
            let _bomb = Bomb;
        });
        add_local(async {}).on_settled(|_| panic!("in the callback"));
        let seen = add_local(failing("received")).await.unwrap_err();
        assert_eq!(cause(&seen), "received");
    }))
    .unwrap_err();
    assert_eq!(
        causes(&failures),
        ["first", "second", "third", "in the error's destructor", "in the callback"]
    );
    assert!(failures.iter().all(|failure| failure.location().file() == file!()));
}

#[test]
fn outcome_loses_nothing() {
    let outcome = finish(
        scope_local(async {
            add_local(failing("lost?"));
            7
        })
        .outcome(),
    );
    assert_eq!((outcome.value, causes(&outcome.failures)), (7, vec![String::from("lost?")]));
}

#[test]
fn with_no_local_transaction_around_the_handle_has_failed_as_closed() {
    let log = Log::new();
    let refused = |log: &Log| {
        let guard = log.at_drop("dropped");
        let noted = log.clone();
        let stashed = add_local(async move { drop(guard) })
            .on_settled(move |result| noted.note(format!("{}", result.as_ref().unwrap_err().is_closed())));
        assert!(stashed.is_settled());
        assert!(finish(stashed).unwrap_err().is_closed());
    };
    refused(&log);
    finish(scope(async { refused(&log) })).unwrap();
    // A local one somewhere on the stack does not do, it has to be around.
    finish(scope_local({
        let log = log.clone();
        async move {
            let other = begin();
            let apart = elsewhere(begin);
            apart.enter(|| refused(&log));
            other.end().await.unwrap();
            drop(apart);
        }
    }))
    .unwrap();
    assert_eq!(log.take(), ["dropped", "true"].repeat(3));
}

#[test]
fn an_ordinary_future_may_add_local_ones_only_where_the_owner_drives_it() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let see = |seen: &Arc<Mutex<Vec<bool>>>| {
        let seen = seen.clone();
        async move { seen.lock().unwrap().push(add_local(async {}).is_settled()) }
    };
    let handle: Rc<RefCell<Option<Transaction>>> = Rc::default();
    let mut task = Task::new(scope_local({
        let (handle, of_body) = (handle.clone(), see(&seen));
        async move {
            *handle.borrow_mut() = current();
            add(of_body);
            std::future::pending::<()>().await;
        }
    }));
    assert_pending!(task.run());
    let transaction = handle.take().unwrap();
    transaction.add(see(&seen)).unwrap();
    assert_pending!(elsewhere(|| Task::new(transaction.end()).run()));
    transaction.enter(|| assert!(add_local(async {}).is_settled(), "no owner on the stack"));
    transaction.add(see(&seen)).unwrap();
    assert_pending!(task.run());
    assert_eq!(*seen.lock().unwrap(), [false, true, false]);
}

#[test]
fn others_who_end_it_wait_for_the_owner() {
    let (log, gate) = (Log::new(), Gate::new());
    let handle: Rc<RefCell<Option<Transaction>>> = Rc::default();
    let mut task = Task::new(scope_local({
        let (handle, log, gate) = (handle.clone(), log.clone(), gate.clone());
        async move {
            *handle.borrow_mut() = current();
            add_local(gate.pass().then(move |()| log.step("local")));
        }
    }));
    assert_pending!(task.run());
    let transaction = handle.borrow().clone().unwrap();
    assert_eq!(transaction.pending(), 1);
    let mut end = Task::new(transaction.end());
    assert_pending!(elsewhere(|| end.run()));
    gate.open();
    assert_pending!(elsewhere(|| end.poll()));
    assert!(log.take().is_empty());
    assert!(task.is_woken());
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["local"]);
    assert!(end.is_woken());
    assert_ready!(end.run()).unwrap();
}

#[test]
fn a_local_future_wakes_its_owner_alone() {
    let gate = Gate::new();
    let outer = begin();
    let mut task = outer.enter(|| {
        let gate = gate.clone();
        Task::new(async move { scope_local(async move { drop(add_local(gate.pass())) }).await }.boxed_local())
    });
    outer.enter(|| assert_pending!(task.run()));
    let mut end = Task::new(outer.end());
    assert_pending!(end.run());
    assert_eq!((task.wakes(), end.wakes()), (0, 0));
    gate.rattle();
    assert_eq!((task.wakes(), end.wakes()), (1, 0));
    assert_pending!(task.run());
    gate.open();
    assert_eq!(end.wakes(), 0);
    assert_ready!(task.run()).unwrap();
    assert_ready!(end.run()).unwrap();
}

#[test]
fn it_nests_in_bodies_and_local_futures() {
    let log = Log::new();
    let mut task = Task::new(scope(async {
        let noted = log.clone();
        scope_local(async move {
            let inner = noted.clone();
            add_local(async move {
                scope_local({
                    let inner = inner.clone();
                    async move { drop(add_local(yields(1).then(move |()| inner.step("innermost")))) }
                })
                .await
                .unwrap();
                scope(async { drop(add_local(inner.step("in a plain scope"))) }).await.unwrap();
                inner.note("local");
            });
        })
        .await
        .unwrap();
        log.note("outer");
    }));
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["innermost", "in a plain scope", "local", "outer"]);
}

#[test]
fn t22_who_would_wait_for_himself_is_told_so() {
    let own: Rc<RefCell<Option<LocalStashed<bool>>>> = Rc::default();
    let told = Rc::new(Cell::new(false));
    finish(scope_local({
        let (own, told) = (own.clone(), told.clone());
        async move {
            let body = current().unwrap();
            add_local(async move {
                let results = [body.end().await, body.wait().await, current().unwrap().end().await];
                assert!(
                    results
                        .iter()
                        .all(|result| { result.as_ref().unwrap_err().first().unwrap().is_would_deadlock() })
                );
            });
            let mine = own.clone();
            let stashed = add_local_value(async move {
                yields(1).await;
                let own = mine.take().unwrap();
                own.await.unwrap_err().is_would_deadlock()
            });
            let stashed = stashed.on_settled(move |result| told.set(*result.as_ref().unwrap()));
            *own.borrow_mut() = Some(stashed);
        }
    }))
    .unwrap();
    assert!(told.get());
}

#[test]
fn block_on_in_a_local_future_panics_as_in_any_drive() {
    let failures = finish(scope_local(async {
        add_local(async { block_on(async {}) });
    }))
    .unwrap_err();
    assert!(failures.first().unwrap().panic_message().unwrap().contains("block_on"));
}

#[test]
fn cancelled_it_is_dropped_inside_its_transaction_and_its_handle_is_told() {
    let log = Log::new();
    finish(scope_local({
        let log = log.clone();
        async move {
            let guard = on_drop({
                let log = log.clone();
                move || drop(add_local(log.step("goodbye")))
            });
            let stashed = add_local(async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            });
            yields(3).await;
            stashed.cancel();
            assert!(!stashed.is_settled());
            assert!(stashed.await.unwrap_err().is_cancelled());
            add_local(log.step("never polled")).cancel();
        }
    }))
    .unwrap();
    assert_eq!(log.take(), ["goodbye"]);
}

#[test]
fn the_depth_limit_holds_for_local_futures() {
    fn deeper(log: Log, depth: usize) -> futures::future::LocalBoxFuture<'static, ()> {
        async move {
            log.note(depth.to_string());
            add_local(deeper(log, depth + 1));
        }
        .boxed_local()
    }
    let log = Log::new();
    let first = log.clone();
    let failures = finish(
        Transaction::builder().depth_limit(3).scope_local(async move { drop(add_local(deeper(first, 1))) }),
    )
    .unwrap_err();
    assert_eq!(log.take(), ["1", "2", "3"]);
    assert!(failures.first().unwrap().is_too_deep());
}

#[test]
fn an_endless_cascade_of_local_futures_lets_the_executor_go_on() {
    fn again(polls: Rc<Cell<usize>>) -> futures::future::LocalBoxFuture<'static, ()> {
        async move {
            polls.set(polls.get() + 1);
            current().unwrap().parent().unwrap().enter(|| drop(add_local(again(polls))));
        }
        .boxed_local()
    }
    let polls = Rc::new(Cell::new(0));
    let mut task = Task::new(scope_local({
        let polls = polls.clone();
        async move { drop(add_local(again(polls))) }
    }));
    assert_pending!(task.poll());
    assert!(polls.get() > 0 && polls.get() <= 1_024);
    assert!(task.is_woken());
    assert_pending!(task.poll());
    assert!(polls.get() > 1_024);
}

#[test]
fn dropped_half_way_its_local_futures_are_dropped_here_and_told_and_the_others_adopted() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut outer = Task::new(scope(async {
        let (noted, passed) = (log.clone(), gate.clone());
        let mut inner = Box::pin(scope_local(async move {
            let guard = noted.at_drop("dropped");
            let told = noted.clone();
            add_local(async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            })
            .on_settled(move |result| {
                assert!(current().is_some());
                told.note(format!("cancelled: {}", result.as_ref().unwrap_err().is_cancelled()));
            });
            add_local(noted.step("never polled"));
            add(passed.pass().then(move |()| noted.step("adopted")));
            std::future::pending::<()>().await;
        }));
        // The first poll is inside of that of the local scope's list.
        assert_pending!(futures::poll!(&mut inner));
        drop(inner);
        log.note("gone");
    }));
    assert_pending!(outer.run());
    gate.open();
    assert_ready!(outer.run()).expect("what was dropped with its owner is no failure");
    assert_eq!(log.take(), ["never polled", "dropped", "cancelled: true", "gone", "adopted"]);
}

#[test]
fn or_they_go_to_the_local_transaction_around_in_order() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(scope_local({
        let (log, gate) = (log.clone(), gate.clone());
        async move {
            let inner = scope_local({
                let (log, gate) = (log.clone(), gate.clone());
                async move {
                    for n in 0..3 {
                        let log = log.clone();
                        add_local(gate.pass().then(move |()| log.step(&n.to_string())));
                    }
                    std::future::pending::<()>().await;
                }
            });
            let mut inner = Box::pin(inner);
            assert_pending!(futures::poll!(&mut inner));
            drop(inner);
            log.note("gone");
        }
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["gone"]);
    gate.open();
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["0", "1", "2"]);
}

#[test]
fn what_a_dropped_body_adds_goes_to_the_local_transaction_around_or_is_refused() {
    let log = Log::new();
    let body = |log: Log| async move {
        let _guard =
            on_drop(move || log.note(format!("refused: {}", add_local(log.step("run")).is_settled())));
        std::future::pending::<()>().await;
    };
    let mut alone = Box::pin(scope_local(body(log.clone())));
    assert_pending!(Task::new(&mut alone).run());
    drop(alone);
    assert_eq!(log.take(), ["refused: true"]);
    finish(scope_local({
        let log = log.clone();
        async move {
            let mut inner = Box::pin(scope_local(body(log)));
            assert_pending!(futures::poll!(&mut inner));
        }
    }))
    .unwrap();
    assert_eq!(log.take(), ["refused: false", "run"]);
}

#[test]
fn a_body_that_panics_goes_on_once_its_local_futures_have_settled() {
    let log = Log::new();
    let mut task = Task::new(scope_local({
        let log = log.clone();
        async move {
            add_local(yields(2).then(move |()| log.step("settled")));
            panic!("the body");
        }
    }));
    let result = catch_unwind(AssertUnwindSafe(|| task.run()));
    assert_eq!(*result.unwrap_err().downcast::<&str>().unwrap(), "the body");
    assert_eq!(log.take(), ["settled"]);
}

#[test]
fn t15_a_local_transaction_is_entered_now_and_ended_later() {
    let (transaction, log) = (begin_local(), Log::new());
    transaction.enter(|| {
        add_local(log.step("local"));
        add(log.step("ordinary"));
    });
    transaction
        .add_local(yields(1).then({
            let log = log.clone();
            move |()| log.step("by handle")
        }))
        .unwrap();
    assert_eq!(transaction.pending(), 3);
    assert!(log.take().is_empty());
    finish(transaction.end()).unwrap();
    assert_eq!(log.take(), ["ordinary", "local", "by handle"]);
    assert_eq!(transaction.state(), State::Closed);
    let settled::Closed(future) = transaction.add_local(async {}).unwrap_err();
    finish(future);
}

#[test]
fn t13_wait_settles_local_futures_too_and_leaves_it_open() {
    let transaction = begin_local();
    transaction.add_local(failing("told once")).unwrap();
    assert_eq!(finish(transaction.wait()).unwrap_err().len(), 1);
    assert_eq!(transaction.state(), State::Open);
    finish(transaction.end()).unwrap();
}

#[test]
fn its_handle_awaited_outside_polls_the_list_and_drives_the_tree() {
    let transaction = begin_local();
    let ordinary = transaction.add_value(async { 1 }).unwrap();
    let sibling = transaction.add_local_value(yields(1).map(|()| 2)).unwrap();
    let sum =
        transaction.add_local_value(async move { ordinary.await.unwrap() + sibling.await.unwrap() }).unwrap();
    assert_eq!(finish(sum).unwrap(), 3);
    finish(transaction.end()).unwrap();
}

#[test]
fn of_several_who_await_one_that_is_dropped_blocks_nobody() {
    let (transaction, gate) = (begin_local(), Gate::new());
    let stashed = transaction.add_local(gate.pass()).unwrap();
    let (mut first, mut second) = (Task::new(stashed), Task::new(transaction.end()));
    assert_pending!(second.run());
    assert_pending!(first.run());
    gate.open();
    assert!(second.is_woken());
    drop(first);
    assert_ready!(second.run()).unwrap();
}

#[test]
fn what_is_added_while_its_end_is_awaited_wakes_who_awaits() {
    let (transaction, log, gate) = (begin_local(), Log::new(), Gate::new());
    transaction.add(gate.pass()).unwrap();
    let mut end = Task::new(transaction.end());
    assert_pending!(end.run());
    transaction.enter(|| drop(add_local(log.step("late"))));
    assert!(end.is_woken());
    assert_pending!(end.run());
    assert_eq!(log.take(), ["late"]);
    gate.open();
    assert_ready!(end.run()).unwrap();
}

#[test]
fn an_owner_dropped_by_one_of_its_own_futures_takes_the_rest_with_it() {
    let (log, place) = (Log::new(), Rc::new(RefCell::new(None::<LocalTransaction>)));
    let transaction = begin_local();
    let owned = place.clone();
    transaction.add_local(async move { drop(owned.take()) }).unwrap();
    let guard = log.at_drop("dropped");
    let rest = transaction
        .add_local(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        })
        .unwrap();
    let handle = (*transaction).clone();
    let mut end = Task::new(transaction.end());
    *place.borrow_mut() = Some(transaction);
    let _done = end.run();
    assert_eq!(log.take(), ["dropped"]);
    assert!(finish(rest).unwrap_err().is_cancelled());
    assert_eq!(handle.state(), State::Closed);
}

#[test]
fn local_futures_are_not_spawned_but_polled_by_their_owner() {
    let runtime = Runtime::new();
    let mut task = Task::new(Transaction::builder().spawner(runtime.spawner()).scope_local(async {
        add_local(async { drop(add(async {})) });
    }));
    assert_pending!(task.run());
    assert_eq!(runtime.len(), 1);
    runtime.run();
    assert_ready!(task.run()).unwrap();
}

#[test]
fn many_at_once() {
    let count = Rc::new(Cell::new(0));
    finish(scope_local({
        let count = count.clone();
        async move {
            for n in 0..3_000 {
                let count = count.clone();
                add_local(yields(n % 3).map(move |()| count.set(count.get() + 1)));
            }
        }
    }))
    .unwrap();
    assert_eq!(count.get(), 3_000);
}

#[test]
fn a_handle_polls_its_future_also_where_that_was_handed_on() {
    for awaited_before in [false, true] {
        let outer = begin_local();
        let kept: Rc<RefCell<Option<LocalStashed<i32>>>> = Rc::default();
        let keep = kept.clone();
        let gate = Gate::new();
        let pass = gate.pass();
        let mut inner = Task::new(scope_local(async move {
            *keep.borrow_mut() = Some(add_local_value(async {
                pass.await;
                5
            }));
            std::future::pending::<()>().await;
        }));
        outer.enter(|| assert_pending!(inner.poll()));
        let mut stashed = Task::new(kept.take().unwrap());
        if awaited_before {
            assert_pending!(stashed.run());
        }
        drop(inner);
        assert_pending!(stashed.run());
        gate.open();
        assert_eq!(assert_ready!(stashed.run()).unwrap(), 5);
        finish(outer.end()).unwrap();
    }
}

#[test]
fn what_a_cancelled_local_future_says_goodbye_with_goes_to_the_transaction_above() {
    let log = Log::new();
    let noted = log.clone();
    let failures = finish(scope_local(async move {
        let inner = Transaction::builder().name("inner").begin();
        let goodbye = noted.clone();
        let cancelled = inner.enter(|| {
            let goodbye = on_drop(move || {
                goodbye.note(current().unwrap().name().unwrap_or("above"));
                add(goodbye.step("goodbye"));
            });
            add_local(async move {
                let _goodbye = goodbye;
                std::future::pending::<()>().await;
            })
        });
        inner.abort();
        assert!(cancelled.await.unwrap_err().is_cancelled());
        inner.end().await.unwrap();
    }));
    failures.unwrap();
    assert_eq!(log.take(), ["above", "goodbye"]);
}

#[test]
fn after_the_first_failure_of_a_fail_fast_transaction_local_futures_are_cancelled_too() {
    finish(scope_local(async {
        let inner = Transaction::builder().fail_fast().begin();
        inner.add(failing("first")).unwrap();
        yields(2).await;
        let late = inner.enter(|| add_local(async { unreachable!("it was cancelled in advance") }));
        assert!(late.await.unwrap_err().is_cancelled());
        assert_eq!(inner.end().await.unwrap_err().len(), 1);
    }))
    .unwrap();
}

#[test]
fn a_long_chain_of_local_transactions_takes_no_stack() {
    const LONG: usize = 20_000;
    let mut chain = vec![begin_local()];
    while chain.len() < LONG {
        let next = chain.last().unwrap().enter(begin_local);
        chain.push(next);
    }
    finish(chain[0].end()).unwrap();
    let last = chain.pop();
    drop(chain);
    drop(last);
}
