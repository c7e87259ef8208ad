//! What went wrong, where it was made: [`Failure`], [`Failures`], [`ScopeError`], [`Closed`].

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Any error that can cross threads.
///
/// ```
/// let error: settled::BoxError = "disk full".into();
/// assert_eq!(error.to_string(), "disk full");
/// ```
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What a handler returns that may fail with anything.
///
/// ```
/// fn print(pages: u32) -> settled::Handled {
///     if pages > 100 { Err("out of paper")? } // any error will do
///     Ok(())
/// }
///
/// assert!(print(1).is_ok());
/// let failures = settled::block_on(settled::scope(async {
///     settled::add(async { print(101) });
/// }))
/// .unwrap_err();
/// assert_eq!(failures.first().unwrap().cause().to_string(), "out of paper");
/// ```
pub type Handled<T = ()> = Result<T, BoxError>;

/// Where a future was added.
pub(crate) type Place = &'static Location<'static>;

/// One failure in a transaction: an error, a panic, a cancellation or a misuse, and where its future was added.
///
/// Cloning is cheap (a reference count).
///
/// ```
/// # settled::block_on(async {
/// let failures = settled::scope(async { settled::add(async { Err::<(), _>("disk full") }); }).await.unwrap_err();
/// let failure = failures.first().unwrap();
/// assert!(failure.is_error());
/// assert!(failure.to_string().ends_with("disk full"));
/// assert!(failure.location().file().ends_with(".rs"));
/// # });
/// ```
#[derive(Clone)]
pub struct Failure(Arc<Inner>);

/// Set once somebody has received the failure.
pub(crate) type Received = Arc<AtomicBool>;

struct Inner {
    /// What happened.
    kind: Kind,
    /// Where the future that failed was added.
    location: Place,
    /// Somebody awaited it: it is not reported to anybody else.
    received: Received,
    /// The tree in which it was recorded first, and its place in the order of adding there.
    origin: OnceLock<(u64, u64)>,
}

pub(crate) enum Kind {
    Error(BoxError),
    Panic(Option<Box<str>>),
    Cancelled,
    WouldDeadlock,
    Uncommitted,
    TooDeep(Vec<Place>, u32),
    Closed,
}

impl Failure {
    pub(crate) fn new(kind: Kind, location: Place) -> Self {
        Failure(Arc::new(Inner { kind, location, received: Arc::default(), origin: OnceLock::new() }))
    }

    /// From what `catch_unwind` returned. The payload is dropped here: never call it under a lock.
    pub(crate) fn from_panic(payload: Box<dyn Any + Send>, location: Place) -> Self {
        let message = match payload.downcast::<&'static str>() {
            Ok(text) => Some(Box::from(*text)),
            Err(payload) => match payload.downcast::<String>() {
                Ok(text) => Some(text.into_boxed_str()),
                Err(payload) => {
                    drop_quietly(payload);
                    None
                }
            },
        };
        Failure::new(Kind::Panic(message), location)
    }

    pub(crate) fn receive(&self) {
        self.0.received.store(true, Ordering::Release);
    }

    pub(crate) fn is_received(&self) -> bool {
        self.0.received.load(Ordering::Acquire)
    }

    /// The mark alone: it outlives the failure.
    pub(crate) fn received(&self) -> Received {
        self.0.received.clone()
    }

    /// Its place in the order of adding in this tree: the first that it was given, however often it changes hands.
    pub(crate) fn serial_in(&self, tree_id: u64, serial: u64) -> u64 {
        match self.0.origin.get_or_init(|| (tree_id, serial)) {
            (origin, first) if *origin == tree_id => *first,
            _ => serial,
        }
    }

    pub(crate) fn same(&self, other: &Failure) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Did the future return an error?
    ///
    /// ```
    /// settled::block_on(settled::scope(async {
    ///     let failure = settled::add(async { Err::<(), _>("no") }).await.unwrap_err();
    ///     assert!(failure.is_error() && !failure.is_panic());
    /// }))
    /// .unwrap();
    /// ```
    pub fn is_error(&self) -> bool {
        matches!(self.0.kind, Kind::Error(_))
    }

    /// Did the future, its destructor or its callback panic?
    ///
    /// ```
    /// settled::block_on(settled::scope(async {
    ///     let failure = settled::add(async { panic!("no") }).await.unwrap_err();
    ///     assert!(failure.is_panic() && !failure.is_error());
    /// }))
    /// .unwrap();
    /// ```
    pub fn is_panic(&self) -> bool {
        matches!(self.0.kind, Kind::Panic(_))
    }

    /// Was the future dropped before it was done, because it was cancelled?
    ///
    /// ```
    /// settled::block_on(settled::scope(async {
    ///     let never = settled::add(std::future::pending::<()>());
    ///     never.cancel();
    ///     assert!(never.await.unwrap_err().is_cancelled());
    /// }))
    /// .unwrap();
    /// ```
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.kind, Kind::Cancelled)
    }

    /// Would waiting have meant waiting for oneself?
    ///
    /// ```
    /// settled::block_on(settled::scope(async {
    ///     let own = settled::current().unwrap();
    ///     let failures = own.end().await.unwrap_err(); // the body would wait for the body
    ///     assert!(failures.first().unwrap().is_would_deadlock());
    /// }))
    /// .unwrap();
    /// ```
    pub fn is_would_deadlock(&self) -> bool {
        matches!(self.0.kind, Kind::WouldDeadlock | Kind::Uncommitted)
    }

    /// Would waiting have meant waiting, inside an atomic transaction, for what starts only when that has committed? Such
    /// a failure also [would deadlock](Failure::is_would_deadlock).
    ///
    /// ```
    /// settled::block_on(settled::atomic(async {
    ///     let failure = settled::add(async {}).await.unwrap_err(); // it starts when the body has returned
    ///     assert!(failure.is_uncommitted() && failure.is_would_deadlock());
    ///     Ok::<_, String>(())
    /// }))
    /// .unwrap();
    /// ```
    pub fn is_uncommitted(&self) -> bool {
        matches!(self.0.kind, Kind::Uncommitted)
    }

    /// Was the future refused because it would have been nested deeper than the transaction allows?
    ///
    /// ```
    /// fn cascade() {
    ///     settled::add(async { cascade() });
    /// }
    ///
    /// let failures = settled::block_on(settled::scope(async { cascade() })).unwrap_err();
    /// assert!(failures.first().unwrap().is_too_deep());
    /// ```
    pub fn is_too_deep(&self) -> bool {
        matches!(self.0.kind, Kind::TooDeep(..))
    }

    /// Was there no open transaction to add the future to?
    ///
    /// ```
    /// let transaction = settled::begin();
    /// settled::block_on(transaction.end()).unwrap();
    /// let gather = transaction.gather([async {}]);
    /// assert!(settled::block_on(gather).unwrap_err().is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        matches!(self.0.kind, Kind::Closed)
    }

    /// The message of the panic, where it was one and had a text.
    ///
    /// ```
    /// settled::block_on(settled::scope(async {
    ///     let failure = settled::add(async { panic!("out of ink") }).await.unwrap_err();
    ///     assert_eq!(failure.panic_message(), Some("out of ink"));
    /// }))
    /// .unwrap();
    /// ```
    pub fn panic_message(&self) -> Option<&str> {
        match &self.0.kind {
            Kind::Panic(message) => message.as_deref(),
            _ => None,
        }
    }

    /// The error that the future returned.
    ///
    /// ```
    /// settled::block_on(settled::scope(async {
    ///     let failure = settled::add(async { Err::<(), _>("out of ink") }).await.unwrap_err();
    ///     assert_eq!(failure.error().unwrap().to_string(), "out of ink");
    /// }))
    /// .unwrap();
    /// ```
    pub fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match &self.0.kind {
            Kind::Error(error) => Some(&**error),
            _ => None,
        }
    }

    /// The error that the future returned, if it is an `E`.
    ///
    /// ```
    /// use std::num::ParseIntError;
    ///
    /// settled::block_on(settled::scope(async {
    ///     let failure = settled::add(async { "x".parse::<u32>() }).await.unwrap_err();
    ///     assert!(failure.downcast_ref::<ParseIntError>().is_some());
    ///     assert!(failure.downcast_ref::<std::io::Error>().is_none());
    /// }))
    /// .unwrap();
    /// ```
    pub fn downcast_ref<E>(&self) -> Option<&E>
    where
        E: Error + 'static,
    {
        self.error()?.downcast_ref::<E>()
    }

    /// What happened, as it is displayed, but without the place.
    ///
    /// ```
    /// # settled::block_on(async {
    /// let failures = settled::scope(async { settled::add(async { Err::<(), _>("disk full") }); }).await.unwrap_err();
    /// assert_eq!(failures.first().unwrap().cause().to_string(), "disk full");
    /// # });
    /// ```
    pub fn cause(&self) -> impl fmt::Display {
        Cause(self)
    }

    /// Where the future was added (for a wait that was refused: where the wait was asked for).
    ///
    /// ```
    /// settled::block_on(settled::scope(async {
    ///     let failure = settled::add(async { Err::<(), _>("no") }).await.unwrap_err();
    ///     assert!(failure.location().line() > 0);
    /// }))
    /// .unwrap();
    /// ```
    pub fn location(&self) -> &'static Location<'static> {
        self.0.location
    }
}

/// What happened, without where.
struct Cause<'a>(&'a Failure);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.0.0.location;
        match &self.0.0.kind {
            Kind::Error(error) => {
                write!(f, "{error}")?;
                let mut cause = error.source();
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
            Kind::Panic(Some(message)) => write!(f, "panicked: {message}"),
            Kind::Panic(None) => f.write_str("panicked"),
            Kind::Cancelled => f.write_str("cancelled"),
            Kind::WouldDeadlock => f.write_str("would deadlock: this waits for itself"),
            Kind::Uncommitted => f.write_str(
                "would deadlock: this waits for what starts only when the atomic transaction around has committed",
            ),
            Kind::Closed => f.write_str("the transaction is closed"),
            Kind::TooDeep(chain, depth) => {
                write!(f, "nested {depth} deep, more than the transaction's depth limit; added at {at}")?;
                chain.iter().try_for_each(|place| write!(f, ", from {place}"))
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.location, Cause(self))
    }
}

/// As [`Display`](fmt::Display): this is what `unwrap` and `main` print.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error()?.source()
    }
}

/// All failures of a transaction that nobody else received, in the order in which their futures were added.
///
/// At most 64 are kept; [`omitted`](Failures::omitted) counts the rest. Cloning is cheap.
///
/// ```
/// let failures = settled::block_on(settled::scope(async {
///     settled::add(async { Err::<(), _>("first") });
///     settled::add(async { Err::<(), _>("second") });
/// }))
/// .unwrap_err();
/// assert_eq!((failures.len(), failures.omitted()), (2, 0));
/// let causes: Vec<_> = failures.iter().map(|failure| failure.error().unwrap().to_string()).collect();
/// assert_eq!(causes, ["first", "second"]);
/// assert_eq!(failures.to_string().lines().count(), 2); // a line each, with its place
/// ```
#[derive(Clone, Default)]
pub struct Failures {
    /// `None` where there is none, so that the good case allocates nothing.
    kept: Option<Arc<[Failure]>>,
    /// How many there were beyond those kept.
    omitted: usize,
}

impl Failures {
    pub(crate) fn new(kept: Vec<Failure>, omitted: usize) -> Self {
        Failures { kept: (!kept.is_empty()).then(|| kept.into()), omitted }
    }

    pub(crate) fn one(failure: Failure) -> Self {
        Failures::new(vec![failure], 0)
    }

    /// `Err` of itself where there is any failure.
    pub(crate) fn into_result(self) -> Result<(), Failures> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }

    #[inline]
    pub(crate) fn receive(&self) {
        if self.kept.is_some() {
            self.iter().for_each(Failure::receive);
        }
    }

    fn as_slice(&self) -> &[Failure] {
        self.kept.as_deref().unwrap_or_default()
    }

    /// How many were kept. Those that were [omitted](Failures::omitted) come on top.
    ///
    /// ```
    /// let failures = settled::block_on(settled::scope(async {
    ///     settled::add(async { Err::<(), _>("first") });
    ///     settled::add(async { Err::<(), _>("second") });
    /// }))
    /// .unwrap_err();
    /// assert_eq!(failures.len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Has nothing failed?
    ///
    /// ```
    /// let settlement = settled::block_on(settled::wait_all());
    /// assert!(settlement.failures.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.omitted == 0
    }

    /// Those that were kept, in the order of adding.
    ///
    /// ```
    /// let failures = settled::block_on(settled::scope(async {
    ///     settled::add(async { Err::<(), _>("first") });
    ///     settled::add(async { Err::<(), _>("second") });
    /// }))
    /// .unwrap_err();
    /// let causes: Vec<_> = failures.iter().map(|failure| failure.cause().to_string()).collect();
    /// assert_eq!(causes, ["first", "second"]);
    /// ```
    pub fn iter(&self) -> std::slice::Iter<'_, Failure> {
        self.as_slice().iter()
    }

    /// The first one.
    ///
    /// ```
    /// let failures = settled::block_on(settled::scope(async {
    ///     settled::add(async { Err::<(), _>("first") });
    ///     settled::add(async { Err::<(), _>("second") });
    /// }))
    /// .unwrap_err();
    /// assert_eq!(failures.first().unwrap().cause().to_string(), "first");
    /// ```
    pub fn first(&self) -> Option<&Failure> {
        self.as_slice().first()
    }

    /// How many were counted, but not kept.
    ///
    /// ```
    /// let failures = settled::block_on(settled::scope(async {
    ///     for _ in 0..100 {
    ///         settled::add(async { Err::<(), _>("no") });
    ///     }
    /// }))
    /// .unwrap_err();
    /// assert_eq!((failures.len(), failures.omitted()), (64, 36));
    /// ```
    pub fn omitted(&self) -> usize {
        self.omitted
    }
}

impl<'a> IntoIterator for &'a Failures {
    type Item = &'a Failure;
    type IntoIter = std::slice::Iter<'a, Failure>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, failure) in self.iter().enumerate() {
            write!(f, "{}{failure}", if index == 0 { "" } else { "\n" })?;
        }
        if self.omitted > 0 {
            write!(f, "\n(and {} more)", self.omitted)?;
        }
        Ok(())
    }
}

/// As [`Display`](fmt::Display): this is what `unwrap` and `main` print.
impl fmt::Debug for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Failures {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.first().map(|first| first as &(dyn Error + 'static))
    }
}

/// Why a [`try_scope`](crate::try_scope) did not return its value.
///
/// ```
/// use settled::{ScopeError, add, block_on, try_scope};
///
/// let explain = |result: Result<(), ScopeError<&str>>| match result {
///     Ok(()) => "fine".to_string(),
///     Err(ScopeError::Body(error)) => format!("the body: {error}"),
///     Err(ScopeError::Failed(failures)) => format!("{} of what it set going", failures.len()),
///     Err(ScopeError::Refused(failure)) => format!("not committed: {failure}"),
/// };
/// assert_eq!(explain(block_on(try_scope(async { Err("no") }))), "the body: no");
/// let failing = try_scope(async {
///     add(async { Err::<(), _>("no") });
///     Ok(())
/// });
/// assert_eq!(explain(block_on(failing)), "1 of what it set going");
/// ```
pub enum ScopeError<E> {
    /// The body returned this error; all that it had set going has settled.
    Body(E),
    /// The body returned `Ok`, but something that it had set going failed.
    Failed(Failures),
    /// A check before the commit refused: nothing that was held back was started.
    Refused(Failure),
}

impl<E> ScopeError<E> {
    /// The failures of what the body had set going, where it is those.
    ///
    /// ```
    /// # settled::block_on(async {
    /// let error = settled::try_scope(async {
    ///     settled::add(async { Err::<(), _>("disk full") });
    ///     Ok::<_, String>(())
    /// });
    /// assert_eq!(error.await.unwrap_err().failures().unwrap().len(), 1);
    /// # });
    /// ```
    pub fn failures(&self) -> Option<&Failures> {
        match self {
            ScopeError::Failed(failures) => Some(failures),
            ScopeError::Body(_) | ScopeError::Refused(_) => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for ScopeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScopeError::Body(error) => fmt::Display::fmt(error, f),
            ScopeError::Failed(failures) => fmt::Display::fmt(failures, f),
            ScopeError::Refused(failure) => write!(f, "refused: {failure}"),
        }
    }
}

/// Failures are printed as by [`Display`](fmt::Display): this is what `unwrap` and `main` print.
impl<E: fmt::Debug> fmt::Debug for ScopeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScopeError::Body(error) => f.debug_tuple("Body").field(error).finish(),
            ScopeError::Failed(failures) => fmt::Display::fmt(failures, f),
            ScopeError::Refused(failure) => write!(f, "refused: {failure}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for ScopeError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ScopeError::Body(_) => None,
            ScopeError::Failed(failures) => failures.source(),
            ScopeError::Refused(failure) => Some(failure),
        }
    }
}

/// The transaction is closed: here is the future back.
///
/// ```
/// let transaction = settled::begin();
/// settled::block_on(transaction.end()).unwrap();
/// let settled::Closed(future) = transaction.add_value(async { 7 }).unwrap_err();
/// assert_eq!(settled::block_on(future), 7);
/// ```
pub struct Closed<F>(pub F);

impl<F> fmt::Display for Closed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the transaction is closed; the future that was to be added is in this error")
    }
}

impl<F> fmt::Debug for Closed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closed(..)")
    }
}

impl<F> Error for Closed<F> {}

/// Drops what a panic left behind, whose own destructor may panic.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(payload) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(value))) {
        std::mem::forget(payload);
    }
}

/// Calls what may panic where a panic has nowhere to go.
pub(crate) fn call_quietly(f: impl FnOnce()) {
    if let Err(payload) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) {
        drop_quietly(payload);
    }
}
