//! What came of a walk.

use crate::error::UpstreamError;
use crate::upstream::walk::Walked;

/// What came of a walk, and how long it took.
#[derive(Debug)]
pub(super) struct WalkOutcome {
    /// `None` where it was left as soon as enough was seen.
    pub(super) walked: Option<Result<Walked, UpstreamError>>,
    pub(super) milliseconds: f64,
}
