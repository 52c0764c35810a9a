//! The tasks of one upstream: its walks, and the task that starts background walks.

use std::sync::{Mutex, PoisonError};

use tokio::task::JoinSet;

/// Tasks that run until they finish or are all aborted. `None` once closed.
#[derive(Debug)]
pub(super) struct Tasks(Mutex<Option<JoinSet<()>>>);

impl Tasks {
    /// No task yet.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Some(JoinSet::new())))
    }

    /// Starts a task, unless they are closed. Says whether it started.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> bool {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tasks) = tasks.as_mut() else {
            return false;
        };
        // Finished tasks are dropped here, or the set would only grow.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
        true
    }

    /// Aborts every task, and starts none from now on.
    pub(super) fn close(&self) {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Outside the lock: dropping a task may drop an entry that spawns another.
        drop(tasks);
    }
}
