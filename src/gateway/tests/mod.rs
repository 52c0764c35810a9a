//! What the tests of this layer share, and the properties of whole sequences of pages.

use std::time::Duration;

use crate::group::Group;
use crate::upstream::catalog::{Counts, Held, Lookup, State};
use crate::upstream::{ErrorKind, Snapshot, UpstreamError};

use super::listing::SourceReport;

/// A source that contributes these groups.
pub(super) fn fresh(source: &str, groups: Vec<Group>) -> SourceReport {
    let mut report = absent(source, State::Fresh);
    report.held.snapshot = Some(Snapshot::new(source.into(), groups).into());
    report.held.fresh_for = Duration::from_secs(30);
    report
}

/// A source with nothing to serve, for this reason.
pub(super) fn failed(source: &str, kind: ErrorKind) -> SourceReport {
    let mut report = absent(source, State::Failed);
    report.held.error = Some(UpstreamError::new(kind, "as the test says").into());
    report
}

/// A source on its first walk.
pub(super) fn pending(source: &str) -> SourceReport {
    absent(source, State::Pending)
}

fn absent(source: &str, state: State) -> SourceReport {
    SourceReport::new(Held {
        source: source.into(),
        required: false,
        state,
        snapshot: None,
        as_of: None,
        fresh_for: Duration::ZERO,
        error: None,
        counts: Counts::default(),
        lookup: Lookup {
            forwarded: None,
            collapsed: false,
            detail: None,
        },
    })
}
