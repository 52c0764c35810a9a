//! One filtered and sorted order over several snapshots, from which pages are cut.

use std::mem::{replace, take};
use std::sync::Arc;

use crate::snapshot::{RowRef, Snapshot};

use super::filter::Filter;
use super::keyset::SeekKey;
use super::matching_rows::{MatchDigest, MatchingRows};
use super::merge::{Merge, MergeProgress, RowPlace};
use super::order::Sort;
use super::query::Limit;

/// One filtered and sorted order over several snapshots.
#[derive(Debug)]
pub struct View {
    snapshots: Vec<Arc<Snapshot>>,
    rows: Arc<MatchingRows>,
    sort: Sort,
}

/// One page of a view.
#[derive(Debug, Clone)]
pub struct ViewPage {
    /// The next rows of the page, as far as they are merged.
    merged: Vec<RowPlace>,
    /// How many rows of the page come after them.
    unmerged: usize,
    progress: MergeProgress,
    /// Whether the view has no row after the page.
    is_last: bool,
}

impl View {
    /// The order that `filter` and `sort` make of `snapshots`.
    pub fn new(snapshots: Vec<Arc<Snapshot>>, filter: &Filter, sort: &Sort) -> Self {
        let rows = MatchingRows::new(&snapshots, filter, sort);
        Self::over(snapshots, Arc::new(rows), sort.clone())
    }

    /// A view of rows that were picked from snapshots with the same content.
    pub(super) const fn over(
        snapshots: Vec<Arc<Snapshot>>,
        rows: Arc<MatchingRows>,
        sort: Sort,
    ) -> Self {
        Self {
            snapshots,
            rows,
            sort,
        }
    }

    /// The match digest of the snapshot with this `number`, if it was asked for.
    pub(super) fn match_digest(&self, number: usize) -> Option<MatchDigest> {
        self.rows.match_digest(number)
    }

    /// How many groups match.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no group matches.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The page of at most `limit` rows that begins after a row, or at the start. Beyond the end it
    /// is empty.
    pub fn page(&self, after: Option<&SeekKey>, limit: Limit) -> ViewPage {
        let merge = self.merge();
        let mut progress = merge.start(after);
        let (merged, unmerged) = match limit {
            Limit::Page(rows) => (merge.next(&mut progress, rows), 0),
            // Everything is merged part by part, as it is sent.
            Limit::All => (Vec::new(), merge.left(&progress)),
        };
        ViewPage {
            is_last: merge.left(&progress) == unmerged,
            merged,
            unmerged,
            progress,
        }
    }

    /// The next rows of a page, at most so many, which it has no more.
    pub fn next_rows(&self, page: &mut ViewPage, rows: usize) -> Vec<RowRef<'_>> {
        let mut places = if page.merged.len() > rows {
            let later = page.merged.split_off(rows);
            replace(&mut page.merged, later)
        } else {
            take(&mut page.merged)
        };
        let more = page.unmerged.min(rows - places.len());
        if more > 0 {
            places.append(&mut self.merge().next(&mut page.progress, more));
            page.unmerged -= more;
        }
        places.into_iter().map(|place| self.row(place)).collect()
    }

    /// All rows of a page.
    pub fn rows(&self, page: &ViewPage) -> Vec<RowRef<'_>> {
        let mut progress = page.progress.clone();
        let unmerged = self.merge().next(&mut progress, page.unmerged);
        let places = page.merged.iter().copied().chain(unmerged);
        places.map(|place| self.row(place)).collect()
    }

    /// The row behind which the next page begins. `None` on the last page.
    pub(super) fn last_row(&self, page: &ViewPage) -> Option<RowRef<'_>> {
        let last = page.merged.last().filter(|_| !page.is_last)?;
        Some(self.row(*last))
    }

    fn row(&self, place: RowPlace) -> RowRef<'_> {
        place.of(&self.snapshots)
    }

    fn merge(&self) -> Merge<'_> {
        Merge {
            snapshots: &self.snapshots,
            rows: &self.rows,
            sort: &self.sort,
        }
    }
}

impl ViewPage {
    /// How many rows it has.
    pub const fn len(&self) -> usize {
        self.merged.len() + self.unmerged
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether no row of the view comes after it.
    pub const fn is_last(&self) -> bool {
        self.is_last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::filter::Deleted;
    use crate::group::Group;
    use crate::snapshot::tests::group;

    fn snapshot(source: &str, groups: Vec<Group>) -> Arc<Snapshot> {
        Snapshot::new(source.into(), groups).into()
    }

    fn ids(view: &View) -> Vec<&str> {
        let page = view.page(None, Limit::All);
        view.rows(&page).into_iter().map(RowRef::id).collect()
    }

    fn two_lists() -> Vec<Arc<Snapshot>> {
        vec![
            snapshot("a", vec![group("a", "1", "x"), group("a", "2", "z")]),
            snapshot("b", vec![group("b", "1", "X"), group("b", "2", "y")]),
        ]
    }

    #[test]
    fn snapshots_are_merged_into_one_order_whichever_comes_first() {
        let forth = View::new(two_lists(), &Filter::default(), &Sort::default());
        assert_eq!(ids(&forth), ["b:1", "a:1", "b:2", "a:2"]);
        let turned = two_lists().into_iter().rev().collect();
        let back = View::new(turned, &Filter::default(), &Sort::default());
        assert_eq!(ids(&back), ids(&forth));
    }

    #[test]
    fn groups_are_filtered_before_the_page_is_cut() {
        let filter = Filter {
            search: Some("x".to_owned()),
            ..Filter::default()
        };
        let view = View::new(two_lists(), &filter, &Sort::default());
        assert_eq!(ids(&view), ["b:1", "a:1"]);
        assert_eq!(view.page(None, Limit::Page(1)).len(), 1);
        assert_eq!(view.page(None, Limit::All).len(), 2);
    }

    #[test]
    fn ids_are_looked_up_and_pass_the_other_conditions_too() {
        let mut gone = group("a", "3", "gone");
        gone.deleted_at = Some("2024-01-01T00:00:00Z".parse().unwrap());
        let mut snapshots = two_lists();
        snapshots.push(snapshot("c", vec![gone]));
        let mut filter = Filter {
            ids: Some(
                ["a:2", "b:2", "a:9", "c:3", "a:3"]
                    .map(str::to_owned)
                    .into(),
            ),
            ..Filter::default()
        };
        let live = View::new(snapshots.clone(), &filter, &Sort::default());
        assert_eq!(ids(&live), ["b:2", "a:2"]);
        filter.deleted = Deleted::Include;
        let all = View::new(snapshots, &filter, &Sort::default());
        assert_eq!(ids(&all), ["a:3", "b:2", "a:2"]);
    }

    #[test]
    fn a_page_has_the_same_rows_part_by_part_as_at_once() {
        let view = View::new(two_lists(), &Filter::default(), &Sort::default());
        for limit in [Limit::Page(3), Limit::All] {
            let whole = view.page(None, limit);
            let rows: Vec<_> = view.rows(&whole).into_iter().map(RowRef::id).collect();
            for part in 1..=5 {
                let mut page = whole.clone();
                let parts = std::iter::from_fn(|| {
                    (!page.is_empty()).then(|| view.next_rows(&mut page, part))
                });
                let parts: Vec<_> = parts.collect();
                assert!(parts.iter().all(|rows| (1..=part).contains(&rows.len())));
                let parts: Vec<_> = parts.concat().into_iter().map(RowRef::id).collect();
                assert_eq!(parts, rows);
            }
        }
    }

    #[test]
    fn a_view_of_nothing_has_one_empty_page() {
        let view = View::new(Vec::new(), &Filter::default(), &Sort::default());
        assert!(view.is_empty());
        assert!(view.page(None, Limit::Page(10)).is_empty());
    }
}
