//! Several threads at once.

use std::sync::{Arc, Barrier};
use std::thread;

use settled::{block_on, scope};
use settled_signal::{ObservableMap, ObservableVec};

use super::kit::{later_replica, replica, streamed};

#[test]
fn replicas_and_views_are_the_same_whoever_changes_the_vector() {
    for round in 0..20_u32 {
        let numbers = ObservableVec::<u32>::new();
        let seen = replica(numbers.changed(), vec![]);
        let later = later_replica(numbers.changed(), vec![]);
        let view = numbers.filter(|x| x % 3 != 0).sort_by(|a, b| a.cmp(b));
        let viewed = replica(view.changed(), vec![]);
        let mut stream = streamed(numbers.stream());
        let barrier = Barrier::new(3);
        let made = thread::scope(|threads| {
            for thread in 0..2_u32 {
                let (numbers, barrier) = (&numbers, &barrier);
                threads.spawn(move || {
                    barrier.wait();
                    let changes = scope(async {
                        for n in 0..60 {
                            let value = round + thread * 1_000 + n;
                            match n % 6 {
                                5 => _ = numbers.pop(),
                                4 => drop(numbers.batch(|numbers| {
                                    numbers.insert(0, value);
                                    numbers.push(value);
                                    numbers.truncate(40);
                                })),
                                3 => drop(numbers.insert(0, value)),
                                _ => drop(numbers.push(value)),
                            }
                        }
                    });
                    block_on(changes).unwrap();
                });
            }
            barrier.wait();
            // Views that are made meanwhile, and streams that are read.
            let made: Vec<_> = (0..20).map(|_| (numbers.map(|x| x + 1), stream.catch_up().len()).0).collect();
            made
        });
        let now = numbers.to_vec();
        assert_eq!(*seen.lock().unwrap(), now);
        assert_eq!(*later.lock().unwrap(), now);
        assert_eq!(stream.catch_up(), now);
        let mut expected: Vec<u32> = now.iter().copied().filter(|x| x % 3 != 0).collect();
        expected.sort_unstable();
        assert_eq!(view.to_vec(), expected);
        assert_eq!(*viewed.lock().unwrap(), expected);
        for view in made {
            assert_eq!(view.to_vec(), now.iter().map(|x| x + 1).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_map_is_the_same_for_all_whoever_changes_it() {
    let map = ObservableMap::new();
    let seen = replica(map.changed(), map.to_map());
    let keys = map.keys();
    let barrier = Arc::new(Barrier::new(3));
    thread::scope(|threads| {
        for thread in 0..3_u32 {
            let (map, barrier) = (&map, &barrier);
            threads.spawn(move || {
                barrier.wait();
                let changes = scope(async {
                    for n in 0..200 {
                        if (n + thread) % 3 == 0 {
                            map.remove(&(n % 16));
                        } else {
                            map.insert(n % 16, n);
                        }
                    }
                });
                block_on(changes).unwrap();
            });
        }
    });
    assert_eq!(*seen.lock().unwrap(), map.to_map());
    assert_eq!(keys.to_vec(), map.to_map().into_keys().collect::<Vec<_>>());
}
