//! What happened in a transaction, for tests: [`Events`].

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::event::{Event, EventKind};
use crate::node::Node;
use crate::sync::lock;
use crate::transaction::Transaction;

/// How many are collecting in this process.
static COLLECTING: AtomicUsize = AtomicUsize::new(0);

/// Collects the [`Event`]s of one transaction and everything that is begun in it or added to it from now on. Clones share
/// what they collect.
///
/// Events of other transactions are not seen, so that tests may run side by side in one process. Nobody collecting
/// anywhere, it costs one load for each future added.
///
/// ```
/// use settled::{EventKind, testing::Events};
///
/// let transaction = settled::begin();
/// let events = Events::of(&transaction);
/// transaction.add(async { Err::<(), _>("disk full") }).unwrap();
/// settled::block_on(transaction.end()).unwrap_err();
///
/// use EventKind::{Added, Closed, Ending, Failed, Started};
/// assert_eq!(events.kinds(), [Added, Ending, Started, Failed, Closed]);
/// assert_eq!(events.take()[3].detail(), Some("disk full"));
/// ```
#[derive(Clone)]
pub struct Events(Arc<Record>);

struct Record {
    events: Mutex<Vec<Event>>,
}

impl Events {
    /// Collects from now on. Of a transaction whose events are collected already: the same collection.
    ///
    /// ```
    /// use settled::testing::Events;
    ///
    /// let transaction = settled::begin();
    /// let (events, same) = (Events::of(&transaction), Events::of(&transaction));
    /// transaction.add(async {}).unwrap();
    /// assert_eq!((events.take().len(), same.take().len()), (1, 0)); // taken once
    /// # settled::block_on(transaction.end()).unwrap();
    /// ```
    pub fn of(transaction: &Transaction) -> Events {
        transaction.node().watch.events.get_or_init(Events::new).clone()
    }

    fn new() -> Self {
        COLLECTING.fetch_add(1, Ordering::Relaxed);
        Events(Arc::new(Record { events: Mutex::default() }))
    }

    #[inline]
    pub(crate) fn are_collected() -> bool {
        COLLECTING.load(Ordering::Relaxed) > 0
    }

    /// Who collects what happens in this node.
    pub(crate) fn above(node: &Arc<Node>) -> Option<Events> {
        let mut at = Some(node);
        while let Some(node) = at {
            if let Some(events) = node.watch.events.get() {
                return Some(events.clone());
            }
            at = node.parent.as_ref();
        }
        None
    }

    pub(crate) fn push(&self, event: Event) {
        lock(&self.0.events).push(event);
    }

    /// What has been collected since the last `take`.
    ///
    /// ```
    /// let transaction = settled::begin();
    /// let events = settled::testing::Events::of(&transaction);
    /// transaction.add(async {}).unwrap();
    /// assert_eq!(events.take()[0].transaction(), transaction.id());
    /// assert!(events.take().is_empty());
    /// # settled::block_on(transaction.end()).unwrap();
    /// ```
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *lock(&self.0.events))
    }

    /// The kinds of what has been collected. It stays.
    ///
    /// ```
    /// let transaction = settled::begin();
    /// let events = settled::testing::Events::of(&transaction);
    /// transaction.add(async {}).unwrap();
    /// assert_eq!(events.kinds(), [settled::EventKind::Added]);
    /// assert_eq!(events.kinds().len(), 1); // still there
    /// # settled::block_on(transaction.end()).unwrap();
    /// ```
    pub fn kinds(&self) -> Vec<EventKind> {
        lock(&self.0.events).iter().map(Event::kind).collect()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        COLLECTING.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(lock(&self.0.events).iter()).finish()
    }
}
