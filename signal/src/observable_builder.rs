//! What can be said of an observable when it is made.

use std::fmt;
use std::sync::Arc;

use settled::BoxError;

use crate::change::Shared;
use crate::delivery::Delivery;
use crate::external::ExternalSignaller;
use crate::observable::Observable;
use crate::options::Options;
use crate::published::connect;
use crate::rules::{More, Rules};

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
    delivery: Delivery,
    external: Option<Arc<dyn ExternalSignaller>>,
}

impl<T> ObservableBuilder<T>
where
    T: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(value: T) -> Self {
        ObservableBuilder {
            value,
            name: None,
            rules: Rules::default(),
            delivery: Delivery::default(),
            external: None,
        }
    }

    /// A name, for people and for an [external signaller](ObservableBuilder::external).
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

    /// How asynchronous handlers of [`changed`](Observable::changed) get their events, if they do not
    /// [say](crate::ConnectBuilder::delivery) otherwise.
    ///
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// # use settled_signal::{Delivery, Observable, transaction};
    /// # transaction::block_on(async {
    /// let (level, saved) = (Observable::builder(0).delivery(Delivery::Coalesced).build(), Arc::new(Mutex::new(vec![])));
    /// level.connect_async({
    ///     let saved = saved.clone();
    ///     move |level| { let saved = saved.clone(); async move { saved.lock().unwrap().push(level) } }
    /// });
    /// transaction::scope(async { (1..100).for_each(|x| drop(level.set(x))) }).await.unwrap();
    /// assert_eq!(*saved.lock().unwrap(), [99]);
    /// # });
    /// ```
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Tells this one of each change, and of the observable itself, provided that it has a name: as an asynchronous handler
    /// would hear of it, behind all others. What comes in by [`ExternalSignal::notify`](crate::ExternalSignal::notify) is set
    /// as by [`Observable::set`], without an echo. See [`ExternalSignaller`].
    ///
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// # use async_trait::async_trait;
    /// # use settled_signal::{AnyEvent, ExternalSignal, ExternalSignaller, Observable, transaction::{self, Handled}};
    /// /// What is set in one is set in all others of that name.
    /// #[derive(Default)]
    /// struct Bus(Mutex<Vec<ExternalSignal>>);
    ///
    /// #[async_trait]
    /// impl ExternalSignaller for Bus {
    ///     fn register_signal(&self, signal: ExternalSignal) {
    ///         self.0.lock().unwrap().push(signal);
    ///     }
    ///     async fn publish(&self, from: &ExternalSignal, value: AnyEvent) -> Handled {
    ///         let others = self.0.lock().unwrap().clone();
    ///         for other in others.iter().filter(|other| !other.same(from)) {
    ///             other.notify(&*value).await?;
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// # transaction::block_on(async {
    /// let bus = Arc::new(Bus::default());
    /// let [here, there] = [(); 2].map(|()| Observable::builder(1).name("level").external(bus.clone()).build());
    /// transaction::scope(async { here.set(2); }).await.unwrap();
    /// assert_eq!(there.get(), 2);
    /// # });
    /// ```
    pub fn external(mut self, signaller: Arc<dyn ExternalSignaller>) -> Self {
        self.external = Some(signaller);
        self
    }

    /// Makes the observable.
    pub fn build(self) -> Observable<T> {
        let ObservableBuilder { value, name, rules, delivery, external } = self;
        let shared = Shared::new(value, Options { delivery, ..Options::default() }, name.clone());
        if !rules.is_empty() {
            shared.more.get_or_init(|| More::new(rules));
        }
        if let Some((signaller, name)) = external.zip(name) {
            let (signal, _) = connect(&shared, name, signaller.clone());
            signaller.register_signal(signal);
        }
        Observable::of(shared)
    }
}

impl<T> fmt::Debug for ObservableBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservableBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}
