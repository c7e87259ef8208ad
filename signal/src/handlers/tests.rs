//! How much a list holds: what cannot be seen from outside.

use super::{Candidate, FEW, Handlers};
use crate::handler::{Connectable, Plain};
use crate::lock::lock;
use crate::options::Options;
use crate::rank::Place;

fn handlers() -> Handlers<u32, ()> {
    Handlers::new(Options::default())
}

fn candidate(object: Option<usize>) -> Candidate<u32, ()> {
    let entry = Connectable::new(Plain(|_: &u32| {}), None);
    Candidate { entry, place: Place::default(), is_weak: false, object }
}

#[test]
fn objects_that_come_and_go_leave_nothing() {
    let handlers = handlers();
    for address in 1..10_000 {
        let key = handlers.connect(candidate(Some(address)));
        assert_eq!(handlers.connect(candidate(Some(address))), key);
        assert!(handlers.disconnect(key));
        let list = lock(&handlers.list);
        assert!(list.objects.len() <= FEW && list.slots.len() <= FEW);
    }
}

#[test]
fn vacancies_are_closed_when_they_are_more_than_half_and_the_memory_is_given_back() {
    let handlers = handlers();
    let keys: Vec<_> = (0..10_000).map(|_| handlers.connect(candidate(None))).collect();
    for (left, key) in keys.iter().enumerate().skip(1).map(|(index, key)| (keys.len() - index, key)) {
        assert!(handlers.disconnect(*key));
        let list = lock(&handlers.list);
        assert!(list.slots.len() <= 2 * left);
    }
    assert_eq!(handlers.len(), 1);
    assert!(lock(&handlers.list).slots.capacity() <= 2 * FEW);
    assert!(handlers.snapshot().is_some_and(|snapshot| snapshot.len() == 1));
    assert!(handlers.disconnect(keys[0]));
    assert!(handlers.snapshot().is_none());
}

#[test]
fn a_snapshot_stays_as_it_is() {
    let handlers = handlers();
    let first = handlers.connect(candidate(None));
    let snapshot = handlers.snapshot().unwrap();
    handlers.connect(candidate(None));
    assert!(handlers.disconnect(first));
    assert_eq!(snapshot.len(), 1);
    assert!(snapshot[0].is_some());
    handlers.clear();
    assert_eq!((snapshot.len(), handlers.len()), (1, 0));
}
