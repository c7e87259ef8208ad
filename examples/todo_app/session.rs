//! A session: runs commands, each of which is saved as a whole or leaves nothing behind, and remembers how to undo them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use settled_signal::transaction::{BoxError, Failure, Failures, ScopeError, atomic};

use crate::commands::Reverse;
use crate::model::TodoList;
use crate::storage::Storage;

pub(crate) struct Session {
    pub(crate) list: Arc<TodoList>,
    storage: Storage,
    pub(crate) undo: Vec<Reverse>,
}

/// Why a command has come to nothing.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It asks for what cannot be.
    Mistake(BoxError),
    /// The database did not do its part.
    Unsaved(BoxError),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Mistake(why) => why.fmt(f),
            Trouble::Unsaved(why) => write!(f, "not saved: {why}"),
        }
    }
}

impl Error for Trouble {}

/// What went wrong, without the places in the source, which mean nothing to a user.
fn causes(failures: &Failures) -> String {
    let cause =
        |failure: &Failure| failure.error().map_or_else(|| failure.to_string(), |error| error.to_string());
    failures.iter().map(cause).collect::<Vec<_>>().join("; ")
}

impl Session {
    /// # Errors
    ///
    /// If the database cannot be read.
    pub(crate) async fn open(storage: Storage) -> Result<Session, BoxError> {
        let list = TodoList::new(storage.clone());
        list.load().await?;
        Ok(Session { list, storage, undo: Vec::new() })
    }

    /// Runs a change in a transaction of ours within one of SQLite's.
    ///
    /// Where the change itself fails, `atomic` takes back what it has set, and no handler has written anything. Otherwise
    /// the handlers write, and `atomic` returns when they are done. If one of them fails, or the commit does, the list
    /// is behind the times: it is loaded anew, so that what is shown is what is saved.
    pub(crate) async fn run<T>(
        &self,
        change: impl FnOnce(&TodoList) -> Result<T, BoxError>,
    ) -> Result<T, Trouble> {
        self.storage.begin().await.map_err(Trouble::Unsaved)?;
        let why = match atomic(async { change(&self.list) }).await {
            Ok(value) => match self.storage.commit().await {
                Ok(()) => return Ok(value),
                Err(why) => Trouble::Unsaved(why),
            },
            Err(ScopeError::Body(why)) => Trouble::Mistake(why),
            Err(ScopeError::Refused(check)) => Trouble::Unsaved(check.into()),
            Err(ScopeError::Failed(failures)) => Trouble::Unsaved(causes(&failures).into()),
        };
        self.storage.rollback().await.map_err(Trouble::Unsaved)?;
        if let Trouble::Unsaved(_) = why {
            self.list.load().await.map_err(Trouble::Unsaved)?;
        }
        Err(why)
    }
}
