//! A list of things to do in a terminal, saved to SQLite by asynchronous handlers: what is on the screen is on the disk.
//!
//! Its commands are lines, from the terminal or from a file. What a command does it does by setters, which are synchronous
//! and return before anything is written. But each command is a transaction, and the next line is read when all that
//! followed from the setters has been saved. If a command fails half-way nothing of it stands, neither here nor there; if
//! the database fails the user is told, and sees what is saved.
//!
//! Run it: `cargo run --example todo_app -- todo.sqlite [SCRIPT]`
//!
//! It prints what each command has done. In the gallery it is started twice on the same new database, with
//! `monday.txt` and `tuesday.txt`. What the database says of errors goes to stderr, and then it fails in the end.

mod commands;
mod date;
mod model;
mod session;
mod storage;

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use settled_signal::transaction::{BoxError, block_on};

use crate::commands::{Command, HELP};
use crate::model::Item;
use crate::session::{Session, Trouble};
use crate::storage::Storage;

fn describe(item: &Item) -> String {
    let mut text = format!("{:>3} [{}] {}", item.id, if item.done() { 'x' } else { ' ' }, item.title);
    item.tags().iter().for_each(|tag| text += &format!(" +{tag}"));
    item.due().iter().for_each(|due| text += &format!(" (due {due})"));
    text
}

fn list(session: &Session, tag: Option<&str>) {
    let mut items: Vec<_> = session.list.with_items(|items| items.values().cloned().collect());
    items.retain(|item| tag.is_none_or(|tag| item.with_tags(|tags| tags.contains(tag))));
    items.sort_by_key(|item| (item.done(), item.due().is_none(), item.due(), item.id));
    items.iter().for_each(|item| println!("{}", describe(item)));
    println!("{} to do", items.iter().filter(|item| !item.done()).count());
}

/// Runs one line. Tells whether there is to be another one.
fn run(session: &mut Session, line: &str) -> Result<bool, Trouble> {
    let Some(command) = Command::parse(line).map_err(Trouble::Mistake)? else { return Ok(true) };
    match command {
        Command::List(tag) => list(session, tag.as_deref()),
        Command::Help => println!("{HELP}"),
        Command::Quit => return Ok(false),
        Command::Change(change) => {
            let (told, reverse) = block_on(session.run(|list| change.make(list)))?;
            session.undo.push(reverse);
            println!("{told}");
        }
        Command::Undo => {
            let nothing = || Trouble::Mistake("there is nothing to undo".into());
            let reverse = session.undo.last().ok_or_else(nothing)?;
            println!("{}", block_on(session.run(|list| reverse.make(list)))?);
            session.undo.pop();
        }
    }
    Ok(true)
}

/// Runs all lines. Tells whether all has been saved.
fn converse(session: &mut Session, input: impl BufRead, on_terminal: bool) -> io::Result<bool> {
    let mut is_saved = true;
    let prompt = || {
        print!("> ");
        io::stdout().flush()
    };
    let mut lines = input.lines();
    loop {
        prompt()?;
        let line = lines.next().transpose()?;
        let Some(line) = line else {
            println!("quit");
            break;
        };
        if !on_terminal {
            println!("{line}");
        }
        match run(session, &line) {
            Ok(true) => {}
            Ok(false) => break,
            Err(trouble @ Trouble::Mistake(_)) => println!("{trouble}"),
            Err(trouble @ Trouble::Unsaved(_)) => {
                eprintln!("{trouble}");
                is_saved = false;
            }
        }
    }
    Ok(is_saved)
}

/// Says which file an error is about.
fn about<E: Into<BoxError>>(path: &Path) -> impl Fn(E) -> BoxError {
    move |error| format!("{}: {}", path.display(), error.into()).into()
}

fn app() -> Result<bool, BoxError> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let (database, script) = match &arguments[..] {
        [database] => (Path::new(database), None),
        [database, script] => (Path::new(database), Some(Path::new(script))),
        _ => return Err("usage: todo_app DATABASE [SCRIPT]".into()),
    };
    // Before anything is created.
    let script = script.map(|path| File::open(path).map_err(about(path))).transpose()?;

    let (storage, thread) = Storage::open(database).map_err(about(database))?;
    let mut session = block_on(Session::open(storage.clone())).map_err(about(database))?;
    let items = session.list.items();
    println!("{} to do", items.values().filter(|item| !item.done()).count());
    let is_saved = match script {
        Some(script) => converse(&mut session, BufReader::new(script), false)?,
        None => converse(&mut session, io::stdin().lock(), io::stdin().is_terminal())?,
    };
    storage.close();
    thread.join().map_err(|_| "the database's thread panicked")?;
    Ok(is_saved)
}

fn main() -> ExitCode {
    match app() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
