//! One event on its way to one asynchronous handler: a future in the transaction of its `notify`, which waits for its
//! turn in the handler's [queue](crate::queue), calls the handler, and polls what that gave.
//!
//! It is one allocation: event, place in the queue and the handler's future lie in one another.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use settled::BoxError;
use settled::plumbing;

use crate::outcome::IntoOutcome;
use crate::parts::Yield;
use crate::queue::{Behind, Helping, Queue, Queued, Ticket};
use crate::round::Round;

/// What all deliveries to one handler share.
pub(crate) struct Deliver<F> {
    /// Calls the handler.
    f: F,
    /// Whoever waits for the turn.
    queue: Queue,
    /// No delivery begins any more once this is false.
    connected: AtomicBool,
}

impl<F> Deliver<F> {
    pub(crate) fn new(f: F) -> Arc<Self> {
        Arc::new(Deliver { f, queue: Queue::default(), connected: AtomicBool::new(true) })
    }

    pub(crate) fn disconnect(&self) {
        self.connected.store(false, Ordering::Release);
    }
}

impl<F: Send + Sync> Queued for Deliver<F> {
    fn queue(&self) -> &Queue {
        &self.queue
    }
}

/// Adds a delivery to the current transaction. `cargo` is what the handler is called with.
pub(crate) fn deliver<C, F, Fut, R>(handler: &Arc<Deliver<F>>, cargo: C, round: &mut Round<R>)
where
    C: Send + 'static,
    R: Send + 'static,
    F: Fn(C) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: IntoOutcome<R>,
{
    let (ticket, is_behind) = handler.queue.join();
    let turn = Turn { handler: handler.clone(), ticket, helping: None, gave_way: false };
    let stashed = plumbing::add_at(Delivery::new(cargo, turn), round.location());
    let behind = is_behind.then(|| Box::new(Behind::new(handler.clone(), ticket)));
    round.parts().push_delivery(stashed, behind);
}

/// The place in the queue, given up when this is dropped.
struct Turn<F> {
    handler: Arc<Deliver<F>>,
    ticket: Ticket,
    /// The tree that is driven while this one waits.
    helping: Helping,
    /// It has had to wait: where its transaction limits what runs at once, it takes no place meanwhile.
    gave_way: bool,
}

impl<F> Drop for Turn<F> {
    fn drop(&mut self) {
        self.handler.queue.leave(self.ticket);
    }
}

pin_project! {
    struct Delivery<C, F, Fut, R> {
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

impl<C, F, Fut, R> Delivery<C, F, Fut, R> {
    fn new(cargo: C, turn: Turn<F>) -> Self {
        Delivery {
            stage: Stage::Waiting { cargo: Some(cargo) },
            turn: Some(turn),
            result: std::marker::PhantomData,
        }
    }
}

impl<C, F, Fut, R> Future for Delivery<C, F, Fut, R>
where
    F: Fn(C) -> Fut,
    Fut: Future,
    Fut::Output: IntoOutcome<R>,
{
    type Output = Result<Yield<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.stage.as_mut().project() {
                StageProjected::Waiting { cargo } => {
                    let Some(turn) = this.turn.as_mut() else { return Poll::Ready(Ok(Yield::Nothing)) };
                    if turn.handler.queue.poll_turn(turn.ticket, &mut turn.helping, cx).is_pending() {
                        turn.gave_way = true;
                        plumbing::give_way();
                        return Poll::Pending;
                    }
                    turn.helping = None;
                    if turn.gave_way && !plumbing::come_back() {
                        return Poll::Pending;
                    }
                    let cargo = cargo.take().filter(|_| turn.handler.connected.load(Ordering::Acquire));
                    let Some(cargo) = cargo else {
                        this.stage.set(Stage::Over);
                        drop(this.turn.take());
                        return Poll::Ready(Ok(Yield::Nothing));
                    };
                    let future = (turn.handler.f)(cargo);
                    this.stage.set(Stage::Running { future });
                }
                StageProjected::Running { future } => {
                    let output = ready!(future.poll(cx));
                    this.stage.set(Stage::Over);
                    drop(this.turn.take());
                    return Poll::Ready(output.into_outcome().0);
                }
                StageProjected::Over => return Poll::Ready(Ok(Yield::Nothing)),
            }
        }
    }
}
