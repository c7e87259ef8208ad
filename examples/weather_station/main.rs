//! Four years of weather go through setters into SQLite, a transaction for each day.
//!
//! A station has five observable fields, and its setters are synchronous. Asynchronous handlers write every change to
//! a database that lives on a thread of its own, raise alerts and keep the records. Each day is a `scope` and a
//! transaction of SQLite: it is committed when all that followed from the day's setters has gone well.
//!
//! Run it: `cargo run --release --example weather_station [-- other.csv]`
//!
//! It prints what was read and stored, the alerts and the records, and that the database agrees with the file. Lines
//! of the file that are malformed, days that the database refuses, progress (on a terminal) and the time that it took
//! go to stderr. It fails when a day was refused.

mod alerts;
mod database;
mod journal;
mod report;
mod rows;
mod station;

use std::io::{IsTerminal, Write, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use settled::{BoxError, Handled, ScopeError};

use crate::alerts::Alarm;
use crate::database::Database;
use crate::journal::Journal;
use crate::rows::Row;
use crate::station::Station;

/// One day: one transaction of ours within one of SQLite's.
async fn store(day: &Row, station: &Station, database: &Database) -> Result<(), ScopeError<BoxError>> {
    let settled = settled::try_scope(async {
        database.begin(day.date.clone()).await?;
        station.observe(day);
        Ok(())
    });
    let done = match settled.await {
        Ok(()) => database.commit().await.map_err(ScopeError::Body),
        Err(error) => Err(error),
    };
    if done.is_err() {
        database.rollback().await.map_err(ScopeError::Body)?;
    }
    done
}

/// What SQLite itself said, if it was SQLite.
fn sqlite_error(error: &ScopeError<BoxError>) -> Option<&rusqlite::Error> {
    match error {
        ScopeError::Failed(failures) => failures.iter().find_map(|one| one.downcast_ref()),
        ScopeError::Body(error) => error.downcast_ref(),
        ScopeError::Refused(_) => None,
    }
}

/// Feeds the days to the station, one after the other. Returns those that are in the database.
async fn feed(days: Vec<Row>, station: &Station, database: &Database) -> Vec<Row> {
    let (total, on_terminal) = (days.len(), stderr().is_terminal());
    let mut stored = Vec::with_capacity(total);
    for (number, day) in days.into_iter().enumerate() {
        if on_terminal && number % 100 == 0 {
            eprint!("\r{number} of {total} days");
            stderr().flush().ok();
        }
        match store(&day, station, database).await {
            Ok(()) => stored.push(day),
            Err(error) => match sqlite_error(&error) {
                Some(sqlite) => eprintln!("{}: refused by SQLite: {sqlite}", day.date),
                None => eprintln!("{}: not stored: {error}", day.date),
            },
        }
    }
    if on_terminal {
        eprint!("\r\x1b[K");
    }
    stored
}

/// Returns how many days were refused.
async fn run(path: &Path) -> Handled<usize> {
    let started = Instant::now();
    let (days, malformed) = rows::read(path)?;
    for line in &malformed {
        eprintln!("{}: line {} is malformed: {}", path.display(), line.line, line.reason);
    }
    println!("read {} days, skipped {} malformed lines", days.len(), malformed.len());

    let folder = tempfile::tempdir()?;
    let (database, thread) = Database::create(&folder.path().join("weather.sqlite"))?;
    let station = Station::new();
    let alarm = Alarm::watch(&station);
    let journal = Journal::keep(database.clone(), &station, &alarm);

    let total = days.len();
    let stored = feed(days, &station, &database).await;
    let refused = total - stored.len();
    println!("stored {} days, {refused} refused", stored.len());
    eprintln!("read and stored in {} ms", started.elapsed().as_millis());
    report::compare(&stored, &database).await?;

    // The last handles; then the thread closes the file, before the folder is removed.
    drop((journal, database));
    thread.join().map_err(|_| "the database's thread panicked")?;
    Ok(refused)
}

fn main() -> ExitCode {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/data/seattle-weather.csv");
    let path = std::env::args_os().nth(1).map_or_else(|| PathBuf::from(sample), PathBuf::from);
    match settled::block_on(run(&path)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(refused) => {
            eprintln!("error: {refused} of the days are not in the database");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
