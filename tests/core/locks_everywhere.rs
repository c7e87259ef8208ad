//! More places at which the user's code runs, each of which uses the library in every way: a lock that is held there, or an
//! engine that is borrowed, would hang or panic.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use futures::FutureExt;
use futures::future::BoxFuture;
use settled::{
    InTransactionExt, OnDrop, Registry, Spawner, State, Transaction, add, add_cleanup, add_local, add_value,
    atomic, begin, begin_local, current, on_commit, on_rollback, scope, scope_local, try_scope,
};
use support::{Gate, Runtime, Task, assert_pending, assert_ready, elsewhere, finish, on_drop, yields};

/// How often the library was used.
static USED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// It is being used on this thread: what that sets going does not use it again.
    static USING: Cell<bool> = const { Cell::new(false) };
}

fn poll_once<F: Future>(future: F) {
    let mut future = Box::pin(future);
    let _ = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}

/// Uses it in every way, here and on another thread that is waited for.
fn use_it(t: &Transaction) {
    if USING.replace(true) {
        return;
    }
    USED.fetch_add(1, Ordering::SeqCst);
    here(t);
    elsewhere(|| {
        USING.set(true);
        here(t);
    });
    USING.set(false);
}

fn here(t: &Transaction) {
    let _ = (t.state(), t.pending(), t.parent(), t.is_atomic(), format!("{t:?}"), current());
    let _ = (t.snapshot().to_string(), Transaction::root().snapshot().is_complete());
    poll_once(t.complete_snapshot());
    if let Ok(stashed) = t.add(async {}) {
        stashed.cancel();
        poll_once(stashed.on_settled(|_| ()));
    }
    t.enter(|| {
        drop(add(async {}));
        drop(add_cleanup(async {}));
        drop(add_local(async {}));
        on_commit(|| ());
        on_rollback(|| ());
        let below = Transaction::builder().on_drop(OnDrop::Cancel).begin();
        drop(below.add(std::future::pending::<()>()));
        below.abort();
        poll_once(below.end());
    });
    drop(add_value(async { 5 }));
    t.on_commit(|| ());
    t.on_rollback(|| ());
    poll_once(t.gather([yields(1), yields(1)]));
    poll_once(t.end_within(async {}).map(drop));
    poll_once(t.wait());
    poll_once(yields(1).in_transaction(t));
    poll_once(yields(1).in_current_transaction());
    poll_once(scope(yields(1)));
    poll_once(scope_local(yields(1)));
    poll_once(try_scope(yields(1).map(Ok::<(), ()>)));
    poll_once(atomic(async {
        drop(add(async {}));
        yields(1).await;
        Ok::<(), ()>(())
    }));
    let registry = Registry::new();
    let apart = Transaction::builder().registry(&registry).begin();
    drop(apart.add(async {}));
    poll_once(registry.wait_all());
    let _ = std::panic::catch_unwind(|| settled::block_on(async {}));
}

/// Uses it when it is dropped.
fn user(t: &Transaction) -> impl Send + Unpin + use<> + 'static {
    let t = t.clone();
    on_drop(move || use_it(&t))
}

fn using(t: &Transaction) -> impl FnOnce() + Send + use<> + 'static {
    let t = t.clone();
    move || use_it(&t)
}

/// How often `f` has had it used.
fn used(f: impl FnOnce()) -> usize {
    // The tests of this file run beside each other.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let before = USED.load(Ordering::SeqCst);
    f();
    USED.load(Ordering::SeqCst) - before
}

fn end(t: &Transaction) {
    // Those who give up hold nobody up.
    let _ = finish(t.end());
    assert_eq!(t.state(), State::Closed);
}

#[test]
fn futures_outputs_and_callbacks() {
    let count = used(|| {
        let t = begin();
        let (polled, held, output, called, captured) = (using(&t), user(&t), user(&t), using(&t), user(&t));
        let stashed = t.add_value(async move {
            let _held = held;
            polled();
            yields(1).await;
            output
        });
        drop(stashed.unwrap().on_settled(move |_| (called(), drop(captured)).0));
        let (unstarted, cancelled) = (user(&t), user(&t));
        t.add(async move { drop(unstarted) }).unwrap().cancel();
        let pending = t.add(Gate::new().pass().map(move |()| drop(cancelled))).unwrap();
        poll_once(t.wait());
        pending.cancel();
        end(&t);
    });
    assert_eq!(count, 7);
}

#[test]
fn hooks_checks_and_cleanups() {
    for well in [true, false] {
        let count = used(|| {
            let top = begin();
            let result = top.enter(|| {
                atomic(async {
                    let t = current().unwrap();
                    let (commits, rolls_back, checks, cleans) = (using(&t), using(&t), using(&t), using(&t));
                    let [a, b, c, d, e] = std::array::from_fn(|_| user(&t));
                    on_commit(move || (commits(), drop(a)).0);
                    on_rollback(move || (rolls_back(), drop(b)).0);
                    t.before_commit(async move {
                        checks();
                        yields(1).await;
                        drop(c);
                        if well { Ok(()) } else { Err("no") }
                    });
                    add(async move { drop(d) });
                    add_cleanup(async move { (cleans(), drop(e)).0 });
                    Ok::<_, ()>(())
                })
            });
            assert_eq!(finish(result).is_ok(), well);
            end(&top);
        });
        // Of the two hooks one is called; what it holds is dropped either way.
        assert_eq!(count, 8);
    }
}

#[test]
fn bodies_and_timers_that_are_given_up() {
    let count = used(|| {
        let t = begin();
        let mut bodies: Vec<BoxFuture<'_, ()>> = vec![
            Box::pin(scope(held(user(&t))).map(drop)),
            Box::pin(atomic(held(user(&t)).map(Ok::<_, ()>)).map(drop)),
            Box::pin(Transaction::builder().on_drop(OnDrop::Cancel).scope(held(user(&t))).map(drop)),
            Box::pin(held(user(&t)).in_transaction(&t)),
            Box::pin(t.end_within(held(user(&t))).map(drop)),
        ];
        t.add(Gate::new().pass()).unwrap().cancel();
        t.add(std::future::pending::<()>()).unwrap();
        bodies.iter_mut().for_each(|body| t.enter(|| assert_pending!(poll(body))));
        drop(bodies);
        t.abort();
        end(&t);
    });
    assert_eq!(count, 5);
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

async fn held<G>(_guard: G) {
    std::future::pending().await
}

/// Uses the library whenever it is asked for something, and when it is dropped.
struct Using(Transaction, Runtime);

impl Spawner for Using {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        use_it(&self.0);
        self.1.spawn(task);
    }
}

impl Drop for Using {
    fn drop(&mut self) {
        use_it(&self.0);
    }
}

#[test]
fn spawners() {
    let count = used(|| {
        let (other, runtime) = (begin(), Runtime::new());
        let t = Transaction::builder().spawner(Using((*other).clone(), runtime.clone())).begin();
        let (polled, dropped) = (using(&t), user(&t));
        t.add(async move {
            polled();
            yields(1).await;
            drop(dropped);
        })
        .unwrap();
        let mut ends = Task::new(t.end());
        assert_pending!(ends.run());
        for _ in 0..3 {
            runtime.run();
            let _ = ends.run();
        }
        end(&t);
        drop((t, ends));
        end(&other);
    });
    // The spawner was given what its use added, too, but did not use it then.
    assert!(count >= 4, "{count}");
}

#[test]
fn local_futures() {
    let count = used(|| {
        let t = begin_local();
        let (polled, held, called) = (using(&t), user(&t), using(&t));
        let stashed = t.add_local_value(async move {
            let _held = held;
            polled();
            yields(1).await;
        });
        drop(stashed.unwrap().on_settled(move |_| called()));
        let given_up = user(&t);
        finish(t.wait()).unwrap();
        drop(t.add_local(Gate::new().pass().map(move |()| drop(given_up))));
        poll_once(t.wait());
        drop(t);
    });
    assert_eq!(count, 4);
}

#[test]
fn a_registry_that_is_dropped() {
    let count = used(|| {
        let registry = Registry::new();
        let (root, held) = (registry.root(), user(&registry.root()));
        root.add(Gate::new().pass().map(move |()| drop(held))).unwrap();
        let mut wait = root.wait();
        assert_pending!(poll(&mut wait));
        drop(registry);
        let _ = assert_ready!(poll(&mut wait));
    });
    assert_eq!(count, 1);
}
