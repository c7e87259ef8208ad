//! Things that serve again: as many are kept as are needed, and no more than a bound.

/// How many more are kept than were needed.
const SPARE: usize = 64;

/// Things of one kind that nobody uses now.
pub(crate) struct Spares<T> {
    kept: Vec<T>,
    /// How many of them nobody has needed since the last trim.
    unused: usize,
}

impl<T> Spares<T> {
    pub(crate) const fn new() -> Self {
        Spares { kept: Vec::new(), unused: 0 }
    }

    #[inline]
    pub(crate) fn take(&mut self) -> Option<T> {
        let thing = self.kept.pop()?;
        self.unused = self.unused.min(self.kept.len());
        Some(thing)
    }

    /// Keeps it, or gives it back where there are `most` already.
    #[inline]
    pub(crate) fn put(&mut self, thing: T, most: usize) -> Option<T> {
        if self.kept.len() >= most {
            return Some(thing);
        }
        self.kept.push(thing);
        None
    }

    /// Are there so many that some may have to be given back?
    #[inline]
    pub(crate) fn is_large(&self) -> bool {
        self.kept.len() > SPARE
    }

    /// Gives back what only a burst needed.
    #[inline]
    pub(crate) fn trim(&mut self) {
        if self.is_large() {
            self.shrink();
        }
    }

    #[cold]
    fn shrink(&mut self) {
        if self.unused > SPARE {
            self.kept.truncate(self.kept.len() - (self.unused - SPARE));
            self.kept.shrink_to(2 * self.kept.len());
        }
        self.unused = self.kept.len();
    }
}

impl<T> Default for Spares<T> {
    fn default() -> Self {
        Spares::new()
    }
}
