//! SQLite, on a thread of its own: who wants something of it sends a request and awaits the reply.

use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use futures::channel::oneshot;
use rusqlite::{Connection, OptionalExtension, Result, ToSql};
use settled::Handled;

use crate::rows::Row;

/// The checks are what SQLite itself knows of the weather: a value that breaks one fails the statement that writes it.
const SCHEMA: &str = "
    CREATE TABLE observation (
        day TEXT PRIMARY KEY,
        precipitation REAL CHECK (precipitation >= 0),
        temp_max REAL, temp_min REAL CHECK (temp_min <= temp_max),
        wind REAL CHECK (wind >= 0),
        weather TEXT);
    CREATE TABLE alert (day TEXT, kind TEXT, value REAL);
    CREATE TABLE record (what TEXT PRIMARY KEY, value REAL, day TEXT);";

/// What the thread has: the connection, and the day whose transaction is open.
struct Desk {
    sql: Connection,
    day: String,
}

type Request = Box<dyn FnOnce(&mut Desk) + Send>;

/// A handle to the thread. That ends when the last handle is gone.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    requests: mpsc::Sender<Request>,
}

impl Database {
    /// Creates the database, and the thread that has it.
    ///
    /// # Errors
    ///
    /// If SQLite cannot create the file or its tables.
    pub(crate) fn create(path: &Path) -> Result<(Database, JoinHandle<()>)> {
        let sql = Connection::open(path)?;
        // To survive a power cut buys nothing here: the file is thrown away at the end. Transactions stay whole.
        sql.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;")?;
        sql.execute_batch(SCHEMA)?;
        let (requests, inbox) = mpsc::channel::<Request>();
        let thread = thread::spawn(move || {
            let mut desk = Desk { sql, day: String::new() };
            inbox.into_iter().for_each(|request| request(&mut desk));
        });
        Ok((Database { requests }, thread))
    }

    /// Sends a request and awaits its reply. An error of SQLite comes back as `rusqlite::Error`.
    async fn ask<T, F>(&self, job: F) -> Handled<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Desk) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        // Nobody may wait for the reply any more, when a handler was cancelled: that is not the thread's business.
        let request: Request = Box::new(move |desk| drop(reply.send(job(desk))));
        self.requests.send(request).map_err(|_| "the database's thread is gone")?;
        Ok(answer.await??)
    }

    /// Opens the transaction of a day.
    pub(crate) async fn begin(&self, day: String) -> Handled {
        self.ask(move |desk| {
            desk.sql.execute_batch("BEGIN")?;
            desk.sql.prepare_cached("INSERT INTO observation (day) VALUES (?1)")?.execute([&day])?;
            desk.day = day;
            Ok(())
        })
        .await
    }

    /// Writes one field of the open day.
    pub(crate) async fn write(&self, field: &'static str, value: impl ToSql + Send + 'static) -> Handled {
        self.ask(move |desk| {
            let text = format!("UPDATE observation SET {field} = ?1 WHERE day = ?2");
            desk.sql.prepare_cached(&text)?.execute((value, &desk.day)).map(drop)
        })
        .await
    }

    /// Writes an alert of the open day.
    pub(crate) async fn write_alert(&self, kind: &'static str, value: f64) -> Handled {
        self.ask(move |desk| {
            let text = "INSERT INTO alert (day, kind, value) VALUES (?1, ?2, ?3)";
            desk.sql.prepare_cached(text)?.execute((&desk.day, kind, value)).map(drop)
        })
        .await
    }

    /// Writes a record, if the value is one.
    pub(crate) async fn write_record(&self, what: &'static str, value: f64) -> Handled {
        self.ask(move |desk| {
            let text = "INSERT INTO record (what, value, day) VALUES (?1, ?2, ?3) ON CONFLICT (what)
                DO UPDATE SET value = excluded.value, day = excluded.day WHERE excluded.value > value";
            desk.sql.prepare_cached(text)?.execute((what, value, &desk.day)).map(drop)
        })
        .await
    }

    /// Commits the open day.
    pub(crate) async fn commit(&self) -> Handled {
        self.ask(|desk| desk.sql.execute_batch("COMMIT")).await
    }

    /// Takes the open day back. Harmless where SQLite has done so by itself, as it does after some errors.
    pub(crate) async fn rollback(&self) -> Handled {
        self.ask(|desk| if desk.sql.is_autocommit() { Ok(()) } else { desk.sql.execute_batch("ROLLBACK") })
            .await
    }

    /// Reads all the days back, in the order in which they were stored.
    pub(crate) async fn rows(&self) -> Handled<Vec<Row>> {
        self.ask(|desk| {
            let text = "SELECT day, precipitation, temp_max, temp_min, wind, weather FROM observation ORDER BY rowid";
            let mut statement = desk.sql.prepare(text)?;
            let rows = statement.query_map([], |row| {
                Ok(Row {
                    date: row.get(0)?,
                    precipitation: row.get(1)?,
                    temp_max: row.get(2)?,
                    temp_min: row.get(3)?,
                    wind: row.get(4)?,
                    weather: row.get(5)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// How many alerts of a kind there are.
    pub(crate) async fn count_alerts(&self, kind: &'static str) -> Handled<u32> {
        let text = "SELECT count(*) FROM alert WHERE kind = ?1";
        self.ask(move |desk| desk.sql.query_row(text, [kind], |row| row.get(0))).await
    }

    /// A record and its day, once there is one.
    pub(crate) async fn record(&self, what: &'static str) -> Handled<Option<(f64, String)>> {
        let text = "SELECT value, day FROM record WHERE what = ?1";
        self.ask(move |desk| {
            desk.sql.query_row(text, [what], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .await
    }
}
