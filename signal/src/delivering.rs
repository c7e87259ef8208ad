//! One event on its long way to one asynchronous handler (for the short one see [`prompt`](crate::prompt)): a future in the
//! transaction of its `notify`, which waits for its turn in the handler's [queue](crate::queue), calls the handler, and
//! polls what that gave.
//!
//! It is one allocation: event, place in the queue and the handler's future lie in one another.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use settled::BoxError;
use settled::plumbing;

use crate::behind::Behind;
use crate::delivery::{Deliver, Delivery};
use crate::held::Seat;
use crate::outcome::IntoOutcome;
use crate::parts::Yield;
use crate::queue::{Helping, Turn as May};

/// The places in the queues, given up when this is dropped.
pub(crate) struct Turn<F> {
    handler: Arc<Deliver<F>>,
    /// The place in the handler's queue, if it has one.
    seat: Option<Seat>,
    /// The place among the deliveries of the same notification, where those are made one after another.
    relay: Option<Behind>,
    /// The tree that is driven while this one waits.
    helping: Helping,
    /// It has had to wait: where its transaction limits what runs at once, it takes no place meanwhile.
    gave_way: bool,
}

impl<F> Turn<F> {
    pub(crate) fn new(handler: Arc<Deliver<F>>, seat: Option<Seat>, relay: Option<Behind>) -> Self {
        Turn { handler, seat, relay, helping: None, gave_way: false }
    }

    /// Waits until the handler is to be called; or until it is not to be called any more.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<May> {
        if let Some(may) = self.poll_places(cx) {
            self.helping = None;
            if self.gave_way && may == May::Ours && !plumbing::come_back() {
                // Not begun: a newer one need not wait for this one.
                if let Some(ticket) = self.ticket() {
                    self.handler.line().hesitate(ticket);
                }
                return Poll::Pending;
            }
            return Poll::Ready(may);
        }
        self.gave_way = true;
        plumbing::give_way();
        Poll::Pending
    }

    #[inline]
    fn poll_places(&mut self, cx: &mut Context<'_>) -> Option<May> {
        if let Some(Behind { of, seat: Seat::Taken(ticket) }) = &self.relay
            && of.queue().poll_turn(*ticket, &mut self.helping, cx).is_pending()
        {
            return None;
        }
        match &self.seat {
            None => Some(May::Ours),
            Some(seat) => match seat.ticket() {
                Some(ticket) => match self.handler.line().poll_turn(ticket, &mut self.helping, cx) {
                    Poll::Ready(may) => Some(may),
                    Poll::Pending => None,
                },
                None if seat.is_free() => Some(May::Ours),
                // What it is part of has been rolled back, or a later change has come before.
                None => Some(May::Overtaken),
            },
        }
    }

    fn ticket(&self) -> Option<u64> {
        self.seat.as_ref()?.ticket()
    }

    /// The place, if a newer delivery may cancel this one while it runs.
    fn interruptible(&self) -> Option<u64> {
        if self.handler.line().delivery() == Delivery::Latest { self.ticket() } else { None }
    }
}

impl<F> Drop for Turn<F> {
    fn drop(&mut self) {
        if let Some(ticket) = self.seat.as_ref().and_then(Seat::give_up) {
            self.handler.line().leave(ticket);
        }
        if let Some(Behind { of, seat: Seat::Taken(ticket) }) = &self.relay {
            of.queue().leave(*ticket);
        }
    }
}

pin_project! {
    pub(crate) struct Delivering<C, F, Fut, R> {
        // Before the turn: the handler's future is dropped before the turn passes on.
        #[pin]
        stage: Stage<C, Fut>,
        turn: Option<Turn<F>>,
        result: std::marker::PhantomData<fn() -> R>,
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

impl<C, F, Fut, R> Delivering<C, F, Fut, R> {
    pub(crate) fn new(cargo: C, turn: Turn<F>) -> Self {
        Delivering {
            stage: Stage::Waiting { cargo: Some(cargo) },
            turn: Some(turn),
            result: std::marker::PhantomData,
        }
    }

    /// Drops the event, or the handler's future, and then passes the turn on.
    fn finish(self: Pin<&mut Self>) {
        let mut this = self.project();
        this.stage.set(Stage::Over);
        drop(this.turn.take());
    }
}

impl<C, F, Fut, R> Future for Delivering<C, F, Fut, R>
where
    F: Fn(C) -> Fut,
    Fut: Future,
    Fut::Output: IntoOutcome<R>,
{
    type Output = Result<Yield<R>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let Some(turn) = this.turn.as_mut() else { return Poll::Ready(Ok(Yield::Nothing)) };
            match this.stage.as_mut().project() {
                StageProjected::Waiting { cargo } => {
                    let may = ready!(turn.poll(cx));
                    match cargo.take().filter(|_| may == May::Ours && turn.handler.is_connected()) {
                        Some(cargo) => {
                            let future = (turn.handler.f)(cargo);
                            this.stage.set(Stage::Running { future });
                        }
                        None => {
                            self.finish();
                            return Poll::Ready(Ok(Yield::Nothing));
                        }
                    }
                }
                StageProjected::Running { future } => {
                    if let Some(ticket) = turn.interruptible()
                        && turn.handler.line().run(ticket, cx.waker().clone()) == May::Overtaken
                    {
                        self.finish();
                        return Poll::Ready(Ok(Yield::Nothing));
                    }
                    let output = ready!(future.poll(cx));
                    self.finish();
                    return Poll::Ready(output.into_outcome().0);
                }
                StageProjected::Over => return Poll::Ready(Ok(Yield::Nothing)),
            }
        }
    }
}
