//! The file: a row for each day, and what is wrong with the lines that are none.

use std::path::Path;

use csv::{ErrorKind, ReaderBuilder};
use serde::de::{Deserialize, Deserializer, Error};

/// The observations of one day.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub(crate) struct Row {
    #[serde(deserialize_with = "date")]
    pub(crate) date: String,
    #[serde(deserialize_with = "finite")]
    pub(crate) precipitation: f64,
    #[serde(deserialize_with = "finite")]
    pub(crate) temp_max: f64,
    #[serde(deserialize_with = "finite")]
    pub(crate) temp_min: f64,
    #[serde(deserialize_with = "finite")]
    pub(crate) wind: f64,
    pub(crate) weather: String,
}

/// A line that is no row.
#[derive(Debug, PartialEq)]
pub(crate) struct Malformed {
    pub(crate) line: usize,
    pub(crate) reason: String,
}

const HEADER: [&str; 6] = ["date", "precipitation", "temp_max", "temp_min", "wind", "weather"];

/// Reads a file of observations to its end.
///
/// # Errors
///
/// If the file cannot be read, or if its first line is not the header of such a file. A malformed line is no error.
pub(crate) fn read(path: &Path) -> settled::Handled<(Vec<Row>, Vec<Malformed>)> {
    // Nothing in these files is quoted. If quotes counted, a stray one would swallow all the lines after it.
    let text = std::fs::read(path)?;
    let mut reader = ReaderBuilder::new().quoting(false).from_reader(text.as_slice());
    if *reader.headers()? != HEADER[..] {
        return Err(format!("expected the header {}", HEADER.join(",")).into());
    }
    let (mut rows, mut malformed) = (Vec::new(), Vec::new());
    for row in reader.deserialize::<Row>() {
        match row {
            Ok(row) => rows.push(row),
            Err(error) => match error.position() {
                Some(place) => malformed.push(Malformed { line: line(&text, place), reason: reason(&error) }),
                None => return Err(error.into()),
            },
        }
    }
    Ok((rows, malformed))
}

/// The number of a line. The reader's own is of where it began to look: before empty lines, and before the second half
/// of a line's end, if that is "\r\n".
fn line(text: &[u8], place: &csv::Position) -> usize {
    let from = usize::try_from(place.byte()).expect("the text is in memory");
    let skipped = text[from..].iter().take_while(|byte| b"\r\n".contains(byte)).count();
    1 + text[..from + skipped].iter().filter(|&&byte| byte == b'\n').count()
}

/// What is wrong with a line, without its position.
fn reason(error: &csv::Error) -> String {
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields instead of {expected_len}")
        }
        ErrorKind::Deserialize { err, .. } => err.to_string(),
        ErrorKind::Utf8 { err, .. } => err.to_string(),
        _ => error.to_string(),
    }
}

/// A number that SQLite can store and give back: not NaN, which it takes for NULL.
fn finite<'de, D: Deserializer<'de>>(source: D) -> Result<f64, D::Error> {
    let number = f64::deserialize(source)?;
    if number.is_finite() { Ok(number) } else { Err(D::Error::custom("not a finite number")) }
}

/// A date of the form 2012-12-31.
fn date<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    let date = String::deserialize(source)?;
    let parts: Vec<&str> = date.split('-').collect();
    let number = |i: usize, digits: usize| {
        let part =
            parts.get(i).filter(|part| part.len() == digits && part.bytes().all(|b| b.is_ascii_digit()))?;
        part.parse::<u32>().ok()
    };
    match (number(0, 4), number(1, 2), number(2, 2), parts.len()) {
        (Some(_), Some(1..=12), Some(1..=31), 3) => Ok(date),
        _ => Err(D::Error::custom("not a date")),
    }
}
