//! First runs nest: who reads a computed that was never run runs it there and then. A chain of them takes stack for each.

/// Less than this is left: a new piece of stack is taken.
const LEFT: usize = 256 * 1024;
/// So large is that.
const PIECE: usize = 4 * 1024 * 1024;

/// Runs `f` with enough stack for it.
#[inline(never)]
pub(super) fn with_stack<R>(f: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(LEFT, PIECE, f)
}
