//! Hearing of what would otherwise go unseen: [`Report`], [`set_reporter`].

use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Place;

/// Something that was left to the root transaction, and where it was made.
///
/// Its [`Display`](fmt::Display) is one line that says what to do about it.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// let heard = Arc::new(Mutex::new(Vec::new()));
/// let log = heard.clone();
/// settled::set_reporter(move |report| log.lock().unwrap().push(report.to_string()));
/// settled::add(async {}); // no transaction is current here
/// assert!(heard.lock().unwrap()[0].contains("wrap it in `scope(..).await`"));
/// # settled::block_on(settled::wait_all());
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    kind: Kind,
    location: Place,
    name: Option<Box<str>>,
    count: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Added where no transaction was current.
    Ambient,
    /// A transaction was dropped before it was ended.
    LeftOpen,
    /// A scope was dropped half-way, and nobody was above it.
    Dropped,
    /// A local transaction was dropped before it was ended, and no other had its local futures.
    DroppedLocal,
    /// A registry was dropped with work in it; so many failures were in it that nobody had received.
    Registry { failures: usize },
}

impl Report {
    /// Where the future was added, or the transaction was begun.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// let heard = Arc::new(Mutex::new(Vec::new()));
    /// let log = heard.clone();
    /// settled::set_reporter(move |report| log.lock().unwrap().push(report.clone()));
    /// let transaction = settled::begin();
    /// let begun = transaction.location();
    /// drop(transaction); // nobody ended it
    /// assert_eq!(heard.lock().unwrap()[0].location(), begun);
    /// ```
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// The name of the transaction, if it has one.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// let heard = Arc::new(Mutex::new(Vec::new()));
    /// let log = heard.clone();
    /// settled::set_reporter(move |report| log.lock().unwrap().push(report.clone()));
    /// drop(settled::Transaction::builder().name("import").begin()); // nobody ended it
    /// assert_eq!(heard.lock().unwrap()[0].name(), Some("import"));
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// How many futures were left: of one that was added outside any transaction, how many such there have been.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// let heard = Arc::new(Mutex::new(Vec::new()));
    /// let log = heard.clone();
    /// settled::set_reporter(move |report| log.lock().unwrap().push(report.clone()));
    /// let transaction = settled::begin();
    /// transaction.add(async {}).unwrap();
    /// transaction.add(async {}).unwrap();
    /// drop(transaction); // nobody ended it
    /// assert_eq!(heard.lock().unwrap()[0].count(), 2);
    /// # settled::block_on(settled::wait_all());
    /// ```
    pub fn count(&self) -> usize {
        self.count
    }

    /// Was a future added where no transaction was current?
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// let heard = Arc::new(Mutex::new(Vec::new()));
    /// let log = heard.clone();
    /// settled::set_reporter(move |report| log.lock().unwrap().push(report.clone()));
    /// settled::add(async {}); // no transaction is current here
    /// assert!(heard.lock().unwrap()[0].is_outside());
    /// # settled::block_on(settled::wait_all());
    /// ```
    pub fn is_outside(&self) -> bool {
        self.kind == Kind::Ambient
    }

    /// Were local futures dropped, with the owner of their local transaction?
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// let heard = Arc::new(Mutex::new(Vec::new()));
    /// let log = heard.clone();
    /// settled::set_reporter(move |report| log.lock().unwrap().push(report.clone()));
    /// let local = settled::begin_local();
    /// local.add_local(async {}).unwrap();
    /// drop(local); // nobody ended it: no other thread can poll what is in it
    /// assert!(heard.lock().unwrap().iter().any(|report| report.is_dropped_local()));
    /// # settled::block_on(settled::wait_all());
    /// ```
    pub fn is_dropped_local(&self) -> bool {
        self.kind == Kind::DroppedLocal
    }

    /// Was a transaction dropped before it was ended?
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// let heard = Arc::new(Mutex::new(Vec::new()));
    /// let log = heard.clone();
    /// settled::set_reporter(move |report| log.lock().unwrap().push(report.clone()));
    /// drop(settled::begin()); // nobody ended it
    /// assert!(heard.lock().unwrap()[0].is_left_open());
    /// ```
    pub fn is_left_open(&self) -> bool {
        self.kind == Kind::LeftOpen
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { kind, location, name, count } = self;
        let pending = *count;
        let name = name.as_deref().map(|name| format!(" `{name}`")).unwrap_or_default();
        match kind {
            Kind::Ambient => write!(
                f,
                "{location}: settled: a future was added outside any transaction ({count} so far); it runs when the root \
                 is driven: wrap it in `scope(..).await`, or `set_root_spawner`, or await `wait_all`"
            ),
            Kind::LeftOpen if pending == 0 => write!(
                f,
                "{location}: settled: the transaction{name} begun here was dropped before it was ended; nothing was pending: \
                 await its `end()`, or use `scope(..).await`"
            ),
            Kind::LeftOpen => write!(
                f,
                "{location}: settled: the transaction{name} begun here was dropped before it was ended, with {pending} \
                 pending; they were adopted: await its `end()`, or use `scope(..).await`"
            ),
            Kind::DroppedLocal => write!(
                f,
                "{location}: settled: the local transaction{name} begun here was dropped before it was done, and with it \
                 {pending} local futures: no other thread could adopt them; await it to its end"
            ),
            Kind::Registry { failures } => write!(
                f,
                "{location}: settled: the registry made here was dropped with {pending} pending in its root, which were \
                 cancelled, and {failures} failures that nobody had received: await its `wait_all()`"
            ),
            Kind::Dropped => write!(
                f,
                "{location}: settled: a scope{name} was dropped half-way, with {pending} pending; they were adopted by the \
                 root: `set_root_spawner`, or await `wait_all`, to have them driven"
            ),
        }
    }
}

type Reporter = Arc<dyn Fn(&Report) + Send + Sync>;

static REPORTER: Mutex<Option<Reporter>> = Mutex::new(None);

/// Sets who hears of futures that were added outside any transaction (at the 1st, 2nd, 4th, 8th.. of them) and of
/// transactions that were dropped before they were ended, or with local futures in them.
///
/// Without one, each report is a line on stderr. It is called on the thread where it happened, by the code that it
/// happened in, with no lock held; a panic in it is swallowed.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicUsize, Ordering}};
///
/// let heard = Arc::new(AtomicUsize::new(0));
/// let count = heard.clone();
/// settled::set_reporter(move |_report| { count.fetch_add(1, Ordering::Relaxed); });
/// drop(settled::begin()); // nobody ended it
/// assert_eq!(heard.load(Ordering::Relaxed), 1);
/// ```
pub fn set_reporter(reporter: impl Fn(&Report) + Send + Sync + 'static) {
    let old = lock().replace(Arc::new(reporter));
    drop(old);
}

fn lock() -> std::sync::MutexGuard<'static, Option<Reporter>> {
    REPORTER.lock().unwrap_or_else(PoisonError::into_inner)
}

fn send(report: &Report) {
    let reporter = lock().clone();
    match reporter {
        Some(reporter) => crate::error::call_quietly(|| reporter(report)),
        None => eprintln!("{report}"),
    }
}

/// Tells only the 1st, 2nd, 4th, 8th..
fn send_seldom(seen: &AtomicUsize, report: impl FnOnce(usize) -> Report) {
    let count = seen.fetch_add(1, Ordering::Relaxed) + 1;
    if count.is_power_of_two() {
        send(&report(count));
    }
}

pub(crate) fn outside(location: Place) {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    send_seldom(&SEEN, |count| Report { kind: Kind::Ambient, location, name: None, count });
}

pub(crate) fn left_open(location: Place, name: Option<&str>, count: usize) {
    send(&Report { kind: Kind::LeftOpen, location, name: name.map(Box::from), count });
}

pub(crate) fn dropped_local(location: Place, name: Option<&str>, count: usize) {
    send(&Report { kind: Kind::DroppedLocal, location, name: name.map(Box::from), count });
}

pub(crate) fn dropped(location: Place, name: Option<&str>, count: usize) {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    send_seldom(&SEEN, |_| Report { kind: Kind::Dropped, location, name: name.map(Box::from), count });
}

pub(crate) fn registry(location: Place, count: usize, failures: usize) {
    send(&Report { kind: Kind::Registry { failures }, location, name: None, count });
}
