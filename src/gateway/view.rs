//! One filtered and sorted order over several snapshots, from which pages are cut.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use crate::snapshot::{RowRef, Snapshot};

use super::filter::Filter;
use super::keyset::SeekKey;
use super::order::Sort;
use super::query::Limit;
use super::row_order::{MatchDigest, RowOrder};

/// One filtered and sorted order over several snapshots.
#[derive(Debug)]
pub struct View {
    snapshots: Vec<Arc<Snapshot>>,
    order: Arc<RowOrder>,
    sort: Sort,
}

impl View {
    /// The order that `filter` and `sort` make of `snapshots`.
    pub fn new(snapshots: Vec<Arc<Snapshot>>, filter: &Filter, sort: &Sort) -> Self {
        let order = RowOrder::new(&snapshots, filter, sort);
        Self::ordered(snapshots, Arc::new(order), sort.clone())
    }

    /// A view with an order that was made of snapshots with the same content.
    pub(super) const fn ordered(
        snapshots: Vec<Arc<Snapshot>>,
        order: Arc<RowOrder>,
        sort: Sort,
    ) -> Self {
        Self {
            snapshots,
            order,
            sort,
        }
    }

    /// The match digest of the snapshot with this `number`, if it was asked for.
    pub(super) fn match_digest(&self, number: usize) -> Option<MatchDigest> {
        self.order.match_digest(number)
    }

    /// How many groups match.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether no group matches.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row at `index`.
    ///
    /// # Panics
    ///
    /// When there is no such row.
    pub fn row(&self, index: usize) -> RowRef<'_> {
        self.order.row(&self.snapshots, index)
    }

    /// The page of at most `limit` rows that begins after a row, or at the start. Beyond the end it
    /// is empty.
    pub fn page(&self, after: Option<&SeekKey>, limit: Limit) -> Range<usize> {
        let start = after.map_or(0, |key| self.first_after(key));
        let end = match limit {
            Limit::Page(rows) => start.saturating_add(rows).min(self.len()),
            Limit::All => self.len(),
        };
        start..end
    }

    /// The index of the first row that comes after `key`, whether or not its row is still there.
    fn first_after(&self, key: &SeekKey) -> usize {
        self.order.partition_point(&self.snapshots, |row| {
            self.sort.compare(&row, key) != Ordering::Greater
        })
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
        (0..view.len()).map(|index| view.row(index).id()).collect()
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
        assert_eq!(view.page(None, Limit::Page(1)), 0..1);
        assert_eq!(view.page(None, Limit::All), 0..2);
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
    fn a_view_of_nothing_has_one_empty_page() {
        let view = View::new(Vec::new(), &Filter::default(), &Sort::default());
        assert!(view.is_empty());
        assert_eq!(view.page(None, Limit::Page(10)), 0..0);
    }
}
