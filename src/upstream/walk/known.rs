//! What a walk knows of the groups that walks before it read, so that it asks again only for what changed.
//!
//! The people of a group are in the list that is served, and with it are marks that say whether they are still
//! right. What is kept beside it are the groups that a walk which failed had completed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use url::Url;

use crate::group::{Group, Moment, ReadRow, ReadText};
use crate::list_memory::{ListHold, ListMemory};
use crate::plan::Path;
use crate::snapshot::{PageRowRef, Snapshot};
use crate::upstream::adapter::Adapter;
use crate::upstream::known_pages::{KnownPages, ListedPages};

use super::marks::{GroupMark, GroupMarks, LongestPages};
use super::partition_set::PartitionSet;

/// What walks of one list know of its groups. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct KnownGroups(Arc<Mutex<KnownState>>);

#[derive(Debug, Default)]
struct KnownState {
    kept: Arc<HashMap<Box<str>, CompletedRow>>,
    /// The memory that they are counted with.
    hold: ListHold,
}

/// A group that a walk has completed.
#[derive(Debug, Clone)]
pub(super) struct CompletedRow {
    pub(super) mark: GroupMark,
    /// When it was read.
    pub(super) at: Instant,
    /// The group, packed.
    pub(super) packed: Arc<[u8]>,
}

/// What one walk knows.
#[derive(Debug, Default)]
pub(super) struct Recollection {
    /// The list that is served.
    previous: Option<Arc<Snapshot>>,
    kept: Arc<HashMap<Box<str>, CompletedRow>>,
    /// For how long those serve.
    ttl: Duration,
    marks: Option<Arc<GroupMarks>>,
    /// Whether it reads everything anew.
    pub(super) is_full: bool,
    /// When the last walk before began that did.
    pub(super) full_at: Option<Instant>,
    /// When the walk begins, by the wall clock.
    pub(super) now: Timestamp,
}

/// When the walks were that a list came from.
#[derive(Debug, Clone)]
pub struct PastTimes {
    /// When the last of them began.
    pub as_of: Timestamp,
    /// When the last one began that asked for everything.
    pub full_at: Timestamp,
    /// The link that the last of them had for the next one.
    pub link: Option<Url>,
    /// The partitions that it was read for.
    pub partitions: Option<PartitionSet>,
}

/// What a walk may use of those before it.
#[derive(Debug, Clone, Default)]
pub struct PastWalks {
    /// What is known of the groups.
    pub known: KnownGroups,
    /// The list that is served, if there is one.
    pub snapshot: Option<Arc<Snapshot>>,
    /// The pages that it came from, if they can be asked for on the condition that they have changed.
    pub pages: Option<Arc<KnownPages>>,
    /// By what its groups are known again, if they need not all be asked for anew.
    pub marks: Option<Arc<GroupMarks>>,
    /// When the walks were that it came from.
    pub times: Option<PastTimes>,
    /// How many groups it lacks because they were gone when something was asked for them.
    pub gone: u64,
    /// How long what was read may be served as fresh.
    pub ttl: Duration,
    /// What time it is now, when the next one begins.
    pub now: Timestamp,
}

impl PastWalks {
    /// The adapter that asks only for pages that have changed, as far as they are known.
    pub(super) fn ask_if_changed(&self, adapter: &Arc<Adapter>) -> Arc<Adapter> {
        match (&self.pages, &self.snapshot) {
            (Some(pages), Some(list)) => adapter.knowing(ListedPages {
                pages: Arc::clone(pages),
                list: Arc::clone(list),
            }),
            (_, None) | (None, _) => Arc::clone(adapter),
        }
    }

    /// What a walk that begins now knows. Everything is read anew where that was not done within `full`.
    pub(super) fn recollect(&self, full: Option<Duration>) -> Recollection {
        let state = self.known.lock();
        let full_at = self.marks.as_ref().and_then(|marks| marks.full_at);
        let is_current = full_at
            .zip(full)
            .is_some_and(|(at, full)| at.elapsed() < full);
        Recollection {
            previous: self.snapshot.clone(),
            kept: Arc::clone(&state.kept),
            ttl: self.ttl,
            marks: self.marks.clone(),
            is_full: !is_current,
            full_at,
            now: self.now,
        }
    }
}

impl KnownGroups {
    /// Keeps what a walk had completed that failed, as much as fits into `room`, for the next one. Says how many
    /// groups did not.
    pub(super) fn keep(
        &self,
        rows: impl IntoIterator<Item = (Box<str>, CompletedRow)>,
        memory: &ListMemory,
        room: u64,
    ) -> u64 {
        let mut state = self.lock();
        let before = state.kept.iter();
        let before = before.map(|(id, row)| (id.clone(), row.clone()));
        let mut kept = HashMap::new();
        let mut bytes = 0;
        let mut lost = 0;
        for (id, row) in rows.into_iter().chain(before) {
            let more = row.mark.bytes(&id) + row.packed.len() as u64;
            if kept.contains_key(&id) {
                continue;
            }
            if bytes + more > room {
                lost += 1;
                continue;
            }
            bytes += more;
            kept.insert(id, row);
        }
        state.hold = memory.hold(bytes);
        state.kept = Arc::new(kept);
        lost
    }

    /// Lets go of what was kept: a walk has completed all groups.
    pub(super) fn clear(&self) {
        *self.lock() = KnownState::default();
    }

    fn lock(&self) -> MutexGuard<'_, KnownState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recollection {
    /// The group as a walk that failed a short while ago completed it, if it is listed as it was then.
    pub(super) fn kept(&self, id: &str, listed: u64) -> Option<&CompletedRow> {
        let is_right = |row: &&CompletedRow| {
            let is_wanted = !self.is_full || !row.mark.is_reused;
            is_wanted && row.mark.listed == listed && row.at.elapsed() < self.ttl
        };
        self.kept.get(id).filter(is_right)
    }

    /// The group as it is served.
    pub(super) fn previous(&self, source: &str, id: &str) -> Option<Group> {
        let previous = self.previous.as_ref()?;
        let index = previous.find(&format!("{source}:{id}"))?;
        previous.row(index).group().ok()
    }

    /// How long pages were.
    pub(super) fn longest(&self) -> LongestPages {
        let marks = self.marks.as_ref();
        marks.map(|marks| marks.longest.clone()).unwrap_or_default()
    }

    /// By what it was known when it was read.
    pub(super) fn mark(&self, id: &str) -> Option<&GroupMark> {
        self.marks.as_ref()?.get(id)
    }
}

/// The hash of a value that `reuse` goes by, and of the path where it stands: the same in every process.
pub(super) fn value_hash(path: &Path, value: &ReadText) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for text in [path.to_string().as_str(), &value.text] {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hash_of(&hasher)
}

/// The hash of a time that `reuse` goes by: the same in every process.
pub(super) fn time_hash(time: Moment) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&time.as_nanosecond().to_le_bytes());
    hash_of(&hasher)
}

/// The hash of what was listed of a group: the same in every process.
pub(super) fn listed_hash(row: PageRowRef<'_>, beside: Option<&ReadRow>) -> u64 {
    let mut hasher = blake3::Hasher::new();
    let mut part = |kind: u8, bytes: &[u8]| {
        hasher.update(&[kind]);
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(0, row.packed());
    for value in beside.into_iter().flatten() {
        match value {
            None => part(1, b""),
            Some(value) => part(2 + u8::from(value.is_number), value.text.as_bytes()),
        }
    }
    hash_of(&hasher)
}

fn hash_of(hasher: &blake3::Hasher) -> u64 {
    let mut hash = [0; 8];
    hasher.finalize_xof().fill(&mut hash);
    u64::from_le_bytes(hash)
}
