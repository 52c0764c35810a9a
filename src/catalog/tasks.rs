//! The tasks of a catalog: its walks, and what renews lists behind callers. They end with it.

use std::sync::{Mutex, PoisonError};

use tokio::task::JoinSet;

/// Tasks that run until they are done or closed. `None` once closed.
#[derive(Debug)]
pub(super) struct Tasks(Mutex<Option<JoinSet<()>>>);

impl Tasks {
    /// No task yet.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Some(JoinSet::new())))
    }

    /// Begins a task, unless all were ended.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tasks) = tasks.as_mut() else {
            return;
        };
        // Those that are done are let go here, or the set would only grow.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Ends every task, and begins none from now on.
    pub(super) fn close(&self) {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Outside the lock: a task that is dropped may drop what asks for more.
        drop(tasks);
    }
}
