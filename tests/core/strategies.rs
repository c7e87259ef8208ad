//! Random plans for the model (`support/model.rs`).

use proptest::collection::vec;
use proptest::prelude::*;
use support::model::{Ending, GATES, Plan, Step};

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
        vec((plan.clone(), any::<bool>()).prop_map(|(plan, by_handle)| Step::Add { plan, by_handle }), 0..3);
    let (inner, abandoned) = (steps.clone(), steps);
    prop_oneof![
        8 => (plan.clone(), any::<bool>()).prop_map(|(plan, by_handle)| Step::Add { plan, by_handle }),
        2 => Just(Step::AwaitLast),
        2 => Just(Step::WaitAll),
        1 => Just(Step::CancelLast),
        1 => inner.prop_map(Step::Scope),
        1 => abandoned.prop_map(Step::Abandon),
        1 => (plan, any::<bool>()).prop_map(|(plan, end)| Step::Begin { plan, end }),
        1 => Just(Step::Look),
        2 => (0..4_usize).prop_map(Step::Yield),
        2 => (0..GATES).prop_map(Step::Pass),
    ]
}
