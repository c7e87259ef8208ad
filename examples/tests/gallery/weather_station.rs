//! The weather station on files that are not as they should be.

use std::io::Write;
use std::process::{Command, Output};

use crate::programs;

const HEADER: &str = "date,precipitation,temp_max,temp_min,wind,weather\n";

/// Runs the example on a file with the given bytes.
fn feed(bytes: &[u8]) -> Output {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for a few lines");
    let program = programs().join("weather_station");
    Command::new(program).arg(file.path()).output().expect("the example has been built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn each_malformed_line_is_reported_with_its_number_and_skipped() {
    let lines: [&[u8]; 9] = [
        b"2012-01-01,0.0,12.8,5.0,4.7,drizzle",
        b"2012-01-02,10.9,10.6,2.8,4.5",         // line 3: a field is missing
        b"2012-01-03,0.8,\"11.7,7.2,2.3,rain",   // line 4: a stray quote
        b"",                                     // line 5: empty, which is no error
        b"2012-01-04,20.3,12.2,5.6,strong,rain", // line 6: not a number
        b"2012-01-05,1.3,8.9,2.8,NaN,rain",      // line 7: not a number that can be stored
        b"2012-13-06,2.5,4.4,2.2,2.2,rain",      // line 8: not a date
        b"2012-01-07,0.0,7.2,2.8,2.3,r\xffin",   // line 9: not UTF-8
        b"2012-01-08,0.0,10.0,-2.8,8.1,sun",
    ];
    let expected = [
        (3, "5 fields instead of 6"),
        (4, "invalid float literal"),
        (6, "invalid float literal"),
        (7, "not a finite number"),
        (8, "not a date"),
        (9, "invalid utf-8"),
    ];
    for end in ["\n", "\r\n"] {
        let output = feed(&[HEADER.trim_end().as_bytes(), &lines.join(end.as_bytes())].join(end.as_bytes()));
        let (printed, message) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "malformed lines are skipped\n{printed}\n{message}");
        assert!(printed.starts_with("read 2 days, skipped 6 malformed lines\n"), "{printed}");
        assert!(printed.contains("agrees with the file: 2 rows, 10 values\n"), "{printed}");

        let reports: Vec<_> = message.lines().filter(|line| line.contains("malformed")).collect();
        assert_eq!(reports.len(), expected.len(), "{message}");
        for ((number, why), report) in expected.into_iter().zip(reports) {
            assert!(
                report.contains(&format!("line {number} is malformed: ")) && report.contains(why),
                "{report}"
            );
        }
    }
}

#[test]
fn an_sqlite_error_in_a_handler_fails_that_day_and_the_run() {
    // A wind below nothing is a number like any other, but a check of the table refuses it. That day's other handlers
    // have raised an alert of frost and set a record of rain: neither is there in the end.
    let days = "2012-01-01,0.0,12.8,5.0,4.7,drizzle\n2012-01-02,99.0,10.6,-2.8,-4.5,rain\n2012-01-03,0.8,11.7,7.2,2.3,rain\n";
    let output = feed(format!("{HEADER}{days}").as_bytes());

    let (printed, message) = (text(&output.stdout), text(&output.stderr));
    assert!(!output.status.success(), "{printed}\n{message}");
    assert!(
        message.contains("2012-01-02: refused by SQLite: CHECK constraint failed: wind >= 0"),
        "{message}"
    );
    assert!(message.contains("error: 1 of the days are not in the database"), "{message}");
    assert!(printed.contains("stored 2 days, 1 refused\n"), "{printed}");
    assert!(printed.contains("agrees with the file: 2 rows, 10 values\n"), "{printed}");
    assert!(printed.contains("frost     0 "), "{printed}");
    assert!(printed.contains("rain    0.8  mm on 2012-01-03"), "{printed}");
}

#[test]
fn a_day_that_comes_twice_is_refused() {
    let day = "2012-01-01,0.0,12.8,5.0,4.7,drizzle\n";
    let output = feed(format!("{HEADER}{day}{day}").as_bytes());
    assert!(!output.status.success());
    let message = text(&output.stderr);
    assert!(message.contains("2012-01-01: refused by SQLite: UNIQUE constraint failed"), "{message}");
}

#[test]
fn a_file_that_is_no_such_file_is_an_error() {
    for bytes in [&b""[..], b"day,wind\n2012-01-01,4.7\n"] {
        let output = feed(bytes);
        assert!(!output.status.success());
        let message = text(&output.stderr);
        assert!(message.contains("expected the header date,precipitation,"), "{message}");
    }
}

#[test]
fn a_file_without_a_day_leaves_an_empty_database() {
    let output = feed(HEADER.as_bytes());
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("agrees with the file: 0 rows, 0 values\n"), "{printed}");
}
