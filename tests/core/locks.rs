//! No lock is held while anything of the user's runs: each of these would hang or panic if one were.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake};

use futures::FutureExt;
use settled::{Stashed, State, Transaction, add, add_value, begin, current, scope};
use support::{Gate, Log, Task, assert_pending, assert_ready, elsewhere, finish, on_drop, yields};

/// Uses the transaction in every way, here and from another thread that is waited for.
fn prod(t: &Transaction) {
    let all = || {
        let _ = (t.state(), t.pending(), t.parent(), format!("{t:?}"));
        if let Ok(stashed) = t.add(async {}) {
            stashed.cancel();
            let _ = stashed.is_settled();
        }
        t.enter(|| {
            add(async {});
        });
        drop(t.end());
        drop(t.wait());
    };
    all();
    elsewhere(all);
}

fn prodder(t: &Transaction) -> impl FnOnce() + Send + use<> + 'static {
    let t = t.clone();
    move || prod(&t)
}

#[test]
fn while_a_future_is_polled() {
    let t = begin();
    let handle = (*t).clone();
    t.add(async move {
        prod(&handle);
        yields(1).await;
        prod(&handle);
    })
    .unwrap();
    finish(t.end()).unwrap();
}

#[test]
fn while_a_callback_runs_or_is_dropped() {
    let t = begin();
    let (in_callback, in_its_drop) = (prodder(&t), on_drop(prodder(&t)));
    t.add(async {}).unwrap().on_settled(move |_| {
        let _held = &in_its_drop;
        in_callback();
    });
    // A callback that is never called is dropped all the same.
    let (never, gate) = (on_drop(prodder(&t)), Gate::new());
    let stashed = t.add(gate.pass()).unwrap().on_settled(move |_| drop(never));
    stashed.cancel();
    finish(t.end()).unwrap();
}

#[test]
fn while_a_callback_that_comes_late_runs() {
    let t = begin();
    let stashed = t.add(async {}).unwrap();
    finish(t.wait()).unwrap();
    let in_callback = prodder(&t);
    drop(stashed.on_settled(move |_| in_callback()));
    finish(t.end()).unwrap();
}

#[test]
fn while_a_future_is_dropped() {
    let t = begin();
    let (done, cancelled, unstarted) = (on_drop(prodder(&t)), on_drop(prodder(&t)), on_drop(prodder(&t)));
    t.add(futures::future::poll_fn(move |_| {
        let _held = &done;
        std::task::Poll::Ready(())
    }))
    .unwrap();
    let gate = Gate::new();
    let stashed = t.add(gate.pass().map(move |()| drop(cancelled))).unwrap();
    let mut end = Task::new(t.end());
    assert_pending!(end.run());
    stashed.cancel();
    t.add(async move { drop(unstarted) }).unwrap().cancel();
    assert_ready!(end.run()).unwrap();
}

#[test]
fn while_an_output_is_dropped() {
    let t = begin();
    let (nobody, kept, awaited) = (on_drop(prodder(&t)), on_drop(prodder(&t)), on_drop(prodder(&t)));
    t.add_value(async move { nobody }).unwrap();
    let stashed = t.add_value(async move { kept }).unwrap();
    let taken = t.add_value(async move { awaited }).unwrap();
    finish(t.wait()).unwrap();
    drop(stashed);
    drop(finish(taken));
    finish(t.end()).unwrap();
}

/// An error that uses the transaction when it is dropped.
struct Prodding(Transaction);

impl fmt::Debug for Prodding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prodding")
    }
}

impl fmt::Display for Prodding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("prodding")
    }
}

impl std::error::Error for Prodding {}

impl Drop for Prodding {
    fn drop(&mut self) {
        prod(&self.0);
    }
}

#[test]
fn while_an_error_or_a_payload_is_dropped() {
    let t = begin();
    for _ in 0..70 {
        // More than are kept.
        let error = Prodding((*t).clone());
        t.add(async move { Err::<(), _>(error) }).unwrap();
    }
    let payload = on_drop(prodder(&t));
    t.add_value(async move { std::panic::panic_any(Mutex::new(payload)) }.map(|(): ()| ())).unwrap();
    assert!(finish(t.wait()).is_err());
    let error = Prodding((*t).clone());
    drop(t.add(async move { Err::<(), _>(error) }).unwrap());
    drop(finish(t.end()));
}

#[test]
fn while_an_error_that_only_a_closed_ancestor_has_kept_is_dropped() {
    let (gates, kept) = ([Gate::new(), Gate::new()], Arc::new(Mutex::new(None)));
    let top = begin();
    let (error, passed, keep) = (Prodding((*top).clone()), gates[0].pass(), kept.clone());
    top.add(async move {
        add(async move { Err::<(), _>(error) });
        let below = begin();
        below.add(passed).unwrap();
        *keep.lock().unwrap() = Some((current().unwrap(), below));
    })
    .unwrap();
    let mut wait = Task::new(top.wait());
    assert_pending!(wait.run());
    let (child, below) = kept.lock().unwrap().take().unwrap();
    let end = child.end();
    gates[0].open();
    let _ = wait.run();
    assert!(matches!(child.state(), State::Closed));
    assert!(finish(end).is_err());
    drop(child);
    // From here on the child lives, with what it told, by what was begun below it alone.
    below.add(gates[1].pass()).unwrap();
    drop(below);
    let mut wait = Task::new(top.wait());
    assert_pending!(wait.run());
    gates[1].open();
    assert_ready!(wait.run()).unwrap();
    finish(top.end()).unwrap();
}

#[test]
fn while_the_last_handle_of_a_closed_one_is_dropped_in_another_trees_drive() {
    finish(scope(async {
        let (inner, other) = (begin(), elsewhere(begin));
        let error = Prodding(current().unwrap());
        inner.add(async move { Err::<(), _>(error) }).unwrap();
        assert!(inner.end().await.is_err());
        other
            .add(async move {
                drop(inner.wait());
                drop(inner);
            })
            .unwrap();
        other.end().await.unwrap();
        add(async {}).await.unwrap();
    }))
    .unwrap();
}

/// A waker that uses the transaction when it is woken and when it is dropped.
struct ProddingWaker(Transaction);

impl Wake for ProddingWaker {
    fn wake(self: Arc<Self>) {
        prod(&self.0);
    }
}

impl Drop for ProddingWaker {
    fn drop(&mut self) {
        prod(&self.0);
    }
}

#[test]
fn while_a_waker_is_woken_or_dropped() {
    let gate = Gate::new();
    let t = begin();
    t.add(gate.pass()).unwrap();
    let mut end = Box::pin(t.end());
    let mut wait = Box::pin(t.wait());
    let mut stashed: Stashed<()> = t.add(gate.pass()).unwrap();
    for _ in 0..2 {
        // Each pass replaces, and with that drops, what the pass before has registered.
        let waker = Arc::new(ProddingWaker((*t).clone())).into();
        let mut cx = Context::from_waker(&waker);
        assert_pending!(end.as_mut().poll(&mut cx));
        assert_pending!(wait.as_mut().poll(&mut cx));
        assert_pending!(stashed.poll_unpin(&mut cx));
    }
    gate.open();
    finish(end).unwrap();
    finish(wait).unwrap();
    finish(stashed).unwrap();
}

/// Polls it once, with a waker that nobody else has, and gives it up.
fn give_up<F: Future + Unpin>(t: &Transaction, mut future: F) {
    let waker = Arc::new(ProddingWaker(t.clone())).into();
    assert!(future.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    drop(future);
}

#[test]
fn while_the_waker_of_who_gives_up_is_dropped() {
    let (gate, t) = (Gate::new(), begin());
    give_up(&t, t.add(gate.pass()).unwrap());
    give_up(&t, t.gather([gate.pass()]));
    give_up(&t, t.wait());
    give_up(&t, t.end());
    gate.open();
    finish(t.end()).unwrap();
}

#[test]
fn while_a_callback_uses_its_own_handle() {
    let (t, log, own) = (begin(), Log::new(), Arc::new(Mutex::new(None::<Stashed<()>>)));
    let (taken, note, again) = (own.clone(), log.clone(), log.clone());
    let stashed = t.add(async {}).unwrap().on_settled(move |_| {
        let stashed = taken.lock().unwrap().take().unwrap();
        assert!(!stashed.is_settled(), "it is being told just now");
        drop(stashed.on_settled(move |_| again.note("again")));
        note.note("told");
    });
    *own.lock().unwrap() = Some(stashed);
    finish(t.end()).unwrap();
    log.expect(["told", "again"]);
}

#[test]
fn while_a_body_is_dropped() {
    finish(scope(async {
        let t = begin();
        let guard = on_drop(prodder(&t));
        let mut inner = Box::pin(scope(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }));
        assert_pending!(futures::poll!(&mut inner));
        drop(inner);
        t.end().await.unwrap();
    }))
    .unwrap();
}

#[test]
fn while_a_waker_of_a_child_that_awaits_inside_is_woken() {
    let gate = Gate::new();
    let mut task = Task::new(scope(async {
        let slow = add_value(gate.pass().map(|()| 5));
        let quick = add_value(async move { slow.await.unwrap() });
        assert_eq!(quick.await.unwrap(), 5);
    }));
    assert_pending!(task.run());
    gate.open();
    assert_ready!(task.run()).unwrap();
}
