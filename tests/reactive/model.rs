//! Random graphs against a model that computes everything anew whenever it is asked.
//!
//! Checked are all values, that no computed is evaluated when nothing that it read in its last evaluation has become another
//! value since, and at most once for each time that something may have; and that each effect runs at a settle point exactly
//! if something that it read in its last run has become another value, once, and sees what stands.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use settled::{atomic, scope};
use settled_signal::{Computed, Effect, Observable, batch};
use support::finish;

/// Reads some of what came before it, by index: sources first, then computeds.
#[derive(Clone, Debug)]
struct Formula {
    /// Which of the next two are read is decided by the value of this one.
    chooses: usize,
    odd: Vec<usize>,
    even: Vec<usize>,
    modulus: i64,
}

impl Formula {
    /// By what `read` gives.
    fn evaluate(&self, mut read: impl FnMut(usize) -> i64) -> i64 {
        let first = read(self.chooses);
        let chosen = if first.rem_euclid(2) == 1 { &self.odd } else { &self.even };
        chosen.iter().fold(first, |sum, &index| sum + read(index)).rem_euclid(self.modulus)
    }
}

#[derive(Clone, Debug)]
enum Op {
    Set(usize, i64),
    /// Several at once.
    Batch(Vec<(usize, i64)>),
    Scope(Vec<(usize, i64)>),
    /// With computeds that are read in the midst of it; is it committed?
    Atomic(Vec<(usize, i64)>, Vec<usize>, bool),
    Read(usize),
}

const SOURCES: usize = 4;

fn formulas() -> impl Strategy<Value = Vec<Formula>> {
    let formula = |at: usize| {
        let any = move || 0..SOURCES + at;
        (any(), prop::collection::vec(any(), 0..4), prop::collection::vec(any(), 0..4), 2_i64..8)
            .prop_map(|(chooses, odd, even, modulus)| Formula { chooses, odd, even, modulus })
    };
    (1_usize..12).prop_flat_map(move |count| (0..count).map(formula).collect::<Vec<_>>())
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let set = || (0..SOURCES, 0_i64..6);
    let sets = move || prop::collection::vec(set(), 0..5);
    let op = prop_oneof![
        3 => set().prop_map(|(source, value)| Op::Set(source, value)),
        1 => sets().prop_map(Op::Batch),
        2 => sets().prop_map(Op::Scope),
        3 => (sets(), prop::collection::vec(0_usize..12, 0..3), any::<bool>())
            .prop_map(|(sets, reads, well)| Op::Atomic(sets, reads, well)),
        3 => (0_usize..12).prop_map(Op::Read),
    ];
    prop::collection::vec(op, 1..30)
}

/// What was read in the last evaluation, and what it came to.
type Seen = Arc<Mutex<Vec<(usize, i64)>>>;

struct Graph {
    sources: Vec<Observable<i64>>,
    computeds: Vec<Computed<i64>>,
    formulas: Vec<Formula>,
    /// Evaluations since they were counted last, and those that were not needed.
    evaluated: Arc<Mutex<Vec<usize>>>,
    /// What effects have seen since that was looked at last.
    seen: Arc<Mutex<Vec<(usize, i64)>>>,
    /// What the last run of each has read.
    read: Vec<Seen>,
    _effects: Vec<Effect>,
}

impl Graph {
    fn new(formulas: Vec<Formula>, effects: &[usize]) -> Self {
        let sources: Vec<_> = (0..SOURCES).map(|_| Observable::new(0)).collect();
        let mut computeds: Vec<Computed<i64>> = Vec::new();
        let evaluated = Arc::new(Mutex::new(vec![0; formulas.len()]));
        for (at, formula) in formulas.iter().cloned().enumerate() {
            let (sources, before, evaluated) = (sources.clone(), computeds.clone(), evaluated.clone());
            computeds.push(Computed::new(move || {
                evaluated.lock().unwrap()[at] += 1;
                formula.evaluate(|index| match index.checked_sub(SOURCES) {
                    None => sources[index].get(),
                    Some(index) => before[index].get(),
                })
            }));
        }
        let (seen, mut read) = (Arc::new(Mutex::new(Vec::new())), Vec::new());
        let _effects = effects
            .iter()
            .enumerate()
            .map(|(at, &of)| {
                let (of, this) = (of % computeds.len(), Seen::default());
                read.push(this.clone());
                let (computed, seen) = (computeds[of].clone(), seen.clone());
                Effect::new(move || {
                    let value = computed.get();
                    *this.lock().unwrap() = vec![(of, value)];
                    seen.lock().unwrap().push((at, value));
                })
            })
            .collect();
        seen.lock().unwrap().clear();
        Graph { sources, computeds, formulas, evaluated, seen, read, _effects }
    }

    /// Everything anew.
    fn naive(&self, sources: &[i64]) -> Vec<i64> {
        let mut values: Vec<i64> = sources.to_vec();
        for formula in &self.formulas {
            values.push(formula.evaluate(|index| values[index]));
        }
        values.split_off(SOURCES)
    }

    /// No more than so many evaluations of each.
    fn assert_evaluated_at_most(&self, most: usize) {
        let mut evaluated = self.evaluated.lock().unwrap();
        for (at, count) in evaluated.iter_mut().enumerate() {
            assert!(*count <= most, "computed {at} was evaluated {count} times, not {most}");
            *count = 0;
        }
    }

    /// Those that saw another value before have run, once, and have seen this one; no other has.
    fn assert_ran(&self, before: &[Vec<(usize, i64)>], sources: &[i64]) {
        let values = self.naive(sources);
        let mut seen = std::mem::take(&mut *self.seen.lock().unwrap());
        seen.sort_unstable();
        let expected: Vec<_> = before
            .iter()
            .enumerate()
            .filter(|(_, read)| read.iter().any(|&(of, value)| values[of] != value))
            .map(|(at, read)| (at, values[read[0].0]))
            .collect();
        assert_eq!(seen, expected);
    }
}

fn check(formulas: Vec<Formula>, effects: Vec<usize>, ops: Vec<Op>) {
    let graph = Graph::new(formulas, &effects);
    let mut sources = vec![0; SOURCES];
    graph.assert_evaluated_at_most(1);
    for op in ops {
        let before: Vec<_> = graph.read.iter().map(|read| read.lock().unwrap().clone()).collect();
        let put = |sets: &[(usize, i64)]| {
            sets.iter().for_each(|&(source, value)| drop(graph.sources[source].set(value)));
        };
        let note = |sources: &mut Vec<i64>, sets: &[(usize, i64)]| {
            sets.iter().for_each(|&(source, value)| sources[source] = value);
        };
        match op {
            Op::Set(source, value) => {
                put(&[(source, value)]);
                note(&mut sources, &[(source, value)]);
                graph.assert_evaluated_at_most(1);
            }
            Op::Batch(sets) => {
                batch(|| put(&sets));
                note(&mut sources, &sets);
                graph.assert_evaluated_at_most(1);
            }
            Op::Scope(sets) => {
                finish(scope(async { put(&sets) })).unwrap();
                note(&mut sources, &sets);
                graph.assert_evaluated_at_most(1);
            }
            Op::Atomic(sets, reads, well) => {
                let mut inside = sources.clone();
                note(&mut inside, &sets);
                let values = graph.naive(&inside);
                let _ = finish(atomic(async {
                    put(&sets);
                    for of in &reads {
                        let of = of % graph.computeds.len();
                        assert_eq!(graph.computeds[of].get(), values[of]);
                    }
                    if well { Ok(()) } else { Err("no") }
                }));
                if well {
                    sources = inside;
                }
                // Once for what is uncommitted, once for what is restored.
                graph.assert_evaluated_at_most(2);
                if !well {
                    assert_eq!(*graph.seen.lock().unwrap(), []);
                }
            }
            Op::Read(of) => {
                let of = of % graph.computeds.len();
                assert_eq!(graph.computeds[of].get(), graph.naive(&sources)[of]);
                graph.assert_evaluated_at_most(1);
                // Once more costs nothing.
                graph.computeds[of].get();
                graph.assert_evaluated_at_most(0);
            }
        }
        for (source, value) in graph.sources.iter().zip(&sources) {
            assert_eq!(source.get(), *value);
        }
        graph.assert_ran(&before, &sources);
    }
    let values: Vec<_> = graph.computeds.iter().map(Computed::get).collect();
    assert_eq!(values, graph.naive(&sources));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn it_agrees_with_computing_everything_anew(
        formulas in formulas(),
        effects in prop::collection::vec(0_usize..12, 0..4),
        ops in ops(),
    ) {
        check(formulas, effects, ops);
    }
}
