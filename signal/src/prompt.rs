//! The short way of an event to an asynchronous handler: its queue is empty, and its future goes straight into the
//! transaction. All others go [the long way](crate::delivering).
//!
//! Such a delivery has the turn from the start, and keeps it until its future is done and dropped. It is known by its place
//! in the order of adding; it has neither a ticket in the queue nor a handle of the core's: its outcome goes to the
//! [tally](crate::tally) of its notification, which its queue keeps for it meanwhile. So it is small enough for a cell of
//! the core's, with what most handlers need, and allocates nothing.

use std::any::Any;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use settled::plumbing::{self, Place};

use crate::delivery::Deliver;
use crate::front::PromptFront;
use crate::outcome::IntoOutcome;
use crate::parts::Yield;
use crate::round::Round;
use crate::tally::Tally;

/// Adds a delivery to the current transaction. Gives the cargo back if it has to go the long way.
#[inline]
pub(crate) fn deliver<C, F, Fut, R>(
    handler: &Arc<Deliver<F>>,
    cargo: C,
    round: &mut Round<'_, R>,
) -> Option<C>
where
    C: Send + 'static,
    R: Send + 'static,
    F: Fn(C) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: IntoOutcome<R>,
{
    let (location, stamp) = (round.location(), round.stamp);
    let (tally, number) = round.tally();
    let mut cargo = Some(cargo);
    let place = plumbing::add_unheld(location, |place| {
        if !handler.line().enter(tally, place, stamp) {
            return None;
        }
        let turn = Turn { handler: Some(handler.clone()), number, result: PhantomData };
        Some(Prompt { stage: Stage::Waiting { cargo: cargo.take() }, turn })
    });
    if let Some(place) = place {
        round.push_prompt(place);
    }
    cargo
}

/// The turn in the queue, passed on when this is dropped.
struct Turn<F, R: Send + 'static> {
    /// Until it has been passed on.
    handler: Option<Arc<Deliver<F>>>,
    /// Of the delivery, in its tally.
    number: u32,
    result: PhantomData<fn() -> R>,
}

/// What is left of a turn that has been passed on.
struct Left<F, R> {
    tally: Arc<Tally<R>>,
    place: Place,
    /// It may be the last one: then the closure is dropped with it, which may panic.
    handler: Arc<Deliver<F>>,
}

impl<F, R: Send + 'static> Turn<F, R> {
    /// Passes it on.
    #[inline]
    fn leave(&mut self) -> Option<Left<F, R>> {
        let handler = self.handler.take()?;
        let PromptFront { tally, place } = handler.line().leave_promptly()?;
        let tally: Arc<dyn Any + Send + Sync> = tally;
        Some(Left { tally: tally.downcast().ok()?, place, handler })
    }
}

impl<F, R: Send + 'static> Drop for Turn<F, R> {
    #[inline]
    fn drop(&mut self) {
        if self.handler.is_some()
            && let Some(Left { tally, place, handler }) = self.leave()
        {
            tally.lose(self.number, place);
            drop(handler);
        }
    }
}

pin_project! {
    struct Prompt<C, F, Fut, R>
    where
        R: Send,
        R: 'static,
    {
        // Before the turn: the handler's future is dropped before the turn passes on.
        #[pin]
        stage: Stage<C, Fut>,
        turn: Turn<F, R>,
    }
}

pin_project! {
    #[project = StageProjected]
    enum Stage<C, Fut> {
        Waiting { cargo: Option<C> },
        Running { #[pin] future: Fut },
        Over,
    }
}

impl<C, F, Fut, R> Future for Prompt<C, F, Fut, R>
where
    R: Send + 'static,
    F: Fn(C) -> Fut,
    Fut: Future,
    Fut::Output: IntoOutcome<R>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let outcome = loop {
            match this.stage.as_mut().project() {
                StageProjected::Waiting { cargo } => {
                    let Some(handler) = &this.turn.handler else { return Poll::Ready(()) };
                    match cargo.take().filter(|_| handler.is_connected()) {
                        Some(cargo) => {
                            let future = (handler.f)(cargo);
                            this.stage.set(Stage::Running { future });
                        }
                        None => break Ok(Yield::Nothing),
                    }
                }
                StageProjected::Running { future } => break ready!(future.poll(cx)).into_outcome().0,
                StageProjected::Over => return Poll::Ready(()),
            }
        };
        this.stage.set(Stage::Over);
        if let Some(Left { tally, handler, .. }) = this.turn.leave() {
            match catch_unwind(AssertUnwindSafe(|| drop(handler))) {
                Ok(()) => tally.tell(this.turn.number, outcome),
                Err(payload) => tally.tell_panic(this.turn.number, payload),
            }
        }
        Poll::Ready(())
    }
}
