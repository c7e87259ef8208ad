//! Random plans for the model (`support/model.rs`).

use proptest::collection::vec;
use proptest::prelude::*;
use support::model::{Ending, GATES, Manner, Plan, Step};

pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    let ending =
        prop_oneof![3 => Just(Ending::Well), 1 => Just(Ending::Failing), 1 => Just(Ending::Panicking)];
    let quiet = prop_oneof![(0..4_usize).prop_map(Step::Yield), (0..GATES).prop_map(Step::Pass)];
    let leaf = (vec(quiet, 0..3), ending.clone()).prop_map(|(steps, ending)| Plan { steps, ending });
    leaf.prop_recursive(4, 40, 6, move |below| {
        let steps = vec(step(below), 0..6);
        (steps, ending.clone()).prop_map(|(steps, ending)| Plan { steps, ending })
    })
}

fn step(plan: BoxedStrategy<Plan>) -> impl Strategy<Value = Step> {
    let steps =
        vec((plan.clone(), any::<bool>()).prop_map(|(plan, by_handle)| Step::Add { plan, by_handle }), 0..5);
    let (inner, abandoned) = (steps.clone(), steps);
    prop_oneof![
        8 => (plan.clone(), any::<bool>()).prop_map(|(plan, by_handle)| Step::Add { plan, by_handle }),
        2 => Just(Step::AwaitLast),
        2 => Just(Step::WaitAll),
        1 => plan.clone().prop_map(Step::AddLocal),
        2 => Just(Step::CancelLast),
        1 => Just(Step::Abort),
        2 => (manner(), inner).prop_map(|(manner, steps)| Step::Scope(manner, steps)),
        2 => (manner(), abandoned).prop_map(|(manner, steps)| Step::Abandon(manner, steps)),
        1 => (plan, any::<bool>()).prop_map(|(plan, end)| Step::Begin { plan, end }),
        1 => Just(Step::Look),
        2 => (0..4_usize).prop_map(Step::Yield),
        2 => (0..GATES).prop_map(Step::Pass),
    ]
}

fn manner() -> impl Strategy<Value = Manner> {
    let limit = prop_oneof![2 => Just(None), 1 => (1..3_usize).prop_map(Some)];
    let rarely = || prop::bool::weighted(0.25);
    (limit, rarely(), rarely(), any::<bool>()).prop_map(|(limit, fail_fast, spawned, cancels)| Manner {
        limit,
        fail_fast,
        spawned,
        cancels,
    })
}
