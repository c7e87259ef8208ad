//! Random programs against simple models of the order that is promised.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use settled::{OwnedTransaction, begin};
use settled_signal::{Connection, Observable, Signal};
use support::{Gate, Log, Task, finish};

/// What a program does with a signal.
#[derive(Clone, Debug)]
enum Step {
    Connect,
    ConnectLater,
    ConnectWeak,
    /// The n-th connection made so far (modulo).
    Disconnect(usize),
    /// The object of the n-th weak handler.
    DropModel(usize),
    Clear,
    Notify,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Connect),
        1 => Just(Step::ConnectLater),
        1 => Just(Step::ConnectWeak),
        2 => any::<usize>().prop_map(Step::Disconnect),
        1 => any::<usize>().prop_map(Step::DropModel),
        1 => Just(Step::Clear).prop_filter("seldom", |_| true),
        3 => Just(Step::Notify),
    ]
}

/// A handler as the model knows it.
struct Known {
    name: String,
    later: bool,
    connection: Connection,
    model: Option<Arc<()>>,
    connected: bool,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn handlers_are_called_as_connected(steps in proptest::collection::vec(step(), 1..120)) {
        let (signal, log) = (Signal::<u32>::new(), Log::new());
        let mut known: Vec<Known> = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            let name = format!("{number}:");
            match step {
                Step::Connect => {
                    let connection = signal.connect(crate::kit::noting(&log, &name));
                    known.push(Known { name, later: false, connection, model: None, connected: true });
                }
                Step::ConnectLater => {
                    let connection = signal.connect_async(crate::kit::noting_later(&log, &name));
                    known.push(Known { name, later: true, connection, model: None, connected: true });
                }
                Step::ConnectWeak => {
                    let (model, note) = (Arc::new(()), crate::kit::noting(&log, &name));
                    let connection = signal.connect_weak(&model, move |_, x| note(x));
                    known.push(Known { name, later: false, connection, model: Some(model), connected: true });
                }
                Step::Disconnect(n) if !known.is_empty() => {
                    let n = n % known.len();
                    prop_assert_eq!(known[n].connection.disconnect(), known[n].connected);
                    known[n].connected = false;
                }
                Step::DropModel(n) if !known.is_empty() => {
                    let n = n % known.len();
                    if known[n].model.take().is_some() {
                        // It may be forgotten from now on, or be found as dead: both say that it is not connected.
                        known[n].connected = false;
                        known[n].connection.disconnect();
                    }
                }
                Step::Clear => {
                    signal.clear();
                    known.iter_mut().for_each(|known| known.connected = false);
                }
                Step::Notify => {
                    let value = number as u32;
                    finish(signal.notify(value)).unwrap();
                    let of = |later| known.iter().filter(move |known| known.connected && known.later == later);
                    let expected: Vec<_> =
                        of(false).chain(of(true)).map(|known| format!("{}{value}", known.name)).collect();
                    prop_assert_eq!(log.take(), expected);
                }
                Step::Disconnect(_) | Step::DropModel(_) => {}
            }
            prop_assert_eq!(signal.len(), known.iter().filter(|known| known.connected).count());
            for known in &known {
                prop_assert_eq!(known.connection.is_connected(), known.connected);
            }
        }
    }

    /// Handlers that set the observable that calls them, as a script says: handler, value seen, values to set.
    #[test]
    fn changes_are_delivered_in_the_order_stored(
        handlers in 1..4usize,
        script in proptest::collection::vec((0..4usize, 0..8u32, proptest::collection::vec(8..40u32, 1..4)), 0..8),
        sets in proptest::collection::vec(0..8u32, 1..6),
    ) {
        let observable = Observable::new(u32::MAX);
        let script: HashMap<(usize, u32), Vec<u32>> =
            script.into_iter().map(|(handler, value, sets)| ((handler % handlers, value), sets)).collect();
        let seen: Vec<Arc<Mutex<Vec<u32>>>> = (0..handlers).map(|_| Arc::default()).collect();
        for (index, seen) in seen.iter().enumerate() {
            let (inner, script, seen) = (observable.clone(), script.clone(), seen.clone());
            observable.connect(move |value| {
                seen.lock().unwrap().push(*value);
                for next in script.get(&(index, *value)).into_iter().flatten() {
                    assert!(!inner.set(*next).is_done());
                }
            });
        }
        // The model: what is set while something is delivered is delivered after it.
        let mut expected = Vec::new();
        for value in &sets {
            let mut waiting = VecDeque::from([*value]);
            while let Some(value) = waiting.pop_front() {
                expected.push(value);
                for index in 0..handlers {
                    waiting.extend(script.get(&(index, value)).into_iter().flatten());
                }
            }
        }
        finish(settled::scope(async {
            sets.iter().for_each(|value| drop(observable.set(*value)));
        })).unwrap();
        for seen in seen {
            prop_assert_eq!(&*seen.lock().unwrap(), &expected);
        }
        prop_assert_eq!(Some(&observable.get()), expected.last());
    }

    /// Deliveries of several transactions to one handler; gates open in any order; only the last one is awaited.
    #[test]
    fn a_queue_keeps_the_order_whoever_drives(
        of in proptest::collection::vec(0..4usize, 1..30),
        opened in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
        polled in proptest::collection::vec(0..4usize, 0..30),
    ) {
        let (signal, log) = (Signal::<usize>::new(), Log::new());
        let gates: Vec<Gate> = of.iter().map(|_| Gate::new()).collect();
        let (pass, noted) = (gates.clone(), log.clone());
        signal.connect_async(move |x: usize| {
            let (gate, noted) = (pass[x].clone(), noted.clone());
            async move {
                noted.note(format!("begin {x}"));
                gate.pass().await;
                noted.note(format!("end {x}"));
            }
        });
        let transactions: Vec<OwnedTransaction> = (0..4).map(|_| begin()).collect();
        for (value, transaction) in of.iter().enumerate() {
            transactions[*transaction].enter(|| drop(signal.notify(value)));
        }
        let mut ends: Vec<_> = transactions.iter().map(|transaction| Some(Task::new(transaction.end()))).collect();
        let mut poll = |n: usize| {
            if let Some(task) = &mut ends[n] && task.run().is_ready() {
                ends[n] = None;
            }
        };
        let mut polled = polled.into_iter();
        for index in opened {
            index.get(&gates).open();
            if let Some(n) = polled.next() {
                poll(n);
            }
        }
        gates.iter().for_each(Gate::open);
        // Who awaits the last delivery gets all of them done, though nobody else is polled.
        let last = *of.last().unwrap();
        poll(last);
        let expected: Vec<_> = (0..of.len()).flat_map(|x| [format!("begin {x}"), format!("end {x}")]).collect();
        prop_assert_eq!(log.take(), expected);
        (0..4).for_each(&mut poll);
        prop_assert!(ends.iter().all(Option::is_none));
    }
}
