//! What other threads do to an atomic transaction, against its commit, its rollback and what it holds back.

use std::sync::Arc;

use loom::sync::Mutex;
use settled::{ScopeError, Transaction, add_value, atomic, current};
use settled_models::{Log, block_on, check, check_within, spawn, yield_now};

const HELD: u32 = 1;
const ELSEWHERE: u32 = 2;
const BODY: u32 = 3;

/// An atomic transaction whose body gives its handle to another thread, and goes on.
fn atomic_beside<T: 'static>(
    log: &Log,
    commits: bool,
    other: impl FnOnce(Transaction) -> T + 'static,
) -> (Result<(), ScopeError<()>>, T) {
    let handle = Arc::new(Mutex::new(None));
    let (given, log) = (handle.clone(), log.clone());
    let body = atomic(async move {
        *given.lock().unwrap() = current();
        yield_now().await;
        log.note(BODY);
        if commits { Ok(()) } else { Err(()) }
    });
    let mut body = Box::pin(body);
    let first = body.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    let transaction = handle.lock().unwrap().take().unwrap();
    assert!(first.is_ready() || transaction.state() != settled::State::Closed);
    let thread = spawn(move || other(transaction));
    let result = match first {
        std::task::Poll::Ready(result) => result,
        std::task::Poll::Pending => block_on(body),
    };
    (result, thread.join().unwrap())
}

/// A body that gives its handle to a thread which it starts itself.
fn body_with_thread(
    log: Log,
    commits: bool,
    other: impl FnOnce(Transaction) + 'static,
) -> impl Future<Output = Result<(), ()>> {
    async move {
        let transaction = current().unwrap();
        let thread = spawn(move || other(transaction));
        yield_now().await;
        log.note(BODY);
        drop(thread);
        if commits { Ok(()) } else { Err(()) }
    }
}

/// Refused, or started once, and not before the body has returned.
#[test]
fn what_is_added_elsewhere_starts_after_the_commit_or_not_at_all() {
    let met = check(|| {
        let log = Log::default();
        let (noted, refused) = (log.clone(), Log::default());
        let told = refused.clone();
        let result = block_on(atomic(body_with_thread(log.clone(), true, move |transaction| {
            let log = noted.clone();
            if transaction.add(async move { log.note(ELSEWHERE) }).is_err() {
                told.note(ELSEWHERE);
            }
        })));
        assert!(result.is_ok());
        let order = log.noted();
        assert!(order == [BODY] || order == [BODY, ELSEWHERE], "{order:?}");
        order.len()
    });
    assert!(met.contains(&2));
}

/// On a rollback it is dropped, and told so; or it came after that, and runs like anything else.
#[test]
fn what_is_added_elsewhere_is_dropped_with_a_rollback() {
    check(|| {
        let log = Log::default();
        let noted = log.clone();
        let result = block_on(atomic(body_with_thread(log.clone(), false, move |transaction| {
            let (ran, told) = (noted.clone(), noted.clone());
            if let Ok(stashed) = transaction.add_value(async move { ran.note(ELSEWHERE) }) {
                drop(stashed.on_settled(move |result| {
                    if result.is_err() {
                        told.note(HELD);
                    }
                }));
            } else {
                noted.note(HELD);
            }
        })));
        assert!(matches!(result, Err(ScopeError::Body(()))));
        // Whatever the thread has done by now was done to its end: the transaction is closed.
        let ran = log.has(ELSEWHERE);
        assert!(!(ran && log.has(HELD)), "one or the other");
        ran
    });
}

#[test]
fn a_hook_that_is_given_elsewhere_is_called_once() {
    let met = check(|| {
        let log = Log::default();
        let noted = log.clone();
        let (result, ()) = atomic_beside(&log, true, move |transaction| {
            transaction.on_commit(move || noted.note(ELSEWHERE));
        });
        assert!(result.is_ok());
        let order = log.noted();
        assert_eq!(order.iter().filter(|what| **what == ELSEWHERE).count(), 1, "{order:?}");
        order
    });
    assert!(met.len() <= 2);
}

#[test]
fn a_rollback_hook_that_is_given_elsewhere_is_called_or_dropped_once() {
    check(|| {
        let log = Log::default();
        let (noted, dropped) = (log.clone(), Arc::new(()));
        let held = dropped.clone();
        let (result, ()) = atomic_beside(&log, false, move |transaction| {
            transaction.on_rollback(move || {
                drop(held);
                noted.note(ELSEWHERE);
            });
        });
        assert!(result.is_err());
        assert_eq!(Arc::strong_count(&dropped), 1, "nothing of it is left");
        assert!(log.noted().iter().filter(|what| **what == ELSEWHERE).count() <= 1);
    });
}

/// It is a check, or it is added: it is polled to its end either way, unless the transaction was closed.
#[test]
fn a_check_that_is_given_elsewhere_is_not_lost() {
    check(|| {
        let log = Log::default();
        let noted = log.clone();
        let (result, ()) = atomic_beside(&log, true, move |transaction| {
            transaction.before_commit(async move { noted.note(ELSEWHERE) });
        });
        assert!(result.is_ok());
        block_on(Transaction::root().wait()).unwrap();
        assert!(log.has(ELSEWHERE));
    });
}

/// An abort comes in time or too late; what is held agrees with it.
#[test]
fn an_abort_elsewhere_takes_all_or_nothing() {
    let met = check(|| {
        let log = Log::default();
        let noted = log.clone();
        let held = log.clone();
        let body = async move {
            settled::add(async move { held.note(HELD) });
            body_with_thread(noted, true, |transaction| transaction.abort()).await
        };
        let result = block_on(atomic(body));
        let committed = match result {
            Ok(()) => true,
            Err(ScopeError::Refused(failure)) => {
                assert!(failure.is_cancelled());
                false
            }
            Err(error) => panic!("{error:?}"),
        };
        // Aborted after the commit it is a plain one, and what is pending is cancelled.
        assert!(committed || !log.has(HELD));
        committed
    });
    assert_eq!(met.len(), 2, "both were met");
}

/// Cancelled while it is handed over to the outer transaction, or starts: one or the other, and told the same.
#[test]
fn what_is_cancelled_elsewhere_is_dropped_or_runs() {
    check_within(2, || {
        let log = Log::default();
        let ran = log.clone();
        let (told, first) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
        let (tells, given) = (told.clone(), first.clone());
        let inner = async move {
            let stashed = add_value(async move { ran.note(HELD) });
            let stashed = stashed.on_settled(move |result| *tells.lock().unwrap() = Some(result.is_ok()));
            *given.lock().unwrap() = Some(spawn(move || stashed.cancel()));
            Ok::<_, ()>(())
        };
        let result = block_on(atomic(async move {
            atomic(inner).await.unwrap();
            Ok::<_, ()>(())
        }));
        assert!(result.is_ok());
        first.lock().unwrap().take().unwrap().join().unwrap();
        assert_eq!(told.lock().unwrap().take(), Some(log.has(HELD)));
    });
}
