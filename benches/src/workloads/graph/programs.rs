//! The programs, written once: this file is a module of each library, whose functions it finds beside it.

// The handles of one library are `Copy`, those of another are not.
#![allow(clippy::clone_on_copy)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::library::{Library, Signal, batch, computed, effect, get, map, read, read_map, set, signal};
use crate::subject::Round;
use crate::work::tick;

/// Where effects leave what they saw.
#[derive(Clone, Default)]
struct Seen(Arc<AtomicI64>);

impl Seen {
    fn put(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Sets head to 1, 2, 3.., and checks what comes out.
fn rounds(library: Library, head: Signal, check: impl Fn(i64) + 'static) -> Round {
    let mut value = 0;
    Box::new(move || {
        value += 1;
        library.inside(|| batch(|| set(&head, value)));
        check(value);
        tick(1);
    })
}

pub(crate) fn avoidable(_: usize) -> Round {
    let (library, seen) = (Library::new(), Seen::default());
    let head = library.inside(|| {
        let head = signal(0);
        let c1 = computed({
            let head = head.clone();
            move || get(&head)
        });
        let c2 = computed(move || {
            read(&c1);
            0
        });
        let c3 = computed(move || read(&c2) + 1);
        let c4 = computed(move || read(&c3) + 2);
        let c5 = computed(move || read(&c4) + 3);
        let noted = seen.clone();
        effect(move || noted.put(read(&c5)));
        head
    });
    rounds(library, head, move |_| assert_eq!(seen.get(), 6))
}

pub(crate) fn broad(_: usize) -> Round {
    let (library, seen) = (Library::new(), Seen::default());
    let head = library.inside(|| {
        let head = signal(0);
        for index in 0..50 {
            let first = computed({
                let head = head.clone();
                move || get(&head) + index
            });
            let second = computed(move || read(&first) + 1);
            let noted = seen.clone();
            effect(move || {
                let value = read(&second);
                if index == 49 {
                    noted.put(value);
                }
            });
        }
        head
    });
    rounds(library, head, move |value| assert_eq!(seen.get(), value + 50))
}

pub(crate) fn deep(_: usize) -> Round {
    let (library, seen) = (Library::new(), Seen::default());
    let head = library.inside(|| {
        let head = signal(0);
        let mut last = computed({
            let head = head.clone();
            move || get(&head) + 1
        });
        for _ in 1..50 {
            let before = last;
            last = computed(move || read(&before) + 1);
        }
        let noted = seen.clone();
        effect(move || noted.put(read(&last)));
        head
    });
    rounds(library, head, move |value| assert_eq!(seen.get(), value + 50))
}

pub(crate) fn diamond(_: usize) -> Round {
    let (library, seen) = (Library::new(), Seen::default());
    let head = library.inside(|| {
        let head = signal(0);
        let wide: Vec<_> = (0..5)
            .map(|_| {
                computed({
                    let head = head.clone();
                    move || get(&head) + 1
                })
            })
            .collect();
        let sum = computed(move || wide.iter().map(read).sum());
        let noted = seen.clone();
        effect(move || noted.put(read(&sum)));
        head
    });
    rounds(library, head, move |value| assert_eq!(seen.get(), (value + 1) * 5))
}

pub(crate) fn mux(_: usize) -> Round {
    let (library, seen) = (Library::new(), Seen::default());
    let heads = library.inside(|| {
        let heads: Vec<_> = (0..100).map(|_| signal(0)).collect();
        let map = map({
            let heads = heads.clone();
            move || heads.iter().map(get).collect()
        });
        for index in 0..100 {
            let map = map.clone();
            let selected = computed(move || read_map(&map, index));
            let plus = computed(move || read(&selected) + 1);
            let noted = seen.clone();
            effect(move || noted.put(read(&plus)));
        }
        heads
    });
    let mut round = 0;
    Box::new(move || {
        round += 1;
        let value = round as i64;
        library.inside(|| batch(|| set(&heads[round % 100], value)));
        assert_eq!(seen.get(), value + 1);
        tick(1);
    })
}

pub(crate) fn repeated(_: usize) -> Round {
    let (library, seen) = (Library::new(), Seen::default());
    let head = library.inside(|| {
        let head = signal(0);
        let sum = computed({
            let head = head.clone();
            move || (0..30).map(|_| get(&head)).sum()
        });
        let noted = seen.clone();
        effect(move || noted.put(read(&sum)));
        head
    });
    rounds(library, head, move |value| assert_eq!(seen.get(), value * 30))
}

pub(crate) fn triangle(_: usize) -> Round {
    let (library, seen) = (Library::new(), Seen::default());
    let head = library.inside(|| {
        let head = signal(0);
        let mut chain = vec![computed({
            let head = head.clone();
            move || get(&head) + 1
        })];
        for index in 1..10 {
            let before = chain[index - 1].clone();
            chain.push(computed(move || read(&before) + 1));
        }
        chain.pop();
        let top = head.clone();
        let sum = computed(move || get(&top) + chain.iter().map(read).sum::<i64>());
        let noted = seen.clone();
        effect(move || noted.put(read(&sum)));
        head
    });
    rounds(library, head, move |value| assert_eq!(seen.get(), value * 10 + 45))
}

pub(crate) fn unstable(_: usize) -> Round {
    let (library, seen) = (Library::new(), Seen::default());
    let head = library.inside(|| {
        let head = signal(0);
        let double = computed({
            let head = head.clone();
            move || get(&head) * 2
        });
        let inverse = computed({
            let head = head.clone();
            move || -get(&head)
        });
        let top = head.clone();
        let current = computed(move || {
            (0..20).map(|_| if get(&top) % 2 == 1 { read(&double) } else { read(&inverse) }).sum()
        });
        let noted = seen.clone();
        effect(move || noted.put(read(&current)));
        head
    });
    rounds(library, head, move |value| {
        assert_eq!(seen.get(), if value % 2 == 1 { value * 40 } else { value * -20 });
    })
}

pub(crate) fn cellx(layers: usize) -> Round {
    let library = Library::new();
    let (sources, last) = library.inside(|| {
        let sources = [1, 2, 3, 4].map(signal);
        let mut layer = sources.clone().map(|source| computed(move || get(&source)));
        for _ in 0..layers {
            let [p1, p2, p3, p4] = layer;
            let next = [
                computed({
                    let p2 = p2.clone();
                    move || read(&p2)
                }),
                computed({
                    let (p1, p3) = (p1.clone(), p3.clone());
                    move || read(&p1) - read(&p3)
                }),
                computed({
                    let (p2, p4) = (p2.clone(), p4.clone());
                    move || read(&p2) + read(&p4)
                }),
                computed(move || read(&p3)),
            ];
            for computed in &next {
                let computed = computed.clone();
                effect(move || {
                    read(&computed);
                });
            }
            layer = next;
        }
        (sources, layer)
    });
    // As published, in turn.
    let expected: [[i64; 4]; 2] = match layers {
        10 => [[3, 6, 2, -2], [2, 4, -2, -3]],
        1_000 | 2_500 => [[-3, -6, -2, 2], [-2, -4, 2, 3]],
        _ => library.inside(|| {
            let all = || last.each_ref().map(read);
            let first = all();
            batch(|| sources.iter().zip([4, 3, 2, 1]).for_each(|(source, value)| set(source, value)));
            let second = all();
            batch(|| sources.iter().zip([1, 2, 3, 4]).for_each(|(source, value)| set(source, value)));
            [first, second]
        }),
    };
    let mut turn = 0;
    Box::new(move || {
        turn = 1 - turn;
        let values = [[1, 2, 3, 4], [4, 3, 2, 1]][turn];
        let come = library.inside(|| {
            batch(|| sources.iter().zip(values).for_each(|(source, value)| set(source, value)));
            last.each_ref().map(read)
        });
        assert_eq!(come, expected[turn]);
        tick_all(layers);
    })
}

/// So many units are done.
fn tick_all(units: usize) {
    (0..units).for_each(|_| tick(1));
}

pub(crate) fn create_signals(n: usize) -> Round {
    Box::new(move || {
        let library = Library::new();
        library.inside(|| {
            let signals: Vec<_> = (0..n as i64).map(signal).collect();
            tick_all(signals.len());
        });
        library.end();
    })
}

pub(crate) fn create_1to1(n: usize) -> Round {
    create(n, 1)
}

pub(crate) fn create_4to1(n: usize) -> Round {
    create(n, 4)
}

fn create(n: usize, width: usize) -> Round {
    // The sources are there before.
    Box::new(move || {
        let library = Library::new();
        library.inside(|| {
            let sources: Vec<_> = (0..(n * width) as i64).map(signal).collect();
            let computeds: Vec<_> = sources
                .chunks(width)
                .map(|chunk| {
                    let chunk = chunk.to_vec();
                    let computed = computed(move || chunk.iter().map(get).sum());
                    read(&computed);
                    computed
                })
                .collect();
            tick_all(computeds.len());
        });
        library.end();
    })
}

pub(crate) fn update_1to1(n: usize) -> Round {
    update(n, 1)
}

pub(crate) fn update_4to1(n: usize) -> Round {
    update(n, 4)
}

fn update(n: usize, width: usize) -> Round {
    update_of(n, width, n)
}

fn update_of(n: usize, width: usize, units: usize) -> Round {
    let library = Library::new();
    let (sources, computeds) = library.inside(|| {
        let sources: Vec<_> = (0..n).map(|_| signal(0)).collect();
        let computeds: Vec<_> = sources
            .chunks(width)
            .map(|chunk| {
                let chunk = chunk.to_vec();
                let computed = computed(move || chunk.iter().map(get).sum());
                read(&computed);
                computed
            })
            .collect();
        (sources, computeds)
    });
    let mut value = 0;
    Box::new(move || {
        value += 1;
        library.inside(|| {
            sources.iter().for_each(|source| set(source, value));
            computeds.iter().for_each(|computed| assert_eq!(read(computed), value * width as i64));
        });
        tick_all(units);
    })
}

pub(crate) fn update_1000to1(n: usize) -> Round {
    update_of(n, n, n)
}

pub(crate) fn update_1to1000(n: usize) -> Round {
    let library = Library::new();
    let (source, computeds) = library.inside(|| {
        let source = signal(0);
        let computeds: Vec<_> = (0..n)
            .map(|_| {
                let source = source.clone();
                let computed = computed(move || get(&source));
                read(&computed);
                computed
            })
            .collect();
        (source, computeds)
    });
    let mut value = 0;
    Box::new(move || {
        value += 1;
        library.inside(|| {
            set(&source, value);
            computeds.iter().for_each(|computed| assert_eq!(read(computed), value));
        });
        tick_all(n);
    })
}
