//! SQLite, on a thread of its own: who wants something of it sends a request and awaits the reply.

use std::convert::identity;
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures::channel::oneshot;
use rusqlite::{Connection, Result};
use settled_signal::transaction::{BoxError, Handled};

use crate::date::Date;
use crate::model::Tags;

const SCHEMA: &str = "
    PRAGMA foreign_keys = ON;
    CREATE TABLE IF NOT EXISTS item (
        id INTEGER PRIMARY KEY,
        title TEXT NOT NULL,
        done INTEGER NOT NULL,
        due TEXT);
    CREATE TABLE IF NOT EXISTS tag (
        item INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        PRIMARY KEY (item, name));";

/// An item, as it is stored.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) done: bool,
    pub(crate) due: Option<Date>,
    pub(crate) tags: Tags,
}

type Request = Box<dyn FnOnce(&mut Connection) + Send>;

/// A handle to the thread.
#[derive(Clone, Debug)]
pub(crate) struct Storage {
    /// None ends the thread.
    requests: mpsc::Sender<Option<Request>>,
}

impl Storage {
    /// Opens the file, or creates it, and the thread that has it.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, or is no database.
    pub(crate) fn open(path: &Path) -> Result<(Storage, JoinHandle<()>)> {
        let mut sql = Connection::open(path)?;
        // Where another program has it locked for longer than this, the user is told.
        sql.busy_timeout(Duration::from_millis(100))?;
        sql.execute_batch(SCHEMA)?;
        let (requests, inbox) = mpsc::channel::<Option<Request>>();
        let thread = thread::spawn(move || {
            inbox.into_iter().map_while(identity).for_each(|request| request(&mut sql))
        });
        Ok((Storage { requests }, thread))
    }

    /// Has the thread close the file and end when it has answered all that it was asked before. Each item has a handle, so
    /// that the end of the last one is not the moment to do that.
    pub(crate) fn close(&self) {
        self.requests.send(None).ok();
    }

    /// Sends a request and awaits its reply. An error of SQLite comes back as `rusqlite::Error`.
    async fn ask<T, F>(&self, job: F) -> Handled<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let request: Request = Box::new(move |sql| drop(reply.send(job(sql))));
        self.requests.send(Some(request)).map_err(|_| "the database's thread is gone")?;
        Ok(answer.await??)
    }

    /// Opens a transaction of SQLite, in which all goes that is written until it is committed or rolled back.
    pub(crate) async fn begin(&self) -> Handled {
        self.ask(|sql| sql.execute_batch("BEGIN IMMEDIATE")).await
    }

    pub(crate) async fn commit(&self) -> Handled {
        self.ask(|sql| sql.execute_batch("COMMIT")).await
    }

    /// Harmless where none is open, as SQLite rolls back by itself after some errors.
    pub(crate) async fn rollback(&self) -> Handled {
        self.ask(|sql| if sql.is_autocommit() { Ok(()) } else { sql.execute_batch("ROLLBACK") }).await
    }

    pub(crate) async fn insert(&self, row: Row) -> Handled {
        let Row { id, title, done, due, tags } = row;
        self.ask(move |sql| {
            let text = "INSERT INTO item (id, title, done, due) VALUES (?1, ?2, ?3, ?4)";
            sql.execute(text, (id, title, done, due.map(|due| due.to_string())))?;
            write_tags(sql, id, &tags)
        })
        .await
    }

    pub(crate) async fn delete(&self, id: i64) -> Handled {
        self.ask(move |sql| sql.execute("DELETE FROM item WHERE id = ?1", [id]).map(drop)).await
    }

    pub(crate) async fn write_done(&self, id: i64, done: bool) -> Handled {
        self.ask(move |sql| sql.execute("UPDATE item SET done = ?2 WHERE id = ?1", (id, done)).map(drop))
            .await
    }

    pub(crate) async fn write_due(&self, id: i64, due: Option<Date>) -> Handled {
        let due = due.map(|due| due.to_string());
        self.ask(move |sql| sql.execute("UPDATE item SET due = ?2 WHERE id = ?1", (id, due)).map(drop)).await
    }

    pub(crate) async fn write_tags(&self, id: i64, tags: Tags) -> Handled {
        self.ask(move |sql| write_tags(sql, id, &tags)).await
    }

    /// Reads all items.
    ///
    /// # Errors
    ///
    /// Also if what is there has not been written by this program: a day that is none.
    pub(crate) async fn load(&self) -> Handled<Vec<Row>> {
        let stored = self.ask(|sql| {
            let mut items = sql.prepare("SELECT id, title, done, due FROM item ORDER BY id")?;
            let mut tags = sql.prepare("SELECT name FROM tag WHERE item = ?1")?;
            let rows = items.query_map([], |row| {
                let id: i64 = row.get(0)?;
                let tags = tags.query_map([id], |tag| tag.get(0))?.collect::<Result<Tags>>()?;
                let due: Option<String> = row.get(3)?;
                Ok((Row { id, title: row.get(1)?, done: row.get(2)?, due: None, tags }, due))
            })?;
            rows.collect::<Result<Vec<_>>>()
        });
        let with_due = |(row, due): (Row, Option<String>)| -> Result<Row, BoxError> {
            Ok(Row { due: due.map(|due| due.parse()).transpose()?, ..row })
        };
        stored.await?.into_iter().map(with_due).collect()
    }
}

fn write_tags(sql: &Connection, id: i64, tags: &Tags) -> Result<()> {
    sql.execute("DELETE FROM tag WHERE item = ?1", [id])?;
    let mut insert = sql.prepare_cached("INSERT INTO tag (item, name) VALUES (?1, ?2)")?;
    tags.iter().try_for_each(|tag| insert.execute((id, tag)).map(drop))
}
