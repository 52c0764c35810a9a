//! A group that was just listed and is not found any more.

use crate::error::UpstreamError;
use crate::group::Group;
use crate::observe::WalkPart;
use crate::plan::{RelatedList, Share};
use crate::upstream::walk::outcome::is_missing;

/// How a group was refused that has been deleted meanwhile.
pub(in crate::upstream::walk::completion) struct GoneRefusal {
    pub(in crate::upstream::walk::completion) error: UpstreamError,
    pub(in crate::upstream::walk::completion) list: RelatedList,
    /// Up to which share of the groups may be gone.
    pub(in crate::upstream::walk::completion) most: Share,
}

/// What a list of a group that was not read says: if it is not there any more, the group has been deleted.
pub(super) fn gone_or_failed(
    error: UpstreamError,
    list: RelatedList,
    most: Share,
    group: &Group,
) -> Result<GoneRefusal, UpstreamError> {
    let is_gone = is_missing(&error);
    let id = &group.source_id;
    let error = error.within(WalkPart::Group {
        id,
        list,
        brings: &[],
    });
    if is_gone {
        Ok(GoneRefusal { error, list, most })
    } else {
        Err(error)
    }
}
