//! What views there are of a sequence: the same of a vector and of a view.

use std::cmp::Ordering;

use crate::collections::operators::filter::Filter;
use crate::collections::operators::limit::Limit;
use crate::collections::operators::map::Map;
use crate::collections::operators::sort::Sort;
use crate::collections::vec::ObservableVec;
use crate::collections::vec_view::VecView;
use crate::collections::worker::Keep;

impl<T: Clone + Send + Sync + 'static> ObservableVec<T> {
    /// It is not kept by its views.
    fn keep(&self) -> Keep {
        None
    }
}

macro_rules! views {
    ($of:ident) => {
        impl<T: Clone + Send + Sync + 'static> $of<T> {
            /// The items that `f` says yes to, in step.
            ///
            /// ```
            /// # use settled_signal::ObservableVec;
            /// let numbers = ObservableVec::from(vec![1, 2]);
            /// let even = numbers.filter(|x| x % 2 == 0);
            /// numbers.set(0, 4);
            /// assert_eq!(even.to_vec(), [4, 2]);
            /// ```
            ///
            /// # Panics
            ///
            /// If `f` does, of an item that is there.
            pub fn filter(&self, f: impl Fn(&T) -> bool + Send + 'static) -> VecView<T> {
                VecView::of(self.core(), self.keep(), Filter::new(f))
            }

            /// Each item made into another, in step.
            ///
            /// ```
            /// # use settled_signal::ObservableVec;
            /// let numbers = ObservableVec::from(vec![1, 2]);
            /// let texts = numbers.map(|x| x.to_string());
            /// numbers.insert(0, 7);
            /// assert_eq!(texts.to_vec(), ["7", "1", "2"]);
            /// ```
            ///
            /// # Panics
            ///
            /// If `f` does, of an item that is there.
            pub fn map<U>(&self, f: impl Fn(&T) -> U + Send + 'static) -> VecView<U>
            where
                U: Clone + Send + Sync + 'static,
            {
                VecView::of(self.core(), self.keep(), Map(f))
            }

            /// The items in another order, in step; those that are equal in the order in which they are here.
            ///
            /// Where `compare` is no total order the items are in some order.
            ///
            /// ```
            /// # use settled_signal::ObservableVec;
            /// let numbers = ObservableVec::from(vec![2, 3]);
            /// let falling = numbers.sort_by(|a, b| b.cmp(a));
            /// numbers.extend([1, 4]);
            /// assert_eq!(falling.to_vec(), [4, 3, 2, 1]);
            /// ```
            ///
            /// # Panics
            ///
            /// If `compare` does, of items that are there.
            pub fn sort_by(&self, compare: impl Fn(&T, &T) -> Ordering + Send + 'static) -> VecView<T> {
                VecView::of(self.core(), self.keep(), Sort::new(compare))
            }

            /// As `sort_by`, in the order of what `key` makes of each item. It is called for each comparison, twice.
            ///
            /// ```
            /// # use settled_signal::ObservableVec;
            /// let words = ObservableVec::from(vec!["three", "one"]);
            /// let by_length = words.sort_by_key(|word| word.len());
            /// words.push("four");
            /// assert_eq!(by_length.to_vec(), ["one", "four", "three"]);
            /// ```
            ///
            /// # Panics
            ///
            /// If `key` does, of an item that is there.
            pub fn sort_by_key<S: Ord>(&self, key: impl Fn(&T) -> S + Send + 'static) -> VecView<T> {
                self.sort_by(move |a, b| key(a).cmp(&key(b)))
            }

            /// The first items, so many at most, in step.
            ///
            /// ```
            /// # use settled_signal::ObservableVec;
            /// let scores = ObservableVec::from(vec![5, 9]);
            /// let best = scores.sort_by(|a, b| b.cmp(a)).limit(2);
            /// scores.push(7);
            /// assert_eq!(best.to_vec(), [9, 7]);
            /// ```
            pub fn limit(&self, limit: usize) -> VecView<T> {
                VecView::of(self.core(), self.keep(), Limit::new(limit))
            }
        }
    };
}

views!(ObservableVec);
views!(VecView);
