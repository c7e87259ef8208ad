//! What happens in transactions, as tests and logs are told: [`Event`].

use std::fmt;
use std::panic::Location;

use crate::error::Place;
use crate::node::Node;
use crate::transaction::TransactionId;

/// Something that happened in a transaction: with the feature `testing` collected by
/// [`testing::Events`](crate::testing::Events), with the feature `tracing` told to the subscriber.
///
/// [`Display`](fmt::Display) is one line.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use settled::{EventKind, testing::Events};
///
/// let transaction = settled::Transaction::builder().name("import").begin();
/// let events = Events::of(&transaction);
/// transaction.add(async { Err::<(), _>("disk full") }).unwrap();
/// settled::block_on(transaction.end()).unwrap_err();
/// let events = events.take(); // added, ending, started, failed, closed
/// let (added, ending, failed) = (&events[0], &events[1], &events[3]);
/// assert_eq!((added.kind(), added.name()), (EventKind::Added, Some("import")));
/// assert_eq!((added.transaction(), ending.location()), (transaction.id(), transaction.location()));
/// assert!(added.future().is_some() && failed.future() == added.future() && ending.future().is_none());
/// assert_eq!((added.detail(), failed.detail()), (None, Some("disk full")));
/// assert_eq!(added.location().line(), transaction.location().line() + 2); // where it was added
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Event {
    pub(crate) kind: EventKind,
    pub(crate) transaction: TransactionId,
    pub(crate) name: Option<Box<str>>,
    pub(crate) location: Place,
    /// Of a future: its number.
    pub(crate) future: Option<u64>,
    /// What went wrong.
    pub(crate) detail: Option<Box<str>>,
}

/// What happened.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// let transaction = settled::Transaction::builder().name("import").begin();
/// let events = settled::testing::Events::of(&transaction);
/// transaction.add(async { Err::<(), _>("disk full") }).unwrap();
/// settled::block_on(transaction.end()).unwrap_err();
/// use settled::EventKind::{Added, Closed, Ending, Failed, Started};
///
/// assert_eq!(events.kinds(), [Added, Ending, Started, Failed, Closed]);
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// A scope was polled for the first time, or a transaction was begun.
    Begun,
    /// A future was added.
    Added,
    /// A future was not taken, as the transaction had closed.
    Refused,
    /// A future is polled for the first time.
    Started,
    /// A future is done. What it added may not be.
    Settled,
    /// A future is done with an error, or it panicked.
    Failed,
    /// A future was dropped before it was done: it was cancelled, or nested too deep.
    Dropped,
    /// An atomic transaction has committed: what it held back starts.
    Committed,
    /// An atomic transaction has handed over what it held back to the one around it.
    HandedOver,
    /// An atomic transaction has been rolled back: what it held back was dropped, and hooks have been called.
    RolledBack,
    /// The transaction closes when all in it has settled: its `end` is awaited, or the body of the scope is done.
    Ending,
    /// A transaction was dropped before it was ended.
    LeftOpen,
    /// What is pending in a transaction whose owner is gone lives on with the one above, or the root.
    Adopted,
    /// All has settled, and the transaction takes nothing more.
    Closed,
}

impl Event {
    pub(crate) fn of(kind: EventKind, node: &Node) -> Self {
        let (transaction, name) = (TransactionId::of(node), node.name.clone());
        Event { kind, transaction, name, location: node.location, future: None, detail: None }
    }

    /// What happened.
    ///
    /// Shown in the example of [`Event`].
    pub fn kind(&self) -> EventKind {
        self.kind
    }

    /// The transaction; of a future: the one that it was added to.
    ///
    /// Shown in the example of [`Event`].
    pub fn transaction(&self) -> TransactionId {
        self.transaction
    }

    /// The name of the transaction, if it has one.
    ///
    /// Shown in the example of [`Event`].
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where the transaction was begun; of a future: where that was added.
    ///
    /// Shown in the example of [`Event`].
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// The number of the future, unlike any other's in the process. `None` where it is the transaction itself to which
    /// something happened.
    ///
    /// Shown in the example of [`Event`].
    pub fn future(&self) -> Option<u64> {
        self.future
    }

    /// The error or the panic.
    ///
    /// Shown in the example of [`Event`].
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl EventKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            EventKind::Begun => "begun",
            EventKind::Added => "added",
            EventKind::Refused => "refused",
            EventKind::Started => "started",
            EventKind::Settled => "settled",
            EventKind::Failed => "failed",
            EventKind::Dropped => "dropped",
            EventKind::Committed => "committed",
            EventKind::HandedOver => "handed over",
            EventKind::RolledBack => "rolled back",
            EventKind::Ending => "ending",
            EventKind::LeftOpen => "left open",
            EventKind::Adopted => "adopted",
            EventKind::Closed => "closed",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event { kind, transaction, location, .. } = self;
        write!(f, "{location}: ")?;
        if let Some(future) = self.future {
            write!(f, "future {future} {kind} in ")?;
        }
        write!(f, "transaction {transaction}")?;
        if let Some(name) = &self.name {
            write!(f, " {name:?}")?;
        }
        if self.future.is_none() {
            write!(f, " {kind}")?;
        }
        self.detail.as_ref().map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}
