//! Changes of a sequence, as data.

use std::{mem, slice};

use crate::collections::items::Items;
use crate::collections::log::{Diff, Joined};
use crate::collections::tracked::Touch;

/// What has changed in an [`ObservableVec`](crate::ObservableVec), or in a view.
///
/// Whoever applies each to a vector of his own, in order, has the same items: see [`apply`](VecDiff::apply). Positions are
/// those at the moment of the change, when all earlier ones have been made. Most are one step; what was done in one
/// [`batch`](crate::ObservableVec::batch) comes as one `Batch` of steps, and [`steps`](VecDiff::steps) gives them in any case.
///
/// ```
/// # use settled_signal::VecDiff;
/// let mut items = vec!["b"];
/// VecDiff::Insert { index: 0, value: "a" }.apply(&mut items);
/// VecDiff::Append { values: vec!["c", "d"].into() }.apply(&mut items);
/// VecDiff::Batch(vec![VecDiff::Remove { index: 1 }, VecDiff::Set { index: 0, value: "A" }].into()).apply(&mut items);
/// assert_eq!(items, ["A", "c", "d"]);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum VecDiff<T> {
    /// An item has come in before the one that was at this index; behind the last, if that is the length.
    Insert {
        /// Where it is now.
        index: usize,
        /// The item.
        value: T,
    },
    /// The item at this index is another one.
    Set {
        /// Which one.
        index: usize,
        /// What it is now.
        value: T,
    },
    /// The item at this index is gone; those behind it have moved up.
    Remove {
        /// Where it was.
        index: usize,
    },
    /// These have come in behind the last one.
    Append {
        /// In order.
        values: Items<T>,
    },
    /// All from this index on are gone.
    Truncate {
        /// How many there are now.
        len: usize,
    },
    /// These are all items; nothing of what was before counts.
    Reset {
        /// In order.
        values: Items<T>,
    },
    /// Several steps in one. None of them is a batch, and there are at least two.
    Batch(Items<VecDiff<T>>),
}

impl<T> VecDiff<T> {
    /// The steps of a batch; of any other, itself.
    ///
    /// ```
    /// # use settled_signal::VecDiff;
    /// assert_eq!(VecDiff::<u8>::Remove { index: 3 }.steps().len(), 1);
    /// ```
    pub fn steps(&self) -> &[VecDiff<T>] {
        match self {
            VecDiff::Batch(steps) => steps,
            step => slice::from_ref(step),
        }
    }

    pub(crate) fn is_insert_at(&self, at: usize) -> bool {
        matches!(self, VecDiff::Insert { index, .. } if *index == at)
    }

    /// Does to these items what has been done.
    ///
    /// # Panics
    ///
    /// If there is no such position, so that it is not a change of these items.
    pub fn apply(&self, items: &mut Vec<T>)
    where
        T: Clone,
    {
        match self {
            VecDiff::Insert { index, value } => items.insert(*index, value.clone()),
            VecDiff::Set { index, value } => items[*index] = value.clone(),
            VecDiff::Remove { index } => drop(items.remove(*index)),
            VecDiff::Append { values } => items.extend_from_slice(values),
            VecDiff::Truncate { len } => {
                assert!(*len <= items.len(), "truncated to {len}, of {}", items.len());
                items.truncate(*len);
            }
            VecDiff::Reset { values } => values.as_slice().clone_into(items),
            VecDiff::Batch(steps) => steps.iter().for_each(|step| step.apply(items)),
        }
    }

    /// The same with each item made into another.
    ///
    /// ```
    /// # use settled_signal::VecDiff;
    /// let diff = VecDiff::Set { index: 1, value: 7 };
    /// assert_eq!(diff.map(|x| x.to_string()), VecDiff::Set { index: 1, value: "7".to_string() });
    /// ```
    pub fn map<U>(&self, mut f: impl FnMut(&T) -> U) -> VecDiff<U> {
        self.map_step(&mut f)
    }

    fn map_step<U>(&self, f: &mut impl FnMut(&T) -> U) -> VecDiff<U> {
        match self {
            VecDiff::Insert { index, value } => VecDiff::Insert { index: *index, value: f(value) },
            VecDiff::Set { index, value } => VecDiff::Set { index: *index, value: f(value) },
            VecDiff::Remove { index } => VecDiff::Remove { index: *index },
            VecDiff::Append { values } => VecDiff::Append { values: values.iter().map(f).collect() },
            VecDiff::Truncate { len } => VecDiff::Truncate { len: *len },
            VecDiff::Reset { values } => VecDiff::Reset { values: values.iter().map(f).collect() },
            VecDiff::Batch(steps) => VecDiff::Batch(steps.iter().map(|step| step.map_step(f)).collect()),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Diff for VecDiff<T> {
    type Key = usize;

    fn changes_len(&self) -> bool {
        self.steps().iter().any(|step| !matches!(step, VecDiff::Set { .. }))
    }

    fn touches(&self, len: usize, f: &mut dyn FnMut(Touch<'_, usize>)) {
        for step in self.steps() {
            match step {
                VecDiff::Set { index, .. } => f(Touch::Item(index)),
                VecDiff::Insert { index, .. } | VecDiff::Remove { index } => f(Touch::From(index)),
                VecDiff::Truncate { len } => f(Touch::From(len)),
                // Where it began is known only if nothing has been done behind it.
                VecDiff::Append { values } if self.steps().len() == 1 => {
                    f(Touch::From(&(len - values.len())))
                }
                VecDiff::Append { .. } | VecDiff::Reset { .. } | VecDiff::Batch(_) => f(Touch::All),
            }
        }
    }

    fn weight(&self) -> usize {
        match self {
            VecDiff::Append { values } | VecDiff::Reset { values } => values.len(),
            VecDiff::Batch(steps) => steps.iter().map(Diff::weight).sum(),
            _ => 1,
        }
    }

    fn batch(steps: Vec<Self>) -> Self {
        VecDiff::Batch(steps.into())
    }

    fn into_steps(self) -> Vec<Self> {
        match self {
            VecDiff::Batch(steps) => steps.into_vec(),
            step => vec![step],
        }
    }

    fn join(&mut self, next: Self) -> Joined<Self> {
        use VecDiff::{Append, Insert, Remove, Set};
        match (&mut *self, next) {
            (Insert { index, value } | Set { index, value }, Set { index: at, value: new })
                if *index == at =>
            {
                let value = mem::replace(value, new);
                Joined::Merged(Set { index: at, value })
            }
            (Set { index, .. }, Remove { index: at }) if *index == at => {
                Joined::Merged(mem::replace(self, Remove { index: at }))
            }
            (Insert { index, .. }, Remove { index: at }) if *index == at => Joined::Annulled,
            (Append { values }, Append { values: more }) => {
                values.to_mut().extend(more);
                Joined::Whole
            }
            (_, next) => Joined::Not(next),
        }
    }
}
