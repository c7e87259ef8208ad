//! alien-signals, the Rust port: bound to one thread; gives nothing back.

pub(super) mod library {
    use std::rc::Rc;

    use alien_signals as alien;
    use alien_signals::Computed;

    pub(crate) struct Library;
    pub(crate) type Signal = alien::Signal<i64>;
    pub(crate) type Map = Computed<Rc<Vec<i64>>>;

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
        alien::signal(value)
    }

    pub(crate) fn get(signal: &Signal) -> i64 {
        signal.get()
    }

    pub(crate) fn set(signal: &Signal, value: i64) {
        signal.set(value);
    }

    pub(crate) fn computed(f: impl Fn() -> i64 + 'static) -> Computed<i64> {
        alien::computed(move |_| f())
    }

    pub(crate) fn read(computed: &Computed<i64>) -> i64 {
        computed.get()
    }

    pub(crate) fn map(f: impl Fn() -> Vec<i64> + 'static) -> Map {
        alien::computed(move |_| Rc::new(f()))
    }

    pub(crate) fn read_map(map: &Map, index: usize) -> i64 {
        map.get()[index]
    }

    pub(crate) fn effect(f: impl Fn() + 'static) {
        // It is never disposed of.
        alien::effect(f);
    }

    pub(crate) fn batch(f: impl FnOnce()) {
        alien::start_batch();
        f();
        alien::end_batch();
    }
}

#[path = "programs.rs"]
pub(super) mod programs;
