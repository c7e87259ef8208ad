//! sycamore-reactive: bound to one thread; what is made belongs to a root.

pub(super) mod library {
    use std::rc::Rc;

    use sycamore_reactive as sycamore;
    use sycamore_reactive::{ReadSignal, RootHandle};

    pub(crate) struct Library(RootHandle);
    pub(crate) type Signal = sycamore::Signal<i64>;
    pub(crate) type Map = ReadSignal<Rc<Vec<i64>>>;

    impl Library {
        pub(crate) fn new() -> Self {
            Library(sycamore::create_root(|| {}))
        }

        pub(crate) fn inside<R>(&self, f: impl FnOnce() -> R) -> R {
            self.0.run_in(f)
        }

        pub(crate) fn end(self) {
            self.0.dispose();
        }
    }

    pub(crate) fn signal(value: i64) -> Signal {
        sycamore::create_signal(value)
    }

    pub(crate) fn get(signal: &Signal) -> i64 {
        signal.get()
    }

    pub(crate) fn set(signal: &Signal, value: i64) {
        signal.set(value);
    }

    pub(crate) fn computed(f: impl Fn() -> i64 + 'static) -> ReadSignal<i64> {
        sycamore::create_selector(f)
    }

    pub(crate) fn read(computed: &ReadSignal<i64>) -> i64 {
        computed.get()
    }

    pub(crate) fn map(f: impl Fn() -> Vec<i64> + 'static) -> Map {
        sycamore::create_selector(move || Rc::new(f()))
    }

    pub(crate) fn read_map(map: &Map, index: usize) -> i64 {
        map.with(|map| map[index])
    }

    pub(crate) fn effect(f: impl Fn() + 'static) {
        sycamore::create_effect(f);
    }

    pub(crate) fn batch(f: impl FnOnce()) {
        sycamore::batch(f);
    }
}

#[path = "programs.rs"]
pub(super) mod programs;
