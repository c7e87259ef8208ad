//! What can be said of a signal when it is made.

use std::fmt;
use std::sync::Arc;

use settled::BoxError;

use crate::connection::Connection;
use crate::external::ExternalSignaller;
use crate::hooks::{Connecting, Disconnecting, Notifying, Subscriber};
use crate::notification::Notification;
use crate::options::Options;
use crate::rank::Order;
use crate::signal::Signal;
use crate::source::Source;

/// Makes a [`Signal`] with more to it: see [`Signal::builder`]. What is not used costs nothing.
///
/// ```
/// # use settled_signal::{Order, Signal};
/// let level = Signal::<i32>::builder()
///     .name("level")
///     .sequential()
///     .order(Order::TopDown)
///     .validate(|level: &i32| if *level < 100 { Ok(()) } else { Err("too high") })
///     .build();
/// assert_eq!(level.name(), Some("level"));
/// assert_eq!(level.try_notify(100).unwrap_err().value, 100);
/// ```
#[must_use = "it makes a signal only by `build`"]
pub struct SignalBuilder<E, R = ()> {
    options: Options<E, R>,
    external: Option<Arc<dyn ExternalSignaller>>,
}

impl<E, R> SignalBuilder<E, R>
where
    E: Clone + Send + Sync + 'static,
    R: Send + 'static,
{
    pub(crate) fn new() -> Self {
        SignalBuilder { options: Options::default(), external: None }
    }

    /// A name, for people and for an [external signaller](SignalBuilder::external).
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// The asynchronous handlers of one notification run one after another, in their order, each when the future of the one
    /// before is done. One that fails does not keep the next from running.
    ///
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// # use settled_signal::Signal;
    /// # settled::block_on(async {
    /// let (signal, log) = (Signal::<()>::builder().sequential().build(), Arc::new(Mutex::new(vec![])));
    /// for name in ["a", "b"] {
    ///     let log = log.clone();
    ///     signal.connect_async(move |()| {
    ///         let log = log.clone();
    ///         async move {
    ///             log.lock().unwrap().push(format!("{name} begins"));
    ///             pass().await;
    ///             log.lock().unwrap().push(format!("{name} ends"));
    ///         }
    ///     });
    /// }
    /// signal.notify(()).await.unwrap();
    /// assert_eq!(*log.lock().unwrap(), ["a begins", "a ends", "b begins", "b ends"]);
    /// # });
    /// # /// Lets the others go on.
    /// # async fn pass() {
    /// #     let mut passed = false;
    /// #     std::future::poll_fn(|cx| {
    /// #         cx.waker().wake_by_ref();
    /// #         if std::mem::replace(&mut passed, true) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    /// #     }).await
    /// # }
    /// ```
    pub fn sequential(mut self) -> Self {
        self.options.sequential = true;
        self
    }

    /// The asynchronous handlers of one notification run side by side: the default.
    pub fn concurrent(mut self) -> Self {
        self.options.sequential = false;
        self
    }

    /// How handlers that a model and its bases have declared are ordered.
    pub fn order(mut self, order: Order) -> Self {
        self.options.order = order;
        self
    }

    /// Looks at each event that `notify` is called with. If it is refused, no handler is called, no hook, and nothing is
    /// published; see [`Signal::notify`] and [`Signal::try_notify`]. A panic refuses, too.
    pub fn validate<F, X>(mut self, validate: F) -> Self
    where
        F: Fn(&E) -> Result<(), X> + Send + Sync + 'static,
        X: Into<BoxError>,
    {
        self.options.validate = Some(Box::new(move |event| validate(event).map_err(Into::into)));
        self
    }

    /// Wraps `notify`: the hook calls the handlers by [`Notifying::notify`], when and if it wants, with another event if it
    /// likes. What it returns is what `notify` returns. A panic in it is a failure of the notification.
    ///
    /// ```
    /// # use settled_signal::{Notification, Signal};
    /// let signal = Signal::<u32, u32>::builder()
    ///     .on_notify(|inner, x| if x == 0 { Notification::default() } else { inner.notify(x * 10) })
    ///     .build();
    /// signal.connect(|x| x + 1);
    /// assert_eq!(signal.notify(0).results(), Some(&[][..]));
    /// assert_eq!(signal.notify(1).results(), Some(&[11][..]));
    /// ```
    pub fn on_notify<F>(mut self, hook: F) -> Self
    where
        F: Fn(&Notifying<'_, E, R>, E) -> Notification<R> + Send + Sync + 'static,
    {
        self.options.on_notify = Some(Box::new(hook));
        self
    }

    /// Wraps `connect`, in all its forms: the hook connects by [`Connecting::connect`], when and if it wants, another handler
    /// if it likes, and may notify just this one. What it returns is what `connect` returns.
    ///
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// # use settled_signal::Signal;
    /// // Who comes late hears of what has been.
    /// let signal = Signal::<&str, &str>::builder()
    ///     .on_connect(|inner, subscriber| {
    ///         inner.notify_one(&subscriber, "welcome");
    ///         inner.connect(subscriber)
    ///     })
    ///     .build();
    /// let log = Arc::new(Mutex::new(vec![]));
    /// signal.connect({ let log = log.clone(); move |what| { log.lock().unwrap().push(*what); "thanks" } });
    /// signal.notify("news");
    /// assert_eq!(*log.lock().unwrap(), ["welcome", "news"]);
    /// ```
    ///
    /// Nothing keeps a hook from holding a signal in its closure that is this one: then neither is ever dropped.
    pub fn on_connect<F>(mut self, hook: F) -> Self
    where
        F: Fn(&Connecting<'_, E, R>, Subscriber<E, R>) -> Connection + Send + Sync + 'static,
    {
        self.options.on_connect = Some(Box::new(hook));
        self
    }

    /// Wraps `disconnect`, by whatever way: the hook disconnects by [`Disconnecting::disconnect`], when and if it wants, and may
    /// notify just this one. What it returns is what `disconnect` returns.
    ///
    /// Handlers that go because their objects are gone, because they have been called [once](crate::ConnectBuilder::once), by
    /// [`clear`](Signal::clear) or with the signal do so without it.
    ///
    /// ```
    /// # use settled_signal::Signal;
    /// let signal = Signal::<u32>::builder().on_disconnect(|_| false).build();
    /// let connection = signal.connect(|_| {});
    /// assert!(!connection.disconnect() && connection.is_connected());
    /// ```
    pub fn on_disconnect<F>(mut self, hook: F) -> Self
    where
        F: Fn(&Disconnecting<'_, E, R>) -> bool + Send + Sync + 'static,
    {
        self.options.on_disconnect = Some(Box::new(hook));
        self
    }

    /// Tells this one of each notification, and of the signal itself, provided that it has a name.
    /// See [`ExternalSignaller`].
    pub fn external(mut self, signaller: Arc<dyn ExternalSignaller>) -> Self {
        self.external = Some(signaller);
        self
    }

    /// Makes the signal.
    pub fn build(self) -> Signal<E, R> {
        let SignalBuilder { mut options, external } = self;
        options.wraps_notify = options.validate.is_some() || options.on_notify.is_some();
        let name = options.name.clone();
        let source = Source::new(options);
        if let Some((signaller, name)) = external.zip(name) {
            let (signal, _) = source.publish(name, signaller.clone());
            signaller.register_signal(signal);
        }
        Signal::of(source)
    }
}

impl<E, R> fmt::Debug for SignalBuilder<E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalBuilder")
            .field("name", &self.options.name)
            .field("order", &self.options.order)
            .field("sequential", &self.options.sequential)
            .finish_non_exhaustive()
    }
}
