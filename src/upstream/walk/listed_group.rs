//! A group that was listed, as what is asked for each group looks at it.

use crate::group::ReadRow;
use crate::snapshot::PageRowRef;
use crate::upstream::outer_values::OuterValues;

/// A group that was listed.
#[derive(Clone, Copy)]
pub(super) struct ListedGroup<'a> {
    pub(super) row: PageRowRef<'a>,
    /// What else was read of its record.
    pub(super) beside: Option<&'a ReadRow>,
    /// The values of its partition.
    pub(super) around: &'a OuterValues,
}
