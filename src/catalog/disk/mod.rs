//! Snapshots on disk, so that a restart during an outage has something to serve.
//!
//! ```text
//! entry ▸ queue (the latest of each key) ▸ one writer, off the I/O threads ▸ one file per key
//! ```
//!
//! A file is written beside the old one and moved into its place, so that there is always a whole one.
//! Writing never holds up a walk: of what comes while the disk is busy, the latest is written. Only
//! the gateway's own snapshots come here, never those of callers' own accounts.

mod file;
mod folder;
mod gc;
mod write_queue;

#[cfg(test)]
mod golden;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout};

use crate::clock::WallClock;
use crate::upstream::adapter::Freshness;

use super::age::serves;
use super::cached::CachedSnapshot;
use super::key::CatalogKey;

use file::{FileError, Header};
use folder::Folder;
use write_queue::{Task, WriteQueue};

/// How long the writer rests after a write, in times of what the write took: large lists that are
/// read often must not keep the disk busy.
const REST: u32 = 9;

/// How often files are looked for that nobody will read again.
const COLLECT_EVERY: Duration = Duration::from_hours(1);

/// How long the end of the process waits for the last writes.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// The snapshots that are kept on disk.
#[derive(Debug)]
pub(super) struct Disk {
    folder: Folder,
    /// The longest file that is read.
    most: u64,
    wall: WallClock,
    queue: Arc<WriteQueue>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Disk {
    /// Keeps snapshots in a folder, and reads none that is longer than `most` bytes.
    pub(super) fn open(path: &Path, most: u64, wall: &WallClock) -> Self {
        let folder = Folder::new(path);
        let queue = Arc::new(WriteQueue::default());
        let writing = write_all(folder.clone(), Arc::clone(&queue), wall.clone());
        Self {
            folder,
            most,
            wall: wall.clone(),
            queue,
            writer: Mutex::new(Some(tokio::spawn(writing))),
        }
    }

    /// What is kept of a key, if it may still be served.
    pub(super) async fn load(
        &self,
        key: &CatalogKey,
        freshness: Freshness,
    ) -> Option<CachedSnapshot> {
        let name = key.name()?;
        let path = self.folder.path(&name);
        let most = self.most;
        let from = path.clone();
        let read = spawn_blocking(move || file::read(&from, most)).await.ok()?;
        let read = match read {
            Err(FileError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return None;
            }
            Err(error) => Err(error.to_string()),
            Ok((header, snapshot)) => self
                .age(&name, key, &header, freshness)
                .map(|age| (header, snapshot, age)),
        };
        match read {
            Ok((header, snapshot, age)) => {
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

    /// How old a snapshot is, or why it may not be served.
    fn age(
        &self,
        name: &str,
        key: &CatalogKey,
        header: &Header,
        freshness: Freshness,
    ) -> Result<Duration, String> {
        if header.key != name || header.source != *key.upstream {
            return Err("it was written for another upstream".to_owned());
        }
        let age = Duration::try_from(self.wall.now().duration_since(header.walked_at))
            .map_err(|_| format!("it is of {}, which is yet to come", header.walked_at))?;
        if age >= serves(freshness) {
            return Err(format!(
                "it is of {}, longer ago than `ttl` and `stale_if_error` allow",
                header.walked_at
            ));
        }
        Ok(age)
    }

    /// Has a snapshot written, soon.
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
        };
        self.queue.write(header, Arc::clone(&cached.snapshot));
    }

    /// Has what is kept of a key removed, now.
    pub(super) fn remove(&self, key: &CatalogKey) {
        if let Some(name) = key.name() {
            self.queue.remove(name);
        }
    }

    /// Says which keys' files stay, however old they are.
    pub(super) fn use_keys<'a>(&self, keys: impl Iterator<Item = &'a CatalogKey>) {
        self.queue
            .use_keys(keys.filter_map(CatalogKey::name).collect());
    }

    /// Waits until what was handed in is written, for a while; nothing is written from then on.
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
            tracing::warn!("snapshots were not written to disk in time");
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Makes the folder if need be, and sees whether files can be written there.
pub(super) fn prepare(path: &Path) -> std::io::Result<()> {
    Folder::new(path).prepare()
}

/// How many pages the walk had whose snapshot is kept of a key.
pub(super) fn pages(path: &Path, key: &CatalogKey) -> Option<u64> {
    let name = key.name()?;
    let header = file::read_header(&Folder::new(path).path(&name)).ok()?;
    (header.key == name).then_some(header.pages)
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| time.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

/// Does what waits in the queue until it is closed and empty, and collects garbage now and then.
async fn write_all(folder: Folder, queue: Arc<WriteQueue>, wall: WallClock) {
    let mut rested = Instant::now();
    let mut collect_at = Instant::now();
    while let Some(task) = queue.next(rested, collect_at).await {
        let begun = Instant::now();
        let is_write = matches!(task, Task::Write(_));
        if matches!(task, Task::CollectGarbage(_)) {
            collect_at = begun + COLLECT_EVERY;
        }
        let now = wall.now();
        let to = folder.clone();
        let done = spawn_blocking(move || match task {
            Task::Write(write) => to.write(&write.header, &write.snapshot),
            Task::Remove(name) => to.remove(&name),
            Task::CollectGarbage(in_use) => gc::collect(&to, &in_use, now),
        });
        if let Ok(Err(error)) = done.await {
            tracing::warn!(
                directory = %folder.display(),
                %error,
                "snapshots on disk cannot be kept up to date"
            );
        }
        if is_write {
            rested = Instant::now() + begun.elapsed() * REST;
        }
    }
}
