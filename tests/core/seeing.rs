//! The page `docs/seeing.md` shows what this program prints.

use settled::testing::Events;
use settled::{Transaction, add, begin};
use support::{Gate, Task, assert_pending, failing, finish};

const PAGE: &str = include_str!("../../docs/seeing.md");

/// The program of the page: its snapshot, its diagram, its events.
fn program() -> (String, String, String) {
    let gate = Gate::new();
    let (reply, lock) = (gate.clone(), gate.clone());
    // [program
    let import = Transaction::builder().name("import").begin();
    let events = Events::of(&import);
    import.enter(|| {
        add(async move {
            add(lock.pass()); // an asynchronous consequence of a consequence
            reply.pass().await;
        });
        add(failing("line 7: not a number"));
        drop(begin()); // should have been ended
    });
    let mut end = Task::new(import.end());
    assert_pending!(end.run());
    let snapshot = import.snapshot();
    // program]
    let events: Vec<_> = events.take().iter().map(|event| format!("{event}\n")).collect();
    gate.open();
    drop(end);
    finish(import.end()).unwrap_err();
    (format!("{snapshot}\n"), snapshot.to_mermaid(), events.concat())
}

/// As the page has it: numbers from 1 on, in a file of its own.
fn as_on_page(text: &str, first_line: u32) -> String {
    let mut known: Vec<u64> = Vec::new();
    let mut number = |word: &str| {
        let id = word.parse().ok()?;
        let index = known.iter().position(|other| *other == id).unwrap_or_else(|| {
            known.push(id);
            known.len() - 1
        });
        Some((index + 1).to_string())
    };
    let mut page = String::new();
    for line in text.lines() {
        // Without the age, which a slow machine would add to a line of a snapshot.
        let parts: Vec<_> = line.split("  ").filter(|part| !part.ends_with(" s")).collect();
        let line = &format!("{}\n", parts.join("  "));
        let mut before = "";
        let words = line.split_inclusive(' ').map(|word| {
            let (bare, tail) = word.split_at(word.trim_end().len());
            let counts = matches!(before.trim(), "transaction" | "future");
            before = word;
            match number(bare) {
                Some(number) if counts => format!("{number}{tail}"),
                _ => word.to_owned(),
            }
        });
        let line: String = words.collect();
        let place = format!("{}:", file!());
        match line.split_once(&place) {
            Some((head, tail)) => {
                let (row, rest) = tail.split_once(':').unwrap();
                let row: u32 = row.parse().unwrap();
                page += &format!("{head}src/main.rs:{}:{rest}", row - first_line);
            }
            None => page += &line,
        }
    }
    page
}

#[test]
fn the_page_shows_what_the_program_prints() {
    let source = include_str!("seeing.rs");
    let first_line = source.lines().position(|line| line.trim() == "// [program").unwrap() as u32 + 1;
    let code = source.split_once("// [program\n").unwrap().1.split_once("    // program]").unwrap().0;
    let code: String =
        code.lines().map(|line| format!("{}\n", line.strip_prefix("    ").unwrap_or(line))).collect();
    assert!(PAGE.contains(&code), "the page has another program than this:\n{code}");
    let (snapshot, _, events) = program();
    for (what, text) in [("snapshot", snapshot), ("events", events)] {
        let text = as_on_page(&text, first_line);
        assert!(PAGE.contains(&text), "the page has other {what} than these:\n{text}");
    }
}
