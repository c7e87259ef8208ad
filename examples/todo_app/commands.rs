//! The commands: what a line means, what it does to the model, and what takes that back.

use settled_signal::transaction::BoxError;

use crate::date::Date;
use crate::model::{Tags, TodoList};

pub(crate) const HELP: &str = "\
add TITLE         something to do
done NUMBER       it is done
tag NUMBER TAG..  gives it tags
due NUMBER DAY    until when, as 2027-01-31; without a day: no more
list [TAG]        what there is to do, the most urgent first
undo              takes back the last command that changed something
quit              or the end of the input";

#[derive(Debug)]
pub(crate) enum Command {
    List(Option<String>),
    Help,
    Undo,
    Quit,
    Change(Change),
}

/// What changes something. It is made of setters, all of which are synchronous: none of them knows of the database.
#[derive(Debug)]
pub(crate) enum Change {
    Add(String),
    Done(i64),
    Tag(i64, Vec<String>),
    Due(i64, Option<Date>),
}

/// What takes a change back.
#[derive(Debug)]
pub(crate) enum Reverse {
    Remove(i64),
    Done(i64),
    Tags(i64, Tags),
    Due(i64, Option<Date>),
}

impl Command {
    /// Reads a line; `None` if there is nothing in it, or a comment.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for people.
    pub(crate) fn parse(line: &str) -> Result<Option<Command>, BoxError> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let (verb, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let mut words = rest.split_whitespace();
        let mut number = || -> Result<i64, BoxError> {
            let word = words.next().ok_or_else(|| format!("{verb} what? It takes a number"))?;
            word.parse().map_err(|_| format!("\"{word}\" is no number").into())
        };
        let command = match verb {
            "add" if rest.is_empty() => return Err("add what? It takes a title".into()),
            "add" => Command::Change(Change::Add(rest.to_string())),
            "done" => Command::Change(Change::Done(number()?)),
            "tag" => {
                let id = number()?;
                let names: Vec<_> = words.by_ref().map(String::from).collect();
                if names.is_empty() {
                    return Err("tag with what? It takes words".into());
                }
                Command::Change(Change::Tag(id, names))
            }
            "due" => {
                let id = number()?;
                Command::Change(Change::Due(id, words.next().map(str::parse).transpose()?))
            }
            "list" => Command::List(words.next().map(String::from)),
            "help" => Command::Help,
            "undo" => Command::Undo,
            "quit" => Command::Quit,
            _ => return Err(format!("\"{verb}\" is no command; help lists them").into()),
        };
        match words.next() {
            Some(word) if !matches!(command, Command::Change(Change::Add(_))) => {
                Err(format!("{verb} does not take \"{word}\"").into())
            }
            _ => Ok(Some(command)),
        }
    }
}

impl Change {
    /// Makes the change. Returns what to tell the user, and what would take it back.
    ///
    /// # Errors
    ///
    /// If it cannot be made. Some of it may have been made by then: this is to run in an `atomic`.
    pub(crate) fn make(&self, list: &TodoList) -> Result<(String, Reverse), BoxError> {
        match self {
            Change::Add(title) => {
                let item = list.add(title.clone());
                Ok((format!("{} is \"{title}\"", item.id), Reverse::Remove(item.id)))
            }
            Change::Done(id) => {
                let item = list.find(*id)?;
                if item.done() {
                    return Err(format!("{id} is done already").into());
                }
                item.set_done(true);
                Ok((format!("{id} is done"), Reverse::Done(*id)))
            }
            Change::Tag(id, names) => {
                let item = list.find(*id)?;
                let before = item.tags();
                for name in names {
                    item.try_update_tags(|tags| tags.extend([name.clone()]))?;
                }
                Ok((format!("{id} is tagged {}", names.join(", ")), Reverse::Tags(*id, before)))
            }
            Change::Due(id, due) => {
                let item = list.find(*id)?;
                let before = item.due();
                item.set_due(*due);
                let told = due.map_or(format!("{id} has time"), |due| format!("{id} is due {due}"));
                Ok((told, Reverse::Due(*id, before)))
            }
        }
    }
}

impl Reverse {
    /// Takes the change back, by setters again: this is a change like any other. Returns what to tell the user.
    ///
    /// # Errors
    ///
    /// If there is nothing that could be changed back.
    pub(crate) fn make(&self, list: &TodoList) -> Result<String, BoxError> {
        match self {
            Reverse::Remove(id) => {
                let item = list.find(*id)?;
                list.removed().notify(item);
                Ok(format!("{id} is gone"))
            }
            Reverse::Done(id) => {
                list.find(*id)?.set_done(false);
                Ok(format!("{id} is to be done again"))
            }
            Reverse::Tags(id, tags) => {
                list.find(*id)?.try_set_tags(tags.clone())?;
                Ok(format!("{id} has its tags from before"))
            }
            Reverse::Due(id, due) => {
                list.find(*id)?.set_due(*due);
                Ok(format!("{id} is due as before"))
            }
        }
    }
}
