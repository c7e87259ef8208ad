//! Handlers that the tests use again and again.

use std::future::Future;
use std::sync::{Arc, Mutex};

use settled_signal::{Delivery, Observable, Source};
use support::{Gate, Log};

/// Notes `name` and the value.
pub(crate) fn noting(log: &Log, name: &str) -> impl Fn(&u32) + Send + Sync + use<> + 'static {
    let (log, name) = (log.clone(), name.to_owned());
    move |value| log.note(format!("{name}{value}"))
}

/// The same, when it is polled.
pub(crate) fn noting_later(
    log: &Log,
    name: &str,
) -> impl Fn(u32) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + use<> + 'static {
    let (log, name) = (log.clone(), name.to_owned());
    move |value| {
        let (log, name) = (log.clone(), name.clone());
        Box::pin(async move { log.note(format!("{name}{value}")) })
    }
}

/// A handler that notes where each call of it begins and ends, and waits at a gate of its own for each value.
#[derive(Clone)]
pub(crate) struct Gated {
    log: Log,
    gates: Arc<Mutex<Vec<(u32, Gate)>>>,
}

impl Gated {
    pub(crate) fn new(log: &Log) -> Self {
        Gated { log: log.clone(), gates: Arc::default() }
    }

    /// The gate of this value.
    pub(crate) fn gate(&self, value: u32) -> Gate {
        let mut gates = self.gates.lock().unwrap();
        if let Some((_, gate)) = gates.iter().find(|(of, _)| *of == value) {
            return gate.clone();
        }
        let gate = Gate::new();
        gates.push((value, gate.clone()));
        gate
    }

    pub(crate) fn open(&self, value: u32) {
        self.gate(value).open();
    }

    pub(crate) async fn handle(self, value: u32) {
        self.log.note(format!("begin {value}"));
        let gate = self.gate(value);
        gate.pass().await;
        self.log.note(format!("end {value}"));
    }

    pub(crate) fn connect(&self, source: &Source<u32>) {
        self.connect_by(source, Delivery::Queued);
    }

    pub(crate) fn connect_by(&self, source: &Source<u32>, delivery: Delivery) {
        let this = self.clone();
        source.connect_with().delivery(delivery).run(move |value| this.clone().handle(value));
    }
}

/// A signal's source that notes each value with each of these names, in order.
pub(crate) fn connect_all(source: &Source<u32>, log: &Log, names: &[&str]) {
    for name in names {
        source.connect(noting(log, name));
    }
}

/// An observable whose handler calls `f` with it, synchronously.
pub(crate) fn observed(f: impl Fn(&Observable<u32>, u32) + Send + Sync + 'static) -> Observable<u32> {
    let observable = Observable::new(0);
    let weak = observable.clone();
    observable.connect(move |value| f(&weak, *value));
    observable
}
