//! Each item of a sequence made into another.

use crate::collections::diff::VecDiff;
use crate::collections::worker::{Operator, Steps};

pub(crate) struct Map<F>(pub(crate) F);

impl<T, U, F> Operator<VecDiff<T>, VecDiff<U>> for Map<F>
where
    T: Clone + Send + Sync + 'static,
    U: Clone + Send + Sync + 'static,
    F: Fn(&T) -> U + Send + 'static,
{
    fn apply(&mut self, diff: &VecDiff<T>, out: &mut Steps<VecDiff<U>>) {
        diff.steps().iter().for_each(|step| out.push(step.map(&self.0)));
    }
}
