//! A snapshot in the cache, and how old it is.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use url::Url;

use crate::page::ended_by::EndedBy;
use crate::snapshot::{Counts, Snapshot};
use crate::upstream::known_pages::KnownPages;
use crate::upstream::walk::{GroupMarks, PartitionSet};

/// A snapshot, and when it was made.
#[derive(Debug, Clone)]
pub(super) struct CachedSnapshot {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) counts: Counts,
    /// When its walk began, for clients.
    pub(super) as_of: Timestamp,
    /// When its walk ended, by the wall clock: freshness counts from here, in whatever process.
    pub(super) walked_at: Timestamp,
    /// How many pages its walk had.
    pub(super) pages: u64,
    /// What is known of them, where the next walk asks only for those that have changed.
    pub(super) known_pages: Option<Arc<KnownPages>>,
    /// By what its groups are known again, where the next walk need not ask for all of each of them.
    pub(super) marks: Option<Arc<GroupMarks>>,
    /// What the next walk for changes goes by.
    pub(super) upkeep: Upkeep,
    /// Whether it was read under settings that shape lists otherwise than those that serve it now.
    pub(super) is_of_another_shape: bool,
    /// Why its walk knew that the list is whole, if that was a walk of this process.
    pub(super) ended_by: Option<EndedBy>,
    /// When this process got it, from its walk or from a tier.
    pub(super) got_at: Instant,
    /// How old it was then.
    pub(super) age_then: Duration,
}

/// What a walk for what has changed goes by, besides when the list was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Upkeep {
    /// When the last walk for everything began, if that was not the last walk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) full_at: Option<Timestamp>,
    /// The link that the last walk had for the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<Url>,
    /// The partitions that it was read for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) partitions: Option<PartitionSet>,
}

impl Upkeep {
    /// Whether nothing is to be known.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl CachedSnapshot {
    /// How long ago its walk ended.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.got_at)
            .saturating_add(self.age_then)
    }
}
