//! What can be said of an observable when it is made.

use std::fmt;
use std::sync::Arc;

use settled::BoxError;

use crate::observable::Observable;
use crate::rules::Rules;

/// Makes an [`Observable`] with more to it: see [`Observable::builder`]. What is not used costs nothing.
///
/// ```
/// # use settled_signal::Observable;
/// let level = Observable::builder(1)
///     .name("level")
///     .validate(|level: &i32| if *level < 100 { Ok(()) } else { Err("overflow") })
///     .gated()
///     .build();
/// assert_eq!(level.name(), Some("level"));
/// assert_eq!(level.try_set(200).unwrap_err().value, 200);
/// ```
#[must_use = "it makes an observable only by `build`"]
pub struct ObservableBuilder<T> {
    value: T,
    name: Option<Arc<str>>,
    rules: Rules<T>,
}

impl<T> ObservableBuilder<T>
where
    T: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(value: T) -> Self {
        ObservableBuilder { value, name: None, rules: Rules::default() }
    }

    /// A name, for people.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Looks at each value before it is stored. What is refused is not stored, and nobody hears of it; see
    /// [`Observable::set`] and [`Observable::try_set`]. A panic refuses, too. Several validators are asked in order.
    ///
    /// The first value is not looked at, nor is what a rollback restores.
    ///
    /// An [`update`](Observable::update) works on a clone then, which is stored if it is not refused: a clone more, and others
    /// wait for the validator as for the update itself. Everywhere else validators run with nothing locked.
    ///
    /// ```
    /// # use settled_signal::{Observable, transaction};
    /// # transaction::block_on(async {
    /// let level = Observable::builder(1).validate(|x: &i32| if *x < 100 { Ok(()) } else { Err("overflow") }).build();
    /// let failures = transaction::scope(async { level.update(|x| *x += 100); }).await.unwrap_err();
    /// assert!(failures.to_string().ends_with("overflow"));
    /// assert_eq!(level.get(), 1);
    /// # });
    /// ```
    pub fn validate<F, X>(mut self, validate: F) -> Self
    where
        F: Fn(&T) -> Result<(), X> + Send + Sync + 'static,
        X: Into<BoxError>,
    {
        self.rules.validate.push(Box::new(move |value| validate(value).map_err(Into::into)));
        self
    }

    /// Has each set compare: what equals the value that stands is no change, and nobody hears of it, streams neither.
    ///
    /// Costs a comparison under the lock, and an [`update`](Observable::update) a clone.
    ///
    /// ```
    /// # use settled_signal::Observable;
    /// let level = Observable::builder(1).gated().build();
    /// level.connect(|_| Err("changed"));
    /// assert!(settled::block_on(level.set(1)).is_ok());
    /// assert!(settled::block_on(level.set(2)).is_err());
    /// ```
    pub fn gated(mut self) -> Self
    where
        T: PartialEq,
    {
        self.rules.gate = Some(T::eq);
        self
    }

    /// Makes the observable.
    pub fn build(self) -> Observable<T> {
        Observable::built(self.value, self.name, self.rules)
    }
}

impl<T> fmt::Debug for ObservableBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservableBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}
