//! The model: what there is to do. It changes by its setters, and its asynchronous handlers save each change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use settled_signal::transaction::{BoxError, Handled};
use settled_signal::{Signal, handlers, model};

use crate::date::Date;
use crate::storage::{Row, Storage};

pub(crate) type Tags = BTreeSet<String>;

/// Something to do.
#[model]
pub(crate) struct Item {
    #[plain]
    pub(crate) id: i64,
    #[plain]
    pub(crate) title: String,
    done: bool,
    due: Option<Date>,
    #[validate(valid_tags)]
    tags: Tags,
    #[plain]
    storage: Storage,
}

fn valid_tags(tags: &Tags) -> Result<(), String> {
    let is_word = |tag: &&String| tag.chars().all(char::is_alphanumeric);
    match tags.iter().find(|tag| !is_word(tag)) {
        None => Ok(()),
        Some(tag) => Err(format!("\"{tag}\" is no tag: letters and digits only")),
    }
}

/// None of these is called for what is rolled back: they hear of a change when the command that made it stands.
#[handlers]
impl Item {
    #[handler(done)]
    async fn save_done(self: Arc<Self>, done: bool) -> Handled {
        self.storage.write_done(self.id, done).await
    }

    #[handler(due)]
    async fn save_due(self: Arc<Self>, due: Option<Date>) -> Handled {
        self.storage.write_due(self.id, due).await
    }

    #[handler(tags)]
    async fn save_tags(self: Arc<Self>, tags: Tags) -> Handled {
        self.storage.write_tags(self.id, tags).await
    }
}

impl Item {
    pub(crate) fn of(row: Row, storage: &Storage) -> Arc<Item> {
        let Row { id, title, done, due, tags } = row;
        Item::new(id, title, done, due, tags, storage.clone())
    }

    pub(crate) fn row(&self) -> Row {
        let title = self.title.clone();
        Row { id: self.id, title, done: self.done(), due: self.due(), tags: self.tags() }
    }
}

/// All that there is to do.
#[model]
pub(crate) struct TodoList {
    /// By their numbers.
    #[default]
    items: BTreeMap<i64, Arc<Item>>,
    /// The number that the next one gets.
    #[default(1)]
    next: i64,
    added: Signal<Arc<Item>>,
    removed: Signal<Arc<Item>>,
    #[plain]
    storage: Storage,
}

#[handlers]
impl TodoList {
    /// At once, so that the next line of the program finds it.
    #[handler(added)]
    fn take(&self, item: Arc<Item>) {
        self.update_items(|items| drop(items.insert(item.id, item)));
    }

    #[handler(added)]
    async fn insert(self: Arc<Self>, item: Arc<Item>) -> Handled {
        self.storage.insert(item.row()).await
    }

    #[handler(removed)]
    fn let_go(&self, item: &Arc<Item>) {
        self.update_items(|items| drop(items.remove(&item.id)));
    }

    #[handler(removed)]
    async fn delete(self: Arc<Self>, item: Arc<Item>) -> Handled {
        self.storage.delete(item.id).await
    }
}

impl TodoList {
    /// Shows what is in the database, whatever was shown before. No item is added by that: nothing is saved.
    pub(crate) async fn load(&self) -> Result<(), BoxError> {
        let rows = self.storage.load().await?;
        let items: BTreeMap<_, _> =
            rows.into_iter().map(|row| (row.id, Item::of(row, &self.storage))).collect();
        self.set_next(items.last_key_value().map_or(1, |(id, _)| id + 1));
        self.set_items(items);
        Ok(())
    }

    pub(crate) fn add(&self, title: String) -> Arc<Item> {
        let id = self.next();
        self.set_next(id + 1);
        let row = Row { id, title, done: false, due: None, tags: Tags::new() };
        let item = Item::of(row, &self.storage);
        self.added().notify(item.clone());
        item
    }

    /// Looks one up.
    ///
    /// # Errors
    ///
    /// If there is none of that number.
    pub(crate) fn find(&self, id: i64) -> Result<Arc<Item>, BoxError> {
        self.with_items(|items| items.get(&id).cloned()).ok_or_else(|| format!("there is no {id}").into())
    }
}
