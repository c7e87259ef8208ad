//! Bodies whose futures stay on their thread: [`scope_local`].

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::error::{Failures, Place};
use crate::local::{Locals, Owner};
use crate::open::Options;
use crate::scope::{Outcome, Scope, ScopeOutcome};
use crate::transaction::current_node;
use crate::waker::Seat;

/// As [`scope`](crate::scope), and futures that are not `Send` can be added in it: with [`add_local`](crate::add_local),
/// in the body, in what was added so, and in everything else that this drives.
///
/// The local ones are polled by this future alone, after the body and what else it drives; others who wait for the
/// transaction wait for it. So it stays on its thread, and must be polled for anything local to go on.
///
/// If it is dropped half-way, the local futures go to the next open local transaction around, if there is one: they
/// cannot be adopted by another thread. Else they are dropped, too: their handles are told that they were
/// [cancelled](crate::Failure::is_cancelled), and the [reporter](crate::set_reporter) hears of it. What is not local is
/// adopted as always.
///
/// # Errors
///
/// As [`scope`](crate::scope). A `Result` that the body returns is its value: `scope_local(..).await??` tells both.
///
/// # Panics
///
/// As [`scope`](crate::scope).
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
///
/// let log = Rc::new(RefCell::new(Vec::new()));
/// let of_body = log.clone();
/// settled::block_on(settled::scope_local(async move {
///     let of_child = of_body.clone();
///     settled::add_local(async move { of_child.borrow_mut().push("child") });
///     of_body.borrow_mut().push("body");
/// }))
/// .unwrap();
/// assert_eq!(*log.borrow(), ["body", "child"]);
/// ```
///
/// It cannot be sent to another thread:
///
/// ```compile_fail,E0277
/// fn is_send(_: impl Send) {}
/// is_send(settled::scope_local(async {}));
/// ```
#[track_caller]
pub fn scope_local<F: Future>(body: F) -> LocalScope<F> {
    LocalScope::new(body, Options::default(), Location::caller())
}

pin_project! {
    /// The future of [`scope_local`].
    ///
    /// ```
    /// let scope = settled::scope_local(async { 5 });
    /// assert_eq!(settled::block_on(scope).unwrap(), 5);
    /// ```
    #[must_use = "a scope does nothing unless it is awaited"]
    pub struct LocalScope<F: Future> {
        // Dropped first: it tells what became of the local futures.
        local: Attendant,
        #[pin]
        scope: Scope<LocalBody<F>>,
    }
}

pin_project! {
    /// The future of [`LocalScope::outcome`].
    ///
    /// ```
    /// let outcome = settled::block_on(settled::scope_local(async { 5 }).outcome());
    /// assert_eq!((outcome.value, outcome.failures.len()), (5, 0));
    /// ```
    #[must_use = "a scope does nothing unless it is awaited"]
    pub struct LocalScopeOutcome<F: Future> {
        local: Attendant,
        #[pin]
        scope: ScopeOutcome<LocalBody<F>>,
    }
}

/// The owner of a list, and his seat among those who poll it.
struct Attendant {
    owner: Owner,
    seat: Seat,
}

impl Attendant {
    /// Polls the scope, then what is local.
    fn poll<R>(&mut self, cx: &mut Context<'_>, scope: impl FnOnce(&mut Context<'_>) -> Poll<R>) -> Poll<R> {
        let Attendant { owner, seat } = self;
        let polled = owner.list.attend(|| {
            let polled = scope(cx);
            if polled.is_pending() {
                owner.list.poll(seat, cx);
            }
            polled
        });
        if polled.is_ready() {
            owner.list.leave(seat);
        }
        polled
    }
}

pin_project! {
    /// A body that has the list know its transaction.
    struct LocalBody<F> {
        #[pin]
        body: F,
        list: Rc<Locals>,
    }
}

impl<F: Future> Future for LocalBody<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.list.belong_to(current_node);
        this.body.poll(cx)
    }
}

impl<F: Future> LocalScope<F> {
    pub(crate) fn new(body: F, options: Options, location: Place) -> Self {
        let owner = Owner::new(location);
        let body = LocalBody { body, list: owner.list.clone() };
        LocalScope { local: Attendant { owner, seat: None }, scope: Scope::new(body, options, location) }
    }

    /// Resolves with the value and the failures.
    ///
    /// ```
    /// let outcome = settled::block_on(
    ///     settled::scope_local(async {
    ///         settled::add_local(async { Err::<(), _>("disk full") });
    ///         3
    ///     })
    ///     .outcome(),
    /// );
    /// assert_eq!((outcome.value, outcome.failures.len()), (3, 1));
    /// ```
    pub fn outcome(self) -> LocalScopeOutcome<F> {
        LocalScopeOutcome { local: self.local, scope: self.scope.outcome() }
    }
}

impl<F: Future> Future for LocalScope<F> {
    type Output = Result<F::Output, Failures>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.local.poll(cx, |cx| this.scope.poll(cx))
    }
}

impl<F: Future> Future for LocalScopeOutcome<F> {
    type Output = Outcome<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.local.poll(cx, |cx| this.scope.poll(cx))
    }
}

impl<F: Future> fmt::Debug for LocalScope<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalScope").field(&self.scope).finish()
    }
}

impl<F: Future> fmt::Debug for LocalScopeOutcome<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalScopeOutcome").field(&self.scope).finish()
    }
}
