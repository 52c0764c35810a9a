//! What is to be done on the disk: of each key at most one thing, the latest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::snapshot::Snapshot;

use super::file::Header;

/// One thing to do on the disk.
#[derive(Debug)]
pub(super) enum Task {
    /// Write a snapshot in the place of the one before it.
    Write(Write),
    /// Remove the file of this name.
    Remove(String),
    /// Look for files that nobody will read again, but these.
    CollectGarbage(Arc<[String]>),
}

/// A snapshot to write.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) header: Header,
    pub(super) snapshot: Arc<Snapshot>,
}

/// Where things lie that are to be done.
#[derive(Debug, Default)]
pub(super) struct WriteQueue {
    pending: Mutex<Pending>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    /// By key: what to write, or that its file is to be removed.
    tasks: BTreeMap<String, Option<Write>>,
    /// The names that are in use, once that is known.
    in_use: Option<Arc<[String]>>,
    closed: bool,
}

impl WriteQueue {
    /// Queues a snapshot, in the place of what waits there of its key.
    pub(super) fn write(&self, header: Header, snapshot: Arc<Snapshot>) {
        self.put(header.key.clone(), Some(Write { header, snapshot }));
    }

    /// Asks for the removal of a key's file.
    pub(super) fn remove(&self, key: String) {
        self.put(key, None);
    }

    /// Says which names are in use from now on.
    pub(super) fn use_keys(&self, names: Arc<[String]>) {
        self.lock().in_use = Some(names);
        self.changed.notify_one();
    }

    /// Takes nothing more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// What is to be done next: a removal at once, a write once the disk has `rested`, and a
    /// collection when it is due and it is known what is in use. `None`: the queue is closed and all
    /// is done. Nothing waits once it is closed.
    pub(super) async fn next(&self, rested: Instant, collect_at: Instant) -> Option<Task> {
        loop {
            let (has_more, in_use) = {
                let mut pending = self.lock();
                if let Some(task) = pending.take(Instant::now() >= rested) {
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
            let write = has_more.then_some(rested);
            let collect = in_use.map(|_| collect_at);
            let until = write.into_iter().chain(collect).min();
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep_until(until.unwrap_or(rested)), if until.is_some() => {}
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
    fn take(&mut self, has_rested: bool) -> Option<Task> {
        let removal = self.tasks.iter().find(|(_, task)| task.is_none());
        let key = match removal {
            Some((key, _)) => key.clone(),
            None if has_rested || self.closed => self.tasks.keys().next()?.clone(),
            None => return None,
        };
        Some(match self.tasks.remove(&key)? {
            Some(write) => Task::Write(write),
            None => Task::Remove(key),
        })
    }
}
