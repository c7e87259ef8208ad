//! The first items of a sequence, so many.

use crate::collections::contents::Contents;
use crate::collections::diff::VecDiff;
use crate::collections::sequence::Sequence;
use crate::collections::worker::{Operator, Steps};

pub(crate) struct Limit<T> {
    limit: usize,
    /// All that the source has: what moves up is here.
    items: Sequence<T>,
}

impl<T: Clone + Send + Sync + 'static> Limit<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Limit { limit, items: Sequence::new() }
    }

    fn step(&mut self, step: &VecDiff<T>, out: &mut Steps<VecDiff<T>>) {
        let (limit, len) = (self.limit, self.items.len());
        self.items.step(step);
        match step {
            VecDiff::Insert { index, value } if *index < limit => {
                if len >= limit {
                    out.push(VecDiff::Remove { index: limit - 1 });
                }
                out.push(VecDiff::Insert { index: *index, value: value.clone() });
            }
            VecDiff::Set { index, .. } if *index < limit => out.push(step.clone()),
            VecDiff::Remove { index } if *index < limit => {
                out.push(step.clone());
                if let Some(value) = self.items.get(limit - 1) {
                    out.push(VecDiff::Insert { index: limit - 1, value: value.clone() });
                }
            }
            VecDiff::Append { values } if len < limit => {
                let room = values.len().min(limit - len);
                out.push(VecDiff::Append { values: values[..room].to_vec().into() });
            }
            VecDiff::Truncate { len: to } if *to < limit => out.push(step.clone()),
            VecDiff::Reset { values } => {
                let room = values.len().min(limit);
                out.push(VecDiff::Reset { values: values[..room].to_vec().into() });
            }
            _ => {}
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Operator<VecDiff<T>, VecDiff<T>> for Limit<T> {
    fn apply(&mut self, diff: &VecDiff<T>, out: &mut Steps<VecDiff<T>>) {
        diff.steps().iter().for_each(|step| self.step(step, out));
    }
}
