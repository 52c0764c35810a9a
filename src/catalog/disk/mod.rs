//! Snapshots on disk, so that the gateway has something to serve when it restarts during an outage.
//!
//! ```text
//! entry ▸ write queue (the latest of each key) ▸ one writer, off the I/O threads ▸ one file per key
//! ```
//!
//! A file is written under another name and then renamed, so there is always a complete one. Writing
//! never delays a walk: while the disk is busy, only the latest snapshot of each key waits. Snapshots
//! of callers' own accounts are never written.

mod file;
mod folder;
mod gc;
mod write_queue;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout};

use crate::clock::WallClock;
use crate::plan::Freshness;
use crate::upstream::walk::GroupMarks;

use super::age::serves;
use super::cached::CachedSnapshot;
use super::key::CatalogKey;

use file::{FileError, Header};
use folder::Folder;
use write_queue::{Task, Write, WriteQueue};

/// How long the writer pauses after a write, as a multiple of what the write took. Large lists that
/// change often must not keep the disk busy.
const PAUSE: u32 = 9;

/// How often files that nobody will read again are removed.
const COLLECT_EVERY: Duration = Duration::from_hours(1);

/// The size of a file that may delay the start, and is announced in the log.
const LARGE: u64 = 16 << 20;

/// How long shutdown waits for the last writes.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// The snapshots in one folder.
#[derive(Debug)]
pub(super) struct Disk {
    folder: Folder,
    wall: WallClock,
    queue: Arc<WriteQueue>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Disk {
    /// Opens a folder for snapshots.
    pub(super) fn open(path: &Path, wall: &WallClock) -> Self {
        let folder = Folder::new(path);
        let queue = Arc::new(WriteQueue::default());
        let writing = write_all(folder.clone(), Arc::clone(&queue), wall.clone());
        Self {
            folder,
            wall: wall.clone(),
            queue,
            writer: Mutex::new(Some(tokio::spawn(writing))),
        }
    }

    /// The snapshot of a key, if it may still be served. A file of more than `most` bytes is not read.
    pub(super) async fn load(
        &self,
        key: &CatalogKey,
        freshness: Freshness,
        most: u64,
    ) -> Option<CachedSnapshot> {
        let name = key.name()?;
        // What the account may no longer see is still there until the writer gets round to it.
        if self.queue.is_removing(&name) {
            return None;
        }
        let path = self.folder.path(&name);
        let from = path.clone();
        let source = Arc::clone(&key.upstream);
        let read = spawn_blocking(move || {
            let bytes = std::fs::metadata(&from).map_or(0, |metadata| metadata.len());
            if bytes >= LARGE {
                tracing::info!(
                    source = &*source,
                    bytes,
                    "reading a large snapshot from disk"
                );
            }
            file::read(&from, most)
        });
        let read = read.await.ok()?;
        let read = match read {
            Err(FileError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return None;
            }
            Err(error) => Err(error.to_string()),
            Ok((header, snapshot, marks)) => self
                .age(&name, key, &header, freshness)
                .map(|age| (header, snapshot, marks, age)),
        };
        match read {
            Ok((header, snapshot, marks, age)) => {
                tracing::info!(
                    source = %key.upstream,
                    groups = header.groups,
                    as_of = %header.as_of,
                    ?age,
                    "snapshot read from disk"
                );
                Some(CachedSnapshot {
                    snapshot: Arc::new(snapshot),
                    counts: header.counts,
                    as_of: header.as_of,
                    walked_at: header.walked_at,
                    pages: header.pages,
                    known_pages: None,
                    marks: GroupMarks::from_bytes(&marks, self.wall.now()).map(Arc::new),
                    upkeep: header.upkeep,
                    is_of_another_shape: false,
                    ended_by: None,
                    got_at: Instant::now(),
                    age_then: age,
                })
            }
            Err(reason) => {
                tracing::warn!(
                    source = %key.upstream,
                    file = %path.display(),
                    reason,
                    "snapshot on disk is not used"
                );
                None
            }
        }
    }

    /// The age of a snapshot, or why it may not be served.
    fn age(
        &self,
        name: &str,
        key: &CatalogKey,
        header: &Header,
        freshness: Freshness,
    ) -> Result<Duration, String> {
        if header.key != name || header.source != *key.upstream {
            return Err("it belongs to another upstream".to_owned());
        }
        let age = Duration::try_from(self.wall.now().duration_since(header.walked_at));
        let Ok(age) = age else {
            // The clock was set back, so nobody knows how old it is: it serves, but not as fresh.
            tracing::warn!(
                source = %header.source,
                walked_at = %header.walked_at,
                "snapshot on disk is from the future, serving it as stale"
            );
            return Ok(freshness.ttl);
        };
        if age >= serves(freshness) {
            return Err(format!(
                "it was read at {}, longer ago than `ttl` and `stale_if_error` allow",
                header.walked_at
            ));
        }
        Ok(age)
    }

    /// Queues a snapshot for writing.
    pub(super) fn save(
        &self,
        key: &CatalogKey,
        cached: &Arc<CachedSnapshot>,
        freshness: Freshness,
    ) {
        let Some(name) = key.name() else {
            return;
        };
        let header = Header {
            key: name,
            source: key.upstream.to_string(),
            as_of: cached.as_of,
            walked_at: cached.walked_at,
            serves_until: later(cached.walked_at, serves(freshness)),
            pages: cached.pages,
            counts: cached.counts,
            groups: cached.snapshot.len(),
            upkeep: cached.upkeep.clone(),
            marks: 0,
        };
        self.queue.write(Write {
            header,
            snapshot: Arc::clone(&cached.snapshot),
            marks: cached.marks.clone(),
        });
    }

    /// Has the file of a key removed at once.
    pub(super) fn remove(&self, key: &CatalogKey) {
        if let Some(name) = key.name() {
            self.queue.remove(name);
        }
    }

    /// Sets the keys in use: their files stay, however old they are.
    pub(super) fn use_keys<'a>(&self, keys: impl Iterator<Item = &'a CatalogKey>) {
        self.queue
            .use_keys(keys.filter_map(CatalogKey::name).collect());
    }

    /// Waits for a while until the queue is written, and closes it.
    pub(super) async fn close(&self) {
        self.queue.close();
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer
            && timeout(LAST_WRITES, writer).await.is_err()
        {
            tracing::warn!("shutdown did not wait for all snapshots to be written");
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Creates the folder if necessary, and checks that files can be written there.
pub(super) fn prepare(path: &Path) -> std::io::Result<()> {
    Folder::new(path).prepare()
}

/// A list that is kept, as its file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptList {
    /// How many groups it has.
    pub groups: u64,
    /// How many pages its walk read.
    pub pages: u64,
}

/// The list of a key, if it is kept.
pub(super) fn kept_list(path: &Path, key: &CatalogKey) -> Option<KeptList> {
    let name = key.name()?;
    let header = file::read_header(&Folder::new(path).path(&name)).ok()?;
    (header.key == name).then_some(KeptList {
        groups: header.groups as u64,
        pages: header.pages,
    })
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| time.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

/// Works through the queue until it is closed and empty, and removes old files now and then.
async fn write_all(folder: Folder, queue: Arc<WriteQueue>, wall: WallClock) {
    let mut write_at = Instant::now();
    let mut collect_at = Instant::now();
    while let Some(task) = queue.next(write_at, collect_at).await {
        let begun = Instant::now();
        let is_write = matches!(task, Task::Write(_));
        if matches!(task, Task::CollectGarbage(_)) {
            collect_at = begun + COLLECT_EVERY;
        }
        let now = wall.now();
        let to = folder.clone();
        let done = spawn_blocking(move || match task {
            Task::Write(write) => {
                let marks =
                    (write.marks.as_ref()).map_or_else(Vec::new, |marks| marks.to_bytes(now));
                to.write(&write.header, &write.snapshot, &marks)
            }
            Task::Remove(name) => to.remove(&name),
            Task::CollectGarbage(in_use) => gc::collect(&to, &in_use, now),
        });
        if let Ok(Err(error)) = done.await {
            tracing::warn!(
                directory = %folder.display(),
                %error,
                "cannot update the snapshots on disk"
            );
        }
        if is_write {
            write_at = Instant::now() + begun.elapsed() * PAUSE;
        }
    }
}
