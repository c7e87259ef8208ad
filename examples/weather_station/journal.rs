//! The journal: asynchronous handlers write down every change, every alert and the records.

use std::sync::Arc;

use rusqlite::ToSql;
use settled::Handled;

use crate::alerts::{Alarm, Alert};
use crate::database::Database;
use crate::station::Station;

/// Writes to the database what a station observes.
#[derive(Debug)]
pub(crate) struct Journal {
    database: Database,
}

impl Journal {
    /// The journal writes as long as somebody holds it: station and alarm know it weakly.
    ///
    /// All that it does for a day goes into the database's open transaction: a day that is rolled back leaves neither
    /// an alert nor a record behind.
    pub(crate) fn keep(database: Database, station: &Station, alarm: &Alarm) -> Arc<Journal> {
        let journal = Arc::new(Journal { database });
        station.precipitation.connect_async_weak(&journal, |journal, mm| journal.write("precipitation", mm));
        station.temp_max.connect_async_weak(&journal, |journal, high| journal.write("temp_max", high));
        station.temp_min.connect_async_weak(&journal, |journal, low| journal.write("temp_min", low));
        station.wind.connect_async_weak(&journal, |journal, wind| journal.write("wind", wind));
        station.weather.connect_async_weak(&journal, |journal, weather| journal.write("weather", weather));

        station.precipitation.connect_async_weak(&journal, |journal, mm| journal.keep_record("rain", mm));
        station.temp_max.connect_async_weak(&journal, |journal, high| journal.keep_record("heat", high));
        station.wind.connect_async_weak(&journal, |journal, wind| journal.keep_record("wind", wind));

        alarm.raised.connect_async_weak(&journal, Journal::write_alert);
        journal
    }

    async fn write(self: Arc<Self>, field: &'static str, value: impl ToSql + Send + 'static) -> Handled {
        self.database.write(field, value).await
    }

    async fn keep_record(self: Arc<Self>, what: &'static str, value: f64) -> Handled {
        self.database.write_record(what, value).await
    }

    async fn write_alert(self: Arc<Self>, alert: Alert) -> Handled {
        self.database.write_alert(alert.kind(), alert.value()).await
    }
}
