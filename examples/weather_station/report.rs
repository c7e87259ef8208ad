//! The report: what the database holds, held against the file.

use settled::Handled;

use crate::alerts::{FREEZING, RAINY, WINDY};
use crate::database::Database;
use crate::rows::Row;

/// Prints what is in the database. Each row and field, and all that follows from them, must agree with the file.
///
/// # Errors
///
/// If the database cannot be read.
///
/// # Panics
///
/// If it disagrees.
pub(crate) async fn compare(stored: &[Row], database: &Database) -> Handled {
    let rows = database.rows().await?;
    println!("alerts");
    alert(database, "wind", format!("over {WINDY} m/s"), stored, |row| row.wind > WINDY).await?;
    alert(database, "frost", format!("lowest below {FREEZING} degrees"), stored, |row| {
        row.temp_min < FREEZING
    })
    .await?;
    alert(database, "rain", format!("more than {RAINY} mm"), stored, |row| row.precipitation > RAINY).await?;
    println!("records");
    record(database, "wind", "m/s", stored, |row| row.wind).await?;
    record(database, "heat", "degrees", stored, |row| row.temp_max).await?;
    record(database, "rain", "mm", stored, |row| row.precipitation).await?;

    let different = stored.iter().zip(&rows).find(|(file, database)| file != database);
    assert_eq!(different, None, "(file, database)");
    assert_eq!(stored.len(), rows.len());
    println!("the database agrees with the file: {} rows, {} values", rows.len(), rows.len() * 5);
    Ok(())
}

async fn alert(
    database: &Database,
    kind: &'static str,
    limit: String,
    stored: &[Row],
    alarming: impl Fn(&Row) -> bool,
) -> Handled {
    let count = database.count_alerts(kind).await?;
    println!("  {kind:<6}{count:>5}  {limit}");
    assert_eq!(count as usize, stored.iter().filter(|row| alarming(row)).count(), "alerts of {kind}");
    Ok(())
}

async fn record(
    database: &Database,
    what: &'static str,
    unit: &str,
    stored: &[Row],
    field: impl Fn(&Row) -> f64,
) -> Handled {
    let record = database.record(what).await?;
    if let Some((value, day)) = &record {
        println!("  {what:<6}{value:>5.1}  {unit} on {day}");
    }
    // The first of the days with the highest value: later ones only equal it.
    let first = stored.iter().rev().max_by(|a, b| field(a).total_cmp(&field(b)));
    assert_eq!(record, first.map(|row| (field(row), row.date.clone())), "record of {what}");
    Ok(())
}
