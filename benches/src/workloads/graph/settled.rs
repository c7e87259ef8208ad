//! Ours.

pub(super) mod library {
    use std::sync::Arc;

    use settled_signal::{Computed, Effect, Observable};

    /// Keeps the effects.
    pub(crate) struct Library;
    pub(crate) type Signal = Observable<i64>;
    pub(crate) type Map = Computed<Arc<Vec<i64>>>;

    impl Library {
        pub(crate) fn new() -> Self {
            Library
        }

        pub(crate) fn inside<R>(&self, f: impl FnOnce() -> R) -> R {
            f()
        }

        pub(crate) fn end(self) {}
    }

    pub(crate) fn signal(value: i64) -> Signal {
        Observable::new(value)
    }

    pub(crate) fn get(signal: &Signal) -> i64 {
        signal.get()
    }

    pub(crate) fn set(signal: &Signal, value: i64) {
        signal.set(value);
    }

    pub(crate) fn computed(f: impl Fn() -> i64 + Send + Sync + 'static) -> Computed<i64> {
        Computed::new(f)
    }

    pub(crate) fn read(computed: &Computed<i64>) -> i64 {
        computed.get()
    }

    pub(crate) fn map(f: impl Fn() -> Vec<i64> + Send + Sync + 'static) -> Map {
        Computed::new(move || Arc::new(f()))
    }

    pub(crate) fn read_map(map: &Map, index: usize) -> i64 {
        map.get()[index]
    }

    pub(crate) fn effect(f: impl Fn() + Send + Sync + 'static) {
        Effect::new(f).detach();
    }

    pub(crate) fn batch(f: impl FnOnce()) {
        settled_signal::batch(f);
    }
}

#[path = "programs.rs"]
pub(super) mod programs;
