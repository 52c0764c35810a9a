//! Whether what the sources gave is enough for an answer, and who is to blame when it is not.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::upstream::ErrorKind;
use crate::upstream::catalog::State;

use super::listing::SourceReport;
use super::missed::Missed;

/// When a caller may ask again where nobody knows better.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// What an answer needs before it is given.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    /// How many sources must contribute, capped at how many were asked.
    pub min_sources: usize,
    /// Whether the answer must be complete (`Prefer: handling=strict`).
    pub strict: bool,
}

/// What an answer lacks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Lack {
    /// A source that no answer may be given without.
    #[error("the source `{0}` is required and not available")]
    Required(Arc<str>),
    /// Sources.
    #[error("{contributed} of {asked} sources are available, and {needed} must be")]
    Sources {
        /// How many contributed.
        contributed: usize,
        /// How many were asked.
        asked: usize,
        /// How many had to contribute.
        needed: usize,
    },
    /// Completeness, which the caller insists on.
    #[error("the list would be incomplete, and strict handling was asked for")]
    Completeness,
}

/// Whether an answer may be given from what the asked sources gave now, and from what the sequence
/// has `missed` up to now. Sources that were not asked are not in `reports` and do not count.
pub fn verdict(reports: &[SourceReport], missed: &Missed, needs: Needs) -> Result<(), Lack> {
    let absent = |report: &&SourceReport| report.held.required && !report.contributed();
    if let Some(report) = reports.iter().find(absent) {
        return Err(Lack::Required(Arc::clone(&report.held.source)));
    }
    let asked = reports.len();
    let contributed = reports.iter().filter(|report| report.contributed()).count();
    let needed = needs.min_sources.min(asked);
    if contributed < needed {
        return Err(Lack::Sources {
            contributed,
            asked,
            needed,
        });
    }
    if needs.strict && !missed.is_empty() {
        return Err(Lack::Completeness);
    }
    Ok(())
}

/// What kind of trouble keeps an answer from being given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// All that failed ran out of time: a gateway timeout, 504.
    TimedOut,
    /// All that failed will be there after a while: unavailable, 503.
    Waiting,
    /// Anything else: a bad gateway, 502.
    Failed,
}

impl Outage {
    /// What the failing ones among `reports` have in common.
    pub fn of(reports: &[SourceReport]) -> Self {
        let mut outages = reports.iter().filter_map(Self::of_one);
        let Some(first) = outages.next() else {
            return Self::Failed;
        };
        if outages.all(|outage| outage == first) {
            first
        } else {
            Self::Failed
        }
    }

    fn of_one(report: &SourceReport) -> Option<Self> {
        if report.held.state == State::Pending {
            return Some(Self::Waiting);
        }
        match report.failure().or(report.missed)? {
            ErrorKind::Timeout => Some(Self::TimedOut),
            kind if kind.is_wait() => Some(Self::Waiting),
            _other => Some(Self::Failed),
        }
    }
}

/// When a failing one among `reports` may be back: the longest wait that one of them asks for,
/// because until then something is missing.
pub fn retry_after(reports: &[SourceReport]) -> Option<Duration> {
    reports
        .iter()
        .filter(|report| !report.contributed())
        .filter_map(|report| report.held.error.as_ref()?.retry_after)
        .max()
        .or_else(|| (Outage::of(reports) == Outage::Waiting).then_some(RETRY))
}
