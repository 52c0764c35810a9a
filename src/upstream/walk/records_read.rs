//! What is counted of the records of a list, and what of it is an error.

use crate::error::{ErrorKind, UpstreamError};
use crate::page::mapping::Skip;
use crate::plan::{Limits, RelatedList, RelatedLists};
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

/// Whether a list without any rows is one in which no record is meant today: some say so of themselves. One that has the
/// people of all groups is known by the others, too.
pub(super) fn is_of_another_kind(
    has_marked: bool,
    counts: Counts,
    (list, related): (Option<RelatedList>, &RelatedLists),
) -> bool {
    let is_of_all = list.is_some_and(|list| related.is_of_all_groups(list));
    has_marked && (counts.skipped == 0 || !is_of_all)
}

/// That none of so many records has what is wanted of it, or what is compared where conditions left all of them out.
/// `first` says what the first of them is, where that is known.
pub(super) fn nothing_read(
    records: u64,
    counts: Counts,
    (list, related): (Option<RelatedList>, &RelatedLists),
    first: Option<&str>,
) -> UpstreamError {
    let wanted = if counts.skipped == 0 {
        "a value at the path that `records.only` compares".to_owned()
    } else {
        wanted(list, related)
    };
    let first = first.map_or_else(String::new, |first| format!("; {first}"));
    UpstreamError::new(
        ErrorKind::Mapping,
        format!("none of {records} records has {wanted}{first}"),
    )
}

/// Without what a record of a list is nothing.
fn wanted(list: Option<RelatedList>, related: &RelatedLists) -> String {
    let Some(list) = list else {
        return "an id and a name (`fields`)".to_owned();
    };
    match list {
        RelatedList::Partitions => format!("a value for a placeholder (`{list}.values`)"),
        RelatedList::Details => "any content".to_owned(),
        RelatedList::Users | RelatedList::Members | RelatedList::Admins | RelatedList::Guests => {
            let group = if related.is_of_all_groups(list) {
                "a group, and "
            } else {
                ""
            };
            format!("{group}an id or an email address (`{list}.fields`)")
        }
    }
}
