//! Without a reporter the report is one line on stderr, which names the place and the cure.

use std::process::Command;

use settled::add;

/// Runs in a process of its own, started below.
#[test]
#[ignore = "run by `the_default_report_names_the_place_and_the_cure`"]
fn adds_outside_of_everything() {
    for _ in 0..3 {
        add(async {});
    }
}

#[test]
fn the_default_report_names_the_place_and_the_cure() {
    let line = line!() - 6;
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "adds_outside_of_everything", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    let reports: Vec<_> =
        stderr.lines().filter(|text| text.contains(&format!("{}:{line}", file!()))).collect();
    assert_eq!(reports.len(), 2, "at the first and at the second of three: {stderr}");
    for report in reports {
        assert!(report.contains("scope(..).await"), "{report}");
        assert!(report.contains("set_root_spawner"), "{report}");
    }
}
