//! Handlers of a model and of its base: which are called first is said once, where the signal is declared.
//!
//! A machine is started and stopped. Its base, the device, is to be ready before the machine starts (oldest first, as by
//! default), and to go off after the machine has stopped (newest first). Those who connect later come after both, unless
//! they ask to be first; and a handler of either model may ask to be first or last.
//!
//! Run it: `cargo run --example class_handlers`
//!
//! It prints who hears of the start, then who hears of the stop, in order.

use std::sync::{Arc, Mutex};

use settled_signal::{Signal, handlers, model};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn note(&self, what: &'static str) {
        println!("    {what}");
        self.0.lock().unwrap().push(what);
    }

    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[model]
struct Device {
    #[plain]
    log: Log,
    started: Signal<()>,
    #[signal(order = TopDown)]
    stopped: Signal<()>,
}

#[handlers]
impl Device {
    #[handler(started)]
    fn power_on(&self) {
        self.log.note("device: power on");
    }

    #[handler(stopped)]
    fn power_off(&self) {
        self.log.note("device: power off");
    }

    #[handler(started, last)]
    #[handler(stopped, last)]
    fn report(&self) {
        self.log.note("device: reported");
    }
}

#[model]
struct Machine {
    #[base]
    device: Arc<Device>,
}

#[handlers]
impl Machine {
    #[handler(started)]
    fn spin_up(&self) {
        self.log.note("machine: spins");
    }

    #[handler(stopped)]
    fn brake(&self) {
        self.log.note("machine: stands");
    }
}

fn main() {
    let log = Log::default();
    let machine = Machine::new(Device::new(log.clone()));
    for signal in [machine.started(), machine.stopped()] {
        signal.connect({
            let log = log.clone();
            move |()| log.note("a guest, later")
        });
        signal.connect_with().first().sync({
            let log = log.clone();
            move |()| log.note("a guard, first")
        });
    }

    println!("start:");
    machine.started().notify(());
    assert_eq!(
        log.take(),
        ["a guard, first", "device: power on", "machine: spins", "a guest, later", "device: reported"]
    );

    println!("stop:");
    machine.stopped().notify(());
    assert_eq!(
        log.take(),
        ["a guard, first", "machine: stands", "device: power off", "a guest, later", "device: reported"]
    );
}
