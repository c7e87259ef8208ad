//! Atomic transactions where something comes late: when a body is done, when there is no way back, in the course of a
//! rollback or after it.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;

use futures::future::{BoxFuture, join};
use settled::{
    InTransactionExt, ScopeError, Transaction, add, add_cleanup, add_value, atomic, begin, current,
    on_commit, on_rollback, scope,
};
use support::{Gate, Log, Task, assert_pending, assert_ready, elsewhere, finish, on_drop, yields};

fn note(log: &Log, what: &'static str) -> impl Future<Output = ()> + Send + 'static {
    let log = log.clone();
    async move { log.note(what) }
}
fn noting(log: &Log, what: &'static str) -> impl FnOnce() + Send + 'static {
    let log = log.clone();
    move || log.note(what)
}

#[test]
fn an_abort_does_not_wait_for_a_check() {
    let handle = Arc::new(Mutex::new(None::<Transaction>));
    let h = handle.clone();
    let mut task = Task::new(atomic(async move {
        let t = current().unwrap();
        *h.lock().unwrap() = Some(t.clone());
        t.before_commit(pending::<()>());
        Ok::<_, &str>(1)
    }));
    assert_pending!(task.run());
    let t = handle.lock().unwrap().clone().unwrap();
    t.abort();
    let result = assert_ready!(task.run());
    assert!(matches!(result, Err(ScopeError::Refused(failure)) if failure.is_cancelled()));
}

#[test]
fn nor_does_an_abort_of_what_is_above() {
    let t = begin();
    let mut task = Task::new(t.enter(|| {
        Box::pin(
            async {
                atomic(async move {
                    current().unwrap().before_commit(pending::<()>());
                    Ok::<_, &str>(1)
                })
                .await
            }
            .in_transaction(&t),
        )
    }));
    assert_pending!(task.run());
    t.abort();
    let result = assert_ready!(task.run());
    assert!(matches!(result, Err(ScopeError::Refused(failure)) if failure.is_cancelled()));
}

#[test]
fn what_an_inner_one_hands_over_keeps_its_place_in_the_order_of_adding() {
    let log = Log::new();
    let l = log.clone();
    finish(atomic(async move {
        let l2 = l.clone();
        let inner = atomic(async move {
            add(note(&l2, "1"));
            yields(1).await;
            Ok::<_, &str>(())
        });
        let l2 = l.clone();
        let outer = async move {
            add(note(&l2, "2"));
            add(note(&l2, "never")).cancel();
        };
        let (a, ()) = join(inner, outer).await;
        a.unwrap();
        Ok::<_, &str>(())
    }))
    .unwrap();
    assert_eq!(log.take(), ["1", "2"]);
}

fn late(kind: &'static str) {
    let log = Log::new();
    let (g1, g2) = (Gate::new(), Gate::new());
    let slot = Arc::new(Mutex::new(None));
    let (s, l, ga, gb) = (slot.clone(), log.clone(), g1.clone(), g2.clone());
    let mut task = Task::new(atomic(async move {
        let l2 = l.clone();
        let body = async move {
            let owned = (kind == "begun").then(begin);
            *s.lock().unwrap() = Some(Box::pin(
                async move {
                    ga.pass().await;
                    match owned {
                        Some(t) => drop(t.add(note(&l2, "late")).unwrap()),
                        None => drop(add(note(&l2, "late"))),
                    }
                    gb.pass().await;
                }
                .in_current_transaction(),
            ));
            Ok::<_, &str>(())
        };
        if kind == "atomic" {
            atomic(body).await.unwrap()
        } else {
            scope(body).await.unwrap().unwrap()
        }
        l.note("inner is over");
        Ok::<_, &str>(())
    }));
    assert_pending!(task.run());
    let mut part = Task::new(slot.lock().unwrap().take().unwrap());
    assert_pending!(part.run());
    g1.open();
    assert_pending!(part.run());
    assert_pending!(task.run());
    g2.open();
    assert_ready!(part.run());
    drop(part);
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["inner is over", "late"]);
}
#[test]
fn what_is_added_late_to_a_scope_whose_body_is_done_is_handed_over_too() {
    late("plain");
}
#[test]
fn what_is_added_late_to_an_inner_one_that_has_committed_is_handed_over_too() {
    late("atomic");
}
#[test]
fn one_begun_in_a_scope_whose_body_is_done_is_handed_over_when_it_gets_work() {
    late("begun");
}

#[test]
fn who_awaits_what_is_still_on_its_way_to_be_held_is_told_when_it_is() {
    // The atomic one is polled on another thread, while a sibling is being polled in its tree.
    let log = Log::new();
    let l = log.clone();
    let gate = Gate::new();
    let g = gate.clone();
    let mut task = Task::new(scope(async move {
        let mut inner = Task::new(Box::pin(atomic(async move {
            g.pass().await;
            let result = add(async {}).await;
            assert!(result.unwrap_err().is_uncommitted());
            l.note("told");
            Ok::<_, &str>(())
        })));
        assert_pending!(inner.run());
        let child = add_value(async move {
            gate.open();
            let _first = elsewhere(|| inner.run().is_ready());
            inner
        });
        let mut inner = child.await.unwrap();
        for _ in 0..5 {
            if inner.run().is_ready() {
                return;
            }
            yields(1).await;
        }
        panic!("stalled");
    }));
    assert_ready!(task.run()).unwrap();
    assert_eq!(log.take(), ["told"]);
}

#[test]
fn a_cleanup_of_a_scope_that_is_dropped_in_the_rollback_survives_it() {
    let log = Log::new();
    let l = log.clone();
    let result = finish(atomic(async move {
        let l2 = l.clone();
        let mut inner = Box::pin(scope(async move {
            let _connection = on_drop(move || drop(add_cleanup(note(&l2, "goodbye"))));
            pending::<()>().await;
        }));
        assert_pending!(futures::poll!(inner.as_mut()));
        add(async move { inner.await.unwrap() });
        Err::<(), _>("oops")
    }));
    assert!(result.is_err());
    assert_eq!(log.take(), ["goodbye"]);
}

#[test]
fn a_cleanup_of_a_scope_that_outlives_the_rollback_is_done_too() {
    let log = Log::new();
    let gate = Gate::new();
    let slot = Arc::new(Mutex::new(None));
    let (s, l, g) = (slot.clone(), log.clone(), gate.clone());
    let mut task = Task::new(atomic(async move {
        let l2 = l.clone();
        let mut straggler = Box::pin(scope(async move {
            g.pass().await;
            add_cleanup(note(&l2, "goodbye"));
        }));
        assert_pending!(futures::poll!(straggler.as_mut()));
        *s.lock().unwrap() = Some(straggler);
        Err::<(), _>("oops 1")
    }));
    assert_pending!(task.poll());
    let mut straggler = Task::new(slot.lock().unwrap().take().unwrap());
    assert_pending!(straggler.poll());
    gate.open();
    assert_ready!(straggler.run()).unwrap();
    assert!(assert_ready!(task.run()).is_err());
    assert_eq!(log.take(), ["goodbye"]);
}

#[test]
fn an_abort_when_there_is_no_way_back_cancels_what_is_pending() {
    let log = Log::new();
    let l = log.clone();
    finish(atomic(async move {
        on_commit(|| current().unwrap().abort());
        add(note(&l, "never"));
        Ok::<(), &str>(())
    }))
    .unwrap();
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn a_commit_hook_by_the_handle_of_one_that_is_rolled_back_is_never_called() {
    let log = Log::new();
    let l = log.clone();
    let handle = Arc::new(Mutex::new(None::<Transaction>));
    let h = handle.clone();
    let result = finish(atomic(async move {
        let t = current().unwrap();
        *h.lock().unwrap() = Some(t.clone());
        let l2 = l.clone();
        on_rollback(move || t.on_commit(noting(&l2, "never, during")));
        Err::<(), _>("oops")
    }));
    assert!(result.is_err());
    handle.lock().unwrap().as_ref().unwrap().on_commit(noting(&log, "never, after"));
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn a_thousand_within_each_other() {
    fn nest(n: usize, log: Log) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            add(note(&log, "x"));
            if n > 0 {
                atomic(async move {
                    nest(n - 1, log).await;
                    Ok::<_, &str>(())
                })
                .await
                .unwrap();
            }
        })
    }
    let log = Log::new();
    let l = log.clone();
    thread::Builder::new()
        .stack_size(64 << 20)
        .spawn(move || {
            finish(atomic(async move {
                nest(1000, l).await;
                Ok::<_, &str>(())
            }))
            .unwrap()
        })
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(log.take().len(), 1001);
}

#[test]
fn what_hooks_and_destructors_begin_in_a_rollback_is_part_of_what_is_not_rolled_back() {
    for what in ["hook", "doomed"] {
        let log = Log::new();
        let l = log.clone();
        let result = finish(scope(async move {
            atomic(async move {
                let f = move || {
                    let t = begin();
                    t.add(note(&l, "done")).unwrap();
                    drop(t);
                    let l2 = l.clone();
                    let mut s = Task::new(Box::pin(scope(async move {
                        add(note(&l2, "done"));
                        current().unwrap().add(note(&l2, "done")).unwrap();
                    })));
                    let _ = s.run();
                };
                match what {
                    "hook" => on_rollback(f),
                    _ => {
                        let d = on_drop(f);
                        add(async move { drop(d) });
                    }
                }
                Err::<(), _>("oops")
            })
            .await
        }));
        assert!(result.is_ok_and(|r| r.is_err()));
        assert_eq!(log.take(), ["done", "done", "done"], "{what}");
    }
}

#[test]
fn a_rollback_hook_that_comes_after_the_rollback_is_called_at_once() {
    let log = Log::new();
    let gate = Gate::new();
    let slot = Arc::new(Mutex::new(None));
    let (s, l, g) = (slot.clone(), log.clone(), gate.clone());
    let mut task = Task::new(atomic(async move {
        let l2 = l.clone();
        let mut straggler = Box::pin(scope(async move {
            g.pass().await;
            on_rollback(noting(&l2, "undone"));
        }));
        assert_pending!(futures::poll!(straggler.as_mut()));
        *s.lock().unwrap() = Some(straggler);
        Err::<(), _>("oops 1")
    }));
    assert_pending!(task.poll());
    let mut straggler = Task::new(slot.lock().unwrap().take().unwrap());
    assert_pending!(straggler.poll());
    gate.open();
    assert_ready!(straggler.run()).unwrap();
    assert!(assert_ready!(task.run()).is_err());
    assert_eq!(log.take(), ["undone"]);
}

#[test]
fn one_that_was_rolled_back_starts_nothing_more_that_comes_by_its_handle() {
    let log = Log::new();
    let gate = Gate::new();
    let g = gate.clone();
    let handle = Arc::new(Mutex::new(None::<Transaction>));
    let h = handle.clone();
    let mut task = Task::new(atomic(async move {
        *h.lock().unwrap() = Some(current().unwrap());
        add_cleanup(async move { g.pass().await });
        Err::<(), _>("oops")
    }));
    assert_pending!(task.run());
    let t = handle.lock().unwrap().clone().unwrap();
    let stashed = t.add(note(&log, "never")).unwrap();
    t.before_commit(note(&log, "never"));
    gate.open();
    assert!(assert_ready!(task.run()).is_err());
    assert!(finish(stashed).unwrap_err().is_cancelled());
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn who_waits_inside_and_gives_up_leaves_nothing_behind() {
    let slot = Arc::new(Mutex::new(None));
    let s = slot.clone();
    let gate = Gate::new();
    let g = gate.clone();
    finish(atomic(async move {
        let t = begin();
        let part = async move { g.pass().await }.in_transaction(&t);
        let mut part = Box::pin(part);
        assert_pending!(futures::poll!(part.as_mut()));
        *s.lock().unwrap() = Some(part);
        let counted = Arc::new(Count);
        for _ in 0..3 {
            let waker = Waker::from(counted.clone());
            let mut wait = Box::pin(t.wait());
            assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            let mut end = Box::pin(t.end());
            assert!(end.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        assert_eq!(Arc::strong_count(&counted), 1);
        gate.open();
        let part = s.lock().unwrap().take().unwrap();
        let _ = part.await;
        Ok::<_, &str>(())
    }))
    .unwrap();
}
struct Count;
impl Wake for Count {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn many_inner_ones_may_commit_in_any_order() {
    // It takes its time if each moves what the others have handed over.
    const MANY: usize = 20_000;
    let log = Log::new();
    let l = log.clone();
    finish(atomic(async move {
        let mut inner: Vec<_> = (0..MANY)
            .map(|_| {
                let (gate, log) = (Gate::new(), l.clone());
                let g = gate.clone();
                let body = async move {
                    add(note(&log, "x"));
                    g.pass().await;
                    Ok::<_, &str>(())
                };
                (gate, Task::new(Box::pin(atomic(body))))
            })
            .collect();
        for (_, task) in &mut inner {
            assert_pending!(task.run());
        }
        for (gate, task) in inner.iter_mut().rev() {
            gate.open();
            let _listens = task.run();
        }
        while inner.iter_mut().any(|(_, task)| task.is_woken() && task.run().is_pending()) {
            yields(1).await;
        }
        Ok::<_, &str>(())
    }))
    .unwrap();
    assert_eq!(log.take().len(), MANY);
}
