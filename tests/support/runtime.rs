//! A runtime that runs when the test says.

use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use crate::Task;

/// What a spawner is given.
type Spawned = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tasks in the order of spawning; clones are the same runtime.
#[derive(Clone, Debug, Default)]
pub struct Runtime(Arc<Mutex<Vec<Task<Spawned>>>>);

impl Runtime {
    /// Without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a task, and polls nothing.
    pub fn spawn(&self, task: Spawned) {
        self.0.lock().unwrap().push(Task::new(task));
    }

    /// A spawner of it.
    pub fn spawner(&self) -> impl Fn(Spawned) + Send + Sync + use<> + 'static {
        let runtime = self.clone();
        move |task| runtime.spawn(task)
    }

    /// How many are not done.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Are all done?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Polls what is new or was woken, in turn, also what comes meanwhile, until nothing is to be polled.
    pub fn run(&self) {
        loop {
            let tasks = mem::take(&mut *self.0.lock().unwrap());
            let before = tasks.len();
            let rest: Vec<_> =
                tasks.into_iter().filter_map(|mut task| task.run().is_pending().then_some(task)).collect();
            let rested = rest.len() == before && rest.iter().all(|task| !task.is_woken());
            let mut now = self.0.lock().unwrap();
            let fresh = mem::replace(&mut *now, rest);
            if rested && fresh.is_empty() {
                return;
            }
            now.extend(fresh);
        }
    }

    /// Drops all tasks, as a runtime does that is shut down.
    pub fn shut_down(&self) {
        let tasks = mem::take(&mut *self.0.lock().unwrap());
        drop(tasks);
    }
}
