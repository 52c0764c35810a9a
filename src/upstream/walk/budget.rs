//! What all lists of one walk may take together.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::list_memory::WalkHold;

use super::outcome::Walked;

/// What the lists of a walk that were read before take. A walk of one list has none.
#[derive(Debug, Default)]
pub(super) struct WalkBudget {
    /// The memory that the lists share, where there are several: none of them waits for another.
    hold: Option<WalkHold>,
    bytes: AtomicU64,
    groups: AtomicU64,
    mapped_bytes: AtomicU64,
}

impl WalkBudget {
    /// For a walk of several lists.
    pub(super) fn shared(hold: WalkHold) -> Self {
        Self {
            hold: Some(hold),
            ..Self::default()
        }
    }

    /// The memory that lists share, if they do.
    pub(super) fn hold(&self) -> Option<WalkHold> {
        self.hold.clone()
    }

    /// How large the pages of other lists were.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many records other lists of groups had.
    pub(super) fn groups(&self) -> u64 {
        self.groups.load(Ordering::Relaxed)
    }

    /// The least memory that the groups of other lists take in a snapshot.
    pub(super) fn mapped_bytes(&self) -> u64 {
        self.mapped_bytes.load(Ordering::Relaxed)
    }

    /// Takes note of a list that was read.
    pub(super) fn spend(&self, walked: &Walked) {
        self.bytes.fetch_add(walked.bytes, Ordering::Relaxed);
        if walked.rows.is_empty() {
            self.groups.fetch_add(walked.records, Ordering::Relaxed);
            let mapped = walked.mapped_bytes;
            self.mapped_bytes.fetch_add(mapped, Ordering::Relaxed);
        }
    }
}
