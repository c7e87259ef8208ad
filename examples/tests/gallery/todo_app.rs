//! The list of things to do: what it keeps over a restart, and what it says when the database does not do its part.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rusqlite::Connection;

use crate::programs;

/// What the program has printed and said, and whether it has ended well.
struct Said {
    printed: String,
    errors: String,
    is_well: bool,
}

fn start(arguments: &[&Path], lines: &str) -> Said {
    let mut app = Command::new(programs().join("todo_app"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the example has been built");
    // Where it has ended by then, nobody reads this.
    app.stdin.take().expect("as it was asked for").write_all(lines.as_bytes()).ok();
    let output = app.wait_with_output().expect("it ends with its input");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it writes UTF-8");
    Said { printed: text(output.stdout), errors: text(output.stderr), is_well: output.status.success() }
}

/// A new database file, which goes with its folder.
struct File {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl File {
    /// Something is in it.
    fn new() -> File {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = File { path: folder.path().join("todo.sqlite"), _folder: folder };
        let said = file.start("add Buy milk\nadd Call the bank\n");
        assert!(said.is_well && said.errors.is_empty(), "{}", said.errors);
        file
    }

    fn start(&self, lines: &str) -> Said {
        start(&[&self.path], lines)
    }

    fn sql(&self, text: &str) -> Connection {
        let sql = Connection::open(&self.path).expect("it is there");
        sql.execute_batch(text).expect("SQL");
        sql
    }

    /// What is in it: (title, done, due, tags).
    fn rows(&self) -> Vec<(String, bool, Option<String>, Option<String>)> {
        let sql = self.sql("");
        let text = "SELECT title, done, due, (SELECT group_concat(name, ' ') FROM tag WHERE item = id) FROM item ORDER BY id";
        let mut rows = sql.prepare(text).expect("the tables");
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
        rows.expect("rows").collect::<Result<_, _>>().expect("values")
    }
}

/// The lines that it printed between one command and the next.
fn after<'a>(printed: &'a str, command: &str) -> &'a str {
    let (_, rest) = printed.rsplit_once(&format!("> {command}\n")).expect("the command is shown");
    rest.split_once("> ").map_or(rest, |(answer, _)| answer)
}

#[test]
fn what_each_command_did_is_there_after_a_restart() {
    let file = File::new();
    let said = file.start("tag 1 shop food\ndue 1 2028-02-29\ndone 2\nadd Rest\nadd Mistake\nundo\nlist\n");
    assert!(said.is_well, "{}", said.errors);
    let before = after(&said.printed, "list").to_string();
    assert_eq!(
        before,
        "  1 [ ] Buy milk +food +shop (due 2028-02-29)\n  3 [ ] Rest\n  2 [x] Call the bank\n2 to do\n"
    );

    let text = |text: &str| Some(text.to_string());
    let bank = ("Call the bank".to_string(), true, None, None);
    let rest = ("Rest".to_string(), false, None, None);
    let milk = ("Buy milk".to_string(), false, text("2028-02-29"), text("food shop"));
    assert_eq!(file.rows(), [milk, bank, rest]);

    let said = file.start("list\nundo\ndue 1\nlist\n");
    assert!(said.is_well && said.printed.starts_with("2 to do\n"), "{}", said.printed);
    assert_eq!(said.printed.split("> ").nth(1), Some(&*format!("list\n{before}")));
    assert_eq!(after(&said.printed, "undo"), "there is nothing to undo\n");
    assert!(after(&said.printed, "list").starts_with("  1 [ ] Buy milk +food +shop\n"));
    assert_eq!(file.rows()[0].2, None);
}

#[test]
fn undo_takes_back_one_command_after_the_other_and_the_database_follows() {
    let file = File::new();
    let before = file.rows();
    let said = file.start("tag 1 a\ntag 1 b\ndue 2 2027-01-31\ndone 2\nadd Third\nundo\nundo\nundo\nundo\n");
    assert!(said.is_well, "{}", said.errors);
    assert_eq!(file.rows()[0].3.as_deref(), Some("a"));
    let said = file.start("tag 1 b\nundo\ndone 1\nundo\nundo\n");
    assert_eq!(after(&said.printed, "undo"), "there is nothing to undo\n");
    assert_eq!(file.rows()[0].3.as_deref(), Some("a"));
    assert_eq!(file.rows()[1], before[1]);
}

#[test]
fn of_a_command_that_fails_half_way_nothing_stands() {
    let file = File::new();
    let said = file.start("tag 1 good two-words\nlist\nlist good\n");
    assert!(said.is_well, "a mistake of the user's is none of the program's");
    assert!(said.printed.contains("refused: \"two-words\" is no tag"), "{}", said.printed);
    assert!(after(&said.printed, "list").starts_with("  1 [ ] Buy milk\n"), "{}", said.printed);
    assert_eq!(after(&said.printed, "list good"), "0 to do\n");
    assert_eq!(file.rows()[0].3, None);
}

#[test]
fn mistakes_are_told_and_change_nothing() {
    let file = File::new();
    let before = file.rows();
    let mistakes = [
        ("done 7", "there is no 7"),
        ("done", "done what? It takes a number"),
        ("done milk", "\"milk\" is no number"),
        ("done 1 2", "done does not take \"2\""),
        ("due 1 2027-02-29", "\"2027-02-29\" is no day"),
        ("due 1 2100-02-29", "\"2100-02-29\" is no day"),
        ("due 1 +027-02-01", "\"+027-02-01\" is no day"),
        ("due 1 tomorrow", "\"tomorrow\" is no day"),
        ("add", "add what? It takes a title"),
        ("tag 1", "tag with what? It takes words"),
        ("buy milk", "\"buy\" is no command"),
        ("undo", "there is nothing to undo"),
    ];
    for (line, answer) in mistakes {
        let said = file.start(&format!("{line}\n"));
        assert!(said.is_well, "{line}: {}", said.errors);
        assert!(after(&said.printed, line).starts_with(answer), "{}", said.printed);
    }
    assert_eq!(file.rows(), before);
}

#[test]
fn a_handler_that_cannot_save_is_told_to_the_user_who_then_sees_what_is_saved() {
    let file = File::new();
    file.sql("CREATE TRIGGER full BEFORE INSERT ON tag BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
    let said = file.start("tag 1 shop\nlist\ndone 2\nundo\nundo\n");
    assert!(!said.is_well);
    assert_eq!(said.errors, "not saved: the disk is full\n");
    assert_eq!(after(&said.printed, "list"), "  1 [ ] Buy milk\n  2 [ ] Call the bank\n2 to do\n");
    // The next command is saved, and what was not saved is not to be undone.
    assert!(said.printed.contains("2 is to be done again\n"), "{}", said.printed);
    assert_eq!(after(&said.printed, "undo"), "there is nothing to undo\n");
}

#[test]
fn a_commit_that_fails_is_told_and_nothing_of_it_stands() {
    let file = File::new();
    // SQLite looks at such a constraint when it commits: by then all handlers have done their work.
    file.sql(
        "CREATE TABLE note (item INTEGER REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER noted AFTER UPDATE OF done ON item BEGIN INSERT INTO note VALUES (99); END",
    );
    let said = file.start("done 1\nlist\nadd Third\n");
    assert!(!said.is_well);
    assert_eq!(said.errors, "not saved: FOREIGN KEY constraint failed\n");
    assert_eq!(after(&said.printed, "list"), "  1 [ ] Buy milk\n  2 [ ] Call the bank\n2 to do\n");
    assert_eq!(file.rows().len(), 3, "the program goes on, and so does the database");
    assert!(!file.rows()[0].1);
}

#[test]
fn a_database_that_somebody_else_has_locked_is_told() {
    let file = File::new();
    let lock = file.sql("BEGIN IMMEDIATE");
    let said = file.start("done 1\nlist\n");
    assert!(!said.is_well);
    assert_eq!(said.errors, "not saved: database is locked\n");
    assert!(after(&said.printed, "list").starts_with("  1 [ ] Buy milk\n"), "{}", said.printed);
    drop(lock);
    assert!(file.start("done 1\n").is_well);
    assert!(file.rows()[0].1);
}

#[test]
fn what_somebody_else_has_added_meanwhile_is_no_loss() {
    let file = File::new();
    // In the middle of the session another one adds the item whose number would be the next here.
    file.sql(
        "CREATE TRIGGER meanwhile AFTER UPDATE OF done ON item
            BEGIN INSERT INTO item VALUES (3, 'Theirs', 0, NULL); END",
    );
    let said = file.start("done 1\nadd Mine\nadd Mine\nlist\n");
    assert!(!said.is_well);
    assert_eq!(said.errors, "not saved: UNIQUE constraint failed: item.id\n");
    let expected = "  2 [ ] Call the bank\n  3 [ ] Theirs\n  4 [ ] Mine\n  1 [x] Buy milk\n3 to do\n";
    assert_eq!(after(&said.printed, "list"), expected, "it has been loaded anew");
}

#[test]
fn what_cannot_be_opened_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [text, lost, script] =
        ["notes.txt", "no/such/todo.sqlite", "no.txt"].map(|name| folder.path().join(name));
    std::fs::write(
        &text,
        "This is a text, and has never been a database of any kind, nor will it be one.\n".repeat(20),
    )
    .expect("room for it");
    let new = folder.path().join("new.sqlite");
    let wrong: [(&[&Path], &str); 4] = [
        (&[&text], "notes.txt: file is not a database"),
        (&[&lost], "todo.sqlite: unable to open database file"),
        (&[&new, &script], "no.txt: "),
        (&[], "usage: todo_app DATABASE [SCRIPT]"),
    ];
    for (arguments, message) in wrong {
        let said = start(arguments, "add Nothing\n");
        assert!(!said.is_well && said.errors.starts_with("error: "), "{}", said.errors);
        assert!(said.errors.contains(message), "{}", said.errors);
    }
    assert!(!new.exists(), "no database is created for a script that is not there");
}
