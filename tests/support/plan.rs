//! What random programs are made of (see `model.rs`).

use settled::{OnDrop, Transaction, TransactionBuilder};

/// What an added future does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// One after another.
    pub steps: Vec<Step>,
    /// And then.
    pub ending: Ending,
}

/// What it does first, and then, and then.
#[derive(Clone, Debug)]
pub enum Step {
    /// Adds, by the ambient or by handle.
    Add {
        /// What is added.
        plan: Plan,
        /// By handle?
        by_handle: bool,
    },
    /// Adds for the owner of the local transaction around; where there is none it is refused.
    AddLocal(Plan),
    /// Awaits what it added last, if anything.
    AwaitLast,
    /// Waits for all that it added.
    WaitAll,
    /// Cancels what it added last, if anything, and lets go of it.
    CancelLast,
    /// Aborts its own transaction: cancels all that is pending below.
    Abort,
    /// Walks these in a scope of its own, and awaits that.
    Scope(Manner, Vec<Step>),
    /// Walks these in a scope that is polled once and dropped.
    Abandon(Manner, Vec<Step>),
    /// Begins a transaction, adds to it, and ends it; or leaves it open.
    Begin {
        /// What is added to it.
        plan: Plan,
        /// Ended?
        end: bool,
    },
    /// Looks which transaction is current.
    Look,
    /// Pending so many times, having woken itself.
    Yield(usize),
    /// Pending until this gate is opened by hand.
    Pass(usize),
}

/// How it ends.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    /// Without a failure.
    Well,
    /// By an error that tells its number.
    Failing,
    /// By a panic that tells its number.
    Panicking,
}

/// What a scope's builder is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// So many children at once.
    pub limit: Option<usize>,
    /// The first failure cancels the rest.
    pub fail_fast: bool,
    /// What is added is run by the executor of the program, where that has one.
    pub spawned: bool,
    /// Dropped half-way, what is pending is cancelled. (Only where the program itself drops it: it could not tell else.)
    pub cancels: bool,
}

impl Manner {
    pub(crate) fn builder(self) -> TransactionBuilder {
        let mut builder = Transaction::builder();
        if let Some(limit) = self.limit {
            builder = builder.limit(limit);
        }
        if self.fail_fast {
            builder = builder.fail_fast();
        }
        if self.cancels {
            builder = builder.on_drop(OnDrop::Cancel);
        }
        builder
    }
}

/// How many gates a program has.
pub const GATES: usize = 4;
