//! What becomes of the work of a transaction that its owner drops: [`OnDrop`].

/// What becomes of what is pending in a transaction that is dropped before its end. See
/// [`TransactionBuilder::on_drop`](crate::TransactionBuilder::on_drop).
///
/// ```
/// use settled::{OnDrop, Transaction};
///
/// let search = Transaction::builder().on_drop(OnDrop::Cancel).begin();
/// let hits = search.add_value(std::future::pending::<u32>()).unwrap();
/// drop(search); // nobody wants them any more
/// assert!(settled::block_on(hits).unwrap_err().is_cancelled());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub enum OnDrop {
    /// The nearest open transaction above adopts it, else the root: nothing is lost.
    #[default]
    Adopt,
    /// It is cancelled, as by [`Transaction::abort`](crate::Transaction::abort).
    ///
    /// Where nothing is above the transaction and nobody drives it, the futures are dropped at once, by who drops the
    /// transaction; else with the next drive of the transaction above (or of who drives). A panic in the destructor of one
    /// is a failure, as always. What destructors add (also those of a scope's body) goes to the nearest open transaction
    /// above, else to the root. Nothing is reported, as nothing was forgotten.
    Cancel,
}
