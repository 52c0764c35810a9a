//! The outcome of a walk.

use crate::error::UpstreamError;
use crate::upstream::walk::Walked;

use super::mark_findings::MarkFindings;

/// The outcome of a walk, and its duration.
#[derive(Debug)]
pub(super) struct WalkOutcome {
    /// `None` if it was stopped as soon as enough was seen.
    pub(super) walked: Option<Result<Walked, UpstreamError>>,
    pub(super) milliseconds: f64,
    /// What it showed of the field that `reuse` goes by.
    pub(super) marks: Option<MarkFindings>,
}
