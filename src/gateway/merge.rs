//! Rows of several snapshots, each in order, merged into one order as far as a page needs it.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;

use crate::snapshot::{RowRef, Snapshot};

use super::keyset::SeekKey;
use super::matching_rows::MatchingRows;
use super::order::Sort;

/// Where a row is: in which snapshot, and there at which index.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowPlace {
    snapshot: u32,
    row: u32,
}

impl RowPlace {
    pub(super) fn of(self, snapshots: &[Arc<Snapshot>]) -> RowRef<'_> {
        snapshots[self.snapshot as usize].row(self.row as usize)
    }
}

/// The sources of one merge.
#[derive(Clone, Copy)]
pub(super) struct Merge<'a> {
    pub(super) snapshots: &'a [Arc<Snapshot>],
    pub(super) rows: &'a MatchingRows,
    pub(super) sort: &'a Sort,
}

/// How far a merge has come: in each snapshot, how many of its matching rows are behind.
#[derive(Debug, Clone)]
pub(super) struct MergeProgress(Vec<usize>);

/// The next row of one snapshot. The first of all is the greatest, as [`BinaryHeap`] has it.
struct Head<'a> {
    row: RowRef<'a>,
    sort: &'a Sort,
    snapshot: usize,
}

impl<'a> Merge<'a> {
    /// The start, or behind the last row that does not come after a key, whether or not the key's own
    /// row is still there.
    pub(super) fn start(self, after: Option<&SeekKey>) -> MergeProgress {
        let behind = |snapshot| after.map_or(0, |key| self.first_after(snapshot, key));
        MergeProgress((0..self.rows.snapshots()).map(behind).collect())
    }

    fn first_after(self, snapshot: usize, key: &SeekKey) -> usize {
        let (mut low, mut high) = (0, self.rows.count(snapshot));
        while low < high {
            let middle = low.midpoint(high);
            let row = self.row(snapshot, middle);
            if self.sort.compare(&row, key) == Ordering::Greater {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    /// How many rows are still to come.
    pub(super) fn left(self, progress: &MergeProgress) -> usize {
        self.rows.len() - progress.0.iter().sum::<usize>()
    }

    /// The next rows, at most so many, and the way that was made.
    pub(super) fn next(self, progress: &mut MergeProgress, rows: usize) -> Vec<RowPlace> {
        if rows == 0 {
            return Vec::new();
        }
        let mut places = Vec::with_capacity(rows.min(self.left(progress)));
        let heads = (0..self.rows.snapshots()).filter_map(|snapshot| self.head(progress, snapshot));
        let mut heads: BinaryHeap<_> = heads.collect();
        while places.len() < rows
            && let Some(mut first) = heads.peek_mut()
        {
            let snapshot = first.snapshot;
            places.push(RowPlace {
                snapshot: snapshot as u32,
                row: self.rows.row(snapshot, progress.0[snapshot]) as u32,
            });
            progress.0[snapshot] += 1;
            match self.head(progress, snapshot) {
                Some(next) => *first = next,
                None => drop(PeekMut::pop(first)),
            }
        }
        places
    }

    fn head(self, progress: &MergeProgress, snapshot: usize) -> Option<Head<'a>> {
        let place = progress.0[snapshot];
        (place < self.rows.count(snapshot)).then(|| Head {
            row: self.row(snapshot, place),
            sort: self.sort,
            snapshot,
        })
    }

    fn row(self, snapshot: usize, place: usize) -> RowRef<'a> {
        self.snapshots[snapshot].row(self.rows.row(snapshot, place))
    }
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sort.compare(&other.row, &self.row)
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head<'_> {}
