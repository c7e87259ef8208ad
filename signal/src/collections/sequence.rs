//! What a view of a sequence consists of: items that come in and go anywhere at logarithmic cost.

use crate::collections::contents::Contents;
use crate::collections::diff::VecDiff;
use crate::collections::log::Trash;
use crate::collections::ranked::{Id, Ranked};

pub(crate) struct Sequence<T>(Ranked<T>);

impl<T> Sequence<T> {
    pub(crate) fn new() -> Self {
        Sequence(Ranked::new())
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.0.at(0, index).map(|(id, _)| self.0.get(id))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }

    fn id(&self, index: usize) -> Id {
        let Some((id, _)) = self.0.at(0, index) else { unreachable!("a view is told of items that it has") };
        id
    }

    pub(crate) fn insert(&mut self, index: usize, value: T) {
        let before = self.0.at(0, index).map(|(id, _)| id);
        self.0.insert(before, value, [1, 0]);
    }

    pub(crate) fn push(&mut self, value: T) {
        self.0.push(value, [1, 0]);
    }

    pub(crate) fn set(&mut self, index: usize, value: T) -> T {
        let id = self.id(index);
        std::mem::replace(self.0.get_mut(id), value)
    }

    pub(crate) fn remove(&mut self, index: usize) -> T {
        let id = self.id(index);
        self.0.remove(id)
    }

    /// Gives what has been taken out.
    pub(crate) fn truncate(&mut self, len: usize) -> Vec<T> {
        (len..self.0.count()).rev().map(|index| self.remove(index)).collect()
    }
}

impl<T: Clone + Send + Sync + 'static> Sequence<T> {
    /// Does one step, and gives what is to be dropped.
    pub(crate) fn step(&mut self, step: &VecDiff<T>) -> Option<Box<dyn Send>> {
        match step {
            VecDiff::Insert { index, value } => self.insert(*index, value.clone()),
            VecDiff::Set { index, value } => return Some(Box::new(self.set(*index, value.clone()))),
            VecDiff::Remove { index } => return Some(Box::new(self.remove(*index))),
            VecDiff::Append { values } => values.iter().for_each(|value| self.push(value.clone())),
            VecDiff::Truncate { len } => return Some(Box::new(self.truncate(*len))),
            VecDiff::Reset { values } => {
                let mut new = Sequence::new();
                values.iter().for_each(|value| new.push(value.clone()));
                return Some(Box::new(std::mem::replace(self, new).0));
            }
            VecDiff::Batch(_) => {}
        }
        None
    }
}

impl<T: Clone + Send + Sync + 'static> Contents for Sequence<T> {
    type Diff = VecDiff<T>;

    fn len(&self) -> usize {
        self.0.count()
    }

    fn reset(&self) -> VecDiff<T> {
        VecDiff::Reset { values: self.iter().cloned().collect() }
    }

    fn apply(&mut self, diff: &VecDiff<T>, trash: &mut Trash) {
        for step in diff.steps() {
            trash.extend(self.step(step));
        }
    }
}
