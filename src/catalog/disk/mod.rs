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

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout};

use crate::clock::WallClock;
use crate::snapshot::Snapshot;
use crate::upstream::adapter::Freshness;

use super::key::{Key, Scope};
use super::store::CachedSnapshot;

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
    /// Keeps the snapshots of `keys` in a folder, and reads none that is longer than `most` bytes.
    pub(super) fn open(path: &Path, keys: &[Key], most: u64, wall: &WallClock) -> Self {
        let folder = Folder::new(path);
        let queue = Arc::new(WriteQueue::default());
        let known = keys.iter().map(name).collect();
        let writing = write_all(folder.clone(), Arc::clone(&queue), known, wall.clone());
        Self {
            folder,
            most,
            wall: wall.clone(),
            queue,
            writer: Mutex::new(Some(tokio::spawn(writing))),
        }
    }

    /// What is kept of a key, if it may still be served.
    pub(super) async fn restore(&self, key: &Key, freshness: Freshness) -> Option<CachedSnapshot> {
        if key.scope != Scope::Shared {
            return None;
        }
        let path = self.folder.path(&name(key));
        let most = self.most;
        let from = path.clone();
        let read = spawn_blocking(move || file::read(&from, most)).await.ok()?;
        let refused = |reason: String| {
            tracing::warn!(
                source = %key.upstream,
                file = %path.display(),
                reason,
                "snapshot on disk is not used"
            );
            None
        };
        match read {
            Ok((header, snapshot)) => match self.age(key, &header, freshness) {
                Ok(age) => Some(restored(key, &header, snapshot, age)),
                Err(reason) => refused(reason),
            },
            Err(FileError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => refused(error.to_string()),
        }
    }

    /// How old a snapshot is, or why it may not be served.
    fn age(&self, key: &Key, header: &Header, freshness: Freshness) -> Result<Duration, String> {
        if header.key != name(key) || header.source != *key.upstream {
            return Err("it was written for another upstream".to_owned());
        }
        let age = Duration::try_from(self.wall.now().duration_since(header.ended_at))
            .map_err(|_| format!("it is of {}, which is yet to come", header.ended_at))?;
        if age >= serves(freshness) {
            return Err(format!(
                "it is of {}, longer ago than `ttl` and `stale_if_error` allow",
                header.ended_at
            ));
        }
        Ok(age)
    }

    /// Has a snapshot written that is whole and was just read, soon.
    pub(super) fn keep(&self, key: &Key, stored: &Arc<CachedSnapshot>, freshness: Freshness) {
        if key.scope != Scope::Shared {
            return;
        }
        let ended_at = self.wall.now();
        let header = Header {
            key: name(key),
            source: key.upstream.to_string(),
            as_of: stored.as_of,
            ended_at,
            serves_until: later(ended_at, serves(freshness)),
            pages: stored.pages,
            counts: stored.counts,
            groups: stored.snapshot.len(),
        };
        self.queue.write(header, Arc::clone(&stored.snapshot));
    }

    /// Has what is kept of a key removed, now.
    pub(super) fn remove(&self, key: &Key) {
        if key.scope == Scope::Shared {
            self.queue.remove(name(key));
        }
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
pub(super) fn pages(path: &Path, key: &Key) -> Option<u64> {
    let name = name(key);
    let header = file::read_header(&Folder::new(path).path(&name)).ok()?;
    (header.key == name).then_some(header.pages)
}

fn restored(key: &Key, header: &Header, snapshot: Snapshot, age: Duration) -> CachedSnapshot {
    tracing::info!(
        source = %key.upstream,
        groups = header.groups,
        as_of = %header.as_of,
        "snapshot read from disk"
    );
    CachedSnapshot {
        snapshot: Arc::new(snapshot),
        counts: header.counts,
        as_of: header.as_of,
        at: Instant::now(),
        pages: header.pages,
        restored: Some(age),
    }
}

/// How long after its walk a snapshot may be served at all.
fn serves(freshness: Freshness) -> Duration {
    freshness.ttl.saturating_add(freshness.stale_if_error)
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| time.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

/// What a key's file is called, before its ending: its digest, for its parts may be long or odd.
fn name(key: &Key) -> String {
    use sha2::{Digest, Sha256};

    let mut digest = Sha256::new();
    // Of all parts but the first the length is known, so that no two keys are hashed alike.
    digest.update(key.shape.as_bytes());
    digest.update(key.account.as_bytes());
    match key.scope {
        Scope::Shared => digest.update([0; 33]),
        Scope::Caller(caller) => {
            digest.update([1]);
            digest.update(caller);
        }
    }
    digest.update(key.upstream.as_bytes());
    let digest = digest.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Does what waits in the queue until it is closed and empty, and collects garbage now and then.
async fn write_all(folder: Folder, queue: Arc<WriteQueue>, known: Vec<String>, wall: WallClock) {
    let mut rested = Instant::now();
    let mut collect_at = Instant::now();
    let known = Arc::new(known);
    while let Some(task) = queue.next(rested, collect_at).await {
        let begun = Instant::now();
        let is_write = matches!(task, Task::Write(_));
        if matches!(task, Task::CollectGarbage) {
            collect_at = begun + COLLECT_EVERY;
        }
        let (known, now) = (Arc::clone(&known), wall.now());
        let to = folder.clone();
        let done = spawn_blocking(move || match task {
            Task::Write(write) => to.write(&write.header, &write.snapshot),
            Task::Remove(name) => to.remove(&name),
            Task::CollectGarbage => gc::collect(&to, &known, now),
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
