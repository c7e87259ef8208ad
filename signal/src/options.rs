//! What a builder has said of a signal. Where nobody has, all of this is one flag to look at.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use settled::BoxError;

use crate::connection::Connection;
use crate::delivery::Delivery;
use crate::external::Publishers;
use crate::graph::Untracked;
use crate::hooks::{Connecting, Disconnecting, Notifying, Subscriber};
use crate::notification::Notification;
use crate::rank::Order;
use crate::refused::Reason;

pub(crate) type Validate<E> = Box<dyn Fn(&E) -> Result<(), BoxError> + Send + Sync>;
pub(crate) type OnNotify<E, R> = Box<dyn Fn(&Notifying<'_, E, R>, E) -> Notification<R> + Send + Sync>;
pub(crate) type OnConnect<E, R> =
    Box<dyn Fn(&Connecting<'_, E, R>, Subscriber<E, R>) -> Connection + Send + Sync>;
pub(crate) type OnDisconnect<E, R> = Box<dyn Fn(&Disconnecting<'_, E, R>) -> bool + Send + Sync>;

pub(crate) struct Options<E, R> {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) order: Order,
    /// The asynchronous handlers of one notification run one after another.
    pub(crate) sequential: bool,
    /// Of asynchronous handlers that are connected without saying.
    pub(crate) delivery: Delivery,
    pub(crate) validate: Option<Validate<E>>,
    pub(crate) on_notify: Option<OnNotify<E, R>>,
    pub(crate) on_connect: Option<OnConnect<E, R>>,
    pub(crate) on_disconnect: Option<OnDisconnect<E, R>>,
    /// Who is told of each notification.
    pub(crate) publishers: Publishers<E>,
    /// There is a validator, or a hook around `notify`.
    pub(crate) wraps_notify: bool,
}

impl<E, R> Options<E, R> {
    /// Is there more to a `notify` than to call the handlers?
    #[inline]
    pub(crate) fn is_wrapped(&self) -> bool {
        self.wraps_notify || self.publishers.any()
    }

    /// May the handlers be notified of this?
    pub(crate) fn validate(&self, event: &E) -> Result<(), Reason> {
        let Some(validate) = &self.validate else { return Ok(()) };
        let _untracked = Untracked::begin();
        match catch_unwind(AssertUnwindSafe(|| validate(event))) {
            Ok(result) => result.map_err(Reason::Error),
            Err(payload) => Err(Reason::Panic(payload)),
        }
    }
}

impl<E, R> Default for Options<E, R> {
    fn default() -> Self {
        Options {
            name: None,
            order: Order::default(),
            sequential: false,
            delivery: Delivery::default(),
            validate: None,
            on_notify: None,
            on_connect: None,
            on_disconnect: None,
            publishers: Publishers::default(),
            wraps_notify: false,
        }
    }
}
