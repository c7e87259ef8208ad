//! What allocates, and how often, in the steady state.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use allocation_counter::measure;
use settled::{block_on, scope};
use settled_signal::{Observable, Signal, SignalRegistry};
use support::yields;

const ROUNDS: u64 = 100;

/// The allocations of one call, in the steady state.
fn each(mut f: impl FnMut()) -> f64 {
    (0..ROUNDS).for_each(|_| f());
    measure(|| (0..ROUNDS).for_each(|_| f())).count_total as f64 / ROUNDS as f64
}

#[test]
fn synchronous_handlers_are_notified_without_any() {
    let (signal, sum) = (Signal::<u32>::new(), Arc::new(AtomicU32::new(0)));
    for _ in 0..100 {
        let sum = sum.clone();
        signal.connect(move |x| {
            sum.fetch_add(*x, Ordering::Relaxed);
        });
    }
    assert_eq!(each(|| drop(signal.notify(1))), 0.0);
    block_on(scope(async { assert_eq!(each(|| drop(signal.notify(1))), 0.0) })).unwrap();
    assert_eq!(sum.load(Ordering::Relaxed) as u64, 2 * 2 * 100 * ROUNDS);
}

#[test]
fn nor_is_an_observable_set_with_any() {
    let level = Observable::new(0);
    assert_eq!(each(|| drop(level.set(1))), 0.0);
    level.connect(|_| {});
    assert_eq!(each(|| drop(level.set(1))), 0.0);
    assert_eq!(each(|| drop(level.update(|x| *x += 1))), 0.0);
    assert_eq!(each(|| _ = (level.set_if_changed(1), level.set_if_changed(2), level.replace(3))), 0.0);
}

#[test]
fn a_delivery_to_a_handler_at_rest_is_none_and_one_where_its_future_is_large() {
    for handlers in [1, 2, 10, 100] {
        let (small, large) = (Observable::new(0), Observable::new([0_u64; 16]));
        for _ in 0..handlers {
            small.connect_async(|x| async move {
                yields(1).await;
                assert_eq!(x, 1);
            });
            large.connect_async(|x| async move {
                yields(1).await;
                assert_eq!(x[0], 1);
            });
        }
        let scopes = each(|| block_on(scope(async {})).unwrap());
        let sets = |set: &dyn Fn()| each(|| block_on(scope(async { set() })).unwrap()) - scopes;
        assert_eq!(sets(&|| drop(small.set(1))), 0.0, "{handlers} handlers");
        assert_eq!(sets(&|| drop(large.set([1; 16]))), f64::from(handlers));
        // Awaited as well: what each has come to is written where it was written before.
        let awaited = each(|| block_on(scope(async { assert!(small.set(1).await.is_ok()) })).unwrap());
        let scopes = each(|| block_on(scope(async { yields(1).await })).unwrap());
        assert_eq!(awaited - scopes, 0.0, "{handlers} handlers");
    }
}

#[test]
fn the_last_asynchronous_handler_gets_the_event_itself() {
    #[derive(Debug)]
    struct Counting(Arc<AtomicU32>);
    impl Clone for Counting {
        fn clone(&self) -> Self {
            self.0.fetch_add(1, Ordering::Relaxed);
            Counting(self.0.clone())
        }
    }
    let (signal, clones) = (Signal::<Counting>::new(), Arc::new(AtomicU32::new(0)));
    signal.connect(|_| {});
    signal.connect_async(|_| ready(()));
    signal.connect_async(|_| ready(()));
    block_on(signal.notify(Counting(clones.clone()))).unwrap();
    assert_eq!(clones.load(Ordering::Relaxed), 1);
}

#[test]
fn a_million_weak_handlers_that_came_and_went_leave_memory_where_it_was() {
    let (signal, stays) = (Signal::<u32>::new(), Arc::new(()));
    signal.connect_weak(&stays, |_, _| {});
    let came_and_went = |count: u32| {
        for n in 0..count {
            let (model, kept) = (Arc::new(n), n);
            match n % 2 {
                0 => signal.connect_weak(&model, move |n, x| assert!(*n == kept && x + n > 0)),
                _ => signal.connect_async_weak(&model, move |_, _| async move { assert!(kept % 2 == 1) }),
            };
        }
        // The last few are forgotten by whoever meets them.
        signal.notify(1);
    };
    came_and_went(1000);
    let info = measure(|| came_and_went(1_000_000));
    assert_eq!((info.bytes_current, info.count_current), (0, 0));
    assert!(info.bytes_max < 100_000, "{info:?}");
    assert_eq!(signal.len(), 1);
}

#[test]
fn a_registry_does_not_grow_with_what_came_and_went() {
    #[settled_signal::model]
    struct User {
        name: String,
    }

    #[settled_signal::handlers]
    impl User {
        #[handler(name)]
        fn on_name(&self, _: &String) {}

        #[handler("news")]
        fn on_news(&self, _: &u32) {}
    }

    let (registry, news) = (SignalRegistry::new(), Signal::<u32>::new());
    registry.register("news", &news).unwrap();
    registry.connect("users.*.name", |_: &String| {}).unwrap();
    let came_and_went = |count: u32| {
        for n in 0..count {
            let user = User::new(String::new());
            registry.register(&format!("users.{n}"), &user).unwrap();
            drop(registry.connect_weak(&format!("waiting.{n}"), &user, |_, _: &u32| {}).unwrap());
            drop(registry.connect("tick", |_: &u32| {}).unwrap().scoped());
        }
    };
    came_and_went(10_000);
    let few = measure(|| came_and_went(100)).bytes_max;
    let many = measure(|| came_and_went(20_000));
    assert!(many.bytes_max < 2 * few + 100_000, "{many:?}, of a hundred {few}");
    assert!(registry.all().len() == 1 && news.is_empty());
}
