//! What has been done in one change, as one diff: the steps, made fewer where two that follow each other come to one.

use crate::collections::tracked::Touch;

/// A diff of whatever kind.
pub(crate) trait Diff: Clone + Send + Sync + 'static {
    /// How much there is to keep, in items or so.
    fn weight(&self) -> usize;

    /// Two or more, none of them a batch.
    fn batch(steps: Vec<Self>) -> Self;

    /// Of a batch, its steps; of any other, itself.
    fn into_steps(self) -> Vec<Self>;

    /// Of an item.
    type Key: Ord + Clone + Send;

    /// May there be more items than before, or fewer?
    fn changes_len(&self) -> bool;

    /// What is another one than before; there are so many items now.
    fn touches(&self, len: usize, f: &mut dyn FnMut(Touch<'_, Self::Key>));

    /// Makes this and the next one into one.
    fn join(&mut self, next: Self) -> Joined<Self>;
}

/// What has become of two steps.
pub(crate) enum Joined<D> {
    /// They stay two.
    Not(D),
    /// One: what the other was is to be dropped.
    Merged(D),
    /// One, and nothing is left of the other.
    Whole,
    /// None: together they come to nothing.
    Annulled,
}

/// Things that must not be dropped under a lock: each is somebody's.
pub(crate) type Trash = Vec<Box<dyn Send>>;

/// The steps so far.
pub(crate) struct Log<D> {
    last: Option<D>,
    /// Before that.
    before: Vec<D>,
}

impl<D: Diff> Log<D> {
    pub(crate) fn new() -> Self {
        Log { last: None, before: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// The last step, to be made more of.
    pub(crate) fn last(&mut self) -> Option<&mut D> {
        self.last.as_mut()
    }

    #[inline]
    pub(crate) fn push(&mut self, step: D, trash: &mut Trash) {
        match &mut self.last {
            None => self.last = Some(step),
            Some(last) => match last.join(step) {
                Joined::Not(step) => self.before.extend(self.last.replace(step)),
                Joined::Merged(old) => trash.push(Box::new(old)),
                Joined::Whole => {}
                Joined::Annulled => {
                    let gone = std::mem::replace(&mut self.last, self.before.pop());
                    trash.push(Box::new(gone));
                }
            },
        }
    }

    /// To be dropped.
    pub(crate) fn into_steps(self) -> (Vec<D>, Option<D>) {
        (self.before, self.last)
    }

    /// All in one; none if nothing has been done. `reset` gives what there is now, and is called where that is less than
    /// the steps: `len` items.
    #[inline]
    pub(crate) fn finish(self, len: usize, reset: impl FnOnce() -> D, trash: &mut Trash) -> Option<D> {
        if self.before.is_empty() { self.last } else { self.finish_many(len, reset, trash) }
    }

    #[cold]
    fn finish_many(self, len: usize, reset: impl FnOnce() -> D, trash: &mut Trash) -> Option<D> {
        let steps = self.all();
        if steps.len() > FEW && steps.iter().map(Diff::weight).sum::<usize>() > len {
            trash.push(Box::new(steps));
            return Some(reset());
        }
        Some(D::batch(steps))
    }

    /// All in one, step by step.
    pub(crate) fn finish_steps(self) -> Option<D> {
        if self.before.is_empty() { self.last } else { Some(D::batch(self.all())) }
    }

    fn all(self) -> Vec<D> {
        let mut steps = self.before;
        steps.extend(self.last);
        steps
    }
}

/// So many steps are told as they are.
const FEW: usize = 16;
