//! Driving: polling what is ready in a tree, on whatever thread asks for it.
//!
//! One thread drives a tree at a time. Whoever waits for something of a tree from outside drives it
//! (see `until`); polled inside a drive of the same tree he only listens. A drive ends when what it is for has
//! happened, when nothing is ready, or when the budget is spent; it gives the engine back and, if something is ready
//! then, wakes all who could go on. That also holds when it unwinds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Waker};

use crate::cancel;
use crate::current::{Ambient, BUDGET, Current, Goal, Outer, Polled};
use crate::engine::Engine;
use crate::error::Failure;
use crate::job::Job;
use crate::ready::Key;
use crate::tree::{Tree, deliver};
use crate::turn::{Done, Polling, Turn};
use crate::waker::{BodyWaker, Seat, SlotWakers};

/// Why a run ended.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Left {
    /// Nothing is ready.
    Idle,
    /// Something has happened that one may wait for.
    Event,
    /// The body was woken, and a round is over.
    Body,
    /// Enough for now.
    Budget,
}

/// While it lives, this thread drives the tree.
pub(crate) struct Drive<'a> {
    pub(crate) ambient: &'a Ambient,
    /// What was current before.
    outer: Outer,
    /// What it interrupted is in a frame. Else it found the ambient at rest, and leaves it so.
    framed: bool,
    /// The engine has been taken out.
    stopped: bool,
}

impl<'a> Drive<'a> {
    /// The engine knows its tree.
    #[inline]
    pub(crate) fn start(ambient: &'a Ambient, mut engine: Box<Engine>, goal: Goal) -> Self {
        engine.stirred = true;
        if let Some(tree) = &engine.tree {
            tree.set_driven_by(ambient.thread());
        }
        // Also where only bodies are below: it is a bound for who looks down.
        let framed = ambient.is_polling();
        if framed {
            ambient.interrupt();
        }
        ambient.driving.set(engine.tree_id);
        ambient.goal.set(goal);
        ambient.begin_lending(&mut engine);
        ambient.engine.replace(Some(engine));
        let drives = ambient.drives.get();
        if drives == 0 {
            ambient.budget.set(BUDGET);
        }
        ambient.drives.set(drives + 1);
        Drive { ambient, outer: ambient.set_current(Current::Polled), framed, stopped: false }
    }

    /// For who acts in the midst of the topmost drive; ends nothing.
    pub(crate) fn guest(ambient: &'a Ambient) -> Self {
        Drive { ambient, outer: Outer::default(), framed: false, stopped: true }
    }

    /// Uses the engine.
    #[inline(always)]
    pub(crate) fn engine<R>(&self, f: impl FnOnce(&mut Engine) -> R) -> R {
        match self.ambient.engine.borrow_mut().as_deref_mut() {
            Some(engine) => f(engine),
            None => unreachable!("it is here while this thread drives"),
        }
    }

    /// Is there any budget left?
    pub(crate) fn may_spend(&self) -> bool {
        self.ambient.budget.get() > 0
    }

    /// Takes one poll from the budget, if there is one.
    pub(crate) fn spend(&self) -> bool {
        let left = self.ambient.budget.get();
        self.ambient.budget.set(left.saturating_sub(1));
        left > 0
    }

    /// Polls what is ready until something happens that one may wait for; or, where a body was woken, for one round.
    pub(crate) fn run(&self, body: Option<&BodyWaker>) -> Left {
        let mut wakers = self.engine(|engine| engine.last_wakers.take());
        let mut begun = false;
        loop {
            let turn = self.engine(|engine| {
                if self.see_to(engine) {
                    return Turn::Mail;
                }
                if self.ambient.budget.get() == 0 && !engine.stop {
                    return if engine.has_work() { Turn::Budget } else { Turn::Idle };
                }
                let round_over = engine.ready.is_round_over();
                if round_over && begun && body.is_some_and(|body| body.is_woken()) {
                    return Turn::Body;
                }
                if std::mem::take(&mut engine.stop) {
                    return Turn::Event;
                }
                if round_over {
                    // The last one that was added may be polled in this round.
                    engine.settle_last();
                }
                begun = true;
                engine.next(&mut wakers)
            });
            let left = match turn {
                Turn::Plain => {
                    self.run_plain(held(&wakers));
                    continue;
                }
                Turn::Poll(polling) => {
                    self.spend();
                    self.poll(polling, held(&wakers));
                    continue;
                }
                Turn::Refuse(polling, failure) => {
                    self.spend();
                    self.refuse(polling, failure);
                    continue;
                }
                Turn::Mail => {
                    self.deliver_mail();
                    continue;
                }
                Turn::Round => continue,
                Turn::Event => Left::Event,
                Turn::Body => Left::Body,
                Turn::Budget => Left::Budget,
                Turn::Idle => Left::Idle,
            };
            self.ambient.wakes.set(Key::MAX);
            self.engine(|engine| engine.keep_wakers(wakers.take()));
            if left == Left::Idle && self.drive_postponed() {
                continue;
            }
            return left;
        }
    }

    /// Does what is to be done between two polls. True if there is mail to be delivered, without the engine.
    #[inline]
    fn see_to(&self, engine: &mut Engine) -> bool {
        if engine.has_ops() {
            engine.apply_ops_here();
        }
        if !std::mem::take(&mut engine.stirred) {
            return false;
        }
        if !engine.closing.is_empty() {
            engine.close_settled_here();
        }
        if !engine.stale_lines.is_empty() {
            engine.unqueue_cancelled();
        }
        engine.has_mail()
    }

    /// The outermost drive of this stack sees to the trees that deeper ones had to leave. False if there are none.
    fn drive_postponed(&self) -> bool {
        let ambient = self.ambient;
        if ambient.drives.get() > 1 || !ambient.has_postponed() {
            return false;
        }
        let trees = ambient.postponed.take();
        for tree in &trees {
            if let Some(engine) = tree.take_engine() {
                let drive = Drive::start(ambient, engine, Goal::Nothing);
                while drive.run(None) == Left::Event {}
            }
        }
        !trees.is_empty()
    }

    /// Those that are left over where the budget was spent: who waits for them comes again.
    #[cold]
    fn leave_postponed(&self) {
        self.ambient.postponed.take().iter().for_each(|tree| tree.change(|_| ()));
    }

    #[cold]
    fn deliver_mail(&self) {
        self.ambient.wakes.set(Key::MAX);
        deliver(self.engine(Engine::hand_out));
    }

    /// Polls a future with its own transaction current, and does what follows from it.
    fn poll(&self, polling: Polling, wakers: &SlotWakers) {
        let ambient = self.ambient;
        let Polling { job, key, loose, kept } = polling;
        self.become_polled(loose, key, kept.is_some());
        let mut job = Some(job);
        let mut spare = None;
        let mut remains = None;
        let result = catch_unwind(AssertUnwindSafe(|| {
            if let Some(polled) = &mut job
                && polled.poll(&mut Context::from_waker(&wakers.waker)).is_ready()
            {
                // Taken first: the destructor may drive another tree.
                remains = ambient.take_remains();
                spare = job.take().and_then(Job::finish);
            }
        }));
        match (result, job) {
            (Ok(()), Some(job)) => {
                ambient.polled.set(Polled::Nothing);
                self.engine(|engine| engine.finish_pending(job, wakers, ambient.self_woken.get()));
            }
            (Ok(()), None) if kept.is_none() && remains.is_none() => {
                ambient.polled.set(Polled::Nothing);
                self.engine(|engine| {
                    engine.keep_cell(spare);
                    engine.finish_done(key);
                });
            }
            (result, job) => {
                self.engine(|engine| engine.keep_cell(spare));
                let panic = result.err();
                self.settle_polled(Done { job, key, loose, kept, remains, panic, refused: None });
            }
        }
    }

    /// Drops a future unpolled, and tells so.
    #[cold]
    pub(crate) fn refuse(&self, polling: Polling, failure: Failure) {
        let Polling { job, key, loose, kept } = polling;
        self.become_polled(loose, key, kept.is_some());
        let with_others = kept.as_ref().is_some_and(|ticket| ticket.is_cancelled_below());
        let (job, refused) = (Some(job), Some(failure));
        let done = Done { job, key, loose, kept, remains: None, panic: None, refused };
        if with_others {
            let Some(tree) = self.engine(|engine| engine.tree.clone()) else {
                unreachable!("it is set in a drive")
            };
            cancel::dropping(self.ambient, &tree, loose, key, || self.settle_polled(done));
        } else {
            self.settle_polled(done);
        }
    }

    #[inline]
    pub(crate) fn become_polled(&self, loose: bool, key: Key, kept: bool) {
        let ambient = self.ambient;
        ambient.polled.set(if loose { Polled::Loose } else { Polled::Slot(key) });
        ambient.wakes.set(key);
        ambient.self_woken.set(false);
        ambient.kept.set(kept);
    }

    /// Ends the drive, if nothing is ready; who drove waits in his seat from now on.
    pub(crate) fn rest(mut self, seat: &mut Seat, waker: Waker) -> Result<(), Drive<'a>> {
        let ambient = self.ambient;
        let goal = ambient.goal.get();
        let Some(engine) = self.stop() else { return Ok(()) };
        Tree::release(engine, Some((seat, waker))).map_err(|engine| Drive::start(ambient, engine, goal))
    }

    /// Ends the drive without giving the engine back. The engine still knows its tree.
    #[inline]
    pub(crate) fn stop(&mut self) -> Option<Box<Engine>> {
        let ambient = self.ambient;
        let mut engine = ambient.engine.take()?;
        if let Some(tree) = &engine.tree {
            tree.set_driven_by(0);
        }
        ambient.end_lending(&mut engine);
        ambient.drives.set(ambient.drives.get() - 1);
        if self.framed {
            ambient.resume();
        } else {
            ambient.rest();
        }
        ambient.restore(std::mem::take(&mut self.outer));
        self.stopped = true;
        Some(engine)
    }
}

/// The wakers of what is to be polled.
#[inline]
pub(crate) fn held(wakers: &Option<SlotWakers>) -> &SlotWakers {
    wakers.as_ref().unwrap_or_else(|| unreachable!("they were taken with it"))
}

impl Drop for Drive<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.stopped
            && let Some(engine) = self.stop()
        {
            let _put_back = Tree::release(engine, None);
        }
        if self.ambient.drives.get() == 0 && self.ambient.has_postponed() {
            self.leave_postponed();
        }
    }
}
