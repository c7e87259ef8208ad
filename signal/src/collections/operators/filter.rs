//! The items of a sequence that a closure says yes to.

use crate::collections::diff::VecDiff;
use crate::collections::ranked::Ranked;
use crate::collections::worker::{Operator, Steps};

pub(crate) struct Filter<F> {
    f: F,
    /// An item of the source each. It weighs one there, and one here if it is kept.
    items: Ranked<()>,
}

impl<F> Filter<F> {
    pub(crate) fn new(f: F) -> Self {
        Filter { f, items: Ranked::new() }
    }

    fn step<T>(&mut self, step: &VecDiff<T>, out: &mut Steps<VecDiff<T>>)
    where
        T: Clone + Send + Sync + 'static,
        F: Fn(&T) -> bool,
    {
        match step {
            VecDiff::Insert { index, value } => {
                let kept = (self.f)(value);
                let at = self.items.at(0, *index).map(|(id, _)| id);
                let index = at.map_or(self.items.total()[1], |id| self.items.before(id)[1]);
                self.items.insert(at, (), [1, usize::from(kept)]);
                if kept {
                    out.push(VecDiff::Insert { index, value: value.clone() });
                }
            }
            VecDiff::Set { index, value } => {
                let kept = (self.f)(value);
                let Some((id, _)) = self.items.at(0, *index) else { return };
                let was_kept = self.items.weight(id)[1] == 1;
                let index = self.items.before(id)[1];
                self.items.set_weight(id, [1, usize::from(kept)]);
                match (was_kept, kept) {
                    (true, true) => out.push(VecDiff::Set { index, value: value.clone() }),
                    (true, false) => out.push(VecDiff::Remove { index }),
                    (false, true) => out.push(VecDiff::Insert { index, value: value.clone() }),
                    (false, false) => {}
                }
            }
            VecDiff::Remove { index } => {
                let Some((id, _)) = self.items.at(0, *index) else { return };
                if self.items.weight(id)[1] == 1 {
                    out.push(VecDiff::Remove { index: self.items.before(id)[1] });
                }
                self.items.remove(id);
            }
            VecDiff::Append { values } => {
                let values = self.append(values);
                if !values.is_empty() {
                    out.push(VecDiff::Append { values: values.into() });
                }
            }
            VecDiff::Truncate { len } => {
                let before = self.items.total()[1];
                while let Some((id, _)) = self.items.at(0, *len) {
                    self.items.remove(id);
                }
                let len = self.items.total()[1];
                if len < before {
                    out.push(VecDiff::Truncate { len });
                }
            }
            VecDiff::Reset { values } => {
                self.items = Ranked::new();
                let values = self.append(values);
                out.push(VecDiff::Reset { values: values.into() });
            }
            VecDiff::Batch(_) => {}
        }
    }

    /// Gives those that are kept.
    fn append<T: Clone>(&mut self, values: &[T]) -> Vec<T>
    where
        F: Fn(&T) -> bool,
    {
        let mut kept = Vec::new();
        for value in values {
            let is_kept = (self.f)(value);
            self.items.push((), [1, usize::from(is_kept)]);
            kept.extend(is_kept.then(|| value.clone()));
        }
        kept
    }
}

impl<T, F> Operator<VecDiff<T>, VecDiff<T>> for Filter<F>
where
    T: Clone + Send + Sync + 'static,
    F: Fn(&T) -> bool + Send + 'static,
{
    fn apply(&mut self, diff: &VecDiff<T>, out: &mut Steps<VecDiff<T>>) {
        diff.steps().iter().for_each(|step| self.step(step, out));
    }
}
