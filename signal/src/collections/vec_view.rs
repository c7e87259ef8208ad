//! Views of sequences, and what makes them.

use std::fmt;
use std::sync::Arc;

use futures::Stream;

use crate::collections::contents::Contents;
use crate::collections::diff::VecDiff;
use crate::collections::feeds::{DiffStream, Feeding};
use crate::collections::log::Diff;
use crate::collections::sequence::Sequence;
use crate::collections::tracked::Read;
use crate::collections::worker::{Keep, Operator, Shown, Upstream, Worker};
use crate::source::Source;

/// A sequence that stays in step with another collection: made by [`filter`](crate::ObservableVec::filter),
/// [`map`](crate::ObservableVec::map), [`sort_by`](crate::ObservableVec::sort_by) and others, of a vector, of another view, or
/// of a map.
///
/// A handle: clones are the same view. It is there as long as there is a handle, a stream, or a view of it; what it is a view
/// of does not keep it, nor the other way round. It hears of each change before the handlers of what it is a view of do,
/// in the same order, so that a handler that looks at it finds it in step with the change of which he hears. Where changes wait
/// to be told, it shows what has been told.
///
/// Its own handlers are called as part of that change: what they owe is waited for by the transaction of its setter. While a
/// change is uncommitted that it shows, asynchronous handlers hear nothing; when nothing is any more, they hear of all that
/// was committed in one diff.
///
/// # Cost
///
/// A change of one item costs the logarithm of the number of items, for each view that it goes through; so does
/// [`get`](VecView::get). The closure is called once for each item that comes in or is set, without any lock. Where it
/// panics, that is a failure of the setter's notification, and the view is made anew, from all items, at the next change.
///
/// ```
/// # use settled_signal::ObservableVec;
/// let numbers = ObservableVec::from(vec![3, 8, 4]);
/// let even = numbers.filter(|x| x % 2 == 0).map(|x| x * 10).sort_by(|a, b| a.cmp(b));
/// assert_eq!(even.to_vec(), [40, 80]);
/// numbers.push(6);
/// numbers.remove(1);
/// assert_eq!(even.to_vec(), [40, 60]);
/// ```
pub struct VecView<T: Clone + Send + Sync + 'static> {
    shown: Arc<Shown<Sequence<T>>>,
    worker: Arc<dyn Feeding<VecDiff<T>>>,
}

impl<T: Clone + Send + Sync + 'static> VecView<T> {
    pub(crate) fn of<In: Diff>(
        upstream: &Arc<impl Upstream<In> + 'static>,
        keep: Keep,
        operator: impl Operator<In, VecDiff<T>>,
    ) -> Self {
        let worker = Worker::start(upstream, keep, operator, Sequence::new());
        VecView { shown: worker.shown().clone(), worker }
    }

    pub(crate) fn core(&self) -> &Arc<Shown<Sequence<T>>> {
        &self.shown
    }

    pub(crate) fn keep(&self) -> Keep {
        Some(Box::new(self.worker.clone()))
    }

    /// The item at this index (a clone of it).
    ///
    /// ```
    /// # use settled_signal::ObservableVec;
    /// let even = ObservableVec::from(vec![1, 2]).filter(|x| x % 2 == 0);
    /// assert_eq!((even.get(0), even.get(1)), (Some(2), None));
    /// ```
    pub fn get(&self, index: usize) -> Option<T> {
        self.shown.read(|| Read::Item(index), |items| items.get(index).cloned())
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.shown.read(|| Read::Len, |items| items.len())
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items (clones of them).
    pub fn to_vec(&self) -> Vec<T> {
        self.shown.read(|| Read::All, |items| items.iter().cloned().collect())
    }

    /// Where handlers connect that want to hear of changes of what is shown.
    ///
    /// ```
    /// # use settled_signal::{ObservableVec, VecDiff};
    /// # use std::sync::{Arc, Mutex};
    /// let numbers = ObservableVec::new();
    /// let (even, seen) = (numbers.filter(|x| x % 2 == 0), Arc::new(Mutex::new(vec![])));
    /// even.changed().connect({ let seen = seen.clone(); move |diff| seen.lock().unwrap().push(diff.clone()) });
    /// numbers.extend([1, 2, 3]);
    /// numbers.push(5);
    /// assert_eq!(*seen.lock().unwrap(), [VecDiff::Append { values: vec![2].into() }]);
    /// ```
    pub fn changed(&self) -> &Source<VecDiff<T>> {
        &self.shown.changed
    }

    /// The diffs as a stream, beginning with a [`Reset`](VecDiff::Reset) to what there is at the first poll; otherwise as
    /// [that of a vector](crate::ObservableVec::stream). It keeps the view, and ends when that has come to its end: with the
    /// last handle of what it is a view of.
    ///
    /// ```
    /// # use futures::StreamExt;
    /// # use settled_signal::{ObservableVec, VecDiff};
    /// # settled::block_on(async {
    /// let numbers = ObservableVec::from(vec![1, 2]);
    /// let mut even = numbers.filter(|x| x % 2 == 0).stream();
    /// assert_eq!(even.next().await, Some(VecDiff::Reset { values: vec![2].into() }));
    /// numbers.push(4);
    /// drop(numbers);
    /// assert_eq!(even.next().await, Some(VecDiff::Insert { index: 1, value: 4 }));
    /// assert_eq!(even.next().await, None);
    /// # });
    /// ```
    pub fn stream(&self) -> impl Stream<Item = VecDiff<T>> + Send + Sync + Unpin + use<T> {
        DiffStream::new(self.worker.clone())
    }
}

impl<T: Clone + Send + Sync + 'static> Clone for VecView<T> {
    fn clone(&self) -> Self {
        VecView { shown: self.shown.clone(), worker: self.worker.clone() }
    }
}

/// Shows the items (clones of them, without holding the lock).
impl<T: fmt::Debug + Clone + Send + Sync + 'static> fmt::Debug for VecView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VecView").field(&self.to_vec()).finish()
    }
}
