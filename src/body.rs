//! The body of a scope: polled by its owner, only when it was woken, with its transaction current.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::commit::Verdict;
use crate::current;
use crate::error::{Failure, Failures, Place, drop_quietly};
use crate::first::{self, First};
use crate::node::Node;
use crate::open::Options;
use crate::run::Run;
use crate::watch;

/// What the body returned, or the panic that it left.
pub(crate) type Ended<T> = Result<T, Box<dyn Any + Send>>;

/// A body whose transaction is closed.
pub(crate) struct Settled<T> {
    pub(crate) output: Ended<T>,
    /// Those that nobody has received.
    pub(crate) failures: Failures,
    /// Who knows who is to have them in the end; there if there are any.
    pub(crate) node: Option<Arc<Node>>,
    /// Why an atomic transaction did not commit, though its body returned well.
    pub(crate) refused: Option<Failure>,
}

pin_project! {
    /// A body and everything that it sets going.
    pub(crate) struct Body<F>
    where
        F: Future,
    {
        // Until it is done.
        #[pin]
        future: Option<F>,
        // When it is done.
        output: Option<Ended<F::Output>>,
        stage: Stage,
        // Of an atomic transaction: whether it commits with this output.
        commits: Option<fn(&F::Output) -> bool>,
        location: Place,
    }

    impl<F: Future> PinnedDrop for Body<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if matches!(this.stage, Stage::Running(_))
                && let Stage::Running(run) = std::mem::replace(this.stage, Stage::Done)
            {
                let mut future = this.future;
                drop_quietly(this.output.take());
                run.abandon(this.location, || future.set(None));
            }
        }
    }
}

enum Stage {
    Unstarted(Options),
    Running(Run),
    Done,
}

impl Stage {
    #[inline]
    fn run(&mut self, run: Run) -> &mut Run {
        *self = Stage::Running(run);
        match self {
            Stage::Running(run) => run,
            _ => unreachable!("it has just been set"),
        }
    }
}

impl<T> Settled<T> {
    /// Without a failure of what it set going.
    #[inline]
    fn well(output: Option<Ended<T>>) -> Self {
        match output {
            Some(output) => Settled { output, failures: Failures::default(), node: None, refused: None },
            None => unreachable!("a body that has settled is done"),
        }
    }
}

impl<F: Future> Body<F> {
    pub(crate) fn new(future: F, options: Options, location: Place) -> Self {
        Body { future: Some(future), output: None, stage: Stage::Unstarted(options), commits: None, location }
    }

    /// That of an atomic transaction, which is rolled back unless `commits` says otherwise.
    pub(crate) fn atomic(
        future: F,
        mut options: Options,
        commits: fn(&F::Output) -> bool,
        location: Place,
    ) -> Self {
        options.atomic = true;
        let mut body = Body::new(future, options, location);
        body.commits = Some(commits);
        body
    }

    /// Polls the body and drives what it set going, until all has settled.
    pub(crate) fn poll_settled(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Settled<F::Output>> {
        let mut this = self.project();
        current::with(|ambient| {
            let (future, output, commits) = (&mut this.future, &mut *this.output, *this.commits);
            let mut poll_body = |cx: &mut Context<'_>| {
                let left =
                    match catch_unwind(AssertUnwindSafe(|| future.as_mut().as_pin_mut().map(|f| f.poll(cx))))
                    {
                        Ok(Some(Poll::Pending)) => return None,
                        Ok(Some(Poll::Ready(value))) => Ok(value),
                        Ok(None) => return Some(Verdict::Ill),
                        Err(payload) => Err(payload),
                    };
                // Dropped at once, with its transaction current.
                let dropped = catch_unwind(AssertUnwindSafe(|| future.set(None)));
                *output = Some(match (left, dropped) {
                    (Ok(value), Err(payload)) => {
                        drop_quietly(value);
                        Err(payload)
                    }
                    (Err(payload), Err(second)) => {
                        drop_quietly(second);
                        Err(payload)
                    }
                    (left, Ok(())) => left,
                });
                let well = matches!((&*output, &commits), (Some(Ok(value)), Some(commits)) if commits(value));
                Some(if well { Verdict::Well } else { Verdict::Ill })
            };
            let polled = match this.stage {
                Stage::Running(run) => run.poll(ambient, cx, &mut poll_body),
                Stage::Unstarted(options) => {
                    let options = std::mem::take(options);
                    if options.is_empty() && ambient.is_at_rest() && !watch::is_on() {
                        match first::poll(ambient, this.location, &mut poll_body) {
                            First::GoesOn(run, drive) => {
                                this.stage.run(run).poll_driving(drive, ambient, cx, &mut poll_body, true)
                            }
                            First::Settled => {
                                *this.stage = Stage::Done;
                                return Poll::Ready(Settled::well(this.output.take()));
                            }
                        }
                    } else {
                        let run = Run::open(ambient, options, this.location);
                        this.stage.run(run).poll(ambient, cx, &mut poll_body)
                    }
                }
                Stage::Done => panic!("a scope was polled after it was done"),
            };
            let failures = std::task::ready!(polled);
            let Stage::Running(run) = std::mem::replace(this.stage, Stage::Done) else {
                unreachable!("it runs")
            };
            let (node, refused) = run.close();
            Poll::Ready(Settled { failures, node, refused, ..Settled::well(this.output.take()) })
        })
    }
}

impl<F: Future> fmt::Debug for Body<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Unstarted(_) => "unstarted",
            Stage::Running(run) if run.live => "running",
            Stage::Running(_) => "settling",
            Stage::Done => "done",
        };
        write!(f, "{stage}, made at {}", self.location)
    }
}
