//! The items of a sequence in another order; those that are equal in that of the sequence.

use std::cmp::Ordering;

use crate::collections::diff::VecDiff;
use crate::collections::ranked::{Id, Ranked};
use crate::collections::worker::{Operator, Steps};

pub(crate) struct Sort<T, F> {
    compare: F,
    /// An item of the source each: where it is here.
    source: Ranked<Option<Id>>,
    /// An item of the view each: where it is there, and its value.
    sorted: Ranked<(Id, T)>,
}

impl<T, F> Sort<T, F>
where
    T: Clone + Send + Sync + 'static,
    F: Fn(&T, &T) -> Ordering,
{
    pub(crate) fn new(compare: F) -> Self {
        Sort { compare, source: Ranked::new(), sorted: Ranked::new() }
    }

    /// Puts one where it belongs, and gives its place.
    fn put(&mut self, id: Id, value: T) -> usize {
        let rank = self.source.before(id)[0];
        let behind = self.sorted.search(|sorted, other| {
            let (other, other_value) = sorted.get(other);
            let order = (self.compare)(other_value, &value);
            order.then_with(|| self.source.before(*other)[0].cmp(&rank)) == Ordering::Greater
        });
        let sorted = self.sorted.insert(behind, (id, value), [1, 0]);
        *self.source.get_mut(id) = Some(sorted);
        self.sorted.before(sorted)[0]
    }

    /// Takes one out, and gives its place.
    fn take(&mut self, id: Id) -> Option<usize> {
        let sorted = self.source.get_mut(id).take()?;
        let index = self.sorted.before(sorted)[0];
        self.sorted.remove(sorted);
        Some(index)
    }

    fn push(&mut self, value: &T, out: &mut Steps<VecDiff<T>>) {
        let id = self.source.push(None, [1, 0]);
        let index = self.put(id, value.clone());
        out.push(VecDiff::Insert { index, value: value.clone() });
    }

    fn step(&mut self, step: &VecDiff<T>, out: &mut Steps<VecDiff<T>>) {
        match step {
            VecDiff::Insert { index, value } => {
                let before = self.source.at(0, *index).map(|(id, _)| id);
                let id = self.source.insert(before, None, [1, 0]);
                let index = self.put(id, value.clone());
                out.push(VecDiff::Insert { index, value: value.clone() });
            }
            VecDiff::Set { index, value } => {
                let Some((id, _)) = self.source.at(0, *index) else { return };
                let old = self.take(id);
                let index = self.put(id, value.clone());
                if old == Some(index) {
                    out.push(VecDiff::Set { index, value: value.clone() });
                } else {
                    if let Some(index) = old {
                        out.push(VecDiff::Remove { index });
                    }
                    out.push(VecDiff::Insert { index, value: value.clone() });
                }
            }
            VecDiff::Remove { index } => {
                let Some((id, _)) = self.source.at(0, *index) else { return };
                if let Some(index) = self.take(id) {
                    out.push(VecDiff::Remove { index });
                }
                self.source.remove(id);
            }
            VecDiff::Append { values } => values.iter().for_each(|value| self.push(value, out)),
            VecDiff::Truncate { len } => {
                while let Some((id, _)) = self.source.at(0, *len) {
                    if let Some(index) = self.take(id) {
                        out.push(VecDiff::Remove { index });
                    }
                    self.source.remove(id);
                }
            }
            VecDiff::Reset { values } => self.reset(values, out),
            VecDiff::Batch(_) => {}
        }
    }

    fn reset(&mut self, values: &[T], out: &mut Steps<VecDiff<T>>) {
        (self.source, self.sorted) = (Ranked::new(), Ranked::new());
        let mut all: Vec<(Id, T)> =
            values.iter().map(|value| (self.source.push(None, [1, 0]), value.clone())).collect();
        all.sort_by(|(_, a), (_, b)| (self.compare)(a, b));
        let values = all.iter().map(|(_, value)| value.clone()).collect();
        for (id, value) in all {
            let sorted = self.sorted.push((id, value), [1, 0]);
            *self.source.get_mut(id) = Some(sorted);
        }
        out.push(VecDiff::Reset { values });
    }
}

impl<T, F> Operator<VecDiff<T>, VecDiff<T>> for Sort<T, F>
where
    T: Clone + Send + Sync + 'static,
    F: Fn(&T, &T) -> Ordering + Send + 'static,
{
    fn apply(&mut self, diff: &VecDiff<T>, out: &mut Steps<VecDiff<T>>) {
        diff.steps().iter().for_each(|step| self.step(step, out));
    }
}
