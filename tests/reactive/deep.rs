//! Long chains, and wide layers.

use settled_signal::{Computed, Effect, Observable, batch};

use crate::kit::Count;

const LONG: usize = 100_000;

fn chain(source: &Observable<u32>, count: &Count) -> Vec<Computed<u32>> {
    let mut chain = vec![source.map(|value| *value)];
    for _ in 1..LONG {
        let (last, count) = (chain[chain.len() - 1].clone(), count.clone());
        chain.push(Computed::new(move || {
            count.one();
            last.get()
        }));
    }
    chain
}

#[test]
fn a_hundred_thousand_in_a_chain_from_the_near_end() {
    let (source, count) = (Observable::new(1), Count::default());
    let chain = chain(&source, &count);
    // Each finds the one before it up to date.
    assert!(chain.iter().all(|computed| computed.get() == 1));
    count.take();
    source.set(2);
    assert_eq!(chain[LONG - 1].get(), 2);
    assert_eq!(count.take(), LONG - 1);
    let effect = Effect::new({
        let last = chain[LONG - 1].clone();
        move || {
            last.get();
        }
    });
    source.set(3);
    assert_eq!(count.take(), LONG - 1);
    drop(effect);
    drop(chain);
}

#[test]
fn a_hundred_thousand_in_a_chain_from_the_far_end() {
    let (source, count) = (Observable::new(1), Count::default());
    let mut chain = chain(&source, &count);
    let last = chain.pop().unwrap();
    assert_eq!(last.get(), 1);
    assert_eq!(count.take(), LONG - 1);
    source.set(2);
    assert_eq!(last.get(), 2);
    // The handles of those in between are held by closures alone, each by the next.
    drop(chain);
    source.set(3);
    assert_eq!(last.get(), 3);
    drop(last);
}

/// Four sources, and so many layers of four that read those of the layer above.
fn cellx(layers: usize) -> ([i32; 4], [i32; 4], usize) {
    let count = Count::default();
    let sources = [1, 2, 3, 4].map(Observable::new);
    let mut layer: [Computed<i32>; 4] = [0, 1, 2, 3].map(|index| sources[index].map(|value| *value));
    let mut effects = Vec::new();
    for _ in 0..layers {
        let [p1, p2, p3, p4] = layer.clone();
        let made = |f: Box<dyn Fn() -> i32 + Send + Sync>| {
            let count = count.clone();
            Computed::new(move || {
                count.one();
                f()
            })
        };
        let next = [
            made(Box::new({
                let p2 = p2.clone();
                move || p2.get()
            })),
            made(Box::new({
                let (p1, p3) = (p1.clone(), p3.clone());
                move || p1.get().wrapping_sub(p3.get())
            })),
            made(Box::new({
                let (p2, p4) = (p2.clone(), p4.clone());
                move || p2.get().wrapping_add(p4.get())
            })),
            made(Box::new({
                let p3 = p3.clone();
                move || p3.get()
            })),
        ];
        for computed in &next {
            let computed = computed.clone();
            effects.push(Effect::new(move || {
                computed.get();
            }));
        }
        layer = next;
    }
    count.take();
    let before = layer.clone().map(|computed| computed.get());
    batch(|| {
        for (source, value) in sources.iter().zip([4, 3, 2, 1]) {
            source.set(value);
        }
    });
    let runs = count.take();
    (before, layer.map(|computed| computed.get()), runs)
}

#[test]
fn cellx_comes_out_as_published() {
    // As in the js-reactivity-benchmark.
    assert_eq!(cellx(10), ([3, 6, 2, -2], [2, 4, -2, -3], 40));
    let (before, after, _) = cellx(1000);
    assert_eq!((before, after), ([-3, -6, -2, 2], [-2, -4, 2, 3]));
    let (before, after, _) = cellx(2500);
    assert_eq!((before, after), ([-3, -6, -2, 2], [-2, -4, 2, 3]));
}

#[test]
fn layers_that_read_each_other_fully_are_marked_once() {
    // A hundred layers of three, each of which reads all three above: 3 to the 100th ways.
    let source = Observable::new(1_u64);
    let count = Count::default();
    let mut layer: Vec<Computed<u64>> = (0..3).map(|_| source.map(|value| *value)).collect();
    for _ in 0..100 {
        layer = (0..3)
            .map(|_| {
                let (above, count) = (layer.clone(), count.clone());
                Computed::new(move || {
                    count.one();
                    above.iter().fold(0_u64, |sum, computed| sum.wrapping_add(computed.get()))
                })
            })
            .collect();
    }
    layer[0].get();
    count.take();
    source.set(2);
    layer[0].get();
    assert_eq!(count.take(), 3 * 99 + 1);
}
