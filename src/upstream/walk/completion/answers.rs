//! What is asked for a group at once, and what comes of it.

use crate::error::UpstreamError;
use crate::group::ReadRow;
use crate::observe::Observers;
use crate::plan::RelatedList;
use crate::upstream::walk::marks::ListTag;

/// Lists of a group that one request brings, the one that it is for first.
pub(super) struct AskedLists<'a> {
    /// Each with the entity tag that it had.
    pub(super) lists: Vec<(RelatedList, Option<&'a ListTag>)>,
    /// Who is told of what happens.
    pub(super) observers: &'a Observers,
}

/// What a request brought for each of the lists. Where it failed, the list that it was for says so, and of the others
/// nothing is known.
pub(super) type BroughtAnswers = Vec<(RelatedList, Result<ListAnswer, UpstreamError>)>;

/// What a request for a list of a group brought.
pub(super) enum ListAnswer {
    /// What was read, how it is known again, and how many items `records.only` left out.
    Rows(Vec<ReadRow>, Option<ListTag>, u64),
    /// It has not changed.
    Unchanged(ListTag),
}
