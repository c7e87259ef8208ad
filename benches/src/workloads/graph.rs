//! W4: a reactive graph, as in the js-reactivity-benchmark without its busy work: one change of its sources is propagated.

mod alien;
mod settled;
mod sycamore;

use crate::subject::{Case, Subject, Workload};

/// The subjects of a case: the same program with each library.
macro_rules! subjects {
    ($program:ident) => {
        &[
            Subject::ours("settled-signal", settled::programs::$program),
            Subject::peer("sycamore-reactive (of one thread)", sycamore::programs::$program),
            Subject::peer("alien-signals, Rust port (of one thread, never frees)", alien::programs::$program),
        ]
    };
}

macro_rules! case {
    ($id:literal, $title:literal, $sizes:expr, $program:ident) => {
        Case { id: $id, title: $title, sizes: $sizes, subjects: subjects!($program) }
    };
}

const ONE: &[usize] = &[1];

pub(super) const W4: Workload = Workload {
    id: "w4",
    title: "W4: reactive graph, per propagation (N = 1), or per node of a layer (cellx), created or set",
    cases: &[
        case!("avoidable", "avoidable: head, identity, constant 0, +1, +2, +3, effect", ONE, avoidable),
        case!("broad", "broad 50x2: 50 times head+i, +1, effect", ONE, broad),
        case!("deep", "deep 50: a chain of 50, effect", ONE, deep),
        case!("diamond", "diamond 5: five of head, their sum, effect", ONE, diamond),
        case!("mux", "mux 100: 100 heads, one map, 100 selectors, +1, effects", ONE, mux),
        case!("repeated", "repeated 30: one computed reads head 30 times, effect", ONE, repeated),
        case!(
            "triangle",
            "triangle 10: the sum of head and of the first nine of a chain of ten",
            ONE,
            triangle
        ),
        case!(
            "unstable",
            "unstable 20: a third reads, 20 times, one of two, by the parity of head",
            ONE,
            unstable
        ),
        case!(
            "cellx",
            "cellx: N layers of four, an effect on each property, one batch sets all four sources; per layer",
            &[10, 18, 1_000, 2_500],
            cellx
        ),
        case!("create-0to1", "N signals are created; per signal", &[1_000], create_signals),
        case!(
            "create-1to1",
            "N computeds of one signal each are created and read; per computed",
            &[1_000],
            create_1to1
        ),
        case!(
            "create-4to1",
            "N computeds of four signals each are created and read; per computed",
            &[1_000],
            create_4to1
        ),
        case!(
            "update-1to1",
            "N signals with a computed each are set, and it is read; per signal",
            &[1_000],
            update_1to1
        ),
        case!(
            "update-4to1",
            "N signals, a computed of four each, are set, and it is read; per signal",
            &[1_000],
            update_4to1
        ),
        case!(
            "update-1000to1",
            "N signals with one computed are set, then it is read; per signal",
            &[1_000],
            update_1000to1
        ),
        case!(
            "update-1to1000",
            "one signal with N computeds is set, then they are read; per computed",
            &[1_000],
            update_1to1000
        ),
    ],
};
