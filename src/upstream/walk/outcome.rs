//! How a walk ends: with the whole list, an error, or a list that changed under it.

use crate::error::{ErrorKind, UpstreamError};
use crate::group::Group;
use crate::page::ended_by::EndedBy;
use crate::snapshot::Counts;
use crate::upstream::pager::PagerError;

/// The list that a walk returned.
#[derive(Debug)]
pub struct Walked {
    /// The groups, each id once, in the upstream's order.
    pub groups: Vec<Group>,
    /// What was counted besides.
    pub counts: Counts,
    /// The number of pages read.
    pub pages: u64,
    /// Why the list is whole.
    pub ended_by: EndedBy,
}

/// Why an attempt ended without a list.
pub(super) enum Interrupted {
    /// It failed.
    Failed(UpstreamError),
    /// The list changed while it was read; a second attempt may succeed. If that one is interrupted
    /// too, this is its error.
    ListChanged(UpstreamError),
}

impl Interrupted {
    /// The error of a page after the first. A refusal means that its place in the list is gone.
    pub(super) fn after_first_page(error: UpstreamError) -> Self {
        if is_refusal(error.kind) {
            Self::ListChanged(error)
        } else {
            Self::Failed(error)
        }
    }
}

impl From<UpstreamError> for Interrupted {
    fn from(error: UpstreamError) -> Self {
        Self::Failed(error)
    }
}

impl From<PagerError> for Interrupted {
    fn from(error: PagerError) -> Self {
        Self::Failed(error.into())
    }
}

/// Whether the upstream answered, and refused.
pub(super) const fn is_refusal(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::HttpStatus | ErrorKind::Rejected)
}

/// Whether the upstream refused the request itself, as it does past the end of a list.
pub(in crate::upstream) fn is_client_error(error: &UpstreamError) -> bool {
    is_refusal(error.kind) && !is_fault(error)
}

/// Whether the upstream answered with a fault of its own.
pub(super) fn is_fault(error: &UpstreamError) -> bool {
    (error.status).is_some_and(|status| status.is_server_error())
}
