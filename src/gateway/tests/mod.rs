//! What the tests of this layer share.

mod answers;
mod hidden;
mod sequences;
mod validators;

use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use crate::caller::Caller;
use crate::catalog::{CacheMode, CacheOutcome, SourceEntry, SourceLookup, SourceState};
use crate::error::{ErrorKind, UpstreamError};
use crate::group::Group;
use crate::snapshot::Counts;
use crate::snapshot::Snapshot;

use super::listing::SourceReport;
use super::order::{Direction, Sort, SortField, SortKey};
use super::{Ask, Query};

/// Every sort that a query can ask for.
pub(super) fn sorts() -> impl Strategy<Value = Sort> {
    let field = prop::sample::select(&SortField::ALL[..]);
    let direction = prop::sample::select(&[Direction::Ascending, Direction::Descending][..]);
    prop::collection::vec((field, direction), 1..=3).prop_map(|named| {
        let mut keys: Vec<SortKey> = Vec::new();
        for (field, direction) in named {
            if keys.iter().all(|key| key.field != field) {
                keys.push(SortKey { field, direction });
            }
        }
        Sort::new(keys)
    })
}

/// A request for what `query` asks.
pub(super) fn ask(query: Query, strict: bool) -> Ask {
    Ask {
        query,
        caller: Caller::default(),
        mode: CacheMode::Cached,
        strict,
        wait_until: Instant::now() + Duration::from_secs(9),
        deadline: Instant::now() + Duration::from_secs(10),
    }
}

/// A source that an answer may lack.
pub(super) fn source(name: &str) -> SourceEntry {
    SourceEntry {
        name: name.into(),
        required: false,
        filterable: std::sync::Arc::default(),
    }
}

/// A source that contributes these groups.
pub(super) fn fresh(source: &str, groups: Vec<Group>) -> SourceReport {
    let mut report = absent(source, SourceState::Fresh);
    report.held.snapshot = Some(Snapshot::new(source.into(), groups).into());
    report.held.fresh_for = Duration::from_secs(30);
    report
}

/// A source with nothing to serve, for this reason.
pub(super) fn failed(source: &str, kind: ErrorKind) -> SourceReport {
    let mut report = absent(source, SourceState::Failed);
    report.held.error = Some(UpstreamError::new(kind, "as the test says").into());
    report
}

/// A source on its first walk.
pub(super) fn pending(source: &str) -> SourceReport {
    absent(source, SourceState::Pending)
}

fn absent(source: &str, state: SourceState) -> SourceReport {
    SourceReport::new(SourceLookup {
        source: source.into(),
        required: false,
        state,
        snapshot: None,
        by_query: false,
        as_of: None,
        fresh_for: Duration::ZERO,
        changes_in: None,
        error: None,
        pending_shrink: None,
        walked: state != SourceState::Pending,
        counts: Counts::default(),
        ended_by: None,
        outcome: CacheOutcome {
            forwarded: None,
            collapsed: false,
            detail: None,
        },
    })
}
