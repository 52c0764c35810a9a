//! One filtered and sorted order over several snapshots, from which pages are cut.

use crate::upstream::snapshot::RowRef;

/// One filtered and sorted order over several snapshots.
#[derive(Debug)]
pub struct View;

impl View {
    /// How many groups match.
    pub fn len(&self) -> usize {
        0
    }

    /// Whether no group matches.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row at `index`.
    pub fn row(&self, _index: usize) -> RowRef<'_> {
        unreachable!()
    }
}
