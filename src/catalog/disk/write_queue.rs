//! The work that waits for the disk: at most one task per key, the latest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::snapshot::Snapshot;
use crate::upstream::walk::GroupMarks;

use super::file::Header;

/// One task for the disk.
#[derive(Debug)]
pub(super) enum Task {
    /// Replace the file of a snapshot.
    Write(Box<Write>),
    /// Remove the file of this name.
    Remove(String),
    /// Remove files that nobody will read again, except those of these names.
    CollectGarbage(Arc<[String]>),
}

/// A snapshot to write.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) header: Header,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) marks: Option<Arc<GroupMarks>>,
}

/// The tasks that wait.
#[derive(Debug, Default)]
pub(super) struct WriteQueue {
    pending: Mutex<Pending>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    /// By name: the snapshot to write, or `None` to remove the file.
    tasks: BTreeMap<String, Option<Write>>,
    /// The names in use, once they are known.
    in_use: Option<Arc<[String]>>,
    closed: bool,
    /// The file that is being removed.
    removing: Option<String>,
}

impl WriteQueue {
    /// Queues a snapshot. It replaces whatever waits for the same name.
    pub(super) fn write(&self, write: Write) {
        self.put(write.header.key.clone(), Some(write));
    }

    /// Queues the removal of a file.
    pub(super) fn remove(&self, name: String) {
        self.put(name, None);
    }

    /// Sets the names in use.
    pub(super) fn use_keys(&self, names: Arc<[String]>) {
        self.lock().in_use = Some(names);
        self.changed.notify_one();
    }

    /// Whether the file of this name is about to be removed.
    pub(super) fn is_removing(&self, name: &str) -> bool {
        let pending = self.lock();
        pending.removing.as_deref() == Some(name) || matches!(pending.tasks.get(name), Some(None))
    }

    /// Accepts nothing more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// The next task: a removal at once, a write from `write_at` on, and a collection from
    /// `collect_at` on if the names in use are known. A closed queue waits for nothing. `None`: it is
    /// closed and empty.
    pub(super) async fn next(&self, write_at: Instant, collect_at: Instant) -> Option<Task> {
        loop {
            let (has_more, in_use) = {
                let mut pending = self.lock();
                // The task before has ended.
                pending.removing = None;
                if let Some(task) = pending.take(Instant::now() >= write_at) {
                    return Some(task);
                }
                if pending.closed {
                    return None;
                }
                (!pending.tasks.is_empty(), pending.in_use.clone())
            };
            if Instant::now() >= collect_at
                && let Some(in_use) = in_use
            {
                return Some(Task::CollectGarbage(in_use));
            }
            let write = has_more.then_some(write_at);
            let collect = in_use.map(|_| collect_at);
            let until = write.into_iter().chain(collect).min();
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep_until(until.unwrap_or(write_at)), if until.is_some() => {}
            }
        }
    }

    fn put(&self, key: String, task: Option<Write>) {
        let mut pending = self.lock();
        if !pending.closed {
            pending.tasks.insert(key, task);
            self.changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    fn take(&mut self, may_write: bool) -> Option<Task> {
        let removal = self.tasks.iter().find(|(_, task)| task.is_none());
        let key = match removal {
            Some((key, _)) => key.clone(),
            None if may_write || self.closed => self.tasks.keys().next()?.clone(),
            None => return None,
        };
        if let Some(write) = self.tasks.remove(&key)? {
            return Some(Task::Write(Box::new(write)));
        }
        self.removing = Some(key.clone());
        Some(Task::Remove(key))
    }
}
