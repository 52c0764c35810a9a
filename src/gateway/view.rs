//! One filtered and sorted order over several snapshots, from which pages are cut.
//!
//! An [`Arrangement`] is the order alone: pairs of numbers. It holds no snapshot, so a cached one
//! never keeps an outdated list in memory; it fits any snapshots with the content that it was made
//! from, for equal content hashes mean equal rows at equal places. A [`View`] is an arrangement
//! together with the snapshots of one request.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use crate::snapshot::Snapshot;
use crate::snapshot::{ContentHash, RowRef};

use super::filter::Filter;
use super::mark::Mark;
use super::order::Sort;
use super::query::Limit;

/// The rows of several snapshots that pass a filter, in the order of a sort.
#[derive(Debug)]
pub struct Arrangement {
    places: Box<[Place]>,
    matched: Vec<(usize, Matched)>,
}

/// What of one snapshot is in a view. It is the same of a whole list as of a part of it, as long as
/// the part holds all that matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// How many groups.
    pub groups: usize,
    /// What they are.
    pub hash: ContentHash,
}

/// Where a row is: in which snapshot, and there at which index.
#[derive(Debug, Clone, Copy)]
struct Place {
    snapshot: u32,
    row: u32,
}

impl Arrangement {
    /// Picks and sorts rows of `snapshots`.
    pub fn new(snapshots: &[Arc<Snapshot>], filter: &Filter, sort: &Sort) -> Self {
        let mut places = pick(snapshots, filter);
        // Snapshots stand in the default order. A stable sort finds such runs and merges them, so
        // the default order costs little more than one pass, and needs no merge of its own.
        places.sort_by(|left, right| {
            sort.compare(&resolve(snapshots, *left), &resolve(snapshots, *right))
        });
        Self {
            places: places.into_boxed_slice(),
            matched: Vec::new(),
        }
    }

    /// The same arrangement of `snapshots`, which also tells what is in it of those with these
    /// `numbers`.
    #[must_use]
    pub fn telling(mut self, snapshots: &[Arc<Snapshot>], numbers: &[usize]) -> Self {
        self.matched = numbers
            .iter()
            .map(|&number| (number, self.matched_of(snapshots, number)))
            .collect();
        self
    }

    fn matched_of(&self, snapshots: &[Arc<Snapshot>], number: usize) -> Matched {
        let mut groups = 0;
        let places = self.places.iter();
        let own = places.filter(|place| place.snapshot as usize == number);
        let rows = own.map(|place| resolve(snapshots, *place).json());
        let hash = ContentHash::of(rows.inspect(|_| groups += 1));
        Matched { groups, hash }
    }

    /// Whether no row passes.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How much memory the arrangement takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.places) + size_of_val(&*self.matched)
    }
}

fn pick(snapshots: &[Arc<Snapshot>], filter: &Filter) -> Vec<Place> {
    let matcher = filter.matcher();
    let mut places = Vec::new();
    for (number, snapshot) in snapshots.iter().enumerate() {
        let matching = |row: &usize| matcher.matches(snapshot.row(*row));
        let place = |row: usize| Place {
            snapshot: number as u32,
            row: row as u32,
        };
        match &filter.ids {
            // A lookup by id need not scan.
            Some(ids) => places.extend(
                ids.iter()
                    .filter_map(|id| snapshot.find(id))
                    .filter(matching)
                    .map(place),
            ),
            None => places.extend((0..snapshot.len()).filter(matching).map(place)),
        }
    }
    places
}

fn resolve(snapshots: &[Arc<Snapshot>], place: Place) -> RowRef<'_> {
    snapshots[place.snapshot as usize].row(place.row as usize)
}

/// One filtered and sorted order over several snapshots.
#[derive(Debug)]
pub struct View {
    snapshots: Vec<Arc<Snapshot>>,
    arrangement: Arc<Arrangement>,
    sort: Sort,
}

impl View {
    /// The order that `filter` and `sort` make of `snapshots`.
    pub fn new(snapshots: Vec<Arc<Snapshot>>, filter: &Filter, sort: &Sort) -> Self {
        let arrangement = Arrangement::new(&snapshots, filter, sort);
        Self::arranged(snapshots, Arc::new(arrangement), sort.clone())
    }

    /// The order that was made before of snapshots with the same content.
    pub(super) const fn arranged(
        snapshots: Vec<Arc<Snapshot>>,
        arrangement: Arc<Arrangement>,
        sort: Sort,
    ) -> Self {
        Self {
            snapshots,
            arrangement,
            sort,
        }
    }

    /// What is in it of the snapshot with this `number`, if it is to tell that.
    pub fn matched(&self, number: usize) -> Option<Matched> {
        let mut matched = self.arrangement.matched.iter();
        matched.find_map(|(of, matched)| (*of == number).then_some(*matched))
    }

    /// How many groups match.
    pub fn len(&self) -> usize {
        self.arrangement.places.len()
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
        resolve(&self.snapshots, self.arrangement.places[index])
    }

    /// The page of at most `limit` rows that begins after `mark`, or at the start. Beyond the end
    /// it is empty.
    pub fn page(&self, mark: Option<&Mark>, limit: Limit) -> Range<usize> {
        let start = mark.map_or(0, |mark| self.after(mark));
        let end = match limit {
            Limit::Page(rows) => start.saturating_add(rows).min(self.len()),
            Limit::All => self.len(),
        };
        start..end
    }

    /// The index of the first row that comes after `mark`, whether or not the marked row is there.
    fn after(&self, mark: &Mark) -> usize {
        self.arrangement.places.partition_point(|place| {
            let row = resolve(&self.snapshots, *place);
            self.sort.compare(&row, mark) != Ordering::Greater
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
