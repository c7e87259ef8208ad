//! What the driver polls: a future of any type, in a box of its user's, or in a cell that serves again.
//!
//! A cell is a pinned piece of memory that takes any future that is not larger. An engine keeps the empty ones, so that
//! in the steady state an add allocates nothing; in them is no value of the user's.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use stackfuture::StackFuture;

use crate::engine::Engine;

/// How large a future may be that is put into a cell, in bytes: nearly all deliveries of signals, and most of what is added by
/// hand, are smaller. More would cost memory for each that is pending: a cell is two words larger, whatever is in it.
const ROOM: usize = 80;

/// How many empty cells are kept: less than two megabytes.
const KEPT: usize = 1 << 14;

pub(crate) type Inline = StackFuture<'static, (), ROOM>;

/// A cell: `None` while it is empty.
pub(crate) type Cell = Pin<Box<Option<Inline>>>;

/// What the driver polls. Outputs are left in the ambient by the future itself (see `task`).
pub(crate) enum Job {
    Boxed(BoxFuture<'static, ()>),
    InCell(Cell),
}

// Entries are moved: they are kept small.
const _: () = assert!(size_of::<Job>() == 2 * size_of::<usize>());

/// Is there room for this future in a cell? One without a size needs none: boxing it allocates nothing.
pub(crate) const fn fits<F>() -> bool {
    size_of::<F>() > 0 && size_of::<F>() <= ROOM && align_of::<F>() <= align_of::<Inline>()
}

/// An empty cell.
pub(crate) struct Empty(Cell);

impl Job {
    /// Into this cell, if there is one and the future fits; else into a box.
    #[inline]
    pub(crate) fn new<F>(future: F, cell: Option<Empty>) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match cell {
            Some(Empty(mut cell)) if fits::<F>() => {
                cell.set(Some(Inline::from_or_box(future)));
                Job::InCell(cell)
            }
            _ => Job::Boxed(Box::pin(future)),
        }
    }

    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Job::Boxed(future) => future.as_mut().poll(cx),
            Job::InCell(cell) => poll_in(cell, cx),
        }
    }

    /// Drops the future, and gives the cell that it was in. Where its destructor panics the cell goes with it.
    #[inline]
    pub(crate) fn finish(self) -> Option<Empty> {
        match self {
            Job::Boxed(future) => {
                drop(future);
                None
            }
            Job::InCell(cell) => Some(empty(cell)),
        }
    }
}

#[inline]
pub(crate) fn poll_in(cell: &mut Cell, cx: &mut Context<'_>) -> Poll<()> {
    cell.as_mut().as_pin_mut().map_or(Poll::Ready(()), |future| future.poll(cx))
}

#[inline]
pub(crate) fn empty(mut cell: Cell) -> Empty {
    cell.set(None);
    Empty(cell)
}

impl Engine {
    /// A cell for what is about to be added. None where so much is pending that not all cells could be kept: a box is
    /// smaller.
    #[inline]
    pub(crate) fn take_cell(&mut self) -> Option<Empty> {
        self.cells.take().or_else(|| self.make_cell())
    }

    /// Takes back a cell that is empty again.
    #[inline]
    pub(crate) fn keep_cell(&mut self, cell: Option<Empty>) {
        if let Some(cell) = cell {
            let _too_many = self.cells.put(cell, KEPT);
        }
    }

    #[cold]
    #[inline(never)]
    fn make_cell(&self) -> Option<Empty> {
        (self.ready.len() + self.slots.len() < KEPT).then(|| Empty(Box::pin(None)))
    }
}
