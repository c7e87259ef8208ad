//! A run of items that is cheap to clone.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Items in order: a slice that is shared by its clones, so that cloning it costs a reference count.
///
/// It never changes. [`into_vec`](Items::into_vec) takes the items out, which clones them only where others have them too.
///
/// ```
/// # use settled_signal::Items;
/// let items = Items::from(vec![1, 2, 3]);
/// assert_eq!((items.len(), &items[1..]), (3, &[2, 3][..]));
/// assert_eq!(items.clone().into_vec(), [1, 2, 3]);
/// ```
pub struct Items<T>(Arc<Vec<T>>);

impl<T> Items<T> {
    /// The items as a slice.
    ///
    /// ```
    /// # use settled_signal::Items;
    /// assert_eq!(Items::from(vec!["a"]).as_slice(), ["a"]);
    /// ```
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// The items as a vector of one's own. Costs nothing where nobody else has them, else a clone of each.
    ///
    /// ```
    /// # use settled_signal::Items;
    /// assert_eq!(Items::from_iter("ab".chars()).into_vec(), ['a', 'b']);
    /// ```
    pub fn into_vec(self) -> Vec<T>
    where
        T: Clone,
    {
        Arc::unwrap_or_clone(self.0)
    }

    /// To be changed: in place if nobody else has it, else as a copy.
    #[inline]
    pub(crate) fn to_mut(&mut self) -> &mut Vec<T>
    where
        T: Clone,
    {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> Clone for Items<T> {
    fn clone(&self) -> Self {
        Items(self.0.clone())
    }
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Items(Arc::new(Vec::new()))
    }
}

impl<T> Deref for Items<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> From<Vec<T>> for Items<T> {
    fn from(items: Vec<T>) -> Self {
        Items(Arc::new(items))
    }
}

impl<T> FromIterator<T> for Items<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Items::from(Vec::from_iter(items))
    }
}

impl<T: Clone> IntoIterator for Items<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_vec().into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Items<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: PartialEq> PartialEq for Items<T> {
    fn eq(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }
}

impl<T: Eq> Eq for Items<T> {}

impl<T: PartialEq> PartialEq<[T]> for Items<T> {
    fn eq(&self, other: &[T]) -> bool {
        **self == *other
    }
}

impl<T: PartialEq> PartialEq<Vec<T>> for Items<T> {
    fn eq(&self, other: &Vec<T>) -> bool {
        *self.0 == *other
    }
}

impl<T: PartialEq, const N: usize> PartialEq<[T; N]> for Items<T> {
    fn eq(&self, other: &[T; N]) -> bool {
        **self == *other
    }
}

impl<T: fmt::Debug> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}
