//! Atomic transactions: all or nothing.

use std::sync::{Arc, Mutex};

use futures::future::join;
use settled::{
    Failure, ScopeError, Stashed, State, Transaction, add, add_cleanup, add_value, atomic, begin, current,
    on_commit, on_rollback, scope, try_scope,
};
use support::{Gate, Log, Task, assert_pending, assert_ready, cause, causes, finish, on_drop, yields};

fn note(log: &Log, what: &'static str) -> impl Future<Output = ()> + Send + 'static {
    let log = log.clone();
    async move { log.note(what) }
}

fn noting(log: &Log, what: &'static str) -> impl FnOnce() + Send + 'static {
    let log = log.clone();
    move || log.note(what)
}

fn uncommitted<T: std::fmt::Debug>(result: &Result<T, Failure>) {
    let failure = result.as_ref().unwrap_err();
    assert!(failure.is_uncommitted() && failure.is_would_deadlock(), "{failure}");
}

#[test]
fn nothing_starts_before_the_commit_and_all_of_it_after_in_order() {
    let log = Log::new();
    let gate = Gate::new();
    let (l, g) = (log.clone(), gate.clone());
    let mut task = Task::new(atomic(async move {
        on_commit(noting(&l, "hook 1"));
        add(note(&l, "first"));
        g.pass().await;
        add(note(&l, "second"));
        on_commit(noting(&l, "hook 2"));
        l.note("body");
        Ok::<_, &str>(7)
    }));
    assert_pending!(task.poll());
    assert_pending!(task.poll());
    assert_eq!(log.take(), [""; 0]);
    gate.open();
    assert_eq!(assert_ready!(task.poll()).unwrap(), 7);
    assert_eq!(log.take(), ["body", "hook 1", "hook 2", "first", "second"]);
}

#[test]
fn an_error_of_the_body_drops_all_of_it_unstarted() {
    let log = Log::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let l = log.clone();
    let t = told.clone();
    let result = finish(atomic(async move {
        on_rollback(noting(&l, "undo 1"));
        let dropped = on_drop(noting(&l, "dropped"));
        add_value(async move { drop(dropped) }).on_settled(move |result| {
            t.lock().unwrap().push(result.as_ref().unwrap_err().is_cancelled());
        });
        on_rollback(noting(&l, "undo 2"));
        on_commit(noting(&l, "never"));
        Err::<(), _>("oops 3")
    }));
    assert!(matches!(result, Err(ScopeError::Body("oops 3"))));
    assert_eq!(log.take(), ["dropped", "undo 2", "undo 1"]);
    assert_eq!(*told.lock().unwrap(), [true]);
}

#[test]
fn a_check_that_fails_rolls_back_and_is_the_reason() {
    let log = Log::new();
    let l = log.clone();
    let result = finish(atomic(async move {
        let t = current().unwrap();
        add(note(&l, "never"));
        t.on_rollback(noting(&l, "undone"));
        t.before_commit(note(&l, "checked"));
        t.before_commit(async { Err::<(), _>("oops 1") });
        t.before_commit(note(&l, "never checked"));
        Ok::<_, &str>(())
    }));
    let Err(ScopeError::Refused(failure)) = result else { panic!("{result:?}") };
    assert_eq!(cause(&failure), "oops 1");
    assert_eq!(log.take(), ["checked", "undone"]);
}

#[test]
fn a_check_that_panics_refuses_too() {
    let result = finish(atomic(async move {
        current().unwrap().before_commit(async { panic!("no good") });
        Ok::<_, &str>(())
    }));
    let Err(ScopeError::Refused(failure)) = result else { panic!("{result:?}") };
    assert_eq!(failure.panic_message(), Some("no good"));
}

#[test]
fn checks_may_wait_and_add_and_ask_for_more() {
    let log = Log::new();
    let l = log.clone();
    finish(atomic(async move {
        let l2 = l.clone();
        current().unwrap().before_commit(async move {
            yields(2).await;
            l2.note("check");
            add(note(&l2, "added by the check"));
            current().unwrap().before_commit(note(&l2, "a further check"));
        });
        add(note(&l, "added by the body"));
        Ok::<_, &str>(())
    }))
    .unwrap();
    assert_eq!(log.take(), ["check", "a further check", "added by the body", "added by the check"]);
}

#[test]
fn hooks_that_add_and_hooks_that_ask_for_hooks() {
    let log = Log::new();
    let l = log.clone();
    finish(atomic(async move {
        let l2 = l.clone();
        on_commit(move || {
            l2.note("hook");
            add(note(&l2, "added by the hook"));
            on_commit(noting(&l2, "a further hook"));
            on_rollback(noting(&l2, "never"));
        });
        on_commit(noting(&l, "second hook"));
        add(note(&l, "added"));
        Ok::<_, &str>(())
    }))
    .unwrap();
    assert_eq!(log.take(), ["hook", "second hook", "a further hook", "added", "added by the hook"]);
}

#[test]
fn a_hook_that_panics_is_a_failure_and_stops_nobody() {
    let log = Log::new();
    let l = log.clone();
    let outcome = finish(
        atomic(async move {
            on_commit(|| panic!("hook"));
            on_commit(noting(&l, "second"));
            add(note(&l, "added"));
            Ok::<_, &str>(5)
        })
        .outcome(),
    );
    assert_eq!(outcome.value.unwrap(), 5);
    assert_eq!(outcome.failures.first().unwrap().panic_message(), Some("hook"));
    assert_eq!(log.take(), ["second", "added"]);
}

#[test]
fn a_rollback_hook_that_panics_stops_nobody_either() {
    let log = Log::new();
    let l = log.clone();
    let outcome = finish(
        atomic(async move {
            on_rollback(noting(&l, "undone"));
            on_rollback(|| panic!("undo"));
            Err::<(), _>("oops 1")
        })
        .outcome(),
    );
    assert!(matches!(outcome.value, Err(ScopeError::Body("oops 1"))));
    assert_eq!(outcome.failures.first().unwrap().panic_message(), Some("undo"));
    assert_eq!(log.take(), ["undone"]);
}

#[test]
fn what_fails_after_the_commit_is_told_and_the_value_stands() {
    let make = || {
        atomic(async {
            add(async { Err::<(), _>("oops 1") });
            Ok::<_, &str>(5)
        })
    };
    let Err(ScopeError::Failed(failures)) = finish(make()) else { panic!() };
    assert_eq!(causes(&failures), ["oops 1"]);
    let outcome = finish(make().outcome());
    assert_eq!(outcome.value.unwrap(), 5);
    assert_eq!(causes(&outcome.failures), ["oops 1"]);
}

#[test]
fn a_cleanup_survives_a_rollback_and_is_driven_before_it_returns() {
    let log = Log::new();
    let l = log.clone();
    let result = finish(atomic(async move {
        add(note(&l, "never"));
        let l2 = l.clone();
        add_cleanup(async move {
            yields(3).await;
            l2.note("cleaned up");
            add(note(&l2, "and more"));
        });
        on_rollback(noting(&l, "undone"));
        Err::<(), _>("oops 1")
    }));
    assert!(matches!(result, Err(ScopeError::Body(_))));
    assert_eq!(log.take(), ["undone", "cleaned up", "and more"]);
}

#[test]
fn a_cleanup_is_driven_before_it_returns_also_below_another_transaction() {
    let (gate, log) = (Gate::new(), Log::new());
    let mut task = Task::new(scope(async {
        let pass = gate.pass();
        let result = atomic(async move {
            add_cleanup(pass);
            Err::<(), _>("oops 1")
        });
        assert!(matches!(result.await, Err(ScopeError::Body(_))));
        log.note("returned");
    }));
    assert_pending!(task.run());
    log.expect([]);
    gate.open();
    assert_ready!(task.run()).unwrap();
    log.expect(["returned"]);
}

#[test]
fn on_a_commit_a_cleanup_starts_in_its_turn() {
    let log = Log::new();
    let l = log.clone();
    finish(atomic(async move {
        add(note(&l, "one"));
        add_cleanup(note(&l, "two"));
        add(note(&l, "three"));
        Ok::<_, &str>(())
    }))
    .unwrap();
    assert_eq!(log.take(), ["one", "two", "three"]);
}

#[test]
fn a_body_that_panics_is_rolled_back_before_the_panic_goes_on() {
    let log = Log::new();
    let l = log.clone();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        finish(atomic(async move {
            add(note(&l, "never"));
            on_rollback(noting(&l, "undone"));
            if true {
                panic!("body");
            }
            Ok::<_, &str>(())
        }))
    }));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "body");
    assert_eq!(log.take(), ["undone"]);
}

#[test]
fn one_that_is_dropped_before_its_commit_is_rolled_back_at_once() {
    let log = Log::new();
    let l = log.clone();
    let mut task = Task::new(scope(async move {
        let l2 = l.clone();
        let mut inner = Box::pin(atomic(async move {
            let dropped = on_drop(noting(&l2, "future dropped"));
            add(async move { drop(dropped) });
            on_rollback(noting(&l2, "undone"));
            add_cleanup(note(&l2, "cleaned up"));
            let _body = on_drop(noting(&l2, "body dropped"));
            std::future::pending::<()>().await;
            Ok::<_, &str>(())
        }));
        assert_pending!(futures::poll!(inner.as_mut()));
        drop(inner);
        l.note("dropped");
    }));
    assert_ready!(task.poll()).unwrap();
    assert_eq!(log.take(), ["body dropped", "future dropped", "undone", "dropped", "cleaned up"]);
}

#[test]
fn one_that_is_dropped_after_its_commit_is_adopted() {
    let log = Log::new();
    let gate = Gate::new();
    let (l, g) = (log.clone(), gate.clone());
    let mut task = Task::new(scope(async move {
        let l2 = l.clone();
        let mut inner = Box::pin(atomic(async move {
            on_rollback(noting(&l2, "never"));
            add(async move {
                g.pass().await;
                l2.note("adopted");
            });
            Ok::<_, &str>(())
        }));
        assert_pending!(futures::poll!(inner.as_mut()));
        drop(inner);
        l.note("dropped");
    }));
    assert_pending!(task.poll());
    gate.open();
    assert_ready!(task.poll()).unwrap();
    assert_eq!(log.take(), ["dropped", "adopted"]);
}

#[test]
fn an_aborted_one_rolls_back_when_its_body_has_returned() {
    let log = Log::new();
    let l = log.clone();
    let result = finish(atomic(async move {
        add(note(&l, "never"));
        on_rollback(noting(&l, "undone"));
        current().unwrap().abort();
        yields(1).await;
        l.note("body goes on");
        Ok::<_, &str>(1)
    }));
    let Err(ScopeError::Refused(failure)) = result else { panic!("{result:?}") };
    assert!(failure.is_cancelled());
    assert_eq!(log.take(), ["body goes on", "undone"]);
    let result = finish(atomic(async move {
        current().unwrap().abort();
        Err::<(), _>("oops 4")
    }));
    assert!(matches!(result, Err(ScopeError::Body("oops 4"))));
}

#[test]
fn one_aborted_during_its_checks_is_refused() {
    let gate = Gate::new();
    let g = gate.clone();
    let handle = Arc::new(Mutex::new(None::<Transaction>));
    let h = handle.clone();
    let mut task = Task::new(atomic(async move {
        let t = current().unwrap();
        *h.lock().unwrap() = Some(t.clone());
        t.before_commit(async move { g.pass().await });
        Ok::<_, &str>(1)
    }));
    assert_pending!(task.poll());
    handle.lock().unwrap().as_ref().unwrap().abort();
    gate.open();
    let result = assert_ready!(task.poll());
    assert!(matches!(result, Err(ScopeError::Refused(failure)) if failure.is_cancelled()));
}

#[test]
fn an_inner_commit_hands_everything_over_to_the_outer() {
    let log = Log::new();
    let l = log.clone();
    finish(atomic(async move {
        add(note(&l, "outer 1"));
        let l2 = l.clone();
        let outcome = atomic(async move {
            add(note(&l2, "inner"));
            on_commit(noting(&l2, "inner hook"));
            current().unwrap().before_commit(note(&l2, "inner check"));
            Ok::<_, &str>(2)
        })
        .outcome()
        .await;
        assert_eq!(outcome.value.unwrap(), 2);
        assert!(outcome.deferred);
        on_commit(noting(&l, "outer hook"));
        add(note(&l, "outer 2"));
        l.note("outer body");
        Ok::<_, &str>(())
    }))
    .unwrap();
    assert_eq!(
        log.take(),
        ["inner check", "outer body", "inner hook", "outer hook", "outer 1", "inner", "outer 2"]
    );
}

#[test]
fn an_outer_rollback_takes_what_the_inner_one_committed() {
    let log = Log::new();
    let l = log.clone();
    let result = finish(atomic(async move {
        on_rollback(noting(&l, "undo outer 1"));
        let l2 = l.clone();
        atomic(async move {
            let dropped = on_drop(noting(&l2, "inner dropped"));
            add(async move { drop(dropped) });
            on_rollback(noting(&l2, "undo inner"));
            Ok::<_, &str>(())
        })
        .await
        .unwrap();
        on_rollback(noting(&l, "undo outer 2"));
        Err::<(), _>("oops 1")
    }));
    assert!(result.is_err());
    assert_eq!(log.take(), ["inner dropped", "undo outer 2", "undo inner", "undo outer 1"]);
}

#[test]
fn an_inner_rollback_discards_its_own_alone() {
    let log = Log::new();
    let l = log.clone();
    finish(atomic(async move {
        add(note(&l, "outer 1"));
        on_rollback(noting(&l, "never"));
        let l2 = l.clone();
        let inner = atomic(async move {
            add(note(&l2, "never"));
            on_commit(noting(&l2, "never"));
            on_rollback(noting(&l2, "undo inner"));
            add_cleanup(note(&l2, "inner cleanup"));
            Err::<(), _>("oops 1")
        })
        .await;
        assert!(matches!(inner, Err(ScopeError::Body("oops 1"))));
        l.note("outer goes on");
        add(note(&l, "outer 2"));
        Ok::<_, &str>(())
    }))
    .unwrap();
    assert_eq!(log.take(), ["undo inner", "outer goes on", "outer 1", "inner cleanup", "outer 2"]);
}

#[test]
fn the_cleanup_of_an_inner_one_survives_the_rollback_of_the_outer_too() {
    let log = Log::new();
    let l = log.clone();
    let result = finish(atomic(async move {
        let l2 = l.clone();
        let _ = atomic(async move {
            add_cleanup(note(&l2, "cleanup of one rolled back"));
            Err::<(), _>("oops 1")
        })
        .await;
        let l2 = l.clone();
        let _ = atomic(async move {
            add_cleanup(note(&l2, "cleanup of one committed"));
            Ok::<_, &str>(())
        })
        .await;
        Err::<(), _>("oops 1")
    }));
    assert!(result.is_err());
    assert_eq!(log.take(), ["cleanup of one rolled back", "cleanup of one committed"]);
}

#[test]
fn a_plain_scope_inside_hands_over_and_tells() {
    let log = Log::new();
    let l = log.clone();
    finish(atomic(async move {
        let l2 = l.clone();
        let outcome = scope(async move {
            add(note(&l2, "added in the scope"));
            yields(1).await;
            3
        })
        .outcome()
        .await;
        assert_eq!((outcome.value, outcome.deferred), (3, true));
        assert!(!scope(async {}).outcome().await.deferred);
        // Also one whose body fails: only an atomic one rolls back.
        let l2 = l.clone();
        let failed = try_scope(async move {
            add(note(&l2, "added in the failed scope"));
            Err::<(), _>("oops 1")
        });
        assert!(failed.await.is_err());
        l.note("body");
        Ok::<_, &str>(())
    }))
    .unwrap();
    assert_eq!(log.take(), ["body", "added in the scope", "added in the failed scope"]);
}

#[test]
fn scopes_in_scopes_hand_over_all_the_way() {
    let log = Log::new();
    let l = log.clone();
    finish(atomic(async move {
        let l2 = l.clone();
        scope(async move {
            add(note(&l2, "one"));
            let l3 = l2.clone();
            let (a, b) = join(
                scope(async move {
                    add(note(&l3, "two"));
                    yields(2).await;
                    add(note(&l3, "four"));
                }),
                async {
                    yields(1).await;
                    add(note(&l2, "three"));
                    scope(async {}).await
                },
            )
            .await;
            a.unwrap();
            b.unwrap();
        })
        .await
        .unwrap();
        l.note("body");
        Ok::<_, &str>(())
    }))
    .unwrap();
    assert_eq!(log.take(), ["body", "one", "two", "three", "four"]);
}

#[test]
fn one_begun_inside_is_part_of_it() {
    let log = Log::new();
    let l = log.clone();
    let mut task = Task::new(atomic(async move {
        let t = begin();
        t.add(note(&l, "begun")).unwrap();
        assert!(t.is_atomic());
        let ended = t.end().await;
        let failure = ended.unwrap_err().first().cloned().unwrap();
        assert!(failure.is_uncommitted(), "{failure}");
        let waited = current().unwrap().wait().await;
        assert!(waited.unwrap_err().first().unwrap().is_uncommitted());
        assert!(begin().end().await.is_ok(), "nothing is held there");
        l.note("body");
        Ok::<_, &str>(())
    }));
    assert_ready!(task.poll()).unwrap();
    assert_eq!(log.take(), ["body", "begun"]);
}

#[test]
fn what_was_begun_in_a_scope_inside_goes_along() {
    let log = Log::new();
    let l = log.clone();
    let kept = Arc::new(Mutex::new(None));
    let k = kept.clone();
    let mut task = Task::new(atomic(async move {
        let l2 = l.clone();
        scope(async move {
            let t = begin();
            t.add(note(&l2, "begun")).unwrap();
            *k.lock().unwrap() = Some(t);
        })
        .await
        .unwrap();
        l.note("body");
        Ok::<_, &str>(())
    }));
    assert_ready!(task.poll()).unwrap();
    assert_eq!(log.take(), ["body", "begun"]);
    assert_eq!(kept.lock().unwrap().as_ref().unwrap().state(), State::Closed);
}

#[test]
fn awaiting_what_is_held_is_told_at_once() {
    let mut task = Task::new(atomic(async {
        let t = current().unwrap();
        uncommitted(&add(async {}).await);
        uncommitted(&add_value(async { 1 }).await);
        uncommitted(&t.gather((0..2).map(|n| async move { n })).await);
        assert!(t.wait().await.unwrap_err().first().unwrap().is_uncommitted());
        assert!(t.end().await.unwrap_err().first().unwrap().is_would_deadlock());
        // From a scope inside, and from a check.
        scope(async {
            uncommitted(&add(async {}).await);
        })
        .await
        .unwrap();
        let held: Stashed<()> = add(async {});
        t.before_commit(async move { uncommitted(&held.await) });
        Ok::<_, &str>(())
    }));
    assert_ready!(task.poll()).unwrap();
}

#[test]
fn awaiting_what_an_inner_one_holds_is_told_too() {
    let mut task = Task::new(atomic(async {
        let slot = Arc::new(Mutex::new(None));
        let (s, gate) = (slot.clone(), Gate::new());
        let g = gate.clone();
        let inner = atomic(async move {
            *s.lock().unwrap() = Some(add_value(async { 1 }));
            g.pass().await;
            Ok::<_, &str>(())
        });
        let outer = async {
            let held = slot.lock().unwrap().take().unwrap();
            uncommitted(&held.await);
            gate.open();
        };
        let (inner, ()) = join(inner, outer).await;
        inner.unwrap();
        Ok::<_, &str>(())
    }));
    assert_ready!(task.poll()).unwrap();
}

#[test]
fn who_waits_inside_is_told_of_what_is_held_later() {
    let mut task = Task::new(atomic(async {
        let t = begin();
        let gate = Gate::new();
        let (handle, g) = ((*t).clone(), gate.clone());
        // A scope whose body is alive keeps the transaction open, and then leaves something that is held.
        let inner = t.enter(|| {
            scope(async move {
                g.pass().await;
                add(async {});
            })
        });
        let mut inner = Box::pin(inner);
        let polled =
            t.enter(|| futures::executor::block_on(async { futures::poll!(inner.as_mut()).is_pending() }));
        assert!(polled);
        let end = handle.end();
        let (ended, scoped) = join(end, async {
            yields(2).await;
            gate.open();
            inner.await
        })
        .await;
        scoped.unwrap();
        assert!(ended.unwrap_err().first().unwrap().is_uncommitted());
        Ok::<_, &str>(())
    }));
    assert_ready!(task.poll()).unwrap();
}

#[test]
fn awaiting_it_from_outside_waits_for_the_commit() {
    let gate = Gate::new();
    let slot = Arc::new(Mutex::new(None));
    let (g, s) = (gate.clone(), slot.clone());
    let mut task = Task::new(atomic(async move {
        *s.lock().unwrap() = Some((add_value(async { 9 }), current().unwrap()));
        g.pass().await;
        Ok::<_, &str>(())
    }));
    assert_pending!(task.poll());
    let (stashed, t) = slot.lock().unwrap().take().unwrap();
    let mut outside = Task::new(stashed);
    let mut end = Task::new(t.end());
    assert_pending!(outside.poll());
    assert_pending!(end.poll());
    gate.open();
    assert_ready!(task.poll()).unwrap();
    assert_eq!(assert_ready!(outside.poll()).unwrap(), 9);
    assert_ready!(end.poll()).unwrap();
}

#[test]
fn what_is_cancelled_while_it_is_held_is_told_with_the_next_drive() {
    let log = Log::new();
    let l = log.clone();
    let mut task = Task::new(atomic(async move {
        let dropped = on_drop(noting(&l, "dropped"));
        let stashed = add(async move { drop(dropped) });
        stashed.cancel();
        let failure = yields_until_settled(stashed).await.unwrap_err();
        assert!(failure.is_cancelled(), "{failure}");
        l.note("body");
        Ok::<_, &str>(())
    }));
    assert_ready!(task.poll()).unwrap();
    assert_eq!(log.take(), ["dropped", "body"]);
}

async fn yields_until_settled<T: Send + 'static>(stashed: Stashed<T>) -> Result<T, Failure> {
    while !stashed.is_settled() {
        yields(1).await;
    }
    stashed.await
}

#[test]
fn what_destructors_add_in_a_rollback_goes_above() {
    let log = Log::new();
    let l = log.clone();
    finish(Transaction::builder().name("around").scope(async move {
        let l2 = l.clone();
        let result = atomic(async move {
            let (l3, l4) = (l2.clone(), l2.clone());
            let dropped = on_drop(move || {
                let own = current().unwrap();
                assert!(own.parent().unwrap().parent().is_some(), "a child of the atomic one, in the scope");
                let l4 = l3.clone();
                add(async move {
                    l4.note(format!(
                        "goodbye, below {}",
                        current().unwrap().parent().unwrap().name().unwrap()
                    ))
                });
            });
            add(async move { drop(dropped) });
            on_rollback(move || {
                add(note(&l4, "added by the hook"));
            });
            Err::<(), _>("oops 1")
        })
        .await;
        assert!(result.is_err());
    }))
    .unwrap();
    assert_eq!(log.take(), ["goodbye, below around", "added by the hook"]);
}

#[test]
fn out_of_all_atomic_ones() {
    let log = Log::new();
    let l = log.clone();
    finish(scope(async move {
        let l2 = l.clone();
        let result = atomic(async move {
            let l3 = l2.clone();
            let inner = scope(async move {
                let inner = atomic(async move {
                    let dropped = on_drop(move || drop(add(note(&l3, "goodbye"))));
                    add(async move { drop(dropped) });
                    Err::<(), _>("oops 1")
                });
                inner.await
            })
            .await
            .unwrap();
            assert!(inner.is_err());
            yields(3).await;
            l2.note("outer body");
            Err::<(), _>("oops 2")
        })
        .await;
        assert!(result.is_err());
    }))
    .unwrap();
    assert_eq!(log.take(), ["goodbye", "outer body"], "it does not wait for a commit");
}

#[test]
fn where_nothing_is_atomic_hooks_have_their_plain_meaning() {
    let log = Log::new();
    on_commit(noting(&log, "at once"));
    on_rollback(noting(&log, "never"));
    let l = log.clone();
    finish(scope(async move {
        on_commit(noting(&l, "at once"));
        let t = current().unwrap();
        t.on_commit(noting(&l, "at once"));
        t.on_rollback(noting(&l, "never"));
        t.before_commit(note(&l, "added"));
        assert!(!t.is_atomic());
        l.note("body");
    }))
    .unwrap();
    assert_eq!(log.take(), ["at once", "at once", "at once", "body", "added"]);
}

#[test]
fn after_the_commit_it_is_plain() {
    let log = Log::new();
    let l = log.clone();
    finish(atomic(async move {
        let t = current().unwrap();
        let l2 = l.clone();
        add(async move {
            assert!(!t.is_atomic());
            t.on_commit(noting(&l2, "at once"));
            on_commit(noting(&l2, "at once"));
            on_rollback(noting(&l2, "never"));
            let l3 = l2.clone();
            add_value(async move { l3.note("child") }).await.unwrap();
            t.before_commit(note(&l2, "added"));
        });
        Ok::<_, &str>(())
    }))
    .unwrap();
    assert_eq!(log.take(), ["at once", "at once", "child", "added"]);
}

#[test]
fn a_handle_adds_to_it_from_another_thread_and_is_held_too() {
    let log = Log::new();
    let l = log.clone();
    finish(atomic(async move {
        let t = current().unwrap();
        let l2 = l.clone();
        std::thread::spawn(move || {
            t.add(note(&l2, "from elsewhere")).unwrap();
            t.on_commit(noting(&l2, "hook from elsewhere"));
        })
        .join()
        .unwrap();
        yields(2).await;
        add(note(&l, "from here"));
        l.note("body");
        Ok::<_, &str>(())
    }))
    .unwrap();
    assert_eq!(log.take(), ["body", "hook from elsewhere", "from elsewhere", "from here"]);
}

#[test]
fn a_scope_that_outlives_the_rollback_of_what_it_is_part_of_starts_nothing_more() {
    let log = Log::new();
    let gate = Gate::new();
    let slot = Arc::new(Mutex::new(None));
    let (s, l, g) = (slot.clone(), log.clone(), gate.clone());
    let mut task = Task::new(atomic(async move {
        let l2 = l.clone();
        let mut straggler = Box::pin(scope(async move {
            g.pass().await;
            add(note(&l2, "never"));
            on_commit(noting(&l2, "never"));
            l2.note("straggler");
        }));
        assert_pending!(futures::poll!(straggler.as_mut()));
        *s.lock().unwrap() = Some(straggler);
        Err::<(), _>("oops 1")
    }));
    // It counts as work: its body is alive.
    assert_pending!(task.poll());
    let mut straggler = Task::new(slot.lock().unwrap().take().unwrap());
    assert_pending!(straggler.poll());
    gate.open();
    assert_ready!(straggler.poll()).unwrap();
    assert!(assert_ready!(task.poll()).is_err());
    assert_eq!(log.take(), ["straggler"]);
}

#[test]
fn an_inner_one_that_outlives_the_rollback_is_rolled_back_too() {
    let log = Log::new();
    let gate = Gate::new();
    let slot = Arc::new(Mutex::new(None));
    let (s, l, g) = (slot.clone(), log.clone(), gate.clone());
    let mut task = Task::new(atomic(async move {
        let l2 = l.clone();
        let mut straggler = Box::pin(atomic(async move {
            add(note(&l2, "never"));
            on_commit(noting(&l2, "never"));
            on_rollback(noting(&l2, "undone"));
            g.pass().await;
            Ok::<_, &str>(())
        }));
        assert_pending!(futures::poll!(straggler.as_mut()));
        *s.lock().unwrap() = Some(straggler);
        Err::<(), _>("oops 1")
    }));
    assert_pending!(task.poll());
    gate.open();
    let mut straggler = Task::new(slot.lock().unwrap().take().unwrap());
    let result = assert_ready!(straggler.poll());
    assert!(matches!(result, Err(ScopeError::Refused(failure)) if failure.is_cancelled()));
    assert!(assert_ready!(task.poll()).is_err());
    assert_eq!(log.take(), ["undone"]);
}

#[test]
fn one_cancelled_in_an_inner_one_lets_all_go_on() {
    for goodbye in [false, true] {
        let log = Log::new();
        let l = log.clone();
        let mut task = Task::new(scope(async move {
            let l2 = l.clone();
            add(async move {
                let outer = atomic(async move {
                    let inner = atomic(async move {
                        let l3 = l2.clone();
                        let dropped = on_drop(move || {
                            if goodbye {
                                add(note(&l3, "goodbye"));
                            }
                        });
                        add(async move { drop(dropped) }).cancel();
                        Ok::<_, &str>(())
                    });
                    inner.await.unwrap();
                    Ok::<_, &str>(())
                });
                outer.await.unwrap();
            });
        }));
        assert_ready!(task.run()).unwrap();
        assert_eq!(log.take().len(), usize::from(goodbye));
    }
}
