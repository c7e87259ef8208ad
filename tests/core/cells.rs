//! Whatever the size of a future, and wherever its memory comes from: it stays where it is, and is dropped once, when it
//! is done, in its own transaction.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use settled::{Closed, add, add_value, begin, scope};
use support::{Gate, Log, Task, Yields, assert_pending, assert_ready, causes, finish, on_drop, yields};

use crate::ambient::{Seen, here};

/// Of nearly any future's size.
#[derive(Default)]
#[allow(dead_code)] // It is only there to take room.
struct Small([u64; 3]);

/// Larger than any cell.
#[allow(dead_code)] // It is only there to take room.
struct Large([u64; 100]);

impl Default for Large {
    fn default() -> Self {
        Large([0; 100])
    }
}

/// Stricter than any cell.
#[derive(Default)]
#[repr(align(128))]
#[allow(dead_code)] // It is only there to take room.
struct Strict(u8);

/// Calls this with a pad of each kind.
macro_rules! with_each_pad {
    ($check:ident) => {
        $check::<()>();
        $check::<Small>();
        $check::<Large>();
        $check::<Strict>();
    };
}

/// Looks what is current at each poll. What it holds is dropped together with it, not before.
struct Holding<P, G> {
    seen: Seen,
    yields: Yields,
    _pad: P,
    _guard: G,
}

impl<P: Unpin, G: Unpin> Future for Holding<P, G> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.seen.see(here());
        self.yields.poll_unpin(cx)
    }
}

/// `f` is called when it is dropped.
fn holding<P, F>(seen: &Seen, times: usize, f: F) -> impl Future<Output = ()> + Send + Unpin + use<P, F>
where
    P: Default + Send + Unpin + 'static,
    F: FnOnce() + Send + Unpin + 'static,
{
    Holding { seen: seen.clone(), yields: yields(times), _pad: P::default(), _guard: on_drop(f) }
}

#[test]
fn a_future_is_dropped_once_when_it_is_done_with_its_transaction_current() {
    fn check<P: Default + Send + Unpin + 'static>() {
        for times in 0..3 {
            let (log, seen, dropped) = (Log::new(), Seen::default(), Seen::default());
            let look = (dropped.clone(), log.clone());
            let future = holding::<P, _>(&seen, times, move || {
                look.0.see(here());
                look.1.note("dropped");
            });
            finish(scope(async {
                add(future);
                let after = log.clone();
                add(async move {
                    yields(times).await;
                    after.note("the next one");
                });
                yields(times + 2).await;
                log.note("the body");
            }))
            .unwrap();
            assert_eq!(log.take(), ["dropped", "the next one", "the body"], "at once");
            let seen = seen.take();
            assert!(seen[0].is_some());
            assert_eq!(seen, vec![seen[0]; times + 1]);
            assert_eq!(dropped.take(), [seen[0]]);
        }
    }
    with_each_pad!(check);
}

#[test]
fn a_future_does_not_move_between_its_polls() {
    fn check<P: Default + Send + Unpin + 'static>() {
        let gate = Gate::new();
        let mut task = Task::new(scope(async {
            for n in 0..20 {
                let pass = gate.pass();
                add(async move {
                    let pad = P::default();
                    let at = &raw const pad as usize;
                    assert_eq!(at % align_of::<P>(), 0);
                    yields(n % 3).await;
                    pass.await;
                    yields(n % 2).await;
                    assert_eq!(&raw const pad as usize, at);
                });
            }
        }));
        assert_pending!(task.run());
        gate.open();
        assert_ready!(task.run()).unwrap();
    }
    with_each_pad!(check);
}

#[test]
fn what_is_dropped_may_add_to_its_transaction() {
    fn check<P: Default + Send + Unpin + 'static>() {
        let gate = Gate::new();
        for times in 0..3 {
            let pass = gate.pass();
            let future = holding::<P, _>(&Seen::default(), times, move || drop(add(pass)));
            let mut task = Task::new(scope(async { drop(add(future)) }));
            if times == 0 {
                assert_pending!(task.run());
                gate.open();
            }
            assert_ready!(task.run()).unwrap();
        }
    }
    with_each_pad!(check);
}

#[test]
fn a_panic_in_a_destructor_is_a_failure_and_what_comes_next_is_sound() {
    fn check<P: Default + Send + Unpin + 'static>() {
        let log = Log::new();
        for times in 0..3 {
            let failures = finish(scope(async {
                for n in 0..10 {
                    add(holding::<P, _>(&Seen::default(), times, move || {
                        assert!(n % 2 == 0, "in a destructor");
                    }));
                    add(log.step("fine"));
                }
            }))
            .unwrap_err();
            assert_eq!(causes(&failures), ["in a destructor"; 5]);
            assert_eq!(log.take(), ["fine"; 10]);
        }
    }
    with_each_pad!(check);
}

#[test]
fn a_future_that_panicked_is_dropped_at_once_too() {
    fn check<P: Default + Send + Unpin + 'static>() {
        let (log, dropped) = (Log::new(), Seen::default());
        let failures = finish(scope(async {
            for n in 0..10 {
                let (guard, after) = (dropped.clone(), log.clone());
                let mut inner = holding::<P, _>(&Seen::default(), n % 3, move || {
                    guard.see(here());
                    after.note("dropped");
                    assert!(n % 2 == 0, "in the destructor");
                });
                add(futures::future::poll_fn(move |cx| {
                    let polled = inner.poll_unpin(cx);
                    assert!(polled.is_pending(), "in the poll");
                    Poll::<()>::Pending
                }));
                yields(5).await;
                log.note("next");
            }
        }))
        .unwrap_err();
        assert_eq!(failures.len(), 15);
        assert_eq!(log.take(), ["dropped", "next"].repeat(10));
        let mut dropped = dropped.take();
        dropped.dedup();
        assert!(dropped.len() == 10 && dropped.iter().all(Option::is_some), "each in its own");
    }
    with_each_pad!(check);
}

#[test]
fn a_destructor_may_drive_another_transaction() {
    fn check<P: Default + Send + Unpin + 'static>() {
        let log = Log::new();
        let driving = |times| {
            let other = begin();
            for _ in 0..5 {
                other.add(holding::<P, _>(&Seen::default(), times, || ())).unwrap();
            }
            other.add(log.step("another")).unwrap();
            holding::<P, _>(&Seen::default(), times, move || finish(other.end()).unwrap())
        };
        let futures = [driving(0), driving(1), driving(2)];
        finish(scope(async {
            for future in futures {
                add(future);
                add(log.step("next"));
            }
        }))
        .unwrap();
        assert_eq!(log.take(), ["another", "next", "next", "next", "another", "another"]);
    }
    with_each_pad!(check);
}

#[test]
fn what_a_closed_transaction_does_not_take_is_given_back_whole() {
    fn check<P: Default + Send + Unpin + 'static>() {
        let t = begin();
        finish(t.end()).unwrap();
        let whole = Arc::new(());
        let guard = whole.clone();
        let future = holding::<P, _>(&Seen::default(), 2, move || drop(guard));
        let Closed(future) = t.add(future).unwrap_err();
        assert_eq!(Arc::strong_count(&whole), 2);
        finish(future);
        assert_eq!(Arc::strong_count(&whole), 1);
    }
    with_each_pad!(check);
}

#[test]
fn what_is_never_polled_is_dropped_with_its_transaction() {
    fn check<P: Default + Send + Unpin + 'static>() {
        let log = Log::new();
        let dropped = log.clone();
        let future = holding::<P, _>(&Seen::default(), 0, move || dropped.note("dropped"));
        finish(scope(async {
            let stashed = add(future);
            stashed.cancel();
            yields(2).await;
            log.note("the body");
        }))
        .unwrap();
        assert_eq!(log.take(), ["dropped", "the body"]);
    }
    with_each_pad!(check);
}

#[test]
fn a_future_without_a_size_is_dropped_once_as_well() {
    std::thread_local! {
        static DROPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    struct Nothing;

    impl Future for Nothing {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }

    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.set(DROPS.get() + 1);
        }
    }

    finish(scope(async { (0..10).for_each(|_| drop(add(Nothing))) })).unwrap();
    assert_eq!(DROPS.get(), 10);
}

#[test]
fn values_arrive_whatever_their_futures_are_like() {
    fn check<P: Default + Send + Unpin + 'static>() {
        let t = begin();
        let work = |n: usize| async move {
            let pad = P::default();
            yields(n % 3).await;
            drop(pad);
            n
        };
        let by_handle: Vec<_> = (0..30).map(|n| t.add_value(work(n)).unwrap()).collect();
        let below = t.enter(|| (30..60).map(|n| add_value(work(n))).collect::<Vec<_>>());
        for (n, stashed) in by_handle.into_iter().chain(below).enumerate() {
            assert_eq!(finish(stashed).unwrap(), n);
        }
        finish(t.end()).unwrap();
    }
    with_each_pad!(check);
}
