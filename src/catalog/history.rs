//! What the last walks of an upstream were like, page by page.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::error::ErrorKind;
use crate::observe::{SettledWalk, TimelineNotes};
use crate::page::ended_by::EndedBy;

/// How many walks are remembered.
const WALKS: usize = 5;

/// What one walk was like.
#[derive(Debug, Clone, Serialize)]
pub struct WalkRecord {
    /// When it began, RFC 3339 UTC.
    began: Timestamp,
    /// How long it took.
    seconds: f64,
    /// Whether it was for filters that a caller asked by, and not for the whole list.
    is_filtered: bool,
    /// What came of it: `replaced`, `pending_shrink` or `failed`.
    outcome: &'static str,
    /// How many groups it brought; null if it failed.
    groups: Option<u64>,
    /// Why its list is whole; null if it failed.
    ended_by: Option<EndedBy>,
    /// Why it failed; null if it did not.
    error: Option<WalkFailure>,
    #[serde(flatten)]
    notes: TimelineNotes,
}

/// Why a walk failed, for operators.
#[derive(Debug, Clone, Serialize)]
struct WalkFailure {
    r#type: ErrorKind,
    /// What happened, without secrets.
    detail: String,
    /// The status that the upstream answered with, where it answered.
    status: Option<u16>,
}

impl WalkRecord {
    pub(super) fn new(
        began: Timestamp,
        taken: Duration,
        is_filtered: bool,
        outcome: &SettledWalk<'_>,
        notes: TimelineNotes,
    ) -> Self {
        let (groups, ended_by, error) = match outcome {
            SettledWalk::Replaced {
                groups, ended_by, ..
            }
            | SettledWalk::PendingShrink {
                groups, ended_by, ..
            } => (Some(*groups), Some(*ended_by), None),
            SettledWalk::Superseded | SettledWalk::GivenUp => (None, None, None),
            SettledWalk::Failed(error) => {
                let failure = WalkFailure {
                    r#type: error.kind,
                    detail: error.detail.clone(),
                    status: error.status.map(|status| status.as_u16()),
                };
                (None, None, Some(failure))
            }
        };
        Self {
            began,
            seconds: taken.as_secs_f64(),
            is_filtered,
            outcome: outcome.as_str(),
            groups,
            ended_by,
            error,
            notes,
        }
    }
}

/// The last walks of an upstream.
#[derive(Debug, Default)]
pub(super) struct WalkHistory(Mutex<VecDeque<Arc<WalkRecord>>>);

impl WalkHistory {
    /// Remembers a walk, and forgets the oldest if there are too many.
    pub(super) fn add(&self, walk: WalkRecord) {
        let mut walks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        walks.truncate(WALKS - 1);
        walks.push_front(Arc::new(walk));
    }

    /// The last walks, the latest first.
    pub(super) fn walks(&self) -> Vec<Arc<WalkRecord>> {
        let walks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        walks.iter().cloned().collect()
    }
}
