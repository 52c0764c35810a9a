//! What is counted of the records of a list, and what of it is an error.

use crate::error::{ErrorKind, UpstreamError};
use crate::page::mapping::Skip;
use crate::plan::Limits;
use crate::snapshot::Counts;

/// Counts records that were skipped, and says whether one is of another kind, by what it says of itself.
pub(super) fn count_skips(
    counts: &mut Counts,
    skipped: &[(usize, Skip)],
    is_related: bool,
) -> bool {
    let mut has_marked = false;
    for (_, skip) in skipped {
        if skip.is_left_out() {
            counts.left_out += 1;
            has_marked |= *skip == Skip::LeftOut;
            counts.unmarked_people += u64::from(is_related && *skip == Skip::Unmarked);
        } else {
            counts.skipped += 1;
        }
    }
    has_marked
}

/// That a list has more records than it may.
pub(super) fn too_many_records(limits: &Limits) -> UpstreamError {
    UpstreamError::new(
        ErrorKind::LimitExceeded,
        format!("more than {} records (`limits.groups`)", limits.groups),
    )
}

/// That none of so many records has what is wanted of it, or what is compared where conditions left all of them out.
pub(super) fn nothing_read(records: u64, counts: Counts, wanted: &str) -> UpstreamError {
    let wanted = if counts.skipped == 0 {
        "a value at the path that `records.only` compares"
    } else {
        wanted
    };
    UpstreamError::new(
        ErrorKind::Mapping,
        format!("none of {records} records has {wanted}"),
    )
}
